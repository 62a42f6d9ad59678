package whatsapp

import "github.com/waxseal/waxseal/archiver/record"

// Item is one thing in a record that people look for. Strings may alias the
// record's value or the Parsed they stand in; both live as long as the caller
// keeps the Parsed.
type Item struct {
	N          int // number in the record; its index too, unless the record has holes
	Kind       record.Kind
	Sub        string // subtype in the platform's own word: button_reply, ACCOUNT_DELETED, delivered, edit, …
	Span       record.Span
	Channel    record.Channel
	Direction  record.Direction
	Provenance record.Provenance

	WABA    string // the customer's account (account_update PARTNER_*: value.waba_info.waba_id)
	Field   string // the webhook field, or the topic's role for our own inputs
	Number  string // phone_number_id: the channel. It is an id, no phone number
	Display string // the business's own phone number as digits, "" where not told

	Person int    // index into Parsed.People of the outside person, -1 none
	Group  string // group_id, "" for 1:1

	ID      string // wamid or wacid. A wamid contains a phone number: treat it as one
	Target  string // the id an edit, revoke, reaction or status is about
	ReplyTo string // context.id

	Time   int64 // platform clock, Unix seconds, 0 not told. Not the device's send time, except in history
	Device bool  // Time is the sending device's clock (history)

	Codes    []int  // error codes, outermost first
	Reason   string // for unknown, unparsed, unsupported, and where content is missing: why, without any value of the record
	Detail   string // a second word of the platform: a history message's status, why an account was disconnected, a status's price category, …
	Payload  string // id of the button, row or quick reply chosen; "Unsubscribe" buttons are told by it
	Callback string // biz_opaque_callback_data: the sender's own id for a send, on its request and its statuses
	Template Template
	Consent  Consent
	Actor    Actor
	Media    Media
	Dir      DirectoryEntry
	Contact  Contact
	Change   IdentityChange
	Chunk    Chunk
	Preference

	Text []string // what a person reads, unescaped: body, caption, button text, names of places, template text, …

	Forwarded bool
	HTTP      int // wa.sends: HTTP status of the platform's answer, 0 none
}

// Template is what an item says of a template, as far as it says it.
type Template struct {
	ID, Name string
	Language string // as en_US; Meta's webhooks write en-US
	Category string // upper case: MARKETING, UTILITY, AUTHENTICATION
	Event    string // APPROVED, PAUSED, …
	Hash     string // hex SHA-256 of a component snapshot's bytes
}

// Consent is what wa.consent says.
type Consent struct {
	Purpose  string // marketing, utility, authentication, service, recording_notice, …
	Given    bool
	Business string
	Method   string // web, ivr, paper, …
	Evidence string
}

// Preference is the platform's own marketing switch.
type Preference struct {
	PrefCategory string // marketing_messages
	PrefValue    string // stop, resume, signup
}

// Actor is who or what made an API send or gave an event.
type Actor struct {
	Kind string // human, bot, campaign
	ID   string
}

// Media names media content that is not in the record; in an item of wa.media,
// the content that is.
type Media struct {
	ID, MIME, Filename string
	SHA256             [32]byte // as stated; zero where absent or unreadable
	Hashed             bool     // SHA256 is stated

	// Of wa.media only:
	Size int64
	Held [32]byte // SHA-256 of the bytes themselves, zero where there are none
}

// MediaDiffers is the Detail of an item of wa.media whose bytes are not those of
// the SHA-256 stated beside them.
const MediaDiffers = "sha256_differs"

// DirectoryEntry is what wa.directory says: which employee answers on which number, from when to when.
type DirectoryEntry struct {
	Employee, Role, Department string
	From, To                   int64 // Unix seconds; To 0 is open
}

// IdentityChange says under which ids the person is known from now on, as far
// as told, and which ended. The Person of the item is the one that ended.
type IdentityChange struct {
	WaID, UserID, ParentID string // new
	OldUserID, OldParentID string
}

// Chunk is where a history chunk stands among its like.
type Chunk struct {
	Phase    int // 0: day 0 to 1, 1: day 1 to 90, 2: day 90 to 180
	Order    int // sorts the chunks of a phase
	Progress int // 0 to 100, 100 is done
}

// Contact is one change of the business's address book.
type Contact struct {
	Remove bool
}

// Person is an outside person as one record names them. At least one id is set.
type Person struct {
	WaID     string // digits
	UserID   string // BSUID
	ParentID string
	Username string
	Name     string // profile or address-book name
	Also     []Alias
}

// Alias is a further id of a Person where the field for it is taken: a record
// that names one person by two usernames, or a send's "to" in another spelling.
type Alias struct{ Kind, ID string }

// The kinds of ids.
const (
	AliasWaID     = "wa_id"
	AliasUserID   = "user_id"
	AliasParentID = "parent_id"
	AliasUsername = "username"
)

// Region is an element of the value that belongs to one person alone, as
// small as its person allows and never overlapping another: a message, a
// status, a contacts entry, a whole history thread. Bytes outside all regions
// belong to the envelope. Regions are in order.
type Region struct {
	record.Span
	Person    int    // index into Parsed.People
	Number    string // phone_number_id of the value it stands in, or of its items
	FirstItem int    // number of its first item
	Items     int    // items within, 0 for a contacts entry
}

// Hole is an erased Region of a record that is being read again: its bytes are
// gone, what stands there is filler, and its items keep their numbers.
type Hole struct {
	record.Span
	FirstItem, Items int
}

// Form says in which wrapping the payload came.
type Form string

// The wrappings understood. A provider's own envelope is Form "provider:NAME".
const (
	FormMeta       Form = "meta"       // Meta's webhook body as it is
	FormChange     Form = "change"     // a bare change {field, value} without object and entry
	FormValue      Form = "value"      // a bare value, without even the field
	FormStructured Form = "cloudevent" // CloudEvents structured mode around it
	FormOwn        Form = "waxseal"    // one of our own inputs
	FormOpaque     Form = "opaque"     // not understood
)

// Parsed is a record understood: its items, who they are about, and how its
// bytes fall to people.
type Parsed struct {
	Form       Form
	CloudEvent bool   // binary or structured CloudEvents
	Framed     bool   // a schema registry's five bytes stand in front
	Provider   string // "" raw from Meta
	Signature  record.Signature
	Items      []Item // never empty (but for holes): what nothing fits gives one unknown or unparsed item
	People     []Person
	Regions    []Region
}

// Role is what a topic carries; the configuration maps topic names to roles.
type Role string

// The roles of topics. A topic of no known role gives one unknown item a record.
const (
	RoleWebhooks  Role = "webhooks"
	RoleSends     Role = "sends"
	RoleConsent   Role = "consent"
	RoleTemplates Role = "templates"
	RoleDirectory Role = "directory"
	RoleMedia     Role = "media"
)
