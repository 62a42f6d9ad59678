package record

// Kind says what an item is. The set is closed: what no kind fits is Unknown,
// with the reason beside it, and the record's bytes are kept all the same.
type Kind string

// Message kinds, in any direction; the channel tells a user's message from an
// echo. Names are the platform's own "type" values.
const (
	Text             Kind = "text"
	Image            Kind = "image"
	Video            Kind = "video"
	Audio            Kind = "audio"
	Document         Kind = "document"
	Sticker          Kind = "sticker"
	Location         Kind = "location"
	Contacts         Kind = "contacts"
	Interactive      Kind = "interactive"
	Button           Kind = "button"
	Order            Kind = "order"
	Template         Kind = "template" // an API send of a template
	RequestWelcome   Kind = "request_welcome"
	MediaPlaceholder Kind = "media_placeholder"
	Unsupported      Kind = "unsupported" // the platform delivers no content; Sub says of what
	Reaction         Kind = "reaction"
	Edit             Kind = "edit"
	Revoke           Kind = "revoke"
	System           Kind = "system" // number or identity change
)

// Events about messages, people, accounts.
const (
	Status          Kind = "status"            // Sub: sent, delivered, read, played, failed
	Send            Kind = "send"              // an API send whose content is no message (read receipt, typing)
	Preference      Kind = "preference"        // platform marketing stop/resume/signup
	Consent         Kind = "consent"           // our own wa.consent; Sub: given, withdrawn
	ContactSync     Kind = "contact_sync"      // Sub: add, remove
	HistoryChunk    Kind = "history_chunk"     // phase, chunk_order, progress of a chunk (beside its messages)
	HistoryDeclined Kind = "history_declined"  // the business declined the history sync
	TemplateStatus  Kind = "template_status"   // Sub: APPROVED, PAUSED, …
	TemplateQuality Kind = "template_quality"  // Sub: the new score
	TemplateContent Kind = "template_content"  // message_template_components_update
	TemplateChange  Kind = "template_category" // template_category_update and category detections
	TemplateShot    Kind = "template_snapshot" // our own wa.templates
	Directory       Kind = "directory"         // our own wa.directory
	Account         Kind = "account"           // Sub: the event, or the field where it has none
	Call            Kind = "call"              // Sub: connect, terminate, …
	CallStatus      Kind = "call_status"       // Sub: RINGING, …
	Group           Kind = "group"             // Sub: group_create, …
	Identity        Kind = "identity"          // user_id_update
	Username        Kind = "username"          // business username events
	PlatformError   Kind = "error"             // value.errors[] at app or account level
	Handover        Kind = "handover"          // messaging_handovers, standby
	MediaBytes      Kind = "media"             // our own wa.media
)

// What could not be understood. The record is archived whole.
const (
	Unknown  Kind = "unknown"  // valid JSON of an unknown shape, or a field nobody has documented
	Unparsed Kind = "unparsed" // not JSON, wrong types, hostile nesting, duplicate keys
)

// Kinds lists every kind, messages first.
func Kinds() []Kind {
	return []Kind{
		Text, Image, Video, Audio, Document, Sticker, Location, Contacts, Interactive, Button, Order, Template,
		RequestWelcome, MediaPlaceholder, Unsupported, Reaction, Edit, Revoke, System, Status, Send, Preference,
		Consent, ContactSync, HistoryChunk, HistoryDeclined, TemplateStatus, TemplateQuality, TemplateContent,
		TemplateChange, TemplateShot, Directory, Account, Call, CallStatus, Group, Identity, Username, PlatformError,
		Handover, MediaBytes, Unknown, Unparsed,
	}
}

// Channel says by which way a message went. The set is open on the platform's
// side: a way we cannot tell is ChannelUnknown, never a guess.
type Channel string

// The channels known today.
const (
	ChannelUser    Channel = "user"    // the outside person wrote
	ChannelApp     Channel = "app"     // WhatsApp Business app or a companion: an echo
	ChannelAPI     Channel = "api"     // a Cloud API send
	ChannelAgent   Channel = "agent"   // message_echoes: an agent of Meta or another party
	ChannelUnknown Channel = "unknown" // not told, or no message
)

// Direction is seen from the business.
type Direction string

// The directions of an item.
const (
	Inbound  Direction = "in"
	Outbound Direction = "out"
	NoWay    Direction = "none" // events that are no message
)

// Provenance says how an item came to be known.
type Provenance string

// The provenances of an item.
const (
	Live     Provenance = "live"
	Backfill Provenance = "backfill" // history sync: no findings, no window
	Manual   Provenance = "manual"   // sealed by a person to remedy a gap
)

// Signature is the state of the platform's signature over the record's value.
type Signature string

// The signature states. The archiver holds no app secret, so what it archives
// is absent or unchecked unless the gateway says more in a header.
const (
	SignatureOK        Signature = "ok"
	SignatureFailed    Signature = "failed"
	SignatureAbsent    Signature = "absent"
	SignatureUnchecked Signature = "unchecked"
)
