package gateway_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/gateway"
	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

const (
	secret = "an app secret of the tests"
	older  = "the one before it"
	verify = "a verify token of the tests"
	token  = "a bearer token of the tests"
	waba   = "155501000000010"
)

var topics = map[whatsapp.Role]string{
	whatsapp.RoleWebhooks: "wa.webhooks", whatsapp.RoleSends: "wa.sends", whatsapp.RoleConsent: "wa.consent",
	whatsapp.RoleTemplates: "wa.templates", whatsapp.RoleDirectory: "wa.directory",
}

// scene is a gateway before an embedded broker.
type scene struct {
	broker  *kafka.Broker
	source  *kafka.Source
	gateway *gateway.Gateway
	url     string
	log     *logged
}

// logged keeps what is logged.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newScene(t testing.TB, change func(*gateway.Config)) *scene {
	t.Helper()
	s := &scene{log: &logged{}}
	parts := map[string]int32{}
	for _, name := range topics {
		parts[name] = 2
	}
	var err error
	s.broker, err = kafka.StartEmbedded(context.Background(), t.TempDir(), kafka.BrokerOptions{Topics: parts})
	ok(t, err)
	t.Cleanup(func() { s.broker.Close() })
	s.source, err = kafka.Open(context.Background(), []string{s.broker.Addr()}, kafka.Options{MaxWait: 10 * time.Millisecond})
	ok(t, err)
	t.Cleanup(s.source.Close)
	producer, err := kafka.NewProducer([]string{s.broker.Addr()}, kafka.Options{})
	ok(t, err)
	t.Cleanup(producer.Close)
	cfg := gateway.Config{
		Producer: producer, Topics: topics, Secrets: [][]byte{[]byte(secret), []byte(older)}, Verify: []string{verify}, Tokens: []string{token},
		MaxBody: 1 << 20, Answer: 5 * time.Second, Log: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	s.gateway, err = gateway.New(cfg)
	ok(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.gateway.Run(ctx); close(done) }()
	srv := httptest.NewUnstartedServer(s.gateway)
	srv.Config = s.gateway.Server()
	srv.Start()
	t.Cleanup(func() { srv.Close(); stop(); <-done })
	s.url = srv.URL
	return s
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func body(n int) string {
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":%q,"changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550100000","phone_number_id":"155501000000020"},"messages":[{"from":"15550100101","id":"wamid.GATE%06d","timestamp":"1772355600","type":"text","text":{"body":"through the gate %d"}}]},"field":"messages"}]}]}`, waba, n, n)
}

func sign(body, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// post gives status and body of the answer.
func (s *scene) post(t testing.TB, path, body string, headers map[string]string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	ok(t, err)
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	ok(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	ok(t, err)
	return resp.StatusCode, string(b)
}

func (s *scene) webhook(t testing.TB, body, signature string) int {
	t.Helper()
	code, _ := s.post(t, "/webhooks", body, map[string]string{"X-Hub-Signature-256": signature})
	return code
}

// records reads all of a topic.
func (s *scene) records(t testing.TB, topic string) (out []*record.Record) {
	t.Helper()
	for p := range int32(2) {
		_, high, err := s.source.Watermarks(t.Context(), topic, p)
		ok(t, err)
		r := s.source.Reader(topic, p, 1, 0)
		for next := int64(0); next < high; {
			b, err := r.Fetch(t.Context())
			ok(t, err)
			out, next = append(out, b.Records...), b.Next
		}
	}
	return out
}

func TestWebhookIsKeptExactly(t *testing.T) {
	s := newScene(t, nil)
	for i, key := range []string{secret, older} {
		if code := s.webhook(t, body(i), sign(body(i), key)); code != http.StatusOK {
			t.Fatalf("answered %d", code)
		}
	}
	all := s.records(t, "wa.webhooks")
	if len(all) != 2 {
		t.Fatalf("%d records", len(all))
	}
	for i, r := range all {
		if string(r.Value) != body(i) || string(r.Key) != waba {
			t.Errorf("record %d is not what was posted", i)
		}
		want := []record.Header{{Key: "X-Hub-Signature-256", Value: []byte(sign(body(i), []string{secret, older}[i]))}, {Key: "x-waxseal-signature", Value: []byte("ok")}}
		if len(r.Headers) != 2 || string(r.Headers[0].Value) != string(want[0].Value) || r.Headers[0].Key != want[0].Key || string(r.Headers[1].Value) != "ok" || r.Headers[1].Key != want[1].Key {
			t.Errorf("record %d has other headers", i)
		}
		if p := whatsapp.NewParser(whatsapp.Options{}).Parse(whatsapp.RoleWebhooks, r, nil); p.Signature != record.SignatureOK {
			t.Errorf("read as signature %s", p.Signature)
		}
	}
	if c := s.gateway.Counts(); c.Records[whatsapp.RoleWebhooks] != 2 || c.Bytes == 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestWrongSignatures(t *testing.T) {
	s := newScene(t, nil)
	good := sign(body(0), secret)
	flipped := []byte(good)
	flipped[len(flipped)-1] ^= 1
	for name, signature := range map[string]string{
		"missing": "", "empty": "sha256=", "other secret": sign(body(0), "a guess"), "other body": sign(body(1), secret), "a bit": string(flipped),
		"sha1": "sha1=" + good[7:], "short": good[:len(good)-2], "long": good + "00", "bare": good[7:], "not hex": "sha256=" + strings.Repeat("z", 64), "upper prefix": "SHA256=" + good[7:],
	} {
		if code := s.webhook(t, body(0), signature); code != http.StatusUnauthorized {
			t.Errorf("%s: answered %d", name, code)
		}
	}
	if code := s.webhook(t, body(0)+" ", good); code != http.StatusUnauthorized {
		t.Errorf("a blank more: answered %d", code)
	}
	if n := len(s.records(t, "wa.webhooks")); n != 0 {
		t.Errorf("%d records were produced", n)
	}
	if c := s.gateway.Counts(); c.Refused["signature"] != 12 {
		t.Errorf("counts %+v", c)
	}
}

func TestHandshake(t *testing.T) {
	s := newScene(t, nil)
	for query, want := range map[string]int{
		"hub.mode=subscribe&hub.verify_token=" + strings.ReplaceAll(verify, " ", "+") + "&hub.challenge=1158201444":   200,
		"hub.mode=subscribe&hub.verify_token=guess&hub.challenge=1158201444":                                          403,
		"hub.mode=subscribe&hub.verify_token=&hub.challenge=1158201444":                                               403,
		"hub.verify_token=" + strings.ReplaceAll(verify, " ", "+") + "&hub.challenge=1":                               403,
		"hub.mode=subscribe&hub.verify_token=" + strings.ReplaceAll(verify, " ", "+") + "&hub.challenge=%3Cscript%3E": 400,
	} {
		resp, err := http.Get(s.url + "/webhooks?" + query)
		ok(t, err)
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || want == 200 && string(b) != "1158201444" {
			t.Errorf("answered %d, want %d", resp.StatusCode, want)
		}
	}
}

// Each answer of 200 is a record in Kafka, whatever else is posted meanwhile.
func TestManyAtOnce(t *testing.T) {
	s := newScene(t, nil)
	const posts = 400
	var wg sync.WaitGroup
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < posts; i += 8 {
				b := body(i)
				signature := sign(b, secret)
				if i%10 == 0 {
					signature = sign(b, "a guess")
				}
				if s.webhook(t, b, signature) == http.StatusOK {
					mu.Lock()
					acknowledged[b] = true
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	all := s.records(t, "wa.webhooks")
	if len(acknowledged) != posts-posts/10 || len(all) != len(acknowledged) {
		t.Fatalf("%d acknowledged, %d records", len(acknowledged), len(all))
	}
	for _, r := range all {
		if !acknowledged[string(r.Value)] {
			t.Error("a record that nobody was told of")
		}
	}
}

func TestKafkaAway(t *testing.T) {
	s := newScene(t, func(c *gateway.Config) { c.Answer = 200 * time.Millisecond })
	if code := s.webhook(t, body(0), sign(body(0), secret)); code != http.StatusOK {
		t.Fatalf("answered %d", code)
	}
	ok(t, s.broker.Close())
	if code := s.webhook(t, body(1), sign(body(1), secret)); code != http.StatusServiceUnavailable {
		t.Errorf("answered %d", code)
	}
	if c := s.gateway.Counts(); c.Refused["kafka"] != 1 || c.Records[whatsapp.RoleWebhooks] != 1 {
		t.Errorf("counts %+v", c)
	}
	for _, secretly := range []string{secret, "through the gate", waba, "15550100101"} {
		if strings.Contains(s.log.String(), secretly) {
			t.Error("the log tells what it must not")
		}
	}
}

// failing is a producer that stores some and does not know of others.
type failing struct{ stored int }

func (f *failing) Produce(_ context.Context, topic string, records ...*record.Record) ([]record.Coordinates, error) {
	where := make([]record.Coordinates, len(records))
	for i := range where {
		where[i] = record.Coordinates{Topic: topic, Era: 1, Offset: -1}
		if f.stored > 0 {
			where[i].Offset, f.stored = int64(i), f.stored-1
		}
	}
	return where, errors.New("leader is gone")
}

// Of a group that Kafka took in part, each sender is told of its own record.
func TestHalfAGroup(t *testing.T) {
	s := newScene(t, func(c *gateway.Config) { c.Producer = &failing{stored: 1} })
	var codes []int
	for i := range 2 {
		codes = append(codes, s.webhook(t, body(i), sign(body(i), secret)))
	}
	if codes[0] != http.StatusOK || codes[1] != http.StatusServiceUnavailable {
		t.Errorf("answered %v", codes)
	}
}

func TestLimits(t *testing.T) {
	s := newScene(t, func(c *gateway.Config) { c.MaxBody, c.Read = 100<<10, time.Second })
	large := body(0) + strings.Repeat(" ", 100<<10)
	if code := s.webhook(t, large, sign(large, secret)); code != http.StatusRequestEntityTooLarge {
		t.Errorf("stated size: answered %d", code)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/webhooks", io.MultiReader(strings.NewReader(large))) // chunked
	ok(t, err)
	req.Header.Set("X-Hub-Signature-256", sign(large, secret))
	resp, err := http.DefaultClient.Do(req)
	ok(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("chunked: answered %d", resp.StatusCode)
	}
	// A body that never ends, one that breaks off, and chunks that are none.
	for name, raw := range map[string]string{
		"slow":   "POST /webhooks HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=00\r\nContent-Length: 1000\r\n\r\nabc",
		"broken": "POST /webhooks HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=00\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		ok(t, err)
		_, err = io.WriteString(c, raw)
		ok(t, err)
		ok(t, c.SetDeadline(time.Now().Add(20*time.Second)))
		b, _ := io.ReadAll(c)
		c.Close()
		if !strings.HasPrefix(string(b), "HTTP/1.1 4") {
			t.Errorf("%s: answered %.40q", name, b)
		}
	}
	if n := len(s.records(t, "wa.webhooks")); n != 0 {
		t.Errorf("%d records", n)
	}
	if code := s.webhook(t, body(1), sign(body(1), secret)); code != http.StatusOK {
		t.Errorf("afterwards: answered %d", code)
	}
}

// What is under way at once is bounded: who comes when all memory is taken is told
// to come again, and who is served then finds it free.
func TestMemoryIsBounded(t *testing.T) {
	s := newScene(t, func(c *gateway.Config) { c.MaxBody, c.MaxMemory = 64<<10, 64<<10 }) // room for three steps
	var held []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		ok(t, err)
		defer c.Close()
		_, err = io.WriteString(c, "POST /webhooks HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=00\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n")
		ok(t, err)
		_, err = io.ReadFull(c, make([]byte, len("HTTP/1.1 100"))) // now it reads, and has room for what comes
		ok(t, err)
		held = append(held, c)
	}
	if code := s.webhook(t, body(0), sign(body(0), secret)); code != http.StatusServiceUnavailable {
		t.Errorf("answered %d", code)
	}
	for _, c := range held {
		ok(t, c.Close())
	}
	free := false
	for i := 0; i < 2000 && !free; i++ {
		free = s.webhook(t, body(i), sign(body(i), secret)) == http.StatusOK
	}
	if !free {
		t.Error("never free again")
	}
}

func TestInputs(t *testing.T) {
	s := newScene(t, nil)
	good := `{"time":"2026-02-01T08:00:00Z","waba_id":"155501000000010","phone_number_id":"155501000000020","person":{"wa_id":"15550100101"},"business":"Example Ltd","purpose":"marketing","action":"given","method":"web"}`
	auth := map[string]string{"Authorization": "Bearer " + token}
	code, said := s.post(t, "/inputs/consent", good, auth)
	var a gateway.Answer
	ok(t, json.Unmarshal([]byte(said), &a))
	if code != http.StatusOK || !strings.HasPrefix(a.Record, "wa.consent/") {
		t.Fatalf("answered %d, %+v", code, a)
	}
	if all := s.records(t, "wa.consent"); len(all) != 1 || string(all[0].Value) != good || string(all[0].Key) != waba {
		t.Error("not what was posted")
	}
	for name, c := range map[string]struct {
		body string
		want []string // path: says
	}{
		"not JSON":   {`{"time":`, []string{": not JSON"}},
		"action":     {strings.Replace(good, `"given"`, `"perhaps"`, 1), []string{"/action: must be one of given, withdrawn"}},
		"no person":  {strings.Replace(good, `"person":{"wa_id":"15550100101"},`, "", 1), []string{": is missing person"}},
		"no account": {strings.Replace(good, `"waba_id":"155501000000010",`, "", 1), []string{"/waba_id: is needed"}},
		"second":     {"[" + good + "," + strings.Replace(good, `"marketing"`, `7`, 1) + "]", []string{"/1/purpose: must be of type string"}},
		"two firms":  {"[" + good + "," + strings.Replace(good, "155501000000010", "155501000000011", 1) + "]", []string{"/1/waba_id: is another account"}},
		"empty":      {"[]", []string{": empty"}},
	} {
		code, said := s.post(t, "/inputs/consent", c.body, auth)
		var a gateway.Answer
		ok(t, json.Unmarshal([]byte(said), &a))
		if code != http.StatusUnprocessableEntity {
			t.Errorf("%s: answered %d", name, code)
		}
		for _, w := range c.want {
			found := false
			for _, f := range a.Faults {
				found = found || strings.HasPrefix(f.Path+": "+f.Says, w)
			}
			if !found {
				t.Errorf("%s: %+v, want %s", name, a.Faults, w)
			}
		}
		if strings.Contains(said, "perhaps") || strings.Contains(said, "15550100101") {
			t.Errorf("%s: the answer repeats what was sent", name)
		}
	}
	for name, headers := range map[string]map[string]string{"none": nil, "wrong": {"Authorization": "Bearer " + token + "x"}, "basic": {"Authorization": "Basic " + token}} {
		if code, _ := s.post(t, "/inputs/consent", good, headers); code != http.StatusUnauthorized {
			t.Errorf("token %s: answered %d", name, code)
		}
	}
	if code, _ := s.post(t, "/inputs/media", good, auth); code != http.StatusNotFound {
		t.Errorf("media: answered %d", code)
	}
	if n := len(s.records(t, "wa.consent")); n != 1 {
		t.Errorf("%d records", n)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]gateway.Config{
		"nobody": {}, "empty secret": {Secrets: [][]byte{{}}}, "short token": {Tokens: []string{"short"}}, "short verify": {Secrets: [][]byte{{1}}, Verify: []string{"short"}},
	} {
		if _, err := gateway.New(cfg); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// BenchmarkGateway posts from 16 clients at once: POST/s, and how long 99 of 100
// wait.
func BenchmarkGateway(b *testing.B) {
	s := newScene(b, nil)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var took []time.Duration
	b.ResetTimer()
	jobs := make(chan int)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range jobs {
				text := body(i)
				req, _ := http.NewRequest(http.MethodPost, s.url+"/webhooks", strings.NewReader(text))
				req.Header.Set("X-Hub-Signature-256", sign(text, secret))
				start := time.Now()
				resp, err := client.Do(req)
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Error("not taken", err)
					continue
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
			}
		})
	}
	for i := range b.N {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "POST/s")
	b.ReportMetric(float64(percentile(took, 99))/1e6, "p99-ms")
}

func percentile(d []time.Duration, p int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(d))
	return s[min(len(s)-1, len(s)*p/100)]
}
