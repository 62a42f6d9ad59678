package whatsapp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

func phone(i int) string { return fmt.Sprintf("1555010%04d", i) }

// updates is a body of n updates, messages and statuses mixed, of so many people.
func updates(n, people int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"object":"whatsapp_business_account","entry":[{"id":"100000000000001","changes":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		who := phone(i * 7 % people)
		fmt.Fprintf(&b, `{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550100000","phone_number_id":"200000000000001"},"contacts":[{"profile":{"name":"Person %s"},"wa_id":"%s","user_id":"US.%s"}],`, who, who, who)
		if i%3 == 0 {
			fmt.Fprintf(&b, `"statuses":[{"id":"wamid.A%d","status":"delivered","timestamp":"1767225600","recipient_id":"%s"}]`, i, who)
		} else {
			fmt.Fprintf(&b, `"messages":[{"from":"%s","id":"wamid.B%d","timestamp":"1767225600","type":"text","text":{"body":"update %d"}}]`, who, i, i)
		}
		b.WriteString(`},"field":"messages"}`)
	}
	b.WriteString(`]}]}`)
	return b.Bytes()
}

// chats is a history body of n messages in one thread for each of people.
func chats(people, n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"object":"whatsapp_business_account","entry":[{"id":"100000000000001","changes":[{"field":"history","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550100000","phone_number_id":"200000000000001"},"history":[{"metadata":{"phase":1,"chunk_order":1,"progress":40},"threads":[`)
	for i := range people {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%s","messages":[`, phone(i))
		for j := i; j < n; j += people {
			if j > i {
				b.WriteByte(',')
			}
			from, to := phone(i), ""
			if j%2 == 1 {
				from, to = "15550100000", `"to":"`+phone(i)+`",`
			}
			fmt.Fprintf(&b, `{"from":"%s",%s"id":"wamid.HBgLMTU1NTAxMDAwMDEVAgASGBQzQUFERjg0NDEzNDdFODU3%06d","timestamp":"1759000000","type":"text","text":{"body":"message %d of a long chat that went on for weeks, in which much was said and little was decided, as it goes"},"history_context":{"status":"READ"}}`, from, to, j, j)
		}
		b.WriteString(`]}`)
	}
	b.WriteString(`]}]}}]}]}`)
	return b.Bytes()
}

func TestThousandUpdates(t *testing.T) {
	p := NewParser(Options{})
	got := checkAll(t, p, RoleWebhooks, &record.Record{Value: updates(1000, 300)})
	if len(got.Items) != 1000 || len(got.People) != 300 || len(got.Regions) != 2000 {
		t.Errorf("%d items, %d people, %d regions", len(got.Items), len(got.People), len(got.Regions))
	}
	for _, it := range got.Items {
		if it.Kind != record.Text && it.Kind != record.Status {
			t.Fatalf("item %d is %s: %s", it.N, it.Kind, it.Reason)
		}
	}
}

func TestHistoryOfThreeHundred(t *testing.T) {
	value := chats(300, 10_000)
	if len(value) < 3_000_000 {
		t.Fatalf("%d bytes", len(value))
	}
	p := NewParser(Options{})
	r := &record.Record{Value: value}
	got := p.Parse(RoleWebhooks, r, nil)
	checkShape(t, value, got)
	checkGone(t, p, RoleWebhooks, r, got, func(i int) bool { return i%5 == 2 })
	if len(got.Items) != 10_001 || len(got.People) != 300 || len(got.Regions) != 300 {
		t.Errorf("%d items, %d people, %d regions", len(got.Items), len(got.People), len(got.Regions))
	}
	for _, it := range got.Items[1:] {
		if it.Provenance != record.Backfill || !it.Device || it.Person < 0 || it.Kind != record.Text {
			t.Fatalf("item %d: %s, %s, person %d", it.N, it.Kind, it.Provenance, it.Person)
		}
	}
}

// TestRandomBatches joins elements of the project's payloads and of random
// people into bodies nobody thought of, and erases people from them.
func TestRandomBatches(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	p := NewParser(Options{})
	for seed := range rounds {
		value := randomBody(rand.New(rand.NewPCG(uint64(seed), 7)))
		r := &record.Record{Value: value}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { checkAll(t, p, RoleWebhooks, r) })
	}
}

func randomBody(rng *rand.Rand) []byte {
	var b bytes.Buffer
	b.WriteString(`{"entry":[`)
	for e := range 1 + rng.IntN(3) {
		if e > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"10000000000000%d","time":1767225600,"changes":[`, rng.IntN(2))
		for c := range 1 + rng.IntN(4) {
			if c > 0 {
				b.WriteByte(',')
			}
			randomChange(rng, &b)
		}
		b.WriteString(`]}`)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func randomChange(rng *rand.Rand, b *bytes.Buffer) {
	fields := []string{"messages", "history", "smb_message_echoes", "message_echoes", "calls", "user_preferences", "account_update", "group_participants_update", "smb_app_state_sync", "novelty", "standby"}
	fmt.Fprintf(b, `{"field":"%s","value":{"metadata":{"phone_number_id":"20000%d","display_phone_number":"15550100000"}`, fields[rng.IntN(len(fields))], rng.IntN(2))
	arrays := []string{"contacts", "messages", "statuses", "message_echoes", "state_sync", "user_preferences", "calls", "groups", "history", "user_id_update", "errors", "surprise"}
	rng.Shuffle(len(arrays), func(i, j int) { arrays[i], arrays[j] = arrays[j], arrays[i] })
	for _, name := range arrays[:rng.IntN(5)] {
		fmt.Fprintf(b, `,"%s":[`, name)
		for i := range rng.IntN(5) {
			if i > 0 {
				b.WriteByte(',')
			}
			randomElement(rng, b, name)
		}
		b.WriteByte(']')
	}
	b.WriteString(`}}`)
}

// randomIDs writes some of a person's ids under these names; which of them
// belong together changes from time to time, as nothing guarantees it.
func randomIDs(rng *rand.Rand, wa, user, parent string) string {
	i := rng.IntN(6)
	u := i
	if rng.IntN(12) == 0 {
		u = rng.IntN(6)
	}
	s := ""
	if wa != "" && rng.IntN(4) > 0 {
		s += fmt.Sprintf(`"%s":"%s",`, wa, phone(i))
	}
	if user != "" && rng.IntN(2) > 0 {
		s += fmt.Sprintf(`"%s":"US.%d",`, user, u)
	}
	if parent != "" && rng.IntN(5) == 0 {
		s += fmt.Sprintf(`"%s":"US.ENT.%d",`, parent, i)
	}
	return s
}

func randomElement(rng *rand.Rand, b *bytes.Buffer, name string) {
	if rng.IntN(25) == 0 {
		b.WriteString([]string{`{}`, `7`, `null`, `[]`, `{"type":3}`, `{"from":{},"wa_id":[]}`}[rng.IntN(6)])
		return
	}
	msg := []string{
		`"type":"text","text":{"body":"hello"}`, `"type":"reaction","reaction":{"message_id":"wamid.x"}`, `"type":"text","text":{"body":9}`,
		`"type":"image","image":{"id":"5","caption":"c"}`, `"type":"poll","poll":{"title":"?"}`, `"type":"revoke","revoke":{"original_message_id":"wamid.y"}`,
		`"errors":[{"code":131060}],"type":"unsupported"`, `"type":"system","system":{"type":"user_changed_user_id","previous_user_id":"US.1","user_id":"US.2"}`,
	}[rng.IntN(8)]
	switch name {
	case "contacts":
		fmt.Fprintf(b, `{%s"profile":{"name":"N%d","username":"u%d"}}`, randomIDs(rng, "wa_id", "user_id", "parent_user_id"), rng.IntN(3), rng.IntN(9))
	case "messages":
		fmt.Fprintf(b, `{%s"id":"wamid.m","timestamp":"1767225600",%s}`, randomIDs(rng, "from", "from_user_id", "from_parent_user_id"), msg)
	case "message_echoes":
		fmt.Fprintf(b, `{"from":"15550100000",%s"id":"wamid.e",%s}`, randomIDs(rng, "to", "to_user_id", "to_parent_user_id"), msg)
	case "statuses":
		fmt.Fprintf(b, `{%s"id":"wamid.s","status":"read"}`, randomIDs(rng, "recipient_id", "recipient_user_id", ""))
	case "state_sync":
		fmt.Fprintf(b, `{"type":"contact","action":"add","contact":{%s"full_name":"F"}}`, randomIDs(rng, "phone_number", "user_id", ""))
	case "calls":
		fmt.Fprintf(b, `{"id":"wacid.c","event":"connect","direction":"%s",%s%s"status":"x"}`, []string{"USER_INITIATED", "BUSINESS_INITIATED"}[rng.IntN(2)], randomIDs(rng, "from", "from_user_id", ""), randomIDs(rng, "to", "to_user_id", ""))
	case "groups":
		fmt.Fprintf(b, `{"group_id":"g","type":"t","added_participants":[{%s"x":1}`, randomIDs(rng, "wa_id", "user_id", ""))
		for range rng.IntN(3) {
			fmt.Fprintf(b, `,{%s"x":2}`, randomIDs(rng, "wa_id", "user_id", ""))
		}
		b.WriteString(`]}`)
	case "history":
		b.WriteString(`{"metadata":{"phase":1},"threads":[`)
		for i := range 1 + rng.IntN(3) {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, `{%s"context":{%s"x":1},"messages":[{%s%s}]}`, randomIDs(rng, "id", "", ""), randomIDs(rng, "wa_id", "user_id", ""), randomIDs(rng, "from", "from_user_id", ""), msg)
		}
		b.WriteString(`]}`)
	case "user_id_update":
		fmt.Fprintf(b, `{%s"user_id":{"previous":"US.%d","current":"US.%d"}}`, randomIDs(rng, "wa_id", "", ""), rng.IntN(6), rng.IntN(9))
	default:
		fmt.Fprintf(b, `{%s"value":"stop","code":"131","timestamp":1767225600}`, randomIDs(rng, "wa_id", "user_id", ""))
	}
}
