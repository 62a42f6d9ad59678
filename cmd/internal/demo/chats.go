package demo

import (
	"fmt"
	"strings"
	"time"
)

// chat is a conversation in the app; lines begin with in: or out:.
type chat struct {
	hour, minute int
	n            number
	who          person
	lines        []string
}

// thanks are what people write at the end of a day.
var thanks = []string{"Thank you! 🙏", "See you tomorrow.", "Ευχαριστώ πολύ!", "Дякую! 🌻", "شكرا جزيلا", "תודה רבה!", "谢谢您！", "ありがとうございました。", "감사합니다 😊", "धन्यवाद", "Merci beaucoup", "Grazie mille!"}

func cutWay(line string) (way, body string) {
	way, body, _ = strings.Cut(line, ":")
	return way, body
}

// chats are what else is said that day.
func (d *day) chats() {
	for _, c := range []chat{
		{8, 45, advice, chen, []string{"in:您好，我想为新房买保险。", "out:您好！请问房子有多大？", "in:大约九十平方米，在三楼。", "out:好的，我下午把报价发给您。", "in:太好了 👍"}},
		{9, 0, advice, yuki, []string{"in:おはようございます。旅行保険についてお聞きしたいです。", "out:おはようございます。どちらへ行かれますか。", "in:来月、ギリシャへ二週間です。", "out:では、医療費込みのプランをご案内します。"}},
		{9, 25, advice, priya, []string{"in:नमस्ते, क्या मेरी कार का बीमा चालू है?", "out:नमस्ते प्रिया जी, हाँ, 31 मार्च तक चालू है।", "in:बहुत अच्छा, धन्यवाद!"}},
		{9, 55, advice, gita, []string{"in:Hoi, wat kost een fietsverzekering?", "out:Hoi Gita, 6 euro per maand voor een stadsfiets.", "in:En voor een e-bike?", "out:Dan 14 euro, diefstal inbegrepen.", "in:Doen we! 🚴🏾‍♀️"}},
		{10, 15, claims, soren, []string{"in:Hej, er der nyt om min sag S-2199?", "out:Hej Søren, den er godkendt. Pengene er hos dig fredag.", "in:Fantastisk, mange tak!"}},
		{10, 25, advice, hugo, []string{"in:Do you also insure drones?", "out:We do, up to 5 kg. Do you fly for work?", "in:Only for fun, over the lake.", "out:Then liability is in your household policy already.", "in:Great, nothing to pay then 😄"}},
		{11, 5, advice, minho, []string{"in:안녕하세요. 아이가 태어나서 생명보험을 알아보고 있어요. 👨‍👩‍👧", "out:축하드립니다! 내일 오전에 전화드려도 될까요?", "in:네, 열 시가 좋습니다."}},
		{11, 45, claims, dora, []string{"in:Έσπασε το παράθυρο από το χαλάζι.", "out:Λυπάμαι! Στείλτε μας μία φωτογραφία και το τιμολόγιο.", "in:Θα τα στείλω το απόγευμα."}},
		{12, 0, advice, lea, []string{"in:Bonjour, je déménage le 1er. Que dois-je faire ?", "out:Envoyez-nous la nouvelle adresse, nous changeons le contrat.", "in:12 rue de l'Exemple, merci !"}},
		{12, 30, advice, nia, []string{"in:Habari, nimepoteza kadi yangu ya bima.", "out:Habari Nia, tutakutumia mpya leo.", "in:Asante sana! 🌍"}},
		{13, 25, advice, noa, []string{"in:כמה עולה ביטוח נסיעות לשבוע?", "out:בערך 25 אירו, כולל ביטול טיסה.", "in:מעולה, אני רוצה להזמין ✈️"}},
		{14, 10, advice, layla, []string{"in:هل يغطي التأمين المنزلي الزلازل؟", "out:ليس تلقائيا، لكن يمكن إضافته مقابل 4 يورو في الشهر.", "in:أضيفوه من فضلك."}},
		{14, 30, claims, tomas, []string{"in:Dobrý den, srazil jsem zrcátko sousedovu autu. 🪞", "out:Dobrý den Tomáši, pošlete nám fotku a jméno souseda.", "in:Hned to pošlu."}},
		{15, 35, advice, paolo, []string{"in:Posso disdire la polizza della moto?", "out:Certo, entro il 30 novembre. Vi mando il modulo.", "in:Perfetto, grazie 🏍️"}},
		{15, 45, advice, olena, []string{"in:Чи можна платити раз на рік?", "out:Так, тоді на 3 % дешевше.", "in:Чудово, перейдімо на річну оплату. 🇺🇦"}},
		{15, 55, claims, hugo, []string{"in:Someone scratched my parked car. I have a witness.", "out:Sorry to hear that, Hugo. Please send the witness's name and two photos.", "in:Will do tonight."}},
		{16, 15, advice, ana, []string{"in:One more thing: section 7 says drains are not covered. You said every flood?", "out:I changed my message a little later, Ana. Backed-up drains need the extra module.", "in:Then please call me before I pay."}},
		{8, 50, advice, ben, []string{"in:Morning! Is the office open before nine?", "out:Morning Ben, from half past eight on.", "in:Great, I drop the papers in the letter box."}},
		{9, 35, claims, yuki, []string{"in:スーツケースが壊れて届きました。🧳", "out:空港の証明書はお持ちですか。", "in:はい、写真を送ります。"}},
		{10, 10, branch, hugo, []string{"in:I hear the branch closes. Who has my files now?", "out:The harbour office has all of them, Hugo. Nothing changes for you.", "in:Good to know, thanks."}},
		{10, 35, advice, tomas, []string{"in:Potřebuji potvrzení o pojištění pro banku.", "out:Pošlu ho dnes do čtyř.", "in:Děkuji!"}},
		{11, 20, claims, olena, []string{"in:У мене розбили вікно в машині.", "out:Олено, зробіть фото і напишіть номер справи з поліції.", "in:Добре, зроблю ввечері."}},
		{12, 5, advice, chen, []string{"in:报价收到了，很清楚。", "out:很高兴！您想从哪天开始？", "in:从下个月一号开始。"}},
		{12, 55, claims, priya, []string{"in:मेरी छत से पानी टपक रहा है।", "out:कृपया एक फ़ोटो भेजें, हम आज ही देखेंगे।", "in:अभी भेजती हूँ 📷"}},
		{13, 35, advice, soren, []string{"in:Kan jeg få min police på engelsk?", "out:Ja Søren, du får den på mail i dag.", "in:Super 👌"}},
		{13, 45, branch, tomas, []string{"in:Je ve filiálce ještě moje smlouva?", "out:Ne, už leží v kanceláři v přístavu."}},
		{14, 50, advice, minho, []string{"in:내일 열 시 통화, 맞지요?", "out:네, 담당자 이브가 전화드립니다.", "in:네 알겠습니다."}},
		{15, 25, claims, chen, []string{"in:地下室的门锁坏了，算盗窃吗？", "out:请先报警，再把回执发给我们。", "in:明白了。"}},
		{15, 50, advice, layla, []string{"in:هل وصلت الاستمارة؟", "out:نعم، وصلت كاملة. شكرا ليلى."}},
	} {
		d.chat(c)
	}
}

func (d *day) chat(c chat) {
	t := d.at(c.hour, c.minute)
	for _, l := range c.lines {
		way, body := cutWay(l)
		if way == "in" {
			d.says(t, c.n, c.who, text(body))
		} else {
			d.echo(t, c.n, c.who, text(body))
		}
		t = t.Add(d.pause(35, 150))
	}
}

// renewals are a mailing through the API, with statuses as they come: late, out
// of order, and one that fails.
func (d *day) renewals() {
	orders := [][]string{{"sent", "delivered", "read"}, {"delivered", "sent"}, {"sent", "read"}, {"delivered", "read", "sent"}, {"sent", "delivered"}}
	for i, p := range everybody {
		s := d.sendTemplate(d.at(16, 40).Add(time.Duration(i)*5*time.Second), advice, p, actor("bot", "renewals"), renewal, fmt.Sprintf("P-%d", 4700+i))
		if i == 13 {
			d.statusAt(s.at.Add(9*time.Second), s.at.Add(3*time.Second), s, "failed", "errors", list{object{
				"code", 131026, "title", "Message undeliverable", "message", "Message undeliverable", "error_data", object{"details", "Message Undeliverable."}}})
			continue
		}
		d.statuses(s, time.Duration(3+i%4)*time.Second, orders[i%len(orders)]...)
	}
}
