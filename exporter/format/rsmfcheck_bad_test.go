package format

import (
	"bytes"
	"strings"
	"testing"
)

// TestRSMFCheck holds the tests' own validator to finding what is wrong.
func TestRSMFCheck(t *testing.T) {
	s := newScene(t)
	c := s.convs[0]
	build := func(change func(*rsmf)) []string {
		r := newRSMF(s.p, c, c.slices(rsmfBounds)[0])
		change(r)
		var b bytes.Buffer
		if err := r.file(&b); err != nil {
			t.Fatal(err)
		}
		_, wrong := openRSMF(b.Bytes())
		return wrong
	}
	if wrong := build(func(*rsmf) {}); len(wrong) > 0 {
		t.Fatalf("the file as it is: %q", wrong)
	}
	for name, change := range map[string]func(*rsmf){
		"version":             func(r *rsmf) { r.manifest.Version = "3.0.0" },
		"duplicate id":        func(r *rsmf) { r.manifest.Events[1].ID = r.manifest.Events[0].ID },
		"unknown type":        func(r *rsmf) { r.manifest.Events[0].Type = "call" },
		"unsorted":            func(r *rsmf) { e := r.manifest.Events; e[1], e[2] = e[2], e[1] },
		"unknown parent":      func(r *rsmf) { r.manifest.Events[3].Parent = "nobody" },
		"parent later":        func(r *rsmf) { r.manifest.Events[0].Parent = r.manifest.Events[1].ID },
		"sender no member":    func(r *rsmf) { r.manifest.Events[0].Participant = "p-9999" },
		"reaction by nobody":  func(r *rsmf) { r.manifest.Events[0].Reactions = []rsmfReaction{{"👍", 1, []string{"x"}}} },
		"reaction too long":   func(r *rsmf) { r.manifest.Events[0].Reactions = []rsmfReaction{{strings.Repeat("a", 31), 0, nil}} },
		"reaction count":      func(r *rsmf) { r.manifest.Events[0].Reactions[0].Count = 9 },
		"edit earlier":        func(r *rsmf) { r.manifest.Events[1].Edits[0].Timestamp = "2020-01-01T00:00:00Z" },
		"time without offset": func(r *rsmf) { r.manifest.Events[0].Timestamp = "2026-11-24T00:00:00" },
		"empty custom value":  func(r *rsmf) { r.manifest.Events[0].Custom[0].Value = "" },
		"receipt action":      func(r *rsmf) { r.manifest.Events[1].Receipts[0].Action = "played" },
		"attachment missing":  func(r *rsmf) { r.manifest.Events[0].Attachments = []rsmfAttachment{{"a.png", "a.png", 1}} },
		"unreferenced file":   func(r *rsmf) { r.files = append(r.files, attached{name: "x.txt", words: "x"}) },
		"folder in a name":    func(r *rsmf) { r.files[0].name = "a/" + r.files[0].name },
		"custodian no member": func(r *rsmf) { r.manifest.Conversations[0].Custodian = "x" },
		"member unknown":      func(r *rsmf) { r.manifest.Conversations[0].Participants[0] = "x" },
		"unused participant": func(r *rsmf) {
			r.manifest.Participants = append(r.manifest.Participants, rsmfParticipant{ID: "q", Display: "Q"})
		},
		"comma in a display":    func(r *rsmf) { r.manifest.Participants[0].Display = "A, B" },
		"event not in the text": func(r *rsmf) { r.manifest.Events[0].Body = "something else" },
		"no text":               func(r *rsmf) { r.body.Reset() },
	} {
		if wrong := build(change); len(wrong) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
	var good bytes.Buffer
	if err := newRSMF(s.p, c, c.slices(rsmfBounds)[0]).file(&good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(string) string{
		"bare LF":    func(f string) string { return strings.Replace(f, "\r\n", "\n", 1) },
		"no version": func(f string) string { return strings.Replace(f, "X-RSMF-Version: 2.0.0\r\n", "", 1) },
		"count": func(f string) string {
			return strings.Replace(f, "X-RSMF-AttachmentCount: ", "X-RSMF-AttachmentCount: 1", 1)
		},
		"header twice": func(f string) string {
			return strings.Replace(f, "MIME-Version: 1.0\r\n", "MIME-Version: 1.0\r\nMIME-Version: 1.0\r\n", 1)
		},
		"zip under a name": func(f string) string { return strings.Replace(f, `filename="rsmf.zip"`, `filename="RSMF.ZIP"`, 1) },
		"Q encoding": func(f string) string {
			return strings.Replace(f, "X-RSMF-Archive: ", "X-RSMF-Archive: =?utf-8?q?a?= ", 1)
		},
		"second attachment": func(f string) string {
			begin := strings.Index(f, "Content-Type: application/zip")
			begin = strings.LastIndex(f[:begin], "\r\n--")
			end := strings.LastIndex(f, "\r\n--")
			return f[:end] + f[begin:]
		},
	} {
		changed := change(good.String())
		if changed == good.String() {
			t.Errorf("%s: nothing was changed", name)
		}
		if _, wrong := openRSMF([]byte(changed)); len(wrong) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}
