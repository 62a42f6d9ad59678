package ledger

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

const testArchive = "archive.example/test"

func testSigner(t testing.TB, seed byte) *Signer {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	s, err := NewSigner(testArchive, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testEntry is a plausible entry; Chain.Next fills in the rest.
func testEntry(n int) *Entry {
	return &Entry{
		Time:     fmt.Sprintf("2026-01-02T03:04:%02d.000Z", n%60),
		Writer:   Sum([]byte("start")),
		RowsFrom: uint64(n / 2),
		Source: []Source{{
			Topic: "wa.webhooks", Era: 1, First: int64(10 * n), Next: int64(10*n + 10), Records: 3, Epoch: -1,
			Gaps: []Gap{{First: int64(10 * n), Next: int64(10*n + 7), Cause: record.GapCompacted}},
		}},
		Segments: []Segment{{Object: Object{Key: "seg", SHA256: Sum([]byte{1}), Bytes: 1}, Class: "a<b>&c", RetainUntil: "2036-01-01T00:00:00Z"}},
		Boxes:    []Box{{Object: Object{Key: "box", SHA256: Sum([]byte{2}), Bytes: 1}, Class: "c", Rows: 1}},
		Outbox:   &Object{Key: "out", SHA256: Sum([]byte{3}), Bytes: 1},
		Snapshot: &Snapshot{Object: Object{Key: "snap", SHA256: Sum([]byte{4}), Bytes: 1}, At: 4},
	}
}

func testLeaves(n int) []Hash {
	var out []Hash
	for i := range 3 {
		out = append(out, LeafHash([]byte{byte(n), byte(i)}))
	}
	return out
}

// testBlocks builds a chain of n blocks.
func testBlocks(t testing.TB, lane record.Lane, n int) [][]byte {
	t.Helper()
	c := NewChain(lane, testSigner(t, 1))
	var out [][]byte
	for i := range n {
		b, err := c.Next(testEntry(i), testLeaves(i), [][]byte{[]byte("event"), nil})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Advance(b); err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func TestChainResumesFromAnyBlock(t *testing.T) {
	s := testSigner(t, 1)
	blocks := testBlocks(t, "0", 9)
	for i := range blocks[:8] {
		c, b, err := ResumeChain("0", s, s.Verifier(), blocks[i])
		if err != nil {
			t.Fatal(err)
		}
		if c.Size() != uint64(i+1) || b.Entry.N != uint64(i) {
			t.Fatalf("block %d: size %d", i, c.Size())
		}
		next, err := c.Next(testEntry(i+1), testLeaves(i+1), [][]byte{[]byte("event"), nil})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(next, blocks[i+1]) {
			t.Fatalf("block %d differs when written by a resumed chain", i+1)
		}
	}
}

func TestResumeRefusesEveryChangedByte(t *testing.T) {
	s := testSigner(t, 1)
	for n, block := range testBlocks(t, "0", 4) {
		for i := range block {
			bad := bytes.Clone(block)
			bad[i] ^= 1 << (i % 8)
			if _, _, err := ResumeChain("0", s, s.Verifier(), bad); err == nil {
				t.Fatalf("block %d: byte %d changed and accepted", n, i)
			}
		}
	}
}

func TestChainRefuses(t *testing.T) {
	s, other := testSigner(t, 1), testSigner(t, 2)
	blocks := testBlocks(t, "0", 4)
	c, _, err := ResumeChain("0", nil, s.Verifier(), blocks[1])
	if err != nil {
		t.Fatal(err)
	}
	root := c.Root()
	if err := c.Advance(blocks[3]); !errors.Is(err, ErrChain) {
		t.Errorf("a skipped block: %v", err)
	}
	if err := c.Advance(blocks[1]); !errors.Is(err, ErrChain) {
		t.Errorf("a repeated block: %v", err)
	}
	if c.Root() != root {
		t.Error("a refused block moved the chain")
	}
	if err := c.Advance(blocks[2]); err != nil {
		t.Error(err)
	}
	if _, _, err := ResumeChain("0", nil, other.Verifier(), blocks[1]); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	if _, _, err := ResumeChain("1", nil, s.Verifier(), blocks[1]); !errors.Is(err, ErrChain) {
		t.Errorf("another lane: %v", err)
	}
	both, err := NewVerifier(testArchive, other.Public(), s.Public())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ResumeChain("0", nil, both, blocks[1]); err != nil {
		t.Errorf("the older of two keys: %v", err)
	}
}

func TestEntryTooLong(t *testing.T) {
	c := NewChain("0", testSigner(t, 1))
	e := testEntry(0)
	for range 600 {
		e.Segments = append(e.Segments, e.Segments[0])
	}
	if _, err := c.Next(e, nil, nil); !errors.Is(err, ErrEntrySize) {
		t.Fatalf("got %v", err)
	}
}
