package index

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dchest/siphash"

	"github.com/waxseal/waxseal/archiver/whatsapp"
)

func testKeys() *Keys {
	return &Keys{
		Subject: [16]byte([]byte("the subject key.")),
		Token:   map[uint32][16]byte{1: [16]byte([]byte("token key one...")), 2: [16]byte([]byte("token key two..."))},
	}
}

// TestTagVectors pins the tags: another value for the same words would make
// every stored row unfindable.
func TestTagVectors(t *testing.T) {
	k := testKeys()
	who := k.PersonTag("100000000000001", "15550100001")
	for _, c := range []struct {
		name      string
		got, same Tag
	}{
		{"person", who, sip(k, "p\x0f100000000000001"+"15550100001")},
		{"message", k.MessageTag("wamid.A"), sip(k, "m\x07wamid.A")},
		{"display", k.DisplayTag("15550100009"), sip(k, "d\x0b15550100009")},
		{"group", k.GroupTag("1", "g"), sip(k, "g\x011g")},
		{"conversation", k.ConversationTag("1", who), sip(k, "c\x011"+string(who[:]))},
	} {
		if c.got != c.same {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.same)
		}
	}
	if got := k.MessageTag("wamid.A").String(); got != "8cbf8b89fffd5835392fb19244581946" {
		t.Errorf("message tag %s", got)
	}
	tokens, err := k.Tokens(2, []string{"Hello"})
	if err != nil || len(tokens) != 1 || tokens[0].String() != "8d936f9a7ad9ea1a" {
		t.Errorf("tokens %v, %v", tokens, err)
	}
}

func sip(k *Keys, text string) (t Tag) {
	h := siphash.New128(k.Subject[:])
	h.Write([]byte(text))
	copy(t[:], h.Sum(nil))
	return t
}

// TestTagsApart: the same text in another domain, or cut in another place, is
// another tag.
func TestTagsApart(t *testing.T) {
	k := testKeys()
	tags := []Tag{
		k.PersonTag("12", "3"), k.PersonTag("1", "23"), k.PersonTag("", "123"), k.PersonTag("123", ""),
		k.GroupTag("12", "3"), k.MessageTag("123"), k.DisplayTag("123"), k.ConversationTag("12", Tag{}),
		k.PersonTag(strings.Repeat("1", 300), "3"), k.PersonTag(strings.Repeat("1", 300), "4"),
	}
	slices.SortFunc(tags, CompareTags)
	if n := len(slices.Compact(slices.Clone(tags))); n != len(tags) {
		t.Errorf("%d tags, %d different ones", len(tags), n)
	}
}

func TestTokens(t *testing.T) {
	k := testKeys()
	one, err := k.Tokens(1, []string{"late fee", "fee late LATE"})
	if err != nil || len(one) != 2 || !slices.IsSorted(one) {
		t.Fatalf("%v, %v: want two, sorted", one, err)
	}
	two, err := k.Tokens(2, []string{"late fee"})
	if err != nil || slices.Equal(one, two) {
		t.Errorf("an epoch's tokens are another's: %v, %v", two, err)
	}
	if none, err := k.Tokens(1, []string{"", "…"}); none != nil || err != nil {
		t.Errorf("no words: %v, %v", none, err)
	}
	if _, err := k.Tokens(3, nil); !errors.Is(err, ErrEpoch) {
		t.Errorf("epoch 3: %v, want ErrEpoch", err)
	}
	if any := k.term("fee"); !slices.Contains(one, any[0]) || !slices.Contains(two, any[1]) {
		t.Errorf("a query's tokens %v are not those of the epochs", any)
	}
}

func TestPersonIDs(t *testing.T) {
	p := &whatsapp.Person{
		WaID: "15550100001", UserID: "US.abc1", ParentID: "US.ENT.x", Username: "Mia",
		Also: []whatsapp.Alias{{Kind: whatsapp.AliasUsername, ID: "mia2"}, {Kind: whatsapp.AliasWaID, ID: "15550100002"}, {Kind: whatsapp.AliasUserID}},
	}
	want := []string{"US.abc1", "15550100001", "@mia", "US.ENT.x", "@mia2", "15550100002"}
	if got := PersonIDs(p); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	k := testKeys()
	subject, aliases := k.Person("1", p, "US.new", "US.abc1")
	if subject != k.PersonTag("1", "US.abc1") || len(aliases) != 7 || !slices.IsSortedFunc(aliases, CompareTags) {
		t.Errorf("subject %s, aliases %v", subject, aliases)
	}
	if s, a := k.Person("1", &whatsapp.Person{Name: "nobody"}); s != (Tag{}) || a != nil {
		t.Errorf("a person without an id has tag %s and aliases %v", s, a)
	}
}

func TestPersonID(t *testing.T) {
	for _, c := range []struct {
		typed, id string
		ok        bool
	}{
		{"15550100001", "15550100001", true},
		{" +1 (555) 010-0001", "15550100001", true},
		{"001 555 010 0001", "15550100001", true},
		{"US.13491208655302741918", "US.13491208655302741918", true},
		{"US.ENT.11815799212886844830", "US.ENT.11815799212886844830", true},
		{"@Mia.K", "@mia.k", true},
		{"@", "", false},
		{"mia", "", false},
		{"12", "12", false},
		{"us.1349", "", false},
		{"US.13 49", "", false},
		{"555+0100", "", false},
	} {
		id, ok := PersonID(c.typed)
		if ok != c.ok || ok && id != c.id {
			t.Errorf("%q: %q, %v", c.typed, id, ok)
		}
	}
}

func BenchmarkPersonTag(b *testing.B) {
	k := testKeys()
	b.ReportAllocs()
	for b.Loop() {
		k.PersonTag("100000000000001", "US.13491208655302741918")
	}
}

func BenchmarkTokens(b *testing.B) {
	k := testKeys()
	for _, c := range []struct{ name, text string }{
		{"ascii", "Hello Mia, your order 4711 has left the warehouse and should reach you on Friday"},
		{"german", "Schöne Grüße, das Paket für Frau Müller wäre heute schon früher möglich 😀"},
		{"japanese", "ご注文の商品は金曜日に東京都港区へお届けします"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				tokens, err := k.Tokens(1, []string{c.text})
				if err != nil {
					b.Fatal(err)
				}
				n = len(tokens)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/token")
		})
	}
}
