package demo

import (
	"encoding/base64"
	"fmt"
)

// firmName is the firm: insurance brokers.
const firmName = "Example Harbour Insurance"

// number is a business number of the firm.
type number struct{ waba, id, display string }

// The firm's numbers: advice and claims in one account, the branch that closes
// today in another.
var (
	advice = number{"155501000000110", "155501000000210", "15550100010"}
	claims = number{"155501000000110", "155501000000220", "15550100020"}
	branch = number{"155501000000121", "155501000000230", "15550100030"}
)

// employee is one of the three who work there.
type employee struct{ id, name, role, department string }

var (
	eve   = employee{"e.example", "Eve Example", "adviser", "Advice"}
	jonas = employee{"j.example", "Jonas Example", "claims handler", "Claims"}
	mira  = employee{"m.example", "Mira Example", "owner", "Office"}
)

// person is a customer. One without a phone is known by a username alone.
type person struct {
	phone, userID, name, username string
}

// customer gives the n-th customer, with an id of a country.
func customer(n int, country, name string) person {
	return person{phone: fmt.Sprintf("1555010%04d", 1000+n), userID: fmt.Sprintf("%s.155501%014d", country, n*7919), name: name}
}

var (
	ana   = customer(1, "US", "Ana Example")
	ben   = customer(2, "US", "Ben Example")
	dora  = customer(3, "GR", "Δώρα Παράδειγμα")
	olena = customer(4, "UA", "Олена Приклад")
	layla = customer(5, "EG", "ليلى مثال")
	noa   = customer(6, "IL", "נועה דוגמה")
	chen  = customer(7, "SG", "陈 例")
	yuki  = customer(8, "JP", "例 ゆき")
	minho = customer(9, "KR", "예시 민호")
	priya = customer(10, "IN", "प्रिया उदाहरण")
	lea   = customer(11, "FR", "Léa Exemple")
	paolo = customer(12, "IT", "Paolo Esempio")
	soren = customer(13, "DK", "Søren Eksempel")
	nia   = customer(14, "KE", "Nia Mfano")
	tomas = customer(15, "CZ", "Tomáš Příklad")
	gita  = customer(16, "NL", "Gita Voorbeeld")
	hugo  = customer(17, "US", "Hugo Example")
	zoe   = person{userID: "DE.15550100000000000099", name: "Zoë Beispiel", username: "zoe.example"}
)

// Customer is the phone number of the one who said STOP.
const Customer = "15550101002"

// everybody are the customers with a phone number, in the order of their numbers.
var everybody = []person{ana, ben, dora, olena, layla, noa, chen, yuki, minho, priya, lea, paolo, soren, nia, tomas, gita, hugo}

// wamid gives a message id as the platform makes them: it holds the phone number
// of the person, and whether the message went out.
func (d *day) wamid(who person, out bool) string {
	phone, way := who.phone, byte(0x12)
	if phone == "" {
		phone = "15550109999"
	}
	if out {
		way = 0x11
	}
	return "wamid." + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "\x1c\x18\x0b%s\x15\x02\x00%c\x18\x14%s\x00", phone, way, d.hex20()))
}
