package demo

import (
	"image/color"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// Marks of the records that stories and tests speak of.
const (
	MarkPromise     = "promise"     // the firm promises something in the app
	MarkEdited      = "edited"      // and rewrites it
	MarkAfterStop   = "after-stop"  // a marketing send to somebody who said STOP
	MarkReply       = "reply"       // a lawful answer to the same person
	MarkPaused      = "paused"      // a send of a paused template
	MarkNoText      = "no-text"     // an edit whose text the platform does not supply
	MarkUnavailable = "unavailable" // a message the platform cannot give
	MarkMalformed   = "malformed"   // a body that was cut off
	MarkPhoto       = "photo"       // the bytes of a photo
	MarkFive        = "five"        // the first of one message's five deliveries
)

const day24 = 24 * time.Hour

// office is what the firm's own systems say in the morning: who answers where,
// and who agreed to what in the months before.
func (d *day) office() {
	t := d.at(8, 0)
	for i, a := range []struct {
		n   number
		who employee
	}{{advice, eve}, {claims, jonas}, {branch, mira}} {
		d.answers(t.Add(time.Duration(i)*2*time.Second), a.n, a.who, d.start.Add(-90*day24))
	}
	for i, p := range []person{ana, ben, dora, olena, nia, soren, paolo, hugo, gita} {
		d.consent(d.at(8, 5).Add(time.Duration(i)*3*time.Second), d.start.Add(-time.Duration(60-i)*day24), advice, p,
			"marketing", "given", "I agree that "+firmName+" sends me offers by WhatsApp.", "web")
	}
	d.consent(d.at(9, 20), d.at(9, 19), advice, chen, "marketing", "given", "I agree that "+firmName+" sends me offers by WhatsApp.", "web")
	d.consent(d.at(9, 21), d.at(9, 19), advice, chen, "recording_notice", "given", "I know that messages with the firm are archived.", "web")
}

// promise is a promise made in the app and taken back by an edit.
func (d *day) promise() {
	d.says(d.at(10, 2), advice, ana, text("Good morning Eve 🙂 before I sign: does the house policy pay if our cellar is flooded?"))
	id := d.echo(d.at(10, 5), advice, ana, text("Yes Ana, I guarantee it: every flood in the cellar is paid."))
	d.mark(MarkPromise)
	d.says(d.at(10, 6), advice, ana, reaction(id, "👍"))
	signed := d.says(d.at(10, 8), advice, ana, text("Perfect, then I sign today.").replying(advice.display, id))
	d.echo(d.at(10, 12), advice, ana, edit(id, text("Floods in the cellar may be paid, Ana, depending on the cause: see section 7.")))
	d.mark(MarkEdited)
	d.echo(d.at(10, 13), advice, ana, reaction(signed, "🎉"))

	policy := d.paper("house-policy-4711.pdf", firmName, "House policy 4711", "Section 7: floods", "Ground water is covered, backed-up drains are not.")
	paper := d.echo(d.at(10, 20), advice, ana, policy.media("document", "caption", "Your house policy"))
	d.bytesOf(d.at(10, 21), advice, ana, paper, policy)
	contract := d.paper("signed-4711.pdf", "House policy 4711", "Signed: Ana Example")
	back := d.says(d.at(11, 40), advice, ana, contract.media("document", "caption", "Signed!"))
	d.bytesOf(d.at(11, 41), advice, ana, back, contract)
}

// stop is what follows a STOP: questions may be answered, offers may not be sent.
func (d *day) stop() {
	d.says(d.at(9, 40), advice, ben, text("STOP. No more offers please."))
	d.consent(d.at(9, 41), d.at(9, 40), advice, ben, "marketing", "withdrawn", "STOP. No more offers please.", "whatsapp")
	d.echo(d.at(9, 44), advice, ben, text("Understood, Ben. You get no more offers from us."))
	q := d.says(d.at(11, 15), advice, ben, text("Different question: is my bicycle insured when I travel abroad?"))
	d.echo(d.at(11, 18), advice, ben, text("Yes, in all of Europe for up to three months, if it was locked.").replying(ben.phone, q))
	d.mark(MarkReply)

	d.hook(d.at(9, 50), advice, "user_preferences", object{"contacts", list{olena.card()}, "user_preferences", list{object{
		"wa_id", olena.phone, "user_id", olena.userID, "detail", "User requested to stop marketing messages",
		"category", "marketing_messages", "value", "stop", "timestamp", d.at(9, 50).Unix()}}})
	d.says(d.at(10, 30), advice, olena, text("Добрий день! Коли закінчується мій поліс?"))
	d.echo(d.at(10, 33), advice, olena, text("Добрий день, Олено! Ваш поліс діє до 31 грудня."))
}

// Templates of the firm. The offer is changed under its id in the afternoon.
var (
	renewal  = tpl{155501000000301, "policy_renewal", "UTILITY", "Hello {{1}}, your policy {{2}} is renewed on 1 January. Nothing to do.", ""}
	offer    = tpl{155501000000302, "autumn_check", "MARKETING", "Autumn check, {{1}}: have all your policies looked at, free until Friday.", "Unsubscribe"}
	received = tpl{155501000000303, "claim_received", "UTILITY", "Hello {{1}}, we have your claim {{2}} and answer within two days.", ""}

	offerChanged = tpl{offer.id, offer.name, offer.category, "Winter is near, {{1}}: 15% off home insurance, this week only.", "Unsubscribe"}
)

// templates are approved, paused and changed.
func (d *day) templates() {
	d.snapshot(d.at(8, 20), renewal, "APPROVED")
	d.snapshot(d.at(8, 21), offer, "APPROVED")
	d.templateEvent(d.at(8, 25), received, "APPROVED", nil)
	d.snapshot(d.at(8, 26), received, "APPROVED")
	d.templateEvent(d.at(12, 10), offer, "PAUSED", object{"other_info", object{"title", "FIRST_PAUSE", "description", "Paused for three hours: many people blocked it."}})
	d.snapshot(d.at(12, 11), offer, "PAUSED")
	d.account(d.at(13, 30), advice.waba, "message_template_components_update", object{
		"message_template_id", offer.id, "message_template_name", offer.name, "message_template_language", "en_US",
		"message_template_element", offerChanged.body,
		"message_template_buttons", list{object{"message_template_button_type", "QUICK_REPLY", "message_template_button_text", "Unsubscribe"}}})
	d.templateEvent(d.at(13, 40), offer, "APPROVED", nil)
	d.snapshot(d.at(13, 41), offerChanged, "APPROVED")
	d.account(d.at(15, 30), advice.waba, "message_template_quality_update", object{
		"previous_quality_score", "GREEN", "new_quality_score", "YELLOW",
		"message_template_id", offer.id, "message_template_name", offer.name, "message_template_language", "en_US"})
}

func (d *day) templateEvent(t time.Time, x tpl, event string, more object) {
	d.account(t, advice.waba, "message_template_status_update", object{"event", event, "message_template_id", x.id,
		"message_template_name", x.name, "message_template_language", "en_US", "reason", nil, "message_template_category", x.category}.with(more...))
}

// campaign sends the offer: before its pause, once during it, and after its
// change to somebody who had said STOP.
func (d *day) campaign() {
	by := actor("campaign", "autumn")
	for i, p := range []person{ana, dora, soren} {
		s := d.sendTemplate(d.at(11, i), advice, p, by, offer)
		d.statuses(s, 5*time.Second, [][]string{{"sent", "delivered", "read"}, {"delivered", "sent", "read"}, {"read", "delivered", "sent"}}[i]...)
	}
	d.says(d.at(11, 25), advice, soren, object{"type", "button", "button", object{"payload", "Unsubscribe", "text", "Unsubscribe"}})
	d.consent(d.at(11, 26), d.at(11, 25), advice, soren, "marketing", "withdrawn", "Unsubscribe", "whatsapp")

	late := d.sendTemplate(d.at(12, 20), advice, nia, by, offer)
	d.mark(MarkPaused)
	d.statusAt(late.at.Add(3*time.Second), late.at.Add(time.Second), late, "failed", "errors", list{object{
		"code", 132015, "title", "Template is Paused", "message", "Template is Paused", "error_data", object{"details", "The template is paused."}}})

	for i, p := range []person{ana, ben, dora, paolo, hugo, chen} {
		s := d.sendTemplate(d.at(14, i), advice, p, by, offerChanged)
		if p == ben {
			d.mark(MarkAfterStop)
		}
		d.statuses(s, 4*time.Second, "sent", "delivered")
		d.offers = append(d.offers, s)
	}
	d.says(d.at(14, 20), advice, ben, text("I told you this morning that I want no offers! 😡"))
	d.echo(d.at(14, 24), advice, ben, text("I am sorry, Ben. That was our campaign software; I have it looked into."))
}

// claims are damages, with photos and voice notes.
func (d *day) claims() {
	at := d.at(9, 5)
	photo := d.photo(1, color.RGBA{170, 40, 30, 255})
	id := d.says(at, claims, paolo, photo.media("image", "caption", "Buongiorno, stamattina hanno urtato la mia auto nel parcheggio."))
	d.bytesOf(at.Add(20*time.Second), claims, paolo, id, photo)
	d.mark(MarkPhoto)
	d.says(at.Add(time.Minute), claims, paolo, object{"type", "location", "location", object{
		"latitude", 45.4642, "longitude", 9.19, "name", "Parcheggio Esempio", "address", "Via Esempio 1"}})
	s := d.sendTemplate(at.Add(2*time.Minute), claims, paolo, actor("bot", "claims"), received, "S-2201")
	d.statuses(s, 6*time.Second, "delivered", "sent", "read")
	d.own(whatsapp.RoleSends, at.Add(4*time.Minute), claims, "person", object{"wa_id", paolo.phone, "user_id", paolo.userID},
		"handover", object{"from", actor("bot", "claims"), "to", actor("human", jonas.id), "reason", "a photo needs a person"})
	d.call(at.Add(6*time.Minute), claims, paolo, actor("human", jonas.id), text("Buongiorno Paolo, ho visto la foto. Avete il nome del testimone?").replying(paolo.phone, id))
	d.own(whatsapp.RoleSends, at.Add(7*time.Minute), claims, "actor", actor("human", jonas.id), "person", object{"wa_id", paolo.phone},
		"request", object{"messaging_product", "whatsapp", "status", "read", "message_id", id}, "http_status", 200, "response", object{"success", true})
	d.says(at.Add(9*time.Minute), claims, paolo, object{"type", "contacts", "contacts", list{object{
		"name", object{"formatted_name", "Carlo Esempio", "first_name", "Carlo"}, "phones", list{object{"phone", "+1 555 010 1099", "wa_id", "15550101099", "type", "CELL"}}}}})

	note := d.voice(3)
	v := d.says(d.at(10, 40), claims, layla, note.media("audio", "voice", true))
	d.bytesOf(d.at(10, 40).Add(15*time.Second), claims, layla, v, note)
	d.says(d.at(10, 41), claims, layla, text("مرحبا، لقد تسرب الماء من السقف إلى غرفة الأطفال. ماذا أفعل؟"))
	d.echo(d.at(10, 45), claims, layla, text("مرحبا ليلى، أغلقي الماء من فضلك وأرسلي لنا صورة. 💧"))
	wet := d.photo(2, color.RGBA{40, 90, 150, 255})
	w := d.says(d.at(10, 50), claims, layla, wet.media("image"))
	d.bytesOf(d.at(10, 50).Add(12*time.Second), claims, layla, w, wet)
	answer := d.voice(2)
	a := d.echo(d.at(10, 55), claims, layla, answer.media("audio", "voice", true))
	d.bytesOf(d.at(10, 55).Add(9*time.Second), claims, layla, a, answer)

	m := d.says(d.at(11, 30), claims, noa, text("שלום, הטלפון שלי נגנב אתמול. 📱 המספר הסידורי הוא 0000"))
	d.says(d.at(11, 31), claims, noa, edit(m, text("שלום, הטלפון שלי נגנב אתמול. 📱 את המספר הסידורי אשלח במייל")))
	d.echo(d.at(11, 35), claims, noa, text("שלום נועה, קיבלנו. צריך אישור מהמשטרה."))
	gone := d.says(d.at(11, 50), claims, noa, text("מספר הכרטיס שלי הוא לדוגמה בלבד"))
	d.says(d.at(11, 51), claims, noa, revoke(gone))

	wrong := d.echo(d.at(13, 5), claims, minho, text("Søren, your claim S-2199 is paid."))
	d.echo(d.at(13, 6), claims, minho, revoke(wrong))
	d.echo(d.at(13, 7), claims, minho, text("죄송합니다, 다른 분께 보낼 메시지였습니다. 🙇‍♂️"))

	chart := d.chart(20, 45, 80, 60, 95)
	c := d.echo(d.at(15, 10), claims, yuki, chart.media("image", "caption", "五年間の保険金の推移です。"))
	d.bytesOf(d.at(15, 10).Add(8*time.Second), claims, yuki, c, chart)
	d.says(d.at(15, 14), claims, yuki, text("ありがとうございます。とても分かりやすいです。👩‍💻📈"))
}

// onboarding is the claims number coming to the platform that morning, with its
// address book and, in the afternoon, its past.
func (d *day) onboarding() {
	d.account(d.at(8, 30), claims.waba, "account_update", object{"event", "PARTNER_ADDED",
		"waba_info", object{"waba_id", claims.waba, "owner_business_id", "155501000000001"}})
	d.account(d.at(8, 31), claims.waba, "phone_number_quality_update", object{
		"display_phone_number", claims.display, "event", "ONBOARDING", "max_daily_conversations_per_business", "TIER_250"})
	at := d.at(8, 40)
	contact := func(p person, action string) object {
		c := object{"phone_number", p.phone, "user_id", p.userID}
		if action == "add" {
			c = object{"full_name", p.name, "first_name", firstName(p)}.with(c...)
		}
		return object{"type", "contact", "contact", c, "action", action, "metadata", object{"timestamp", unix(at)}}
	}
	book := list{}
	for _, p := range []person{lea, paolo, layla, noa, minho, yuki} {
		book = append(book, contact(p, "add"))
	}
	plumber := customer(60, "US", "Pete Plumber Example") // never writes
	d.hook(at, claims, "smb_app_state_sync", object{"state_sync", append(book, contact(plumber, "add"))})
	at = d.at(16, 5)
	d.hook(at, claims, "smb_app_state_sync", object{"state_sync", list{contact(plumber, "remove")}})

	d.hook(d.at(15, 0), claims, "history", chunk(0, 1, 30, d.thread(claims, lea, -20*time.Hour,
		"in:Bonjour, avez-vous reçu ma déclaration ?", "out:Bonjour Léa, oui, elle est chez l'expert.", "in:Merci 🙏")))
	d.hook(d.at(15, 1), claims, "history", chunk(1, 1, 70,
		d.thread(claims, minho, -30*day24, "in:안녕하세요, 보험금은 언제 나오나요?", "out:안녕하세요 민호님, 다음 주 월요일입니다.", "in:감사합니다!"),
		d.thread(claims, yuki, -45*day24, "in:先月の書類をもう一度送ってください。", "out:はい、すぐにお送りします。")))
	d.hook(d.at(15, 2), claims, "history", chunk(2, 1, 100,
		d.thread(claims, paolo, -120*day24, "in:La mia polizza copre i danni da grandine?", "out:Sì Paolo, dal primo gennaio.")))
}

// chunk is a part of a history sync.
func chunk(phase, order, progress int, threads ...object) object {
	all := list{}
	for _, t := range threads {
		all = append(all, t)
	}
	return object{"history", list{object{"metadata", object{"phase", phase, "chunk_order", order, "progress", progress}, "threads", all}}}
}

// thread is a chat of the past, from so long before the day on. Lines begin with
// in: or out:.
func (d *day) thread(n number, p person, since time.Duration, lines ...string) object {
	all := list{}
	at := d.at(12, 0).Add(since)
	for i, l := range lines {
		t := at.Add(time.Duration(i) * 3 * time.Minute)
		way, body := cutWay(l)
		m := object{"from", p.phone, "id", d.wamid(p, false), "timestamp", unix(t)}
		if way == "out" {
			m = object{"from", n.display, "to", p.phone, "id", d.wamid(p, true), "timestamp", unix(t)}
		}
		all = append(all, m.with(text(body)...).with("history_context", object{"status", "READ"}))
	}
	return object{"id", p.phone, "context", object{"wa_id", p.phone, "user_id", p.userID}, "messages", all}
}

// fiveWays is one photo that comes five times: by webhook, by the platform's
// retry, in a batch, as a placeholder of the history and as its follow-up.
func (d *day) fiveWays() {
	at := d.at(14, 40)
	photo := d.photo(3, color.RGBA{60, 130, 60, 255})
	id := d.wamid(lea, false)
	body := photo.media("image", "caption", "Voici l'arbre tombé sur le garage 🌳")
	d.delivers(at, claims, lea, id, body)
	d.mark(MarkFive)
	first := d.records[len(d.records)-1]
	first.Time, first.Mark = at.Add(40*time.Second), ""
	d.records = append(d.records, first)
	d.hook(at.Add(2*time.Minute), claims, "messages", object{"contacts", list{lea.card(), tomas.card()}, "messages", list{
		message(lea, id, at, body), message(tomas, d.wamid(tomas, false), at.Add(time.Minute), text("Dobrý den, dá se škoda hlásit i fotkou?"))}})
	d.bytesOf(at.Add(25*time.Second), claims, lea, id, photo)
	past := func(content object) object {
		return object{"from", lea.phone, "id", id, "timestamp", unix(at)}.with(content...)
	}
	d.hook(d.at(15, 3), claims, "history", chunk(0, 2, 45, object{"id", lea.phone, "messages", list{
		past(object{"type", "media_placeholder", "history_context", object{"status", "READ"}})}}))
	d.hook(d.at(15, 4), claims, "history", object{"contacts", list{lea.card()}, "messages", list{
		past(photo.past("image", "caption", "Voici l'arbre tombé sur le garage 🌳"))}})
	d.echo(at.Add(5*time.Minute), claims, lea, text("Merci Léa ! Personne n'est blessé, j'espère ?"))
}

// notArchived is what the platform does not supply, or what arrives broken: the
// archive holds that it was, and not what it said.
func (d *day) notArchived() {
	d.says(d.at(13, 10), advice, dora, text("Καλημέρα! Θέλω να αλλάξω τη διεύθυνσή μου: Οδός Παραδείγματος 5."))
	d.says(d.at(13, 15), advice, dora, object{"type", "unsupported", "errors", list{object{"code", 131051, "title", "Message type unknown",
		"message", "Message type unknown", "error_data", object{"details", "Message type is currently not supported."}}}, "unsupported", object{"type", "edit"}})
	d.mark(MarkNoText)
	d.echo(d.at(13, 20), advice, dora, text("Καλημέρα Δώρα, ποια είναι η σωστή διεύθυνση;"))
	d.says(d.at(13, 50), advice, hugo, object{"type", "unsupported", "errors", list{object{"code", 131060, "title", "This message is currently unavailable",
		"message", "This message is currently unavailable", "error_data", object{"details", "Ask the user to send it again, or look in the app."}}}})
	d.mark(MarkUnavailable)
	d.says(d.at(13, 55), advice, hugo, text("Sorry, did my first message reach you? I would like a quote for a camper van."))

	whole := meta(envelope(advice.waba, 0, change("messages", head(advice).with("contacts", list{gita.card()},
		"messages", list{message(gita, d.wamid(gita, false), d.at(15, 20), text("Kan ik morgen langskomen met de papieren?"))}))))
	d.put(whatsapp.RoleWebhooks, d.at(15, 20).Add(gatewayDelay), advice.waba, whole[:len(whole)-62],
		record.Header{Key: whatsapp.HeaderMetaSignature, Value: []byte(signature(whole))},
		record.Header{Key: whatsapp.HeaderSignature, Value: []byte("failed")})
	d.mark(MarkMalformed)
}

// batch is one webhook with messages and statuses of many people. One status is
// of a message that no record of the firm's own says was sent.
func (d *day) batch() {
	at := d.at(16, 30)
	var cards, messages list
	for i, p := range everybody[:12] {
		cards = append(cards, p.card())
		messages = append(messages, message(p, d.wamid(p, false), at.Add(time.Duration(i)*2*time.Second), text(thanks[i%len(thanks)])))
	}
	done := list{statusOf(at, gita, d.wamid(gita, true), "delivered")}
	for i, s := range d.offers[2:] {
		done = append(done, statusOf(at.Add(time.Duration(i)*time.Second), s.to, s.id, "read"))
	}
	d.post(at.Add(30*time.Second), advice.waba, meta(envelope(advice.waba, 0,
		change("messages", head(advice).with("contacts", cards, "messages", messages)),
		change("messages", head(advice).with("statuses", done)))))
}

// identities are people who change: a new number, and one known by a username
// alone.
func (d *day) identities() {
	d.hook(d.at(12, 40), advice, "messages", object{"messages", list{object{"from", tomas.phone, "from_user_id", tomas.userID, "id", d.wamid(tomas, false),
		"timestamp", unix(d.at(12, 40)), "type", "system", "system", object{"body", "User changed their number", "type", "user_changed_number",
			"wa_id", "15550101095", "user_id", "CZ.15550100000000000095", "previous_user_id", tomas.userID}}}})
	d.says(d.at(12, 45), advice, zoe, object{"type", "request_welcome"})
	d.says(d.at(12, 46), advice, zoe, text("Hallo! Versichern Sie auch Lastenräder? 🚲"))
	d.echo(d.at(12, 49), advice, zoe, text("Hallo Zoë, ja, auch gegen Diebstahl. Wie teuer war es?"))
}

// branch is the number that leaves the platform: from here on the archive hears
// nothing of it.
func (d *day) branch() {
	at := d.at(9, 10)
	d.says(at, branch, gita, text("Goedemorgen, is het filiaal vandaag open?"))
	d.echo(at.Add(3*time.Minute), branch, gita, text("Goedemorgen Gita, voor het laatst, tot vier uur. Daarna bent u welkom in de haven."))
	d.says(at.Add(5*time.Minute), branch, gita, text("Jammer! Tot straks 👋🏽"))
	d.account(d.at(16, 10), branch.waba, "account_update", object{"event", "PARTNER_REMOVED",
		"waba_info", object{"waba_id", branch.waba, "owner_business_id", "155501000000001"},
		"disconnection_info", object{"reason", "ACCOUNT_DISCONNECTED", "initiated_by", "USER"}})
	d.account(d.at(16, 11), branch.waba, "account_update", object{"event", "ACCOUNT_OFFBOARDED"})
}
