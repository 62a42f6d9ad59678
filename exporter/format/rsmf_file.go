package format

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/quotedprintable"
	"strconv"
	"strings"
	"time"
)

// writeRSMF writes a conversation-day, or a part of one, as RSMF 2.0: a mail
// with the transcript as text and rsmf.zip as its one attachment. Media goes
// through in small pieces.
func writeRSMF(w io.Writer, p *Production, c *Conversation, s *slice) error {
	return newRSMF(p, c, s).file(w)
}

func (r *rsmf) file(w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	boundary := r.boundary()
	r.headers(out, boundary)
	fmt.Fprintf(out, "--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", boundary)
	text := quotedprintable.NewWriter(out)
	if _, err := io.WriteString(text, r.body.String()); err != nil {
		return err
	}
	if err := text.Close(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\r\n--%s\r\nContent-Type: application/zip; name=\"rsmf.zip\"\r\nContent-Transfer-Encoding: base64\r\n"+
		"Content-Disposition: attachment; filename=\"rsmf.zip\"\r\n\r\n", boundary)
	coded := base64.NewEncoder(base64.StdEncoding, &folder{w: out})
	if err := r.zip(coded); err != nil {
		return fmt.Errorf("%s: %w", r.s.path(r.c), err)
	}
	if err := coded.Close(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\r\n--%s--\r\n", boundary)
	return out.Flush()
}

// boundary divides the parts. "=_" occurs in neither encoding.
func (r *rsmf) boundary() string {
	sum := sha256.Sum256([]byte(r.s.path(r.c)))
	return "=_" + hex.EncodeToString(sum[:16])
}

func (r *rsmf) headers(w io.Writer, boundary string) {
	from := first(r.cast.business, r.manifest.Conversations[0].Participants[0])
	var to, displays []string
	for _, p := range r.manifest.Participants {
		to = append(to, r.address(p.ID))
		displays = append(displays, p.Display)
	}
	events := r.manifest.Events
	attachments := 0
	for _, e := range events {
		attachments += len(e.Attachments)
	}
	subject := "WhatsApp: " + r.manifest.Conversations[0].Display + ", " + r.s.date
	if r.s.parts > 1 {
		subject += fmt.Sprintf(" (part %d of %d)", r.s.part, r.s.parts)
	}
	for _, h := range [][2]string{
		{"From", r.address(from)},
		{"To", strings.Join(to, ",\r\n ")},
		{"Subject", header(subject)},
		{"Date", r.p.local(r.s.own[0].Time).Format(time.RFC1123Z)},
		{"Message-ID", "<" + strings.TrimSuffix(strings.TrimPrefix(r.s.path(r.c), "data/rsmf/"), ".rsmf") + "@" + addressDomain + ">"},
		{"MIME-Version", "1.0"},
		{"X-RSMF-Version", rsmfVersion},
		{"X-RSMF-Generator", header(r.p.Generator)},
		{"X-RSMF-BeginDate", events[0].Timestamp},
		{"X-RSMF-EndDate", events[len(events)-1].Timestamp},
		{"X-RSMF-EventCount", strconv.Itoa(len(events))},
		{"X-RSMF-Application", "WhatsApp"},
		{"X-RSMF-Custodian", header(r.cast.display[r.cast.business])},
		{"X-RSMF-Participants", header(strings.Join(displays, ", "))},
		{"X-RSMF-AttachmentCount", strconv.Itoa(attachments)},
		{"X-RSMF-EventCollectionID", r.manifest.Collection},
		{"X-RSMF-SliceDate", r.s.date},
		{"X-RSMF-TimeZone", header(r.p.zone())},
		{"X-RSMF-Archive", header(r.p.Archive)},
		{"X-RSMF-Fingerprint", header(r.p.Fingerprint)},
		{"X-RSMF-LedgerRoot", header(root(r.p.Checkpoint))},
		{"Content-Type", "multipart/mixed;\r\n boundary=\"" + boundary + "\""},
	} {
		if h[1] != "" {
			fmt.Fprintf(w, "%s: %s\r\n", h[0], h[1])
		}
	}
	fmt.Fprint(w, "\r\n")
}

// addressDomain can never be a real one (RFC 2606). Mail wants addresses; a
// WhatsApp party has none.
const addressDomain = "whatsapp.invalid"

func (r *rsmf) address(id string) string {
	name := strings.Map(func(c rune) rune {
		if c == '"' || c == '\\' {
			return '\''
		}
		return c
	}, r.cast.display[id])
	if coded := encoded(name); coded != name {
		name = coded
	} else {
		name = `"` + name + `"`
	}
	return folded(name) + "\r\n <" + id + "@" + addressDomain + ">"
}

// header encodes and folds a value.
func header(s string) string { return folded(encoded(strings.Join(strings.Fields(plain(s)), " "))) }

// encoded is ASCII of short words as it is, and the rest as RFC 2047 B words (the
// vendor's validator does not read Q).
func encoded(s string) string {
	plainly := !strings.Contains(s, "=?")
	for _, word := range strings.Split(s, " ") {
		plainly = plainly && len(word) <= 70
	}
	if coded := mime.BEncoding.Encode("utf-8", s); plainly || coded != s {
		return coded
	}
	return forcedB(s)
}

// folded breaks a value at spaces, so that no line passes 78 bytes.
func folded(s string) string {
	var b strings.Builder
	at := 28 // the longest name of ours, with room
	for i, word := range strings.Split(s, " ") {
		if i > 0 {
			if at+1+len(word) > 76 {
				b.WriteString("\r\n ")
				at = 0
			} else {
				b.WriteByte(' ')
			}
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

// forcedB encodes ASCII that a reader or a line could not take as it is.
func forcedB(s string) string {
	var words []string
	for len(s) > 0 {
		n := min(len(s), 42) // 56 in base64, below the 75 that an encoded word may have
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, " ")
}

// root is the root hash in a checkpoint, base64 as it has it; "" none.
func root(checkpoint string) string {
	lines := strings.SplitN(checkpoint, "\n", 4)
	if len(lines) < 3 {
		return ""
	}
	return lines[2]
}

// folder ends a line after each 76 bytes.
type folder struct {
	w  *bufio.Writer
	at int
}

func (f *folder) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if f.at == 76 {
			f.at = 0
			if _, err := f.w.WriteString("\r\n"); err != nil {
				return 0, err
			}
		}
		k := min(len(b), 76-f.at)
		if _, err := f.w.Write(b[:k]); err != nil {
			return 0, err
		}
		f.at, b = f.at+k, b[k:]
	}
	return n, nil
}

// zip writes rsmf.zip: the manifest, then the files it names, stored, all of the
// zip format's first day.
func (r *rsmf) zip(w io.Writer) error {
	var manifest bytes.Buffer
	enc := json.NewEncoder(&manifest)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&r.manifest); err != nil {
		return err
	}
	z := zip.NewWriter(w)
	if err := stored(z, "rsmf_manifest.json", manifest.Bytes()); err != nil {
		return err
	}
	for i := range r.files {
		f := &r.files[i]
		if f.media == nil {
			if err := stored(z, f.name, []byte(f.words)); err != nil {
				return err
			}
			continue
		}
		if err := storedMedia(z, f.name, f.media); err != nil {
			return err
		}
	}
	return z.Close()
}

func stored(z *zip.Writer, name string, data []byte) error {
	w, err := entry(z, name, crc32.ChecksumIEEE(data), int64(len(data)))
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// storedMedia reads the bytes twice: a zip that readers of every kind accept
// states length and checksum before them.
func storedMedia(z *zip.Writer, name string, a *Media) error {
	crc, sum := crc32.NewIEEE(), sha256.New()
	size, err := a.copy(io.MultiWriter(crc, sum))
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); size != a.Size || got != a.SHA256 {
		return fmt.Errorf("%s: %d bytes with SHA-256 %s, the model says %d and %s: %w", a.Path, size, got, a.Size, a.SHA256, ErrModel)
	}
	w, err := entry(z, name, crc.Sum32(), size)
	if err != nil {
		return err
	}
	again := crc32.NewIEEE()
	n, err := a.copy(io.MultiWriter(w, again))
	if err != nil {
		return err
	}
	if n != size || again.Sum32() != crc.Sum32() {
		return fmt.Errorf("%s: changed while it was read", a.Path)
	}
	return nil
}

func (a *Media) copy(w io.Writer) (int64, error) {
	r, err := a.Open()
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", a.Path, err)
	}
	n, err := io.Copy(w, r)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return n, fmt.Errorf("read %s: %w", a.Path, err)
	}
	return n, nil
}

func entry(z *zip.Writer, name string, crc uint32, size int64) (io.Writer, error) {
	return z.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Store, CRC32: crc, CreatorVersion: 20, ReaderVersion: 20,
		UncompressedSize64: uint64(size), CompressedSize64: uint64(size),
		ModifiedDate: 1<<5 | 1, //lint:ignore SA1019 1980-01-01, the first day of the format; Modified is not looked at by CreateRaw
	})
}
