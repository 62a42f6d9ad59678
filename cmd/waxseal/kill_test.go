package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/worm/dir"
)

// killsPerArchive keeps archives small, so that each kill can be followed by a
// verification of everything.
const killsPerArchive = 100

// burst is how many records are produced before the next wait for a block. It
// bounds what the end has to read back.
const burst = 40

// TestKill kills the real binary at random moments under load and starts it
// again, many times. After each kill the archive verifies; in the end every
// record that the broker acknowledged is archived once, byte for byte, and a
// rebuilt index has the rows that the running one had.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := 40
	if os.Getenv("WAXSEAL_TORTURE") != "" {
		kills = 1000
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("WAXSEAL_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("WAXSEAL_SEED=%d repeats the choices, not the moments", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var sum tally
	for sum.kills < kills && !t.Failed() {
		k := &killer{operator: newOperator(t, "WAXSEAL_HEADS=100ms"), rng: rng, tally: &sum, acked: map[string][]byte{}, fate: map[string]fate{}}
		for i := 0; i < killsPerArchive && sum.kills < kills && !t.Failed(); i++ {
			k.round(i)
		}
		k.judge()
	}
	sum.print(t)
	if !t.Failed() && (sum.acked == 0 || sum.archivedEvents == 0) {
		t.Errorf("%d kills, %d records: this test tested little", sum.kills, sum.acked)
	}
}

// fate is what the producer knows of a record.
type fate int

const (
	refused   fate = iota // not stored, the broker was not there
	uncertain             // stored or not
	stored                // acknowledged
)

// killer drives one archive.
type killer struct {
	*operator
	rng   *rand.Rand
	tally *tally
	made  int
	acked map[string][]byte // by coordinates, the value
	fate  map[string]fate   // by the word that only this record has
	born  bool              // verified once: from then on it always has to
	most  uint64            // records verified so far
}

// tally counts what all rounds did.
type tally struct {
	kills, ended, acked, uncertain, archivedEvents int
	victims                                        map[string]int
	moments                                        map[string]int
	verified                                       time.Duration
	verifications                                  int
}

func (s *tally) count(victim, moment string) {
	if s.victims == nil {
		s.victims, s.moments = map[string]int{}, map[string]int{}
	}
	s.victims[victim]++
	s.moments[moment]++
}

func (s *tally) print(t *testing.T) {
	t.Logf("figures: %d killed, %d ended before; %d records acknowledged, %d of unknown outcome; %d verifications, %v each",
		s.kills, s.ended, s.acked, s.uncertain, s.verifications, (s.verified / time.Duration(max(1, s.verifications))).Round(time.Millisecond))
	for _, m := range []map[string]int{s.victims, s.moments} {
		for _, name := range slices.Sorted(mapKeys(m)) {
			t.Logf("figures: %-34s %5d", name, m[name])
		}
	}
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// victims are the commands that write. Most rounds kill the appliance; the
// others kill what may be interrupted between two steps of its own.
var victims = [][]string{
	{"archive", "--drain"}, {"archive"}, {"search", "kill"}, {"reindex"}, {"verify", "--deep"},
	{"keys", "rotate", "token"}, {"keys", "rotate", "signing"}, {"keys", "rotate", "firm"},
}

// round starts a command, kills it, and verifies.
func (k *killer) round(i int) {
	k.t.Helper()
	if i > 2 && k.rng.IntN(3) == 0 {
		k.killCommand(victims[k.rng.IntN(len(victims))])
	} else {
		k.killAppliance()
	}
	k.verify(i)
}

// killCommand kills a command that is not fed meanwhile.
func (k *killer) killCommand(args []string) {
	k.t.Helper()
	cmd := k.command(k.t.Context(), args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	k.kill(cmd, done, time.Duration(k.rng.IntN(150))*time.Millisecond, strings.Join(args, " "), "as it works")
	if code := cmd.ProcessState.ExitCode(); code > 0 {
		k.t.Fatalf("waxseal %s: exit code %d\n%s", strings.Join(args, " "), code, errs.String())
	}
}

// kill waits for the moment, or for the end of the process, and kills it.
func (k *killer) kill(cmd *exec.Cmd, done <-chan struct{}, after time.Duration, victim, moment string) {
	select {
	case <-done:
		k.tally.ended++
		return
	case <-time.After(after):
	}
	_ = cmd.Process.Kill() // it may have ended just now
	<-done
	k.tally.kills++
	k.tally.count(victim, moment)
}

// killAppliance kills `run` while a producer writes to its broker: as it starts,
// a while after its broker answers, or just after it said that it archived.
func (k *killer) killAppliance() {
	k.t.Helper()
	cmd := k.command(k.t.Context(), "run", "--output", "jsonl")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	moment, after := k.rng.IntN(3), time.Duration(k.rng.IntN(120))*time.Millisecond
	blocks := 1 + k.rng.IntN(6)
	ctx, stop := context.WithCancel(k.t.Context())
	listening, archived, read, fed := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		k.listen(ctx, out, blocks, listening, archived, fed)
	}()
	done := make(chan struct{})
	go func() { <-read; _ = cmd.Wait(); close(done) }()
	name := "as it starts"
	switch moment {
	case 1:
		name, after = "after its broker answers", 6*after
		wait(listening, done)
	case 2:
		name, after = "after it archived", after/4
		wait(archived, done)
	}
	k.kill(cmd, done, after, "run", name)
	stop()
	select {
	case <-listening:
		<-fed
	default:
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		k.t.Fatalf("waxseal run ended by itself, exit code %d\n%s", code, errs.String())
	}
}

func wait(what, done <-chan struct{}) {
	select {
	case <-what:
	case <-done:
	}
}

// listen reads the events of a running appliance until it ends. It starts the
// producer once the broker listens; fed is closed when that has ended.
func (k *killer) listen(ctx context.Context, out io.Reader, blocks int, listening, archived, fed chan struct{}) {
	lines := bufio.NewScanner(out)
	started, moved := false, make(chan struct{}, 1)
	for lines.Scan() {
		var e Event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue // cut short by the kill
		}
		switch {
		case e.Event == "listening" && e.What == "broker" && !started:
			started = true
			go func() { defer close(fed); k.produce(ctx, e.Address, moved) }()
			close(listening)
		case e.Event == "archived":
			k.tally.archivedEvents++
			select {
			case moved <- struct{}{}:
			default: // one is waiting
			}
			if blocks--; blocks == 0 {
				close(archived)
			}
		}
	}
}

// produce writes records until it is stopped or the broker is gone: a burst, and
// once a block was committed the next.
func (k *killer) produce(ctx context.Context, address string, moved <-chan struct{}) {
	p, err := kafka.NewProducer([]string{address}, kafka.Options{GiveUp: 50 * time.Millisecond})
	if err != nil {
		k.t.Errorf("producer: %v", err)
		return
	}
	defer p.Close()
	for sent := 0; ctx.Err() == nil; {
		if sent >= burst {
			select {
			case <-moved:
				sent = 0
			case <-ctx.Done():
				return
			}
		}
		var batch []*record.Record
		var words []string
		for range 1 + k.made%7 {
			word := fmt.Sprintf("kill%06d", k.made)
			batch = append(batch, &record.Record{Key: fmt.Appendf(nil, "waba-%d", k.made%9), Value: []byte(webhook(k.made, word))})
			words = append(words, word)
			k.made++
			sent++
		}
		topic := "wa.webhooks"
		if k.made%3 == 0 {
			topic, batch, words = "wa.media", batch[:1], words[:1] // the others are never sent
			batch[0] = mediaNamed(words[0], k.made)
		}
		where, err := p.Produce(ctx, topic, batch...)
		for i, at := range where {
			switch {
			case at.Offset >= 0:
				k.acked[at.String()], k.fate[words[i]] = batch[i].Value, stored
				k.tally.acked++
			case errors.Is(err, kafka.ErrUncertain) || ctx.Err() != nil:
				k.fate[words[i]] = uncertain
				k.tally.uncertain++
			default:
				k.fate[words[i]] = refused
			}
		}
		if err != nil {
			return
		}
	}
}

// mediaNamed is media of some length, found by its name.
func mediaNamed(word string, n int) *record.Record {
	return &record.Record{Key: fmt.Appendf(nil, "waba-%d", n%9), Value: bytes.Repeat([]byte(word), 1+n*n%12_000), Headers: []record.Header{
		{Key: "x-waxseal-media-id", Value: fmt.Appendf(nil, "%d", n)}, {Key: "x-waxseal-number", Value: []byte("155501000000020")},
		{Key: "x-waxseal-filename", Value: []byte(word)},
	}}
}

// webhook is an inbound message of the n-th person.
func webhook(n int, text string) string {
	phone := fmt.Sprintf("1555010%04d", n%10000)
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"155501000000010","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",`+
		`"metadata":{"display_phone_number":"15550100000","phone_number_id":"155501000000020"},"contacts":[{"profile":{"name":"Person %d"},"wa_id":%q}],`+
		`"messages":[{"from":%q,"id":%q,"timestamp":"%d","type":"text","text":{"body":%q}}]}}]}]}`,
		n, phone, phone, wamid(phone, n), 1790000000+n, text)
}

// wamid is a message id as the platform makes them: it holds the phone number.
func wamid(phone string, n int) string {
	return "wamid." + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "\x1d\x14\x0b%s\x15\x02\x00\x12\x18\x14%020d\x00", phone, n))
}

// verify runs the binary's own verification. Until an archive was seen there may
// be none: the first process can die before genesis.
func (k *killer) verify(round int) {
	k.t.Helper()
	start := time.Now()
	out, errs, code := k.try("verify", "--output", "json")
	k.tally.verified += time.Since(start)
	k.tally.verifications++
	if !k.born && len(k.acked) == 0 && (code == exitError || code == exitVerify && unborn(k.t, out)) {
		return
	}
	if code != exitOK {
		k.t.Fatalf("round %d: verify: exit code %d\n%s%s", round, code, out, errs)
	}
	k.born = true
	var r VerifyResponse
	decode(k.t, out, &r)
	if !r.OK || r.Records < k.most || r.Records > uint64(k.made) {
		k.t.Fatalf("round %d: verify: ok %v, %d records after %d, of %d produced", round, r.OK, r.Records, k.most, k.made)
	}
	k.most = r.Records
}

// unborn reports that verification misses nothing but genesis, of stores that
// hold no block.
func unborn(t *testing.T, out []byte) bool {
	t.Helper()
	var r VerifyResponse
	decode(t, out, &r)
	return r.Blocks == 0 && len(r.Findings) == 1 && r.Findings[0].Code == "genesis"
}

// judge archives what is left, and compares with what was produced.
func (k *killer) judge() {
	if k.t.Failed() {
		return
	}
	k.must("archive", "--drain")
	var v VerifyResponse
	k.json(&v, "verify", "--deep")
	for _, f := range v.Findings {
		k.t.Errorf("verify --deep: %s %s %s: %s", f.Class, f.Code, f.Object, f.Means)
	}
	k.once()
	k.exact()
	k.found()
	var r ReindexResponse
	k.json(&r, "reindex")
	if r.Changed != 0 {
		k.t.Errorf("a rebuilt index differs in %d rows", r.Changed)
	}
}

// once reads the ledger: each acknowledged offset is covered by one block, and
// is no gap.
func (k *killer) once() {
	store, err := dir.OpenReadOnly(k.data + "/locked")
	if err != nil {
		k.t.Fatal(err)
	}
	times := map[string]int{}
	for p := int32(0); p < 4; p++ {
		l := record.PartitionLane(p)
		last, err := lane.Last(k.t.Context(), store, l, 0)
		if err != nil || last == nil {
			k.t.Fatalf("lane %s: %v", l, err)
		}
		for n := uint64(0); n <= last.Entry.N; n++ {
			b, err := lane.ReadBlock(k.t.Context(), store, l, n)
			if err != nil {
				k.t.Fatal(err)
			}
			records := uint64(0)
			for _, s := range b.Entry.Source {
				if len(s.Gaps) > 0 {
					k.t.Errorf("lane %s block %d states gaps in %s, where none is", l, n, s.Topic)
				}
				for o := s.First; o < s.Next; o++ {
					times[record.Coordinates{Topic: s.Topic, Era: s.Era, Partition: s.Partition, Offset: o}.String()]++
					records++
				}
			}
			if records != b.Entry.Records || records != uint64(len(b.Leaves)) {
				k.t.Errorf("lane %s block %d covers %d offsets with %d records and %d leaves", l, n, records, b.Entry.Records, len(b.Leaves))
			}
		}
	}
	for name := range k.acked {
		if times[name] != 1 {
			k.t.Errorf("%s was acknowledged and is archived %d times", name, times[name])
		}
	}
}

// exact reads each acknowledged record back.
func (k *killer) exact() {
	set, err := resolve(map[string]string{"data": k.data}, nil, "")
	if err != nil {
		k.t.Fatal(err)
	}
	a := &appliance{env: Env{Settings: set}, set: set}
	r, err := a.openReading(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	defer r.Close()
	lib := r.library(set)
	for name, want := range k.acked {
		n := 0
		err := lib.Cat(k.t.Context(), name, func(got *retrieve.Record) error {
			if n++; !bytes.Equal(got.Value, want) {
				k.t.Errorf("%s has other bytes than were acknowledged", name)
			}
			return nil
		})
		if err != nil || n != 1 {
			k.t.Errorf("cat %s: %d records, %v", name, n, err)
		}
	}
}

// found searches: each record is found once under its own word.
func (k *killer) found() {
	times := map[string]int{}
	for line := range bytes.Lines(k.must("search", "--limit", "0", "--output", "jsonl")) {
		var h Hit
		decode(k.t, line, &h)
		times[h.Text]++
	}
	for word, f := range k.fate {
		n := times[word]
		if f == stored && n != 1 || f == refused && n != 0 || n > 1 {
			k.t.Errorf("%s, fate %d, is found %d times", word, f, n)
		}
	}
}
