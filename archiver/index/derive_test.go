package index

import (
	"encoding/hex"
	"testing"
)

// The derivation is part of the format: an index built today and the rows of
// old outboxes must agree.
func TestNewKeys(t *testing.T) {
	type secret [32]byte
	one, two := secret{1}, secret{2}
	k := NewKeys(one, map[uint32]secret{1: one, 7: two})
	if got := hex.EncodeToString(k.Subject[:]); got != "d10c8198ca417ee34cf99c366d47fcb0" {
		t.Errorf("subject key %s", got)
	}
	first, seventh := k.Token[1], k.Token[7]
	if got := hex.EncodeToString(first[:]); got != "1d7110cd6388c6f63b72e040397d7fd0" {
		t.Errorf("token key of epoch 1 %s", got)
	}
	if len(k.Token) != 2 || seventh == first || first == k.Subject {
		t.Error("epochs or labels do not tell keys apart")
	}
}
