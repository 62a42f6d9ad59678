package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/record"
)

// disk mounts a small disk for a data folder, or skips the test.
func disk(t *testing.T, megabytes int) (root string, grow func(megabytes int, flags ...uintptr)) {
	t.Helper()
	root = t.TempDir()
	mount := func(flags uintptr, megabytes int) error {
		return syscall.Mount("waxseal-test", root, "tmpfs", flags, fmt.Sprintf("size=%dm", megabytes))
	}
	if err := mount(0, megabytes); errors.Is(err, syscall.EPERM) {
		t.Skip("optional: a disk of its own, small enough to fill, takes root")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(root, 0); err != nil {
			t.Error(err)
		}
	})
	return root, func(megabytes int, flags ...uintptr) {
		t.Helper()
		all := uintptr(syscall.MS_REMOUNT)
		for _, f := range flags {
			all |= f
		}
		if err := mount(all, megabytes); err != nil {
			t.Fatal(err)
		}
	}
}

// bulky is a message that does not compress.
func bulky(rng *rand.ChaCha8, n int) []byte {
	noise := make([]byte, 300<<10)
	_, _ = rng.Read(noise) // never fails
	return []byte(webhook(0, base64.StdEncoding.EncodeToString(noise)))
}

// TestDiskFull: an archiver whose disk is full says so, loses nothing, and goes
// on by itself once there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	root, grow := disk(t, 16)
	b, err := kafka.StartEmbedded(t.Context(), t.TempDir(), kafka.BrokerOptions{Topics: map[string]int32{
		"wa.webhooks": 2, "wa.sends": 2, "wa.consent": 2, "wa.templates": 2, "wa.directory": 2, "wa.media": 2,
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := kafka.NewProducer([]string{b.Addr()}, kafka.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	rng := rand.NewChaCha8([32]byte{1})
	const records = 60
	want := map[string][]byte{}
	for i := range records {
		r := &record.Record{Key: fmt.Append(nil, i), Value: bulky(rng, i)}
		where, err := p.Produce(t.Context(), "wa.webhooks", r)
		if err != nil {
			t.Fatal(err)
		}
		want[where[0].String()] = r.Value
	}
	o := newOperator(t, "WAXSEAL_BROKER="+b.Addr(), "WAXSEAL_SCRYPT=10")
	o.data = root + "/archive"
	cmd := o.command(t.Context(), "archive")
	errs := &watched{word: "no space left on device", seen: make(chan struct{})}
	cmd.Stderr = errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-errs.seen:
	case err := <-ended:
		t.Fatalf("the archiver ended: %v: %s", err, errs.text())
	}
	var s StatusResponse
	o.json(&s, "status")
	if !s.Running || s.Records == records || !strings.Contains(strings.Join(s.Alarms, "\n"), "make room") {
		t.Fatalf("with a full disk: running %v, %d records, alarms %q", s.Running, s.Records, s.Alarms)
	}
	if out, errs, code := o.try("verify"); code != exitOK {
		t.Errorf("verify with a full disk: exit code %d\n%s%s", code, out, errs)
	}
	if out, _, code := o.try("doctor"); code != exitError || !strings.Contains(string(out), "make room") {
		t.Errorf("doctor with a full disk: exit code %d\n%s", code, out)
	}
	grow(256)
	await(t, "archived after there was room", func() bool {
		o.json(&s, "status")
		lag := int64(0)
		for _, l := range s.Lanes {
			lag += l.Lag
		}
		return lag == 0
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("archive: %v", err)
	}
	var v VerifyResponse
	o.json(&v, "verify", "--deep")
	if v.Records != records || len(v.Findings) > 0 {
		t.Errorf("%d records archived of %d, findings %v", v.Records, records, v.Findings)
	}
	for line := range bytes.Lines(o.must("cat", "15550100000", "--output", "jsonl")) {
		var c CatRecord
		decode(t, line, &c)
		if !bytes.Equal(c.Value, want[c.Record]) {
			t.Errorf("%s has other bytes", c.Record)
		}
		delete(want, c.Record)
	}
	if len(want) > 0 {
		t.Errorf("%d records are not there", len(want))
	}
}

// TestBrokerDiskFull: where the embedded broker shares the full disk, feeding is
// refused, what was acknowledged is archived once there is room, and nothing else.
func TestBrokerDiskFull(t *testing.T) {
	t.Parallel()
	root, grow := disk(t, 12)
	o := newOperator(t, "WAXSEAL_PARTITIONS=2")
	o.data = root + "/archive"
	r := o.run(nil)
	p, err := kafka.NewProducer([]string{r.broker}, kafka.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	rng := rand.NewChaCha8([32]byte{2})
	acked, refused := 0, 0
	for i := 0; i < 100 && refused == 0; i++ {
		if _, err := p.Produce(t.Context(), "wa.webhooks", &record.Record{Key: fmt.Append(nil, i), Value: bulky(rng, i)}); err != nil {
			refused++
			continue
		}
		acked++
	}
	if acked == 0 || refused == 0 {
		t.Fatalf("%d records acknowledged, %d refused: the disk was not filled", acked, refused)
	}
	grow(256)
	var s StatusResponse
	await(t, "archived after there was room", func() bool {
		o.json(&s, "status")
		lag := int64(0)
		for _, l := range s.Lanes {
			lag += l.Lag
		}
		return lag == 0
	})
	fed := o.feed("after.json", webhook(999, "afterwards"))
	await(t, "a record after there was room", func() bool {
		_, _, code := o.try("cat", fed)
		return code == exitOK
	})
	r.stop()
	var v VerifyResponse
	o.json(&v, "verify", "--deep")
	if v.Records < uint64(acked+1) || v.Records > uint64(acked+refused+1) || len(v.Findings) > 0 {
		t.Errorf("%d records archived, %d acknowledged and %d refused before one more; findings %v", v.Records, acked, refused, v.Findings)
	}
}

// TestReadOnlyDisk: on a disk that cannot be written, as an auditor may have a
// copy, a look is refused at once, and given where its reader says that it cannot
// be recorded.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	root, remount := disk(t, 64)
	o := newOperator(t)
	o.data = root + "/archive"
	body := webhook(1, "the copper kettle")
	name := o.feed("hello.json", body)
	o.must("archive", "--drain")
	remount(64, syscall.MS_RDONLY)
	for _, args := range [][]string{{"search", "kettle"}, {"show", name}, {"cat", name}, {"verify", "--deep"}} {
		out, errs, code := o.try(args...)
		if code != exitDenied || len(out) > 0 || !bytes.Contains(errs, []byte("--unrecorded")) {
			t.Errorf("waxseal %s: exit code %d\n%s%s", args[0], code, out, errs)
		}
	}
	o.must("verify")
	o.must("status")
	o.must("verify", "--deep", "--unrecorded")
	if out := o.must("cat", name, "--unrecorded"); string(out) != body {
		t.Errorf("cat gives %q", out)
	}
	if out := o.must("search", "kettle", "--unrecorded"); !bytes.Contains(out, []byte("copper")) {
		t.Errorf("search gives %q", out)
	}
	remount(64)
	o.must("search", "kettle")
}

// watched is standard error that tells when a word comes.
type watched struct {
	word string
	seen chan struct{}
	buf  bytes.Buffer
	done bool
}

// Write keeps what is said.
func (w *watched) Write(p []byte) (int, error) {
	w.buf.Write(p)
	if !w.done && bytes.Contains(w.buf.Bytes(), []byte(w.word)) {
		w.done = true
		close(w.seen)
	}
	return len(p), nil
}

// text is what was said, once the process has ended.
func (w *watched) text() string { return w.buf.String() }
