package whatsapp

import (
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp/tape"
)

// accountEvent reads a change whose value is one event about an account, a
// number, a template or a username. Its item is the change n.
func (p *Parser) accountEvent(sc *scope, n, v int) {
	it := p.emit(n)
	sc.put(it)
	it.Kind, it.Time = eventKind(sc.field), sc.time
	if d := p.phone(p.t.Get(v, "display_phone_number"), "display_phone_number"); d != "" {
		it.Display = d
	}
	if id := p.code(p.t.Get(v, "phone_number_id"), "phone_number_id"); id != "" {
		it.Number = id
	}
	switch it.Kind {
	case record.TemplateStatus, record.TemplateQuality, record.TemplateContent, record.TemplateChange:
		p.templateEvent(it, v)
	case record.Username:
		it.Sub = p.word(p.t.Get(v, "status"), "status")
		p.add(p.t.Get(v, "username"), "username")
	default:
		p.account(it, v)
	}
	p.done(it)
}

// account reads the word for what happened, and a second one where it has one.
func (p *Parser) account(it *Item, v int) {
	first := func(names ...string) string {
		for _, name := range names {
			if w := p.word(p.t.Get(v, name), name); w != "" {
				return w
			}
		}
		return ""
	}
	if it.Sub = first("event", "decision", "alert_type", "type"); it.Sub == "" {
		it.Sub = it.Field
	}
	if at := p.time(p.t.Get(v, "timestamp"), "timestamp"); at != 0 && it.Time == 0 {
		it.Time = at
	}
	if d := p.phone(p.t.Get(v, "phone_number"), "phone_number"); d != "" && it.Display == "" {
		it.Display = d
	}
	if alert := p.object(p.t.Get(v, "alert_info"), "alert_info"); alert != 0 {
		it.Sub = p.word(p.t.Get(alert, "alert_type"), "alert_info.alert_type")
		it.Detail = p.word(p.t.Get(alert, "alert_severity"), "alert_info.alert_severity")
		p.add(p.t.Get(alert, "alert_description"), "alert_info.alert_description")
		return
	}
	p.add(p.t.Get(v, "alert_description"), "alert_description")
	p.add(p.t.Get(v, "requested_verified_name"), "requested_verified_name")
	it.Detail = first("alert_severity", "current_limit", "rejection_reason", "country")
	for _, in := range [...][2]string{
		{"disconnection_info", "reason"}, {"violation_info", "violation_type"}, {"ban_info", "waba_ban_state"},
		{"restriction_info", "restriction_type"}, {"partner_client_certification_info", "status"},
	} {
		if o := p.t.Get(v, in[0]); o != 0 {
			if p.t.Kind(o) == tape.Array && !p.t.Empty(o) {
				o++ // the first of several
			}
			it.Detail = p.word(p.get(p.object(o, in[0]), in[1]), in[1])
		}
	}
}

// templateEvent reads what happened to a template.
func (p *Parser) templateEvent(it *Item, v int) {
	t := &it.Template
	t.ID = p.code(p.t.Get(v, "message_template_id"), "message_template_id")
	t.Name = ident(p.str(p.t.Get(v, "message_template_name"), "message_template_name"), 512)
	t.Language = language(p.str(p.t.Get(v, "message_template_language"), "message_template_language"))
	t.Category = upper(p.word(p.t.Get(v, "message_template_category"), "message_template_category"))
	switch it.Kind {
	case record.TemplateStatus:
		it.Sub = p.word(p.t.Get(v, "event"), "event")
		t.Event = upper(it.Sub)
		it.Detail = p.word(p.t.Get(v, "reason"), "reason")
		if other := p.object(p.t.Get(v, "other_info"), "other_info"); other != 0 {
			it.Detail = p.word(p.t.Get(other, "title"), "other_info.title")
			p.add(p.t.Get(other, "description"), "other_info.description")
		}
		if rej := p.object(p.t.Get(v, "rejection_info"), "rejection_info"); rej != 0 {
			p.add(p.t.Get(rej, "reason"), "rejection_info.reason")
			p.add(p.t.Get(rej, "recommendation"), "rejection_info.recommendation")
		}
	case record.TemplateQuality:
		it.Sub = p.word(p.t.Get(v, "new_quality_score"), "new_quality_score")
		it.Detail = p.word(p.t.Get(v, "previous_quality_score"), "previous_quality_score")
	case record.TemplateContent:
		p.add(p.t.Get(v, "message_template_title"), "message_template_title")
		p.add(p.t.Get(v, "message_template_element"), "message_template_element")
		p.add(p.t.Get(v, "message_template_footer"), "message_template_footer")
		p.gather(p.array(p.t.Get(v, "message_template_buttons"), "message_template_buttons"), templateButton)
	default:
		p.category(it, v)
	}
}

func templateButton(name string) bool { return name == "message_template_button_text" }

// category reads a change of category. Announced, the new category is still the
// current one and correct_category the coming; done, previous_category is told.
func (p *Parser) category(it *Item, v int) {
	it.Template.Category = upper(p.word(p.t.Get(v, "new_category"), "new_category"))
	if correct := p.word(p.t.Get(v, "correct_category"), "correct_category"); correct != "" {
		it.Sub, it.Detail = "impending", upper(correct)
		return
	}
	it.Sub, it.Detail = "changed", upper(p.word(p.t.Get(v, "previous_category"), "previous_category"))
}

// leftover gives the one item of a change that gave none.
func (p *Parser) leftover(sc *scope, n, v int, class class) {
	p.wrong = ""
	it := p.emit(n)
	sc.put(it)
	it.Time = sc.time
	switch {
	case class == classHandover:
		it.Kind, it.Sub = record.Handover, sc.field
	case class == classMessages:
		it.Kind, it.Reason = record.Unknown, "nothing known in it"
	default:
		it.Kind, it.Reason = record.Unknown, "field is not documented"
	}
}
