package keyring

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func newRing(t *testing.T, o Options) *Ring {
	t.Helper()
	o.Now = now
	r, err := Create(filepath.Join(t.TempDir(), "data", "keys"), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sealTo(t *testing.T, text string, rs ...age.Recipient) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, rs...)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(data []byte, ids ...age.Identity) (string, error) {
	r, err := age.Decrypt(bytes.NewReader(data), ids...)
	if err != nil {
		return "", err
	}
	plain, err := io.ReadAll(r)
	return string(plain), err
}

func TestEachRoleOpensWhatIsSealedToIt(t *testing.T) {
	for _, kind := range []Kind{PostQuantum, Classic} {
		t.Run(string(kind), func(t *testing.T) {
			r := newRing(t, Options{Classic: kind == Classic})
			in, err := r.Ingest()
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				name    string
				to      []age.Recipient
				readers []Role
			}{
				{"segments", in.Segments, []Role{Firm, Escrow}},
				{"boxes", in.Boxes, []Role{Firm, Escrow}},
				{"audit", in.Audit, []Role{Audit, Escrow}},
				{"indexer", in.Indexer, []Role{Indexer}},
			} {
				sealed := sealTo(t, "text of "+c.name, c.to...)
				for _, role := range made() {
					ids, err := r.Identities(nil, role)
					if err != nil {
						t.Fatal(err)
					}
					got, err := open(sealed, ids...)
					if want := slices.Contains(c.readers, role); want != (err == nil && got == "text of "+c.name) {
						t.Errorf("%s: %s opens it: %v, want %v", c.name, role, err == nil, want)
					}
				}
			}
			for _, id := range r.Public().Identities {
				if KindOf(id.Recipient) != kind {
					t.Errorf("%s identity is %s, want %s", id.Role, KindOf(id.Recipient), kind)
				}
			}
		})
	}
}

func TestCreateIsForTheOwnerAloneAndOnce(t *testing.T) {
	r := newRing(t, Options{Classic: true})
	if exposed, err := r.Exposed(); err != nil || len(exposed) != 0 {
		t.Fatalf("exposed after create: %v, %v", exposed, err)
	}
	if _, err := Create(r.dir, Options{Now: now}); !errors.Is(err, ErrExists) {
		t.Fatalf("second create: %v, want ErrExists", err)
	}
	again, err := Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := r.Ingest()
	b, err := again.Ingest()
	if err != nil || a.Subject != b.Subject || !bytes.Equal(a.Signing, b.Signing) {
		t.Fatalf("opened again, the keys are others: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(r.dir), ".keys-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Chmod(filepath.Join(r.dir, "subject-1.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if exposed, _ := r.Exposed(); !slices.Equal(exposed, []string{"subject-1.key"}) {
		t.Errorf("exposed = %v, want the subject key", exposed)
	}
}

func TestCreateRefusesAFolderWithSomethingInIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if err := os.MkdirAll(filepath.Join(dir, "letters"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, Options{Classic: true, Now: now}); !errors.Is(err, ErrExists) {
		t.Fatalf("create: %v, want ErrExists", err)
	}
	if _, err := os.Stat(filepath.Join(dir, listName)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("create left a list in a folder that is not its own")
	}
}

func TestOpenMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := Open(dir); !errors.Is(err, ErrNone) {
		t.Fatalf("open: %v, want ErrNone", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("open made the folder")
	}
}

// What stands in an ingest host's folder opens nothing, and that is enough to ingest.
func TestIngestNeedsNoIdentity(t *testing.T) {
	r := newRing(t, Options{})
	files, _ := filepath.Glob(filepath.Join(r.dir, "*.identity"))
	if len(files) != 4 {
		t.Fatalf("%d identity files, want 4", len(files))
	}
	for _, f := range files {
		os.Remove(f)
	}
	if _, err := r.Ingest(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Identities(nil, Firm, Audit); !errors.Is(err, ErrAbsent) {
		t.Errorf("identities: %v, want ErrAbsent", err)
	}
	held, err := r.Holdings()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range held {
		if h.Here {
			t.Errorf("%s identity is said to be here", h.Role)
		}
	}
}

func TestRecipientsOfTheFirmsOwnMakeNoIdentity(t *testing.T) {
	ids := map[Role]*age.HybridIdentity{}
	own := map[Role][]string{}
	for _, role := range []Role{Firm, Escrow} {
		id, err := age.GenerateHybridIdentity()
		if err != nil {
			t.Fatal(err)
		}
		ids[role], own[role] = id, []string{" " + id.Recipient().String() + "\n"}
	}
	r := newRing(t, Options{Recipients: own})
	if _, err := r.Identities(nil, Firm, Escrow); !errors.Is(err, ErrAbsent) {
		t.Errorf("identities of the firm: %v, want ErrAbsent", err)
	}
	in, err := r.Ingest()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(sealTo(t, "x", in.Segments...), ids[Escrow]); err != nil {
		t.Errorf("escrow brought by the firm does not open a segment: %v", err)
	}
}

func TestCreateRefusesRecipientsThatDoNotGoTogether(t *testing.T) {
	classic, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		recipient string
		want      error
	}{
		"classic beside post-quantum": {classic.Recipient().String(), ErrMixed},
		"not a recipient":             {"age1qqqq", ErrRecipient},
		"an ssh key":                  {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKfictional", ErrRecipient},
		"a secret key":                {classic.String(), ErrRecipient},
	} {
		dir := filepath.Join(t.TempDir(), "keys")
		_, err := Create(dir, Options{Now: now, Recipients: map[Role][]string{Firm: {c.recipient}}})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), classic.String()) {
			t.Errorf("%s: the error shows a secret key", name)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a folder was left", name)
		}
	}
}

func TestPassphrase(t *testing.T) {
	r := newRing(t, Options{Classic: true, Passphrase: "correct horse", WorkFactor: 10})
	asked := 0
	say := func(s string) Passphrase {
		return func(string) (string, error) { asked++; return s, nil }
	}
	if ids, err := r.Identities(say("correct horse"), Firm, Audit); err != nil || len(ids) != 2 {
		t.Fatalf("identities: %d, %v", len(ids), err)
	}
	if asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}
	if _, err := r.Identities(say("battery staple"), Firm); !errors.Is(err, ErrPassphrase) {
		t.Errorf("wrong passphrase: %v, want ErrPassphrase", err)
	}
	if _, err := r.Identities(nil, Firm); !errors.Is(err, ErrPassphrase) {
		t.Errorf("nobody to ask: %v, want ErrPassphrase", err)
	}
	files, _ := filepath.Glob(filepath.Join(r.dir, "*.identity"))
	for _, f := range files {
		if data, _ := os.ReadFile(f); bytes.Contains(data, []byte("AGE-SECRET-KEY")) {
			t.Errorf("%s holds its secret in the clear", filepath.Base(f))
		}
	}
	held, _ := r.Holdings()
	for _, h := range held {
		if !h.Here || !h.Protected {
			t.Errorf("%s: here %v, protected %v", h.Role, h.Here, h.Protected)
		}
	}
}

// Any flipped byte of a key file is damage, never another key.
func TestDamagedKeyFileIsNotAKey(t *testing.T) {
	r := newRing(t, Options{Classic: true})
	for _, name := range []string{"subject-1.key", "token-1.key", "state-1.key", "ed25519-1.key"} {
		path := filepath.Join(r.dir, name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range good {
			bad := bytes.Clone(good)
			bad[i] ^= 1
			os.WriteFile(path, bad, 0o600)
			if _, err := r.Ingest(); !errors.Is(err, ErrDamaged) {
				t.Fatalf("%s with byte %d flipped: %v, want ErrDamaged", name, i, err)
			}
		}
		os.WriteFile(path, good, 0o600)
	}
	token, _ := os.ReadFile(filepath.Join(r.dir, "token-1.key"))
	os.WriteFile(filepath.Join(r.dir, "subject-1.key"), token, 0o600)
	if _, err := r.Subject(); !errors.Is(err, ErrDamaged) {
		t.Errorf("a token key in the subject key's place: %v, want ErrDamaged", err)
	}
}

func TestForeignIdentityInAFilesPlaceIsDamage(t *testing.T) {
	r := newRing(t, Options{Classic: true})
	audit, _ := os.ReadFile(filepath.Join(r.dir, "audit-1.identity"))
	os.WriteFile(filepath.Join(r.dir, "firm-1.identity"), audit, 0o600)
	if _, err := r.Identities(nil, Firm); !errors.Is(err, ErrDamaged) {
		t.Errorf("identities: %v, want ErrDamaged", err)
	}
}

func TestSigningKeyIsTheListedOne(t *testing.T) {
	r := newRing(t, Options{Classic: true})
	other := newRing(t, Options{Classic: true})
	foreign, _ := os.ReadFile(filepath.Join(other.dir, "ed25519-1.key"))
	os.WriteFile(filepath.Join(r.dir, "ed25519-1.key"), foreign, 0o600)
	if _, err := r.Ingest(); !errors.Is(err, ErrDamaged) {
		t.Errorf("ingest with a foreign signing key: %v, want ErrDamaged", err)
	}
}

func TestRotation(t *testing.T) {
	r := newRing(t, Options{Classic: true})
	before, _ := r.Ingest()

	key, err := r.PrepareSigning()
	if err != nil {
		t.Fatal(err)
	}
	if in, _ := r.Ingest(); in.SigningN != 1 {
		t.Fatal("a prepared key is in use")
	}
	r = reopen(t, r)
	if again, err := r.PrepareSigning(); err != nil || !bytes.Equal(again.Ed25519, key.Ed25519) {
		t.Fatalf("prepared again, the key is another: %v", err)
	}
	if err := r.UseSigning(2); err != nil {
		t.Fatal(err)
	}
	n, tok, err := r.PrepareToken()
	if err != nil || n != 2 {
		t.Fatalf("token epoch %d, %v", n, err)
	}
	if err := r.UseToken(2); err != nil {
		t.Fatal(err)
	}
	r = reopen(t, r)
	in, err := r.Ingest()
	if err != nil {
		t.Fatal(err)
	}
	if in.SigningN != 2 || !bytes.Equal(in.Signing.Public().(ed25519.PublicKey), key.Ed25519) || in.TokenEpoch != 2 || in.Token != tok {
		t.Error("the new keys are not in use")
	}
	if in.Subject != before.Subject {
		t.Error("the subject key changed")
	}
	if old, _, err := r.SigningKey(1); err != nil || !bytes.Equal(old, before.Signing) {
		t.Errorf("the old signing key is gone: %v", err)
	}
	if toks, err := r.Tokens(); err != nil || toks[1] != before.Token || toks[2] != tok {
		t.Errorf("a reader does not hold both epochs: %v", err)
	}
	if err := r.UseToken(7); err == nil {
		t.Error("an epoch that nobody prepared can be used")
	}
}

func TestIdentityRotation(t *testing.T) {
	r := newRing(t, Options{Classic: true})
	old, _ := r.Ingest()
	sealedBefore := sealTo(t, "old", old.Segments...)

	id, err := r.PrepareIdentity(Firm, Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	r = reopen(t, r)
	again, err := r.PrepareIdentity(Firm, Options{Now: now})
	if err != nil || again != id {
		t.Fatalf("prepared again: %v, %v", again.N, err)
	}
	if err := r.UseRecipients(Firm, []string{id.Recipient}); err != nil {
		t.Fatal(err)
	}
	in, err := r.Ingest()
	if err != nil {
		t.Fatal(err)
	}
	ids, err := r.Identities(nil, Firm)
	if err != nil || len(ids) != 2 {
		t.Fatalf("%d identities, %v", len(ids), err)
	}
	if _, err := open(sealTo(t, "new", in.Segments...), ids[0]); err != nil {
		t.Errorf("the new identity does not open new segments: %v", err)
	}
	if _, err := open(sealTo(t, "new", in.Segments...), ids[1]); err == nil {
		t.Error("the old identity opens new segments")
	}
	if _, err := open(sealedBefore, ids...); err != nil {
		t.Errorf("old segments no longer open: %v", err)
	}
	third, err := r.PrepareIdentity(Firm, Options{Now: now})
	if err != nil || third.N != 3 {
		t.Errorf("the next rotation prepares number %d, %v; want 3", third.N, err)
	}
}

// A crash between the files of a prepared identity and its listing.
func TestIdentityRotationAfterACrashBeforeListing(t *testing.T) {
	r := newRing(t, Options{Classic: true})
	if _, err := makeIdentity(r.dir, Classic, Firm, 2, Options{Now: now}); err != nil {
		t.Fatal(err)
	}
	id, err := r.PrepareIdentity(Firm, Options{Now: now})
	if err != nil || id.N != 2 {
		t.Fatalf("prepare: %d, %v", id.N, err)
	}
	if err := r.UseRecipients(Firm, []string{id.Recipient}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Identities(nil, Firm); err != nil {
		t.Errorf("identity file and list disagree: %v", err)
	}
}

func TestUseRecipientsRefusesAMix(t *testing.T) {
	r := newRing(t, Options{})
	classic, _ := age.GenerateX25519Identity()
	if err := r.UseRecipients(Firm, []string{classic.Recipient().String()}); !errors.Is(err, ErrMixed) {
		t.Errorf("use: %v, want ErrMixed", err)
	}
	if _, err := reopen(t, r).Ingest(); err != nil {
		t.Errorf("the refused recipients were kept: %v", err)
	}
	if err := r.UseRecipients(Boxes, []string{classic.Recipient().String()}); err != nil {
		t.Errorf("boxes are files of their own and may be classic: %v", err)
	}
}

func TestOpenRefusesAListItCannotHaveWritten(t *testing.T) {
	r := newRing(t, Options{Classic: true})
	path := filepath.Join(r.dir, listName)
	good, _ := os.ReadFile(path)
	for _, c := range []struct{ from, to string }{
		{`"v": 1`, `"v": 2`},
		{`"v": 1`, `"v": 1, "extra": true`},
		{`"firm": [`, `"form": [`},
		{`"current": 1`, `"current": 3`},
		{`}`, ``},
	} {
		os.WriteFile(path, bytes.Replace(good, []byte(c.from), []byte(c.to), 1), 0o600)
		if _, err := Open(r.dir); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s for %s: %v, want ErrDamaged", c.to, c.from, err)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	r := newRing(t, Options{Classic: true})
	in, _ := r.Ingest()
	for _, text := range []string{in.Subject.String(), in.Token.GoString()} {
		if text != "(key)" {
			t.Errorf("a key prints as %q", text)
		}
	}
}

func TestCard(t *testing.T) {
	r := newRing(t, Options{})
	var b strings.Builder
	card := Card{Archive: "example-bank", Fingerprint: strings.Repeat("0123456789abcdef", 4), Mode: "production", Keys: r.Public()}
	if err := card.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"example-bank", "01234567 89abcdef 01234567 89abcdef\n", "waxverify archive DIR --key", "escrow"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the card lacks %q", want)
		}
	}
	for i, line := range strings.Split(b.String(), "\n") {
		if n := len([]rune(line)); n > 78 {
			t.Errorf("line %d has %d columns", i+1, n)
		}
	}
	if strings.Contains(b.String(), "SECRET") {
		t.Error("the card shows a secret")
	}
}

func reopen(t *testing.T, r *Ring) *Ring {
	t.Helper()
	again, err := Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	return again
}
