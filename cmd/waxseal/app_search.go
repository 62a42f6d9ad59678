package main

// SearchRequest asks for items. Lists are alternatives; different fields restrict together.
type SearchRequest struct {
	Words         string // words, "phrases", AND OR NOT, parentheses; "" any
	Numbers       []string
	People        []string // phone number, BSUID or wa_id
	Custodians    []string
	Departments   []string
	Kinds         []string
	Channels      []string
	Directions    []string
	Templates     []string
	Conversations []string
	Findings      []string // rule names; "*" any
	Names         []string // RECORD, ITEM or wamid
	From, To      int64    // Unix seconds, [From, To); 0 open
	Newest        bool
	Limit         int    // 0 is all
	Cursor        string // of an earlier response
	Count         bool   // count only
	Unrecorded    bool
}

// SearchResponse ends a search.
type SearchResponse struct {
	Items   int    `json:"items"`            // that the search selects; with a limit, those given
	Records int    `json:"records"`          // distinct ones among them
	Cursor  string `json:"cursor,omitempty"` // where to go on

	Behind []IndexLag `json:"behind,omitempty"` // what the index lacked: the answer is not complete
}

// IndexLag is how far the index is behind a lane: what those blocks hold is not found.
type IndexLag struct {
	Lane    string `json:"lane"`
	Indexed uint64 `json:"indexed,string"` // blocks below this one are in the index
	Blocks  uint64 `json:"blocks,string"`  // of the lane
}

// Hit is one item found.
type Hit struct {
	Item         string   `json:"item"`   // RECORD#n
	Record       string   `json:"record"` // topic/partition/offset
	Kind         string   `json:"kind"`
	Sub          string   `json:"sub,omitempty"`
	Channel      string   `json:"channel"`
	Direction    string   `json:"direction"`
	Provenance   string   `json:"provenance"`
	Time         string   `json:"time"`  // RFC 3339, UTC
	Clock        string   `json:"clock"` // platform, device or kafka: whose clock Time is
	Number       string   `json:"number,omitempty"`
	Person       string   `json:"person,omitempty"` // as the record names it
	Name         string   `json:"name,omitempty"`
	Custodian    string   `json:"custodian,omitempty"`
	Department   string   `json:"department,omitempty"`
	Conversation string   `json:"conversation,omitempty"` // keyed hash: equal for equal conversations
	Template     string   `json:"template,omitempty"`
	Text         string   `json:"text,omitempty"`   // from the decrypted cell
	Reason       string   `json:"reason,omitempty"` // why an item is unknown, unparsed or without content
	State        string   `json:"state,omitempty"`  // highest status of an outbound message
	Edited       bool     `json:"edited,omitempty"`
	Revoked      bool     `json:"revoked,omitempty"`
	Erased       bool     `json:"erased,omitempty"`
	Class        string   `json:"class"`
	Findings     []string `json:"findings,omitempty"`
	Severity     string   `json:"severity,omitempty"`
	Lane         string   `json:"lane"`
	Block        uint64   `json:"block,string"`
	MIME         string   `json:"mime,omitempty"`         // of an item of wa.media: as stated
	Bytes        int64    `json:"bytes,omitempty"`        // of an item of wa.media: how many there are
	Held         []string `json:"held,omitempty"`         // items of wa.media: archived bytes of its media
	HeldDiffers  bool     `json:"held_differs,omitempty"` // some are not those of a SHA-256 that was stated, in the message or beside them
	HeldEmpty    bool     `json:"held_empty,omitempty"`   // media arrived, without bytes
}

// NameRequest names what show and cat are about: ITEM, RECORD, a wamid, a phone
// number or a BSUID.
type NameRequest struct {
	Name       string
	Unrecorded bool
}

// ShowResponse is all logical messages that a name stands for.
type ShowResponse struct {
	Items []Shown `json:"items"`
}

// Shown is one item with all that is known of it.
type Shown struct {
	Hit
	ID         string         `json:"id,omitempty"` // wamid or wacid
	Deliveries []Delivery     `json:"deliveries"`
	Edits      []Change       `json:"edits,omitempty"`
	Revokes    []Change       `json:"revokes,omitempty"`
	Reactions  []Change       `json:"reactions,omitempty"`
	Statuses   []Change       `json:"statuses,omitempty"`
	Others     []Change       `json:"others,omitempty"` // about the message, and none of these
	Media      []ShownMedia   `json:"media,omitempty"`  // archived bytes of its media
	Decision   ShownDecision  `json:"decision"`
	Facts      map[string]any `json:"facts,omitempty"` // what the decision saw: consent, window, template state
	Evidence   []string       `json:"evidence,omitempty"`
	Ledger     LedgerPlace    `json:"ledger"`
}

// ShownMedia is archived bytes: cat of their record gives them.
type ShownMedia struct {
	Item     string `json:"item"`
	MIME     string `json:"mime,omitempty"` // as stated
	Filename string `json:"filename,omitempty"`
	Bytes    int64  `json:"bytes"`
	SHA256   string `json:"sha256,omitempty"`  // of the bytes
	Stated   bool   `json:"stated,omitempty"`  // a SHA-256 was stated, beside the bytes or in the message
	Differs  bool   `json:"differs,omitempty"` // and it is not theirs
	Empty    bool   `json:"empty,omitempty"`   // the media arrived without bytes
	Object   string `json:"object,omitempty"`  // in the locked store
	Erased   bool   `json:"erased,omitempty"`
	Reason   string `json:"reason,omitempty"` // why nothing is known of them
}

// Delivery is one arrival of a message.
type Delivery struct {
	Item       string `json:"item"`
	Time       string `json:"time"`
	Provenance string `json:"provenance"`
	Kind       string `json:"kind"`
	Signature  string `json:"signature"`
}

// Change is an edit, revoke, reaction or status about a message.
type Change struct {
	Item   string `json:"item"`
	Time   string `json:"time"`
	Sub    string `json:"sub,omitempty"`
	Before string `json:"before,omitempty"` // of an edit: the text until then, where the archive has it
	Text   string `json:"text,omitempty"`
}

// ShownDecision is what the policy decided, and by which revision.
type ShownDecision struct {
	Class       string          `json:"class"`
	Duty        string          `json:"duty,omitempty"`
	Retain      string          `json:"retain"`
	Scope       string          `json:"scope"`
	Labels      []string        `json:"labels,omitempty"`
	Findings    []PolicyFinding `json:"findings,omitempty"`
	Revision    string          `json:"revision"`
	Provisional bool            `json:"provisional,omitempty"`
}

// PolicyFinding is a rule's observation.
type PolicyFinding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Reason   string `json:"reason"`
}

// LedgerPlace says where a record stands in the ledger.
type LedgerPlace struct {
	Lane        string `json:"lane"`
	Block       uint64 `json:"block,string"`
	Time        string `json:"time"`
	Leaf        int    `json:"leaf"` // index of the record's leaf in the block
	LeafHash    string `json:"leaf_hash"`
	RecordsRoot string `json:"records_root"`
	Entry       string `json:"entry"` // SHA-256 of the entry
	Segment     string `json:"segment"`
	Cell        int    `json:"cell"`
	RetainUntil string `json:"retain_until"`
}

// CatRecord is one record as Kafka delivered it. In JSON the bytes are base64.
type CatRecord struct {
	Record      string      `json:"record"`
	Timestamp   int64       `json:"timestamp,string"` // Kafka's clock, Unix milliseconds
	LeaderEpoch int32       `json:"leader_epoch"`
	Key         []byte      `json:"key"` // null is a null key
	Headers     []CatHeader `json:"headers"`
	Value       []byte      `json:"value"`            // null is a tombstone
	Erased      bool        `json:"erased,omitempty"` // pieces are gone; filler stands in their place
}

// CatHeader is one record header.
type CatHeader struct {
	Key   string `json:"key"`
	Value []byte `json:"value"` // null is a null value
}
