package bundle_test

import (
	"testing"

	"github.com/waxseal/waxseal/exporter/bundle"
)

func TestBag(t *testing.T) {
	s := newScene(t)
	dir := s.bag(t, nil)
	fp := s.fingerprint(t)
	v := verify(t, dir, bundle.Trust{Fingerprint: &fp})
	if !v.OK || v.Records != 5 || v.Complete != 3 || v.Partial != 2 {
		t.Fatalf("%s%+v", v.Text(), v)
	}
}
