package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/deploy/dev/traffic"
)

// lanes is what the appliance has as shipped.
const lanes = 4

// rounds is how many times the archive is measured; the best counts, because
// whatever else the machine does can only slow it.
const rounds = 2

// archived is a run of `waxseal archive --drain` in a process of its own.
type archived struct {
	Records uint64  `json:"records"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"` // from the first lane taken to the last row in the index

	rate   float64       // records/s
	cpu    time.Duration // of user and system, all of the process
	memory int64         // most bytes resident
	stored int64         // bytes in the locked store
}

// note says what a record cost, whatever else the machine did.
func (a *archived) note() string {
	return fmt.Sprintf("%.1f µs of CPU a record, %.2f cores busy", a.cpu.Seconds()*1e6/float64(a.Records), a.cpu.Seconds()/a.Seconds)
}

func archiveIndexed(ctx context.Context, b *bench) ([]figure, error) {
	a, err := b.archiveBest(ctx, "sqlite")
	if err != nil {
		return nil, err
	}
	return []figure{
		figure{Name: "archive", Value: a.rate, Unit: "records/s", note: a.note()}.atLeast(25_000),
		figure{Name: "stored_per_raw", Value: float64(a.stored) / float64(a.Bytes), Unit: "bytes/byte"}.atMost(0.5),
		figure{Name: "peak_memory", Value: float64(a.memory) / (1 << 20), Unit: "MiB"}.atMost(512),
	}, nil
}

func archiveUnindexed(ctx context.Context, b *bench) ([]figure, error) {
	a, err := b.archiveBest(ctx, "off")
	if err != nil {
		return nil, err
	}
	base, err := plainSealing(b.records)
	if err != nil {
		return nil, err
	}
	return []figure{figure{Name: "archive_unindexed", Value: a.rate, Unit: "records/s", note: a.note()}.against(base).atLeast(60_000)}, nil
}

func (b *bench) archiveBest(ctx context.Context, index string) (best *archived, err error) {
	for range rounds {
		a, err := b.archiveOnce(ctx, index, b.records, traffic.People, 0)
		if err != nil {
			return nil, err
		}
		if best == nil || a.rate > best.rate {
			best = a
		}
	}
	return best, nil
}

// archiveOnce fills a broker and lets the appliance archive all that is in it.
func (b *bench) archiveOnce(ctx context.Context, index string, records, people, media int) (*archived, error) {
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(b.archive); err != nil {
		return nil, err
	}
	b.archive = filepath.Join(b.dir, "data")
	if err := produceApart(ctx, filepath.Join(b.archive, "kafka"), records, people, media); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, b.binary, "archive", "--drain", "--data", b.archive, "--output", "json", "--log-level", "error")
	cmd.Env = append(os.Environ(), "WAXSEAL_INDEX="+index)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("waxseal archive: %w: %s", err, said.Bytes())
	}
	a := &archived{}
	if err := json.Unmarshal(out.Bytes(), a); err != nil {
		return nil, fmt.Errorf("waxseal archive: %w", err)
	}
	if a.Records != uint64(records+media) || a.Seconds <= 0 {
		return nil, fmt.Errorf("waxseal archive: %d records in %g s, fed were %d", a.Records, a.Seconds, records)
	}
	a.rate = float64(a.Records) / a.Seconds
	a.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	a.memory = peak(cmd.ProcessState.SysUsage().(*syscall.Rusage))
	var err error
	a.stored, err = size(ctx, filepath.Join(b.archive, "locked"))
	return a, err
}

// peak is the most memory a process had, in bytes.
func peak(u *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) << 10
}

// build builds the appliance.
func (b *bench) build(ctx context.Context) error {
	if b.binary != "" {
		return nil
	}
	bin := filepath.Join(b.dir, "waxseal")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", bin, "github.com/waxseal/waxseal/cmd/waxseal")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	b.binary = bin
	return nil
}

// produceApart produces in a process of its own: the system counts what a parent
// held when it started a process to that process's peak.
func produceApart(ctx context.Context, dir string, records, people, media int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "-produce", dir, "-records", strconv.Itoa(records), "-people", strconv.Itoa(people), "-media", strconv.Itoa(media))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("produce: %w: %s", err, out)
	}
	return nil
}

// produce fills the broker of a data folder, which then is the appliance's own.
func produce(ctx context.Context, dir string, records, people, media int) (err error) {
	topics := map[string]int32{}
	for _, t := range []string{"wa.webhooks", "wa.sends", "wa.consent", "wa.templates", "wa.directory", "wa.media"} {
		topics[t] = lanes
	}
	broker, err := kafka.StartEmbedded(ctx, dir, kafka.BrokerOptions{Topics: topics})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	p, err := kafka.NewProducer([]string{broker.Addr()}, kafka.Options{})
	if err != nil {
		return err
	}
	defer p.Close()
	t := traffic.New(1, time.Now().Unix(), people)
	for left := records; left > 0; {
		batch := make([]*record.Record, min(left, 2000))
		for i := range batch {
			batch[i] = t.Next()
		}
		if _, err := p.Produce(ctx, "wa.webhooks", batch...); err != nil {
			return err
		}
		left -= len(batch)
	}
	return produceMedia(ctx, p, media)
}

// produceMedia writes media of 1 MiB that no two are alike, as middleware does.
func produceMedia(ctx context.Context, p *kafka.Producer, n int) error {
	noise := rand.NewChaCha8([32]byte{1})
	for i := range n {
		body := make([]byte, 1<<20)
		if _, err := noise.Read(body); err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		r := &record.Record{Key: fmt.Append(nil, 155501000000010+i%lanes), Value: body, Headers: []record.Header{
			{Key: "x-waxseal-media-id", Value: fmt.Append(nil, 1000000000000000+i)}, {Key: "x-waxseal-number", Value: []byte("155501000000020")},
			{Key: "content-type", Value: []byte("image/jpeg")}, {Key: "x-waxseal-sha256", Value: []byte(hex.EncodeToString(sum[:]))},
		}}
		if _, err := p.Produce(ctx, "wa.media", r); err != nil {
			return err
		}
	}
	return nil
}

// size is the bytes of all objects of a store.
func size(ctx context.Context, root string) (n int64, err error) {
	r, err := dir.OpenReadOnly(root)
	if err != nil {
		return 0, err
	}
	err = r.List(ctx, "", "", func(v worm.Version) error { n += v.Size; return nil })
	return n, err
}
