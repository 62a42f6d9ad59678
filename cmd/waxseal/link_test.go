package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/ledger"
)

// TestLinkSignsBagsOnly: the link signs one bag for each export that was entered
// through it, and no text of a caller's choosing.
func TestLinkSignsBagsOnly(t *testing.T) {
	set, err := resolve(map[string]string{"data": t.TempDir()}, []string{"WAXSEAL_NAME=archive.example", "WAXSEAL_KIND=classic"}, "")
	if err != nil {
		t.Fatal(err)
	}
	w, err := openWorks(t.Context(), Env{Settings: set, Log: logger(t.Output(), set)}, func(Event) {})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	stop, err := serveLink(t.Context(), set, "", w)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	l, err := dial(t.Context(), set)
	if err != nil || l == nil {
		t.Fatal(l, err)
	}
	look := func(kind string) ledger.ActRef {
		t.Helper()
		ref, err := l.act(t.Context(), looked{Look: &ledger.Look{Kind: kind}, Actor: "test"})
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	sum := ledger.Sum([]byte("tagmanifest"))
	asked := look(lookExport)
	signed, err := l.signBag(t.Context(), bagToSign{asked, sum})
	if err != nil {
		t.Fatal(err)
	}
	var fingerprint ledger.Hash
	w.control.View(func(v *control.View) { fingerprint = v.Fingerprint })
	if got, err := ledger.OpenBag("archive.example", fingerprint, w.signer.Public(), signed); err != nil || got != sum {
		t.Error(got, err)
	}
	for name, in := range map[string]bagToSign{
		"again": {asked, sum}, "of a search": {look("search"), sum}, "of nothing": {ledger.ActRef{Block: 1 << 40}, sum},
	} {
		if _, err := l.signBag(t.Context(), in); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("%s: %v", name, err)
		}
	}
	stranger := *l
	stranger.Token = "guessed"
	if _, err := stranger.signBag(t.Context(), bagToSign{look(lookExport), sum}); err == nil || !strings.Contains(err.Error(), "401") {
		t.Error(err)
	}
	if err := stranger.seal(t.Context()); err == nil {
		t.Error("a stranger seals heads")
	}
	if err := l.seal(t.Context()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.call(ctx, http.MethodPost, "/v1/heads", nil, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
