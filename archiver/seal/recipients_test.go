package seal_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/seal/sealtest"
	"github.com/waxseal/waxseal/archiver/unseal"
)

func hybrid(t testing.TB) *age.HybridIdentity {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestRecipients(t *testing.T) {
	pq1, pq2 := hybrid(t).Recipient().String(), hybrid(t).Recipient().String()
	c1, c2 := sealtest.Classic(t), sealtest.Classic(t).Recipient().String()
	hardware := plugin.EncodeRecipient("yubikey", []byte("fictional"))
	for _, list := range [][]string{{pq1}, {pq1, pq2}, {c1.Recipient().String(), c2}, {hardware}, {hardware, c2}, {" " + pq1 + "\n"}} {
		got, err := seal.ParseRecipients(list)
		if err != nil || len(got) != len(list) {
			t.Errorf("%d recipients: %d, %v", len(list), len(got), err)
		}
	}
	for name, list := range map[string][]string{
		"none": {}, "empty": {""}, "secret": {c1.String()}, "ssh": {"ssh-ed25519 AAAA"}, "cut short": {pq1[:len(pq1)-1]},
		"second": {pq1, "age1"}, "changed": {flipLast(c2)},
	} {
		_, err := seal.ParseRecipients(list)
		if !errors.Is(err, seal.ErrRecipient) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: error quotes the secret", name)
		}
	}
	if _, err := seal.ParseRecipients([]string{pq1, c2}); !errors.Is(err, seal.ErrMixed) {
		t.Errorf("mixed: %v", err)
	}
}

// flipLast changes the last character, and so breaks the checksum.
func flipLast(s string) string {
	last := byte('q')
	if s[len(s)-1] == last {
		last = 'p'
	}
	return s[:len(s)-1] + string(last)
}

func TestWriterRefusesRecipients(t *testing.T) {
	pq, classic := hybrid(t).Recipient(), sealtest.Classic(t).Recipient()
	missing, err := seal.ParseRecipients([]string{plugin.EncodeRecipient("waxsealnone", []byte("x"))})
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]seal.Config{
		"none":           {},
		"mixed":          {Recipients: []age.Recipient{pq, classic}},
		"mixed boxes":    {Recipients: []age.Recipient{pq}, BoxRecipients: []age.Recipient{classic, pq}},
		"plugin missing": {Recipients: missing},
	} {
		cfg.Origin, cfg.Lane = sealtest.Origin, "0"
		if _, err := seal.NewWriter(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	cfg := seal.Config{Origin: sealtest.Origin, Lane: "0", Recipients: []age.Recipient{pq}, BoxRecipients: []age.Recipient{classic}}
	if _, err := seal.NewWriter(cfg); err != nil {
		t.Errorf("boxes of another kind than segments: %v", err)
	}
}

// pluginScript is an age plugin of the recipient-v1 and identity-v1 protocols
// that keeps the file key in the open: enough to see that plugins are run.
const pluginScript = `#!/usr/bin/env python3
import sys
def read():
    head = sys.stdin.readline().rstrip("\n").split(" ")[1:]
    body = ""
    while True:
        line = sys.stdin.readline().rstrip("\n")
        body += line
        if len(line) < 64:
            return head, body
def send(*words, body=""):
    print("-> " + " ".join(words))
    while len(body) >= 64:
        print(body[:64]); body = body[64:]
    print(body, flush=True)
if sys.argv[1] == "--age-plugin=recipient-v1":
    key = None
    while True:
        head, body = read()
        if head[0] == "wrap-file-key": key = body
        if head[0] == "done": break
    send("recipient-stanza", "0", "plain", body=key); read()
else:
    stanzas = []
    while True:
        head, body = read()
        if head[0] == "recipient-stanza" and head[2] == "plain": stanzas.append(body)
        if head[0] == "done": break
    for b in stanzas:
        send("file-key", "0", body=b); read()
send("done")
`

// TestPlugin seals to a plugin recipient and opens with its identity.
func TestPlugin(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "age-plugin-waxtest"), []byte(pluginScript), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skipf("SKIPPED: no python3 to run the test's plugin: %v", err)
	}
	to, err := seal.ParseRecipients([]string{plugin.EncodeRecipient("waxtest", []byte("fictional"))})
	if err != nil {
		t.Fatal(err)
	}
	w, err := seal.NewWriter(seal.Config{Origin: sealtest.Origin, Lane: "0", Recipients: to})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Begin(0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Add(sealtest.NewTraffic(1).Message(1, sealtest.Duty)); err != nil {
		t.Fatal(err)
	}
	s, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(s.Segments[0].Body[:100]), "-> plain") {
		t.Fatal("the segment is not sealed to the plugin's stanza")
	}
	ids, err := unseal.ParseIdentities(strings.NewReader(plugin.EncodeIdentity("waxtest", []byte("fictional"))), nil, plugin.NewTerminalUI(t.Logf, t.Logf))
	if err != nil {
		t.Fatal(err)
	}
	box, err := unseal.DecodeBox(s.Boxes[0].Body, ids)
	if err != nil || len(box.Rows) != 1 || box.Rows[0].Owner != sealtest.Person(1) {
		t.Fatalf("opened with the plugin: %+v, %v", box, err)
	}
}
