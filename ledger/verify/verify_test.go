package verify

import (
	"testing"
)

func (r *Report) dump(t testing.TB) {
	t.Helper()
	for _, f := range r.Findings {
		t.Logf("%s %s lane %s entry %d %s %s: %s", f.Class, f.Code, f.Lane, number(f.Entry), f.Store, f.Object, f.Sentence)
	}
}

func TestSoundArchive(t *testing.T) {
	a := small(t)
	r := a.verify(nil)
	if !r.OK || len(r.Findings) > 0 {
		r.dump(t)
		t.Fatal("findings in a sound archive")
	}
	t.Logf("%+v", r)
}
