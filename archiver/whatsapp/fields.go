package whatsapp

import "github.com/waxseal/waxseal/archiver/record"

// class says what a webhook field's value looks like.
type class int

const (
	classUnknown  class = iota // nobody has documented it
	classMessages              // arrays: messages, statuses, echoes, history, …
	classEvent                 // one event of an account or template, members in the value itself
	classHandover              // who answers changed; the value's shape is not documented
)

// classOf knows the fields of Meta's overview and those seen beside it.
func classOf(field string) class {
	switch field {
	case "messages", "smb_message_echoes", "message_echoes", "history", "smb_app_state_sync", "user_preferences",
		"calls", "group_lifecycle_update", "group_participants_update", "group_settings_update", "group_status_update",
		"user_id_update":
		return classMessages
	case "messaging_handovers", "standby":
		return classHandover
	}
	if eventKind(field) != "" {
		return classEvent
	}
	return classUnknown
}

// eventKind is the kind of the one item a classEvent field's value is, "" for other fields.
func eventKind(field string) record.Kind {
	switch field {
	case "account_update", "account_alerts", "account_review_update", "account_settings_update", "automatic_events",
		"business_capability_update", "flows", "partner_solutions", "payment_configuration_update",
		"phone_number_name_update", "phone_number_quality_update", "security":
		return record.Account
	case "message_template_status_update":
		return record.TemplateStatus
	case "message_template_quality_update":
		return record.TemplateQuality
	case "message_template_components_update":
		return record.TemplateContent
	case "template_category_update", "template_correct_category_detection":
		return record.TemplateChange
	case "phone_number_username_update", "business_username_update", "business_username_updates":
		return record.Username
	}
	return ""
}
