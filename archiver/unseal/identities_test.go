package unseal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"github.com/waxseal/waxseal/archiver/unseal"
)

func TestParseIdentities(t *testing.T) {
	pq, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	classic, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	hardware := plugin.EncodeIdentity("waxtest", []byte("fictional"))
	ui := plugin.NewTerminalUI(t.Logf, t.Logf)
	file := "# archive\n\n" + pq.String() + "\r\n  " + classic.String() + "\n" + hardware + "\n"
	ids, err := unseal.ParseIdentities(strings.NewReader(file), nil, ui)
	if err != nil || len(ids) != 3 {
		t.Fatalf("%d identities, %v", len(ids), err)
	}
	for name, f := range map[string]string{
		"empty": "", "comments": "# nothing\n", "recipient": pq.Recipient().String(), "cut short": classic.String()[:50],
		"second line": pq.String() + "\nAGE-SECRET-KEY-1XYZ", "plugin without anybody": hardware, "too long": strings.Repeat("#\n", 1<<20),
	} {
		var u *plugin.ClientUI
		_, err := unseal.ParseIdentities(strings.NewReader(f), nil, u)
		if !errors.Is(err, unseal.ErrIdentityFile) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: error quotes the secret", name)
		}
	}
}

func TestProtectedIdentities(t *testing.T) {
	classic, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := unseal.Protect(&file, []byte(classic.String()+"\n"), "fictional passphrase", 4); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(file.String(), "SECRET") {
		t.Fatal("not protected")
	}
	say := func(s string) func() (string, error) { return func() (string, error) { return s, nil } }
	ids, err := unseal.ParseIdentities(bytes.NewReader(file.Bytes()), say("fictional passphrase"), nil)
	if err != nil || len(ids) != 1 {
		t.Fatalf("%d identities, %v", len(ids), err)
	}
	for name, ask := range map[string]func() (string, error){"wrong": say("other"), "empty": say(""), "nobody": nil} {
		if _, err := unseal.ParseIdentities(bytes.NewReader(file.Bytes()), ask, nil); !errors.Is(err, unseal.ErrPassphrase) {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := bytes.Replace(file.Bytes(), []byte("\n"), []byte("\nA"), 2)
	if _, err := unseal.ParseIdentities(bytes.NewReader(bad), say("fictional passphrase"), nil); !errors.Is(err, unseal.ErrIdentityFile) {
		t.Errorf("damaged: %v", err)
	}
}
