package archiver_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm/s3"
	"github.com/waxseal/waxseal/ledger"
)

// wire is what happens to one request on its way to a server and back.
type wire int

const (
	fine    wire = iota
	refused      // 503 Slow Down; the server never saw it
	lost         // no answer; the server never saw it
	failed       // 500, although it was done
	cut          // the connection ends, although it was done
	late         // no answer; it arrives when a new owner has taken the lane
)

var wires = map[wire]string{refused: "refused", lost: "lost", failed: "failed", cut: "cut", late: "late"}

// wires of one host to a server.
type faultyWire struct {
	http.RoundTripper
	fault func(method, path string) wire

	mu      sync.Mutex
	pending []func() error
}

var errWire = errors.New("connection is lost")

func (f *faultyWire) RoundTrip(r *http.Request) (*http.Response, error) {
	switch f.fault(r.Method, r.URL.Path) {
	case refused:
		return answer(r, http.StatusServiceUnavailable, "SlowDown"), nil
	case lost:
		return nil, errWire
	case failed:
		if err := f.pass(r); err != nil {
			return nil, err
		}
		return answer(r, http.StatusInternalServerError, "InternalError"), nil
	case cut:
		if err := f.pass(r); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("read answer: %w", io.ErrUnexpectedEOF)
	case late:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		again := r.Clone(context.WithoutCancel(r.Context()))
		again.Body = io.NopCloser(bytes.NewReader(body))
		f.mu.Lock()
		defer f.mu.Unlock()
		f.pending = append(f.pending, func() error { return f.pass(again) })
		return nil, errWire
	}
	return f.RoundTripper.RoundTrip(r)
}

// pass lets a request through and forgets the answer.
func (f *faultyWire) pass(r *http.Request) error {
	resp, err := f.RoundTripper.RoundTrip(r)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	return err
}

// release lets what was held arrive.
func (f *faultyWire) release(t *testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, arrive := range f.pending {
		if err := arrive(); err != nil {
			t.Error(err)
		}
	}
	f.pending = nil
}

func answer(r *http.Request, status int, code string) *http.Response {
	body := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>again</Message></Error>`, code)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/xml"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// bucketsOn makes the three buckets of an archive on MinIO, or skips.
func bucketsOn(t *testing.T) func(t *testing.T, via http.RoundTripper) stores {
	t.Helper()
	parts := strings.Split(os.Getenv("WAXSEAL_TEST_MINIO"), ",")
	if len(parts) != 3 {
		if os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1" {
			t.Fatal("WAXSEAL_TEST_MINIO names no server: 'make services' starts one")
		}
		t.Skip("WAXSEAL_TEST_MINIO names no server: 'make services' starts one")
	}
	var id [8]byte
	rand.Read(id[:])
	cfg := func(name string, via http.RoundTripper) s3.Config {
		return s3.Config{Endpoint: parts[0], Bucket: "t" + hex.EncodeToString(id[:]) + name, Plain: true, Region: "us-east-1",
			Credentials: credentials.NewStaticV4(parts[1], parts[2], ""), Transport: via}
	}
	plain := wireTo(t)
	locked, err := s3.Create(t.Context(), cfg("locked", plain))
	ok(t, err)
	meta, err := s3.CreateMeta(t.Context(), cfg("meta", plain))
	ok(t, err)
	spare, err := s3.CreateMeta(t.Context(), cfg("spare", plain))
	ok(t, err)
	return func(t *testing.T, via http.RoundTripper) stores {
		t.Helper()
		if via == nil {
			return stores{locked, meta, spare}
		}
		var s stores
		var err error
		s.locked, err = s3.Open(t.Context(), cfg("locked", via))
		ok(t, err)
		s.meta, err = s3.OpenMeta(t.Context(), cfg("meta", via))
		ok(t, err)
		s.spare, err = s3.OpenMeta(t.Context(), cfg("spare", via))
		ok(t, err)
		return s
	}
}

// wireTo is a transport that leaves no connection behind.
func wireTo(t *testing.T) http.RoundTripper {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// TestCrashTableS3 is TestCrashTable on a real S3 server: each write of a lane's
// life goes wrong on the wire in each way, with the archiver dying of it and living
// on, and a new one takes the lane.
func TestCrashTableS3(t *testing.T) {
	b := tempBroker(t, webhooks.Name, media.Name)
	base, fed := rigWithDuties(t, b, 5)
	bucketsOn(t) // skips here rather than in each case
	for _, w := range base.writes(t) {
		for fault, name := range wires {
			for _, dies := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/%s/%s/dies=%v", w.store, w.op, strings.ReplaceAll(w.key, "/", "_"), name, dies), func(t *testing.T) {
					t.Parallel()
					crashS3(t, base, w, fault, dies, fed)
				})
			}
		}
	}
}

func crashS3(t *testing.T, base *rig, w write, fault wire, dies bool, fed []*record.Record) {
	open := bucketsOn(t)
	r := *base
	r.locked, r.now = nil, time.Now
	r.on = open(t, nil)
	r.found(t)

	first := r.host(t)
	var hit atomic.Bool
	via := &faultyWire{RoundTripper: wireTo(t), fault: func(method, path string) wire {
		if method != http.MethodPut || !strings.HasSuffix(path, w.store+"/"+w.key) || !hit.CompareAndSwap(false, true) {
			return fine
		}
		if dies {
			first.kill()
		}
		return fault
	}}
	on := open(t, via)
	first.cfg.Locked, first.cfg.Meta, first.cfg.Spare = &link{"locked", on.locked, nil, first}, &link{"meta", on.meta, on.meta, first}, &link{"spare", on.spare, nil, first}
	err := first.archiver().Drain(t.Context())
	if !dies {
		ok(t, err)
	}
	if !hit.Load() {
		t.Fatal("the write did not come")
	}
	second := r.host(t)
	second.committed = func(b *ledger.Block) {
		if b.Entry.Takeover {
			via.release(t)
		}
	}
	second.drain()
	if len(via.pending) > 0 {
		t.Errorf("%d writes have not arrived", len(via.pending))
	}
	r.check(t, fed)
}
