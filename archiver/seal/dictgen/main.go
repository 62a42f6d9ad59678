// Command dictgen makes dictionary.bin, the dictionary that sealed cells are
// compressed with, from the shapes of shapes.go. All data in it is fictional: a
// dictionary trained on traffic would hold people and outlive their erasure.
//
//	go run ./archiver/seal/dictgen > archiver/seal/dictionary.bin
//
// The output is a function of the source. A changed dictionary is a new one with
// a new name; whoever changes it keeps the old file readable.
package main

import (
	"fmt"
	"os"

	"github.com/klauspost/compress/s2"
)

func main() {
	if _, err := os.Stdout.Write(Build()); err != nil {
		fmt.Fprintln(os.Stderr, "dictgen: write:", err)
		os.Exit(1)
	}
}

// Build gives the dictionary file. What is rare comes first and what is frequent
// last, where it is reached by short offsets.
func Build() []byte {
	var b []byte
	for _, group := range [][]string{rules, own, account, rare, wrapped, frequent} {
		for _, s := range group {
			b = append(b, s...)
		}
	}
	return s2.MakeDict(b, []byte(`{"object":"whatsapp_business_account","entry":[{"id":"`)).Bytes()
}
