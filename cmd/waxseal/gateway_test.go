package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestGatewayCommand posts webhooks to the gateway as Meta does, and finds them in
// the archive.
func TestGatewayCommand(t *testing.T) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	env := append(os.Environ(), "WAXSEAL_DATA="+data, "WAXSEAL_LINGER=10ms", "WAXSEAL_PARTITIONS=1", "WAXSEAL_LOG_LEVEL=warn", "WAXSEAL_OUTPUT=jsonl")
	if out, err := command(bin, env, "gateway", "--listen", "127.0.0.1:0").CombinedOutput(); err == nil || !strings.Contains(string(out), "no Kafka to write to") {
		t.Errorf("without Kafka: %s", out)
	}
	run, events := startEvents(t, bin, env, "run")
	awaitEvent(t, events, "ready")
	if out, err := command(bin, env, "gateway", "--listen", "127.0.0.1:0").CombinedOutput(); err == nil || !strings.Contains(string(out), "nobody could be believed") {
		t.Errorf("without secrets: %s", out)
	}
	env = append(env, "WAXSEAL_GATEWAY_SECRETS=new-app-secret,old-app-secret")
	if out, err := command(bin, env, "config").CombinedOutput(); err != nil || strings.Contains(string(out), "app-secret") {
		t.Error("config shows a secret, or nothing")
	}
	gate, gateEvents := startEvents(t, bin, env, "gateway", "--listen", "127.0.0.1:0")
	address := awaitEvent(t, gateEvents, "listening").Address
	posted := 0
	err = fs.WalkDir(samples, "samples/webhooks", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := samples.ReadFile(path)
		if err != nil {
			return err
		}
		for secret, want := range map[string]int{"old-app-secret": 200, "a guess": 401} {
			if got := postSigned(t, "http://"+address+"/webhooks", body, secret); got != want {
				t.Errorf("%s: answered %d, want %d", path, got, want)
			}
		}
		posted++
		return nil
	})
	if err != nil || posted == 0 {
		t.Fatal(posted, err)
	}
	for _, c := range []*exec.Cmd{gate, run} {
		if err := c.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Fatalf("%s does not end cleanly: %v", c.Args[1], err)
		}
	}
	for _, args := range [][]string{{"archive", "--drain"}, {"verify"}} {
		if out, err := command(bin, env, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args[0], err, out)
		}
	}
	out, err := command(bin, env, "status", "--output", "json").Output()
	var status StatusResponse
	if err == nil {
		err = json.Unmarshal(out, &status)
	}
	if err != nil || status.Records != uint64(posted) {
		t.Errorf("%d records archived, %d posted, %v", status.Records, posted, err)
	}
}

func command(bin string, env []string, args ...string) *exec.Cmd {
	c := exec.Command(bin, args...)
	c.Env = env
	return c
}

// startEvents starts a command that reports events as lines of JSON.
func startEvents(t *testing.T, bin string, env []string, args ...string) (*exec.Cmd, <-chan Event) {
	t.Helper()
	c := command(bin, env, args...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	events := make(chan Event, 1000)
	go func() {
		defer close(events)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e Event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				events <- e
			}
		}
	}()
	return c, events
}

func awaitEvent(t *testing.T, events <-chan Event, kind string) Event {
	t.Helper()
	for e := range events {
		if e.Event == kind {
			return e
		}
	}
	t.Fatalf("ended before %s", kind)
	return Event{}
}

// postSigned posts a body signed as Meta signs, and gives the status.
func postSigned(t *testing.T, url string, body []byte, secret string) int {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
