package unseal

import (
	"bytes"
	"context"
	"runtime"
	"testing"

	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/seal/sealtest"
	"github.com/waxseal/waxseal/ledger"
)

// The bounds doc.go states, with room for what a test allocates beside.
const (
	perByte = 64
	slack   = 256 << 10
)

// bounded fails if fn allocates more than limit bytes.
func bounded(t *testing.T, limit int, fn func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > uint64(limit) {
		t.Fatalf("allocates %d bytes, bound %d", n, limit)
	}
}

// plaintexts gives, of a small block, the age plaintext of each segment, the
// directories and cells in them with their directories, and the boxes.
type plaintexts struct {
	segments, directories, boxes, rows [][]byte
	cells                              []cellText
	starts, ends                       []int64
}

type cellText struct {
	plain  []byte
	dir    *Directory
	leaves []int
}

func samples(f *testing.F) *plaintexts {
	f.Helper()
	ctx := context.Background()
	a := sealtest.New(f)
	tr := sealtest.NewTraffic(11)
	e := a.Block(f, "0", tr.Message(1, sealtest.Duty), tr.Batch([]int{1, 2}, func(p int) seal.Retention {
		return []seal.Retention{sealtest.Duty, sealtest.Free}[p%2]
	}), tr.Message(1, sealtest.Free))
	r, err := New(Config{Identities: a.Identities(), Locked: a.Locked, Unlocked: a.Meta, Spare: a.Spare, Boxes: a.Boxes})
	if err != nil {
		f.Fatal(err)
	}
	p := &plaintexts{}
	for i := range e.Segments {
		s, err := r.Segment(ctx, e, i)
		if err != nil {
			f.Fatal(err)
		}
		p.segment(f, ctx, s)
	}
	for i := range e.Boxes {
		body, _, err := r.stores(&e.Boxes[i])[0].Get(ctx, e.Boxes[i].Key)
		if err != nil {
			f.Fatal(err)
		}
		clear, err := seal.DecodeBox(body)
		if err != nil {
			f.Fatal(err)
		}
		rows, err := decrypt(clear.Sealed, a.Identities())
		if err != nil {
			f.Fatal(err)
		}
		p.boxes, p.rows = append(p.boxes, body), append(p.rows, rows)
	}
	return p
}

func (p *plaintexts) segment(f *testing.F, ctx context.Context, s *Segment) {
	size := s.plain.(*bytes.Reader).Size()
	whole, err := s.read(0, size)
	if err != nil {
		f.Fatal(err)
	}
	p.segments = append(p.segments, whole)
	t, err := decodeTrailer(whole[size-seal.TrailerSize:])
	if err != nil {
		f.Fatal(err)
	}
	d := s.r.decompressor()
	dir, err := d.Decompress(t.method, whole[t.offset:t.offset+t.length], t.plain)
	if err != nil {
		f.Fatal(err)
	}
	p.directories = append(p.directories, bytes.Clone(dir))
	p.starts, p.ends = append(p.starts, s.Directory.Cells[0].Offset), append(p.ends, int64(t.offset))
	for n := range s.Directory.Cells {
		info := &s.Directory.Cells[n]
		row, err := s.r.row(ctx, "0", info.Row)
		if err != nil {
			f.Fatal(err)
		}
		b := whole[info.Offset : info.Offset+info.Length]
		m := seal.Method(b[0])
		packed, err := row.open(b, seal.CellAAD(nil, &s.header, uint32(n), info.Row, m))
		if err != nil {
			f.Fatal(err)
		}
		plain, err := d.Decompress(m, packed, info.Plain)
		if err != nil {
			f.Fatal(err)
		}
		p.cells = append(p.cells, cellText{bytes.Clone(plain), s.Directory, info.Leaves})
	}
}

// FuzzSegment opens what age would give.
func FuzzSegment(f *testing.F) {
	for _, s := range samples(f).segments {
		f.Add(s)
	}
	r, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		limit := slack + perByte*(seal.MaxRatio*len(b)+seal.RatioSlack)
		bounded(t, limit, func() {
			s := &Segment{Key: "fuzzed", r: r, plain: bytes.NewReader(b), fault: func() error { return nil }}
			if err := s.parse(int64(len(b))); err != nil {
				return
			}
			for n := range s.Directory.Cells {
				if _, err := s.openCell(n, &s.Directory.Cells[n], &rowKeys{}); err == nil {
					t.Fatalf("cell %d opens without its row", n)
				}
			}
		})
	})
}

// FuzzDirectory: what decodes has cells that fill their range and rows, rules and
// sources that exist.
func FuzzDirectory(f *testing.F) {
	p := samples(f)
	for i, d := range p.directories {
		f.Add(d, p.starts[i], p.ends[i])
	}
	f.Fuzz(func(t *testing.T, b []byte, from, to int64) {
		if from < 0 || to < from {
			return
		}
		bounded(t, slack+perByte*len(b), func() {
			d, err := DecodeDirectory(b, from, to)
			if err != nil {
				return
			}
			for i := range d.Cells {
				if d.Cells[i].Offset != from {
					t.Fatalf("cell %d at %d, not %d", i, d.Cells[i].Offset, from)
				}
				from += d.Cells[i].Length
			}
			if from != to {
				t.Fatalf("cells end at %d of %d", from, to)
			}
			for i := range d.Shared {
				if d.find(d.Shared[i].Position) != &d.Shared[i] {
					t.Fatalf("shared record %d is not found", i)
				}
				d.Shared[i].leafOf()
			}
		})
	})
}

// FuzzCell: what decodes has the positions asked for, and pieces within its bytes.
func FuzzCell(f *testing.F) {
	dir := &Directory{Sources: []Source{{"wa.webhooks", 1, 0}, {"wa.sends", 2, 7}}, Rules: []seal.Rule{*sealtest.Rule(0), *sealtest.Rule(1)}}
	for _, c := range samples(f).cells {
		f.Add(c.plain, uint8(len(c.leaves)), uint8(c.leaves[0]))
	}
	f.Fuzz(func(t *testing.T, b []byte, parts, first uint8) {
		leaves := make([]int, parts)
		for i := range leaves {
			leaves[i] = int(first) + i
		}
		bounded(t, slack+perByte*len(b), func() {
			got, err := DecodeCell(b, dir, leaves)
			if err != nil {
				return
			}
			total := 0
			for i := range got {
				if got[i].Position != leaves[i] || len(got[i].Pieces) == 0 {
					t.Fatalf("part %d: %+v", i, got[i])
				}
				for k := range got[i].Pieces {
					total += len(got[i].Pieces[k].Bytes)
				}
			}
			if total > len(b) {
				t.Fatalf("%d bytes of pieces in %d", total, len(b))
			}
		})
	})
}

// FuzzRecord puts together what two hostile cells and a directory say.
func FuzzRecord(f *testing.F) {
	p := samples(f)
	for i, d := range p.directories {
		f.Add(d, p.starts[i], p.ends[i], p.cells[0].plain, p.cells[len(p.cells)-1].plain)
	}
	f.Fuzz(func(t *testing.T, dir []byte, from, to int64, one, two []byte) {
		if from < 0 || to < from {
			return
		}
		d, err := DecodeDirectory(dir, from, to)
		if err != nil || len(d.Cells) == 0 {
			return
		}
		g := gathered{segment: "fuzzed"}
		for n, b := range [][]byte{one, two} {
			parts, err := DecodeCell(b, d, d.Cells[n%len(d.Cells)].Leaves)
			if err != nil || len(parts) == 0 {
				continue
			}
			g.position = parts[0].Position
			g.add(&parts[0], &rowKeys{}, seal.Place{Cell: n})
		}
		total := 0
		if g.shared = d.find(g.position); g.shared != nil {
			for i := range g.shared.Pieces {
				total += g.shared.Pieces[i].Length
			}
		}
		if total > 1<<20 {
			return // a value of that many bytes is allowed, and slow
		}
		o := g.assemble()
		if o.Complete && len(o.Problems) > 0 {
			t.Fatalf("%+v", o)
		}
	})
}

// FuzzBox: a box's clear part, and its rows.
func FuzzBox(f *testing.F) {
	p := samples(f)
	for i := range p.boxes {
		f.Add(p.boxes[i], p.rows[i])
	}
	f.Fuzz(func(t *testing.T, b, plain []byte) {
		bounded(t, slack+perByte*(len(b)+len(plain)), func() {
			clear, err := seal.DecodeBox(b)
			if err != nil {
				return
			}
			box := &Box{Clear: clear}
			if err := box.decodeRows(plain); err != nil {
				return
			}
			for _, row := range box.Rows {
				if row.Hash(&box.About.Origin, box.About.Lane) != clear.Hashes[row.ID.Index()-box.About.First] {
					t.Fatalf("row %d differs from its hash", row.ID)
				}
			}
		})
	})
}

// FuzzDecompress: no plaintext is longer than said, none beyond the bounds.
func FuzzDecompress(f *testing.F) {
	p := samples(f)
	for _, c := range p.cells {
		f.Add(byte(seal.Raw), c.plain, uint32(len(c.plain)))
		f.Add(byte(seal.S2), c.plain, uint32(len(c.plain)))
		f.Add(byte(seal.Zstd), c.plain, uint32(len(c.plain)))
	}
	f.Add(byte(seal.Zstd), []byte("\x28\xb5\x2f\xfd\x04\x00\x09\x00\x00hi"), uint32(2))
	f.Add(byte(seal.S2), []byte("\x06\x14abcdef"), uint32(6))
	f.Add(byte(seal.S2), []byte("\xff\xff\xff\xff\x0f\x00"), uint32(1<<28))
	dict, err := seal.LoadDictionary()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method byte, b []byte, plain uint32) {
		out, err := seal.NewDecompressor(dict).Decompress(seal.Method(method), b, uint64(plain))
		if err == nil && (len(out) != int(plain) || len(out) > seal.MaxRatio*len(b)+seal.RatioSlack) {
			t.Fatalf("%d bytes of %d, said to be %d", len(out), len(b), plain)
		}
	})
}

// TestHostileCounts holds decoders to their bound where a few bytes promise much.
func TestHostileCounts(t *testing.T) {
	huge := []byte("\xff\xff\xff\xff\x7f")
	for name, b := range map[string][]byte{
		"sources": huge, "rules": append([]byte{0}, huge...), "cells": append([]byte{0, 0}, huge...), "shared": append([]byte{0, 0, 0}, huge...),
	} {
		for _, pad := range []int{0, 1000, 100_000} {
			in := append(bytes.Clone(b), make([]byte, pad)...)
			bounded(t, slack+perByte*len(in), func() {
				if _, err := DecodeDirectory(in, 0, 0); err == nil {
					t.Errorf("%s with %d bytes behind: accepted", name, pad)
				}
			})
		}
	}
	dir := &Directory{Sources: []Source{{"t", 1, 0}}, Rules: []seal.Rule{{}}}
	part := append([]byte{0, 0, 0, 0, 0, 0}, huge...)
	ruling := append([]byte{0, 0, 0, 0, 0, 0, 1, byte(ledger.PieceDecision), 0, 0, 0}, huge...)
	for name, b := range map[string][]byte{"pieces": part, "rulings": ruling} {
		in := append(bytes.Clone(b), make([]byte, 10_000)...)
		bounded(t, slack+perByte*len(in), func() {
			if _, err := DecodeCell(in, dir, []int{0}); err == nil {
				t.Errorf("%s: accepted", name)
			}
		})
	}
}
