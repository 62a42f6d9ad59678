package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/record"
)

// What a customer's data looks like here and nowhere else.
const (
	canaryPhone    = "15550107319"
	canaryOther    = "15550108642"
	canaryWord     = "zwanzigkanarienvoegel"
	canaryName     = "Quillonia"
	canaryUsername = "quillonia.canary"
	canaryBSUID    = "US.90817263544536271809"
	canaryKey      = "canarykeyofarecord"
)

// canaryRecords are records full of them, also broken ones, whose errors must
// not quote them.
func canaryRecords() map[string][]string {
	message := webhook(1, canaryWord)
	message = strings.ReplaceAll(strings.ReplaceAll(message, "15550100001", canaryPhone), "Person 1", canaryName)
	message = strings.Replace(message, wamidOf(message), wamid(canaryPhone, 1), 1)
	value := func(field, inner string) string {
		return `{"object":"whatsapp_business_account","entry":[{"id":"155501000000010","changes":[{"field":"` + field + `","value":{"messaging_product":"whatsapp",` +
			`"metadata":{"display_phone_number":"15550100000","phone_number_id":"155501000000020"},` + inner + `}}]}]}`
	}
	id := wamid(canaryPhone, 2)
	return map[string][]string{
		"wa.webhooks": {
			message,
			value("messages", `"contacts":[{"profile":{"name":"`+canaryName+`","username":"`+canaryUsername+`"},"user_id":"`+canaryBSUID+`"}],`+
				`"messages":[{"from_user_id":"`+canaryBSUID+`","id":"`+wamid(canaryOther, 3)+`","timestamp":"1790000000","type":"text","text":{"body":"`+canaryWord+`"}}]`),
			value("smb_message_echoes", `"message_echoes":[{"from":"15550100000","to":"`+canaryPhone+`","id":"`+id+`","timestamp":"1790000001","type":"text","text":{"body":"`+canaryWord+`"}}]`),
			value("messages", `"statuses":[{"id":"`+id+`","status":"failed","timestamp":"1790000002","recipient_id":"`+canaryPhone+`","errors":[{"code":131026,"title":"`+canaryWord+`","message":"`+canaryPhone+`"}]}]`),
			value("messages", `"messages":[{"from":"`+canaryPhone+`","id":"`+id+`","timestamp":"`+canaryWord+`","type":"text","text":{"body":7}}]`),
			value("messages", `"messages":[{"from":"`+canaryPhone+`","id":"`+id+`","timestamp":"1790000003","type":"edit","edit":{"original_message_id":"`+id+`","message":{"type":"text","text":{"body":"`+canaryWord+`"}}}}]`),
			value("messages", `"messages":[{"from":"`+canaryPhone+`","id":"`+id+`","timestamp":"1790000003","type":"`+canaryWord+`","`+canaryWord+`":{}}]`),
			value("smb_app_state_sync", `"state_sync":[{"type":"contact","contact":{"full_name":"`+canaryName+`","first_name":"`+canaryName+`","phone_number":"`+canaryPhone+`"},"action":"add","metadata":{"timestamp":"1790000000"}}]`),
			`{"object":"` + canaryWord + `","` + canaryPhone + `":["` + canaryName + `"]}`,
			`{"object":"whatsapp_business_account","entry":[{"id":"155501000000010","changes":"` + canaryPhone + `"}]}`,
			`{"entry":"` + canaryWord + `","entry":"` + canaryPhone + `"`,
			canaryPhone + " " + canaryWord + " " + canaryName,
		},
		"wa.consent": {
			`{"time":"2026-11-01T00:00:00Z","subject":{"phone":"` + canaryPhone + `","name":"` + canaryName + `"},"business":"155501000000020","purpose":"marketing","state":"given","text":"` + canaryWord + `"}`,
			strings.NewReplacer("15550100001", canaryPhone, "Ana Example", canaryName).Replace(string(must(samples.ReadFile("samples/consent/01-ana-gives.json")))),
		},
		"wa.sends": {
			strings.NewReplacer("15550100001", canaryPhone, "Ana", canaryName, "4711", canaryWord).Replace(string(must(samples.ReadFile("samples/sends/01-order-update-to-ana.json")))),
			`{"time":"` + canaryWord + `","request":{"to":"` + canaryPhone + `"}}`,
		},
		"wa.media": {
			strings.Repeat(canaryWord+" "+canaryPhone+" ", 4000),
			canaryName,
		},
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func wamidOf(body string) string {
	from := strings.Index(body, "wamid.")
	return body[from : from+strings.IndexByte(body[from:], '"')]
}

// forms are the ways in which a canary could stand somewhere.
func forms() map[string]string {
	out := map[string]string{}
	for name, c := range map[string]string{
		"phone": canaryPhone, "other phone": canaryOther, "word": canaryWord, "name": canaryName, "lower name": strings.ToLower(canaryName),
		"username": canaryUsername, "BSUID": canaryBSUID, "key": canaryKey,
		"wamid": strings.TrimSuffix(strings.TrimPrefix(wamid(canaryPhone, 2), "wamid."), "="),
	} {
		out[name] = c
		sum := sha256.Sum256([]byte(c))
		out[name+", its SHA-256"] = string(sum[:])
		out[name+", its SHA-256 in hex"] = hex.EncodeToString(sum[:])
		out[name+" in hex"] = hex.EncodeToString([]byte(c))
		for shift := range 3 {
			text := base64.StdEncoding.EncodeToString([]byte("xx"[:shift] + c))
			// the digits that its bytes alone decide
			from, to := (8*shift+5)/6, 8*(shift+len(c))/6
			out[name+" in base64 at "+string(rune('0'+shift))] = text[from:to]
		}
	}
	return out
}

// TestFormsAreFound: what is looked for is found wherever it stands.
func TestFormsAreFound(t *testing.T) {
	for name, form := range forms() {
		if len(form) < 8 {
			t.Errorf("%s: %d bytes are too few to mean anything", name, len(form))
		}
	}
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte("ab"[:shift] + canaryPhone + "behind"))
		if len(canaries([]byte(text))) == 0 {
			t.Errorf("a phone number at byte %d of base64 is not found", shift)
		}
	}
	for n := range 3 {
		if len(canaries([]byte(wamid(canaryPhone, n)))) == 0 {
			t.Error("a phone number in a message id is not found")
		}
	}
}

// canaries names what stands in the bytes.
func canaries(in []byte) []string {
	var found []string
	for name, form := range forms() {
		if bytes.Contains(in, []byte(form)) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// TestCanaries: nothing of a customer stands outside sealed bytes: not in index,
// outboxes, snapshots, clear parts, logs at their most talkative, answers without
// content, or errors. The embedded broker's folder is left out, for it is the
// Kafka that holds the messages until they are archived.
func TestCanaries(t *testing.T) {
	t.Parallel()
	o := newOperator(t, "WAXSEAL_LOG_LEVEL=debug", "WAXSEAL_PARTITIONS=2", "WAXSEAL_HEADS=50ms")
	log := &shared{}
	r := o.run(log)
	o.feedCanaries(r.broker)
	await(t, "everything archived", func() bool {
		var s StatusResponse
		o.json(&s, "status")
		for _, l := range s.Lanes {
			if l.Lag != 0 {
				return false
			}
		}
		return len(s.Lanes) == 2
	})
	o.failing(log)
	r.stop()
	log.add("events", r.events)
	for _, args := range [][]string{{"status"}, {"doctor"}, {"verify"}, {"verify", "--deep"}, {"archive", "--drain"}, {"search", canaryWord, "--count"}, {"reindex"}, {"keys", "list"}, {"config"}} {
		out, errs, _ := o.try(args...)
		log.add(strings.Join(args, " "), out)
		log.add(strings.Join(args, " "), errs)
	}
	out, errs, _ := o.try("search", canaryWord, "--limit", "0")
	log.add("search", errs)
	if len(canaries(out)) == 0 {
		t.Error("the canaries are not found by those who may: this test tests nothing")
	}
	for _, said := range log.said {
		if found := canaries(said.text); len(found) > 0 {
			t.Errorf("%s says %s", said.who, strings.Join(found, ", "))
		}
	}
	clear, sealed := 0, 0
	err := filepath.WalkDir(o.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(o.data, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found := append(canaries(b), canaries([]byte(name))...)
		if strings.HasPrefix(name, "kafka"+string(filepath.Separator)) {
			clear += len(found)
			return nil
		}
		sealed++
		if len(found) > 0 {
			t.Errorf("%s holds %s", name, strings.Join(found, ", "))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if clear == 0 || sealed < 20 {
		t.Errorf("%d canaries in the broker, %d files without: this test tests nothing", clear, sealed)
	}
}

// feedCanaries writes the records, with a key and a header of the kind.
func (o *operator) feedCanaries(address string) {
	o.t.Helper()
	p, err := kafka.NewProducer([]string{address}, kafka.Options{})
	if err != nil {
		o.t.Fatal(err)
	}
	defer p.Close()
	for topic, bodies := range canaryRecords() {
		for i, body := range bodies {
			rec := &record.Record{Key: []byte(canaryKey), Value: []byte(body), Headers: []record.Header{{Key: canaryWord, Value: []byte(canaryPhone)}}}
			if i%2 == 1 {
				rec.Key = []byte(canaryPhone)
			}
			if topic == "wa.media" {
				for name, value := range map[string]string{
					"x-waxseal-media-id": canaryPhone + canaryKey, "x-waxseal-message-id": wamid(canaryPhone, 2), "x-waxseal-filename": canaryName + " " + canaryWord,
					"x-waxseal-wa-id": canaryPhone, "x-waxseal-user-id": canaryBSUID, "x-waxseal-sha256": canaryWord, "x-waxseal-number": "155501000000020",
				} {
					rec.Headers = append(rec.Headers, record.Header{Key: name, Value: []byte(value)})
				}
			}
			if _, err := p.Produce(o.t.Context(), topic, rec); err != nil {
				o.t.Fatal(err)
			}
		}
	}
}

// failing runs commands that cannot do what they are asked, with canaries in what
// they are asked, and keeps their errors.
func (o *operator) failing(log *shared) {
	o.t.Helper()
	unknown := strings.Replace(wamid(canaryPhone, 77), "wamid.", "wamid.HB", 1)
	for _, args := range [][]string{
		{"show", unknown}, {"cat", unknown}, {"show", canaryOther}, {"cat", canaryPhone}, {"cat", "@" + canaryUsername + "x"},
		{"search", "(" + canaryWord}, {"search", canaryWord, "--cursor", "AAAA"}, {"search", canaryWord, "--from", "never"},
	} {
		_, errs, code := o.try(args...)
		if code == exitOK {
			o.t.Errorf("waxseal %s succeeds", args[0])
		}
		log.add("the error of "+args[0], errs)
	}
}

// said is what a command said.
type said struct {
	who  string
	text []byte
}

// shared collects what commands say.
type shared struct{ said []said }

func (s *shared) add(who string, text []byte) { s.said = append(s.said, said{who, bytes.Clone(text)}) }

// await polls until ok; commands are slow enough to need no pause between.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// ran is an appliance in the background.
type ran struct {
	broker string
	events []byte
	stop   func()
}

// run starts the appliance and returns once it is ready. What it logs goes to
// log when it has ended, if there is one.
func (o *operator) run(log *shared, flags ...string) *ran {
	o.t.Helper()
	cmd := o.command(o.t.Context(), append([]string{"run", "--output", "jsonl"}, flags...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	r := &ran{}
	ready, read := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		d := json.NewDecoder(out)
		for {
			var e Event
			if d.Decode(&e) != nil {
				return
			}
			line, err := json.Marshal(e)
			if err != nil {
				return
			}
			r.events = append(append(r.events, line...), '\n')
			switch {
			case e.Event == "listening" && e.What == "broker":
				r.broker = e.Address
			case e.Event == "ready":
				close(ready)
			}
		}
	}()
	select {
	case <-ready:
	case <-read:
		o.t.Fatalf("run ended before it was ready: %s", errs.String())
	}
	r.stop = func() {
		o.t.Helper()
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			o.t.Fatal(err)
		}
		<-read
		if err := cmd.Wait(); err != nil {
			o.t.Fatalf("run: %v: %s", err, errs.String())
		}
		if log != nil {
			log.add("the log of run", errs.Bytes())
		}
	}
	return r
}
