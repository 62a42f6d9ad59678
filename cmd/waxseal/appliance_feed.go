package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// feedBatch is how many bytes of records are produced at a time.
const feedBatch = 4 << 20

// Feed writes files into the Kafka named, or the one of the running appliance,
// or the embedded broker started for as long as this takes.
func (a *appliance) Feed(ctx context.Context, req FeedRequest) (resp FeedResponse, err error) {
	files, err := feedFiles(req.Paths)
	if err != nil {
		return resp, err
	}
	headers, err := feedHeaders(req.Headers)
	if err != nil {
		return resp, err
	}
	address, stop, err := a.feedAddress(ctx)
	if err != nil {
		return resp, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	opts, err := a.set.kafka(a.env.Log)
	if err != nil {
		return resp, err
	}
	p, err := kafka.NewProducer(strings.Split(address, ","), opts)
	if err != nil {
		return resp, fmt.Errorf("kafka at %s: %w", address, err)
	}
	defer p.Close()
	topic := req.Topic
	if topic == "" {
		topic = a.set.Topics[whatsapp.RoleWebhooks]
	}
	f := feeder{p: p, topic: topic, key: req.Key, headers: headers, media: a.set.Topics[whatsapp.RoleMedia] == topic, resp: &resp}
	for i, name := range files {
		if err := f.file(ctx, a.env.Stdin, name, req.Lines); err != nil {
			return resp, err
		}
		a.env.Progress("files", int64(i+1), int64(len(files)))
	}
	return resp, f.flush(ctx)
}

// feedAddress finds the broker to write to, and how to let go of it.
func (a *appliance) feedAddress(ctx context.Context) (address string, stop func() error, err error) {
	nothing := func() error { return nil }
	if a.set.Broker != "" {
		return a.set.Broker, nothing, nil
	}
	l, err := dial(ctx, a.set)
	if err != nil {
		return "", nil, err
	}
	if l != nil {
		return l.Broker, nothing, nil
	}
	lock, err := lockData(a.set)
	if err != nil {
		return "", nil, err
	}
	b, err := startBroker(ctx, a.env)
	if err != nil {
		return "", nil, errors.Join(err, lock.Unlock())
	}
	return b.Addr(), func() error { return errors.Join(b.Close(), lock.Unlock()) }, nil
}

// feedFiles lists files and, for folders, all files in them sorted by path.
func feedFiles(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		if p == "-" {
			files = append(files, p)
			continue
		}
		info, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("feed: %w: %w", err, ErrUsage)
		}
		if !info.IsDir() {
			files = append(files, p)
			continue
		}
		var inside []string
		err = filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.Type().IsRegular() && !strings.HasPrefix(d.Name(), ".") {
				inside = append(inside, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("feed %s: %w", p, err)
		}
		slices.Sort(inside)
		files = append(files, inside...)
	}
	return files, nil
}

// feedHeaders reads headers given as NAME=VALUE.
func feedHeaders(given []string) ([]record.Header, error) {
	var headers []record.Header
	for _, g := range given {
		name, value, ok := strings.Cut(g, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--header %q: not NAME=VALUE: %w", g, ErrUsage)
		}
		headers = append(headers, record.Header{Key: name, Value: []byte(value)})
	}
	return headers, nil
}

// feeder collects records and produces them in order.
type feeder struct {
	p       *kafka.Producer
	topic   string
	key     string
	headers []record.Header
	media   bool // the topic carries bytes: a file is never taken apart or looked into
	resp    *FeedResponse
	waiting []*record.Record
	owner   []int // index into resp.Files of each waiting record
	bytes   int
}

func (f *feeder) file(ctx context.Context, stdin io.Reader, name string, lines bool) error {
	r, size := stdin, int64(0)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("feed: %w", err)
		}
		defer file.Close()
		r = file
	}
	f.resp.Files = append(f.resp.Files, FedFile{File: name, Records: []string{}})
	if f.media || !lines && !strings.HasSuffix(name, ".jsonl") {
		body, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("feed %s: %w", name, err)
		}
		return f.add(ctx, body)
	}
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		size += int64(len(line))
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			if addErr := f.add(ctx, line); addErr != nil {
				return addErr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("feed %s after %d bytes: %w", name, size, err)
		}
	}
}

func (f *feeder) add(ctx context.Context, body []byte) error {
	r := &record.Record{Value: body, Headers: f.headers}
	key := f.key
	switch {
	case key != "":
	case f.media:
		waba, _ := r.Header(whatsapp.HeaderWABA)
		key = string(waba)
	default:
		key = whatsapp.WABAOf(body)
	}
	if key != "" {
		r.Key = []byte(key)
	}
	f.waiting = append(f.waiting, r)
	f.owner = append(f.owner, len(f.resp.Files)-1)
	if f.bytes += len(body); f.bytes < feedBatch {
		return nil
	}
	return f.flush(ctx)
}

// flush produces what is waiting and notes where each record went.
func (f *feeder) flush(ctx context.Context) error {
	where, err := f.p.Produce(ctx, f.topic, f.waiting...)
	first := "" // of the files that were not written
	for i, c := range where {
		if c.Offset < 0 {
			first = cmp.Or(first, " "+f.resp.Files[f.owner[i]].File)
			continue
		}
		file := &f.resp.Files[f.owner[i]]
		file.Records = append(file.Records, c.String())
		file.Bytes += int64(len(f.waiting[i].Value))
		f.resp.Records++
		f.resp.Bytes += int64(len(f.waiting[i].Value))
	}
	f.waiting, f.owner, f.bytes = nil, nil, 0
	if err != nil {
		return fmt.Errorf("feed%s: %w", first, err)
	}
	return nil
}

// Hash is the SHA-256 of the effective settings, without secrets.
func (s *Settings) Hash() [32]byte {
	h := sha256.New()
	for _, v := range s.values {
		if !v.secret {
			fmt.Fprintf(h, "%s=%q %q\n", v.name, v.shown(), v.items)
		}
	}
	return [32]byte(h.Sum(nil))
}
