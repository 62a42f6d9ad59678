package main

import (
	"bytes"
	"os"
	"regexp"
	"testing"
)

// TestDictionary holds the shipped file to its source: what is stored was made
// from fictional shapes and from nothing else.
func TestDictionary(t *testing.T) {
	shipped, err := os.ReadFile("../dictionary.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(shipped, Build()) {
		t.Error("dictionary.bin is not what its source makes; a changed dictionary needs a new name")
	}
}

// TestFictional: every phone number in it is one of 1 555 01xx.
func TestFictional(t *testing.T) {
	for _, field := range []string{"from", "to", "wa_id", "recipient_id", "phone_number", "display_phone_number"} {
		for _, m := range regexp.MustCompile(`"`+field+`":"([0-9]+)"`).FindAllSubmatch(Build(), -1) {
			if !bytes.HasPrefix(m[1], []byte("155501")) {
				t.Errorf("%s %s is not fictional", field, m[1])
			}
		}
	}
}
