package ledger

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
)

// ActVersion is the version of the acts this package writes.
const ActVersion = 1

// ErrAct is returned for bytes that are no act.
var ErrAct = errors.New("not an act")

// ActType says what an act is; exactly the field of that name is set.
type ActType string

// The types of acts in control, and of events in the other lanes (alarm, era).
const (
	ActGenesis      ActType = "genesis"
	ActStart        ActType = "start"
	ActHeads        ActType = "heads"
	ActRotate       ActType = "rotate"
	ActErase        ActType = "erase"
	ActEraseReceipt ActType = "erase_receipt"
	ActLook         ActType = "look"
	ActRefusal      ActType = "refusal"
	ActPolicy       ActType = "policy"
	ActAlarm        ActType = "alarm"
	ActEra          ActType = "era"
	ActCloseLane    ActType = "close_lane"
	ActTokenEpoch   ActType = "token_epoch"
	ActSelfTest     ActType = "self_test"
)

// Act is the clear part of what somebody or something did: types, keys, hashes,
// ids and signatures, never a name, a number or a word of anybody's. What is
// personal lies in the sealed body. Stored as compact JSON in this field order.
type Act struct {
	V     int     `json:"v"` // 1
	Type  ActType `json:"type"`
	Time  string  `json:"time"`  // TimeFormat
	Actor string  `json:"actor"` // opaque id of a person or a process: a-z 0-9 . _ : - , up to 100

	Genesis      *Genesis      `json:"genesis,omitempty"`
	Start        *Start        `json:"start,omitempty"`
	Heads        *Heads        `json:"heads,omitempty"`
	Rotate       *Rotate       `json:"rotate,omitempty"`
	Erase        *Erase        `json:"erase,omitempty"`
	EraseReceipt *EraseReceipt `json:"erase_receipt,omitempty"`
	Look         *Look         `json:"look,omitempty"`
	Refusal      *Refusal      `json:"refusal,omitempty"`
	Policy       *Policy       `json:"policy,omitempty"`
	Alarm        *Alarm        `json:"alarm,omitempty"`
	Era          *Era          `json:"era,omitempty"`
	CloseLane    *CloseLane    `json:"close_lane,omitempty"`
	TokenEpoch   *TokenEpoch   `json:"token_epoch,omitempty"`
	SelfTest     *SelfTest     `json:"self_test,omitempty"`

	Body      *Body      `json:"body,omitempty"`
	Approvals []Approval `json:"approvals,omitempty"` // of ApprovalText, by different people
}

// Genesis is the first act of control. The SHA-256 of its bytes is the
// archive's fingerprint.
type Genesis struct {
	Archive    string     `json:"archive"` // origin: lanes are <archive>/<lane>
	Mode       Mode       `json:"mode"`
	Created    string     `json:"created"` // TimeFormat
	Keys       PublicKeys `json:"keys"`
	Recipients Recipients `json:"recipients"`
	Sealed     Sealed     `json:"sealed"`
}

// Mode says how the archive's retention counts. It cannot be changed.
type Mode string

// The modes of an archive.
const (
	Production Mode = "production"
	Evaluation Mode = "evaluation" // retention of minutes
)

// PublicKeys are the signing keys of an archive, raw.
type PublicKeys struct {
	Ed25519 []byte `json:"ed25519"`          // 32 bytes
	MLDSA44 []byte `json:"ml_dsa,omitempty"` // 1,312 bytes; for later anchoring, opaque here
}

// Recipients are public age recipients, by what is sealed to them.
type Recipients struct {
	Firm    []string `json:"firm"`              // segments and boxes
	Escrow  []string `json:"escrow,omitempty"`  // segments and boxes
	Audit   []string `json:"audit,omitempty"`   // bodies of acts
	Indexer []string `json:"indexer,omitempty"` // index rows of outboxes
}

// Sealed are keys that rebuild the index, each an age file to firm and escrow.
type Sealed struct {
	Subject []byte `json:"subject"`
	Token   []byte `json:"token"` // of epoch 1
	State   []byte `json:"state"`
}

// Start says what began to write: entries name it by its hash.
type Start struct {
	Binary     string `json:"binary"`                // version
	Config     Hash   `json:"config"`                // SHA-256 of the effective configuration, without secrets
	Policy     string `json:"policy"`                // bundle revision
	Recipients Hash   `json:"recipients"`            // SHA-256 of the recipients' lines, sorted
	Clock      string `json:"clock"`                 // of the process, TimeFormat
	StoreClock string `json:"store_clock,omitempty"` // of the locked store at about that time
	Instance   string `json:"instance,omitempty"`    // random id, so that two starts differ; names no host
}

// Head is a lane's log at one size.
type Head struct {
	Lane record.Lane `json:"lane"`
	Size uint64      `json:"size,string"`
	Root Hash        `json:"root"`
}

// Heads seals the heads of the lanes that moved, each lane once. A lane's heads
// never sink from act to act.
type Heads struct {
	Heads []Head `json:"heads"`
}

// RotateReason says why a signing key is replaced.
type RotateReason string

// The reasons of a rotation.
const (
	Planned    RotateReason = "planned"
	Compromise RotateReason = "compromise"
)

// Rotate replaces the Ed25519 signing key. In each lane the old key counts up
// to Last's size and no further; in a lane that Last does not name it does not
// count at all. For control that size is the number of the block this act
// stands in: the act's own block is signed by the new key.
type Rotate struct {
	Reason RotateReason `json:"reason"`
	Old    []byte       `json:"old"` // 32 bytes
	New    PublicKeys   `json:"new"`
	Last   []Head       `json:"last"`
	ByOld  []byte       `json:"by_old"` // Ed25519 over RotateText
	ByNew  []byte       `json:"by_new"`
}

// Erase is the decision that rows are gone: it names the boxes that take the
// old ones' place.
type Erase struct {
	Boxes []ErasedBox `json:"boxes"`
}

// ErasedBox is one key box that lost rows. In both copies New takes the place
// of Old, which is a box of the entry or the New of an earlier act.
type ErasedBox struct {
	Lane    record.Lane `json:"lane"`
	Block   uint64      `json:"block,string"` // whose entry names the box
	Old     string      `json:"old"`          // key
	New     Object      `json:"new"`
	Removed []Hash      `json:"removed"` // row hashes that New lacks and Old had
}

// ActRef names an act: the block of control and its number among the events.
type ActRef struct {
	Block uint64 `json:"block,string"`
	Event uint32 `json:"event"`
}

// EraseReceipt says that the old boxes of an erasure are deleted in every copy.
type EraseReceipt struct {
	Act ActRef `json:"act"`
}

// Look says that somebody saw content, or a list of it.
type Look struct {
	Kind  string `json:"kind"`            // search, show, cat, export, verify, reindex
	Items uint64 `json:"items,omitempty"` // how many were shown
}

// Refusal says that somebody was not allowed to.
type Refusal struct {
	Kind   string `json:"kind"`   // of the look or act that was refused
	Reason string `json:"reason"` // a word, not a sentence
}

// Policy says which policy counts from here on.
type Policy struct {
	Revision string `json:"revision"`
	SHA256   Hash   `json:"sha256"` // of the bundle
}

// Alarm says that something is wrong, or was.
type Alarm struct {
	Code   string      `json:"code"` // a word: newer_version, delete_marker, lost_records, clock, foreign_block, state_unknown
	Lane   record.Lane `json:"lane,omitempty"`
	Key    string      `json:"key,omitempty"` // of the object
	Topic  string      `json:"topic,omitempty"`
	First  int64       `json:"first,omitempty,string"`
	Next   int64       `json:"next,omitempty,string"`
	Detail string      `json:"detail,omitempty"` // a word
}

// Era says that a topic partition began a new life.
type Era struct {
	Topic     string     `json:"topic"`
	Partition int32      `json:"partition"`
	From      record.Era `json:"from"`
	To        record.Era `json:"to"`
	Reason    string     `json:"reason"` // remade, rewound
}

// CloseLane ends a lane whose next key holds what the archive did not write. It
// goes on as Next, whose first entry has Entry as its previous one. Needs two
// approvals.
type CloseLane struct {
	Head
	Entry Hash        `json:"entry"` // SHA-256 of the last good entry's bytes
	Next  record.Lane `json:"next"`
}

// TokenEpoch steps the key of the word tokens.
type TokenEpoch struct {
	Epoch  uint32 `json:"epoch"`
	Sealed []byte `json:"sealed"` // the new key, an age file to firm and escrow
}

// SelfTest is the result of a store's lock self-test.
type SelfTest struct {
	Store  string   `json:"store"` // locked
	OK     bool     `json:"ok"`
	Checks []string `json:"checks"` // what was tried, each a word; a failed one with ! before it
}

// Body refers to the sealed body of an act. Its leaf is the block's leaf number
// Leaf: BodyLeaf of the block's number, Leaf, the act's time and Commitment.
type Body struct {
	Leaf       uint32 `json:"leaf"`
	Commitment Hash   `json:"commitment"`
	Segment    string `json:"segment"` // key, named in the same entry
	Cell       uint32 `json:"cell"`
}

// Approval is one person's signature over exactly what will happen.
type Approval struct {
	Actor string `json:"actor"`
	Key   []byte `json:"key"` // Ed25519 public key, 32 bytes
	Sig   []byte `json:"sig"` // over ApprovalText
}

// ControlTopic is the topic in the coordinates of an act's body. No Kafka topic
// is archived under this name in control.
const ControlTopic = "control"

// BodyCoordinates name the i-th leaf of block n of control, as if it were a
// record: offset n<<20 | i.
func BodyCoordinates(n uint64, i uint32) record.Coordinates {
	return record.Coordinates{Topic: ControlTopic, Era: 1, Offset: int64(n<<20 | uint64(i))}
}

// BodyLeaf is the leaf of an act's body: one commitment, of type PieceBody and
// index 0; at is the act's time in Unix milliseconds.
func BodyLeaf(n uint64, i uint32, at int64, commitment Hash) Leaf {
	return Leaf{
		Coordinates: BodyCoordinates(n, i), LeaderEpoch: -1, Timestamp: at,
		Root: PiecesRoot([]PieceRef{{Type: PieceBody}}, []Hash{commitment}),
	}
}

// Encode gives the act's bytes; ErrAct where it is not one.
func (a *Act) Encode() ([]byte, error) {
	b, err := encodeCanonical(a)
	if err != nil {
		return nil, fmt.Errorf("encode act: %w", err)
	}
	if len(b) > MaxEvent {
		return nil, fmt.Errorf("encode act: %d bytes: %w", len(b), ErrAct)
	}
	if _, err := DecodeAct(b); err != nil {
		return nil, fmt.Errorf("encode act: %w", err)
	}
	return b, nil
}

// DecodeAct reads what Encode writes, and nothing else. Errors are ErrAct.
func DecodeAct(b []byte) (*Act, error) {
	a := new(Act)
	if err := decodeCanonical(b, a); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAct, err)
	}
	if err := a.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAct, err)
	}
	return a, nil
}

// Fingerprint is the archive's fingerprint: the SHA-256 of the genesis act's
// bytes.
func Fingerprint(genesis []byte) Hash { return Sum(genesis) }

// ApprovalText is what an approver of the act signs: the act without its
// approvals, under a heading that no other signature of ours has.
func (a *Act) ApprovalText() ([]byte, error) {
	bare := *a
	bare.Approvals = nil
	b, err := encodeCanonical(&bare)
	if err != nil {
		return nil, fmt.Errorf("approval text: %w", err)
	}
	return append([]byte("waxseal approval v1\n"), b...), nil
}

// CheckApprovals says whether at least n different actors with different keys
// approved exactly this act.
func (a *Act) CheckApprovals(n int) error {
	text, err := a.ApprovalText()
	if err != nil {
		return err
	}
	actors, keys := map[string]bool{}, map[string]bool{}
	for i, p := range a.Approvals {
		if len(p.Key) != ed25519.PublicKeySize || !ed25519.Verify(p.Key, text, p.Sig) {
			return fmt.Errorf("approval %d: wrong signature: %w", i, ErrAct)
		}
		actors[p.Actor], keys[string(p.Key)] = true, true
	}
	if len(actors) < n || len(keys) < n {
		return fmt.Errorf("%d approvals of %d: %w", min(len(actors), len(keys)), n, ErrAct)
	}
	return nil
}

// RotateText is what the old and the new key sign.
func (r *Rotate) RotateText(archive string) ([]byte, error) {
	bare := *r
	bare.ByOld, bare.ByNew = nil, nil
	b, err := encodeCanonical(&bare)
	if err != nil {
		return nil, fmt.Errorf("rotation text: %w", err)
	}
	return append([]byte("waxseal rotation v1\n"+archive+"\n"), b...), nil
}

// Sign fills in Old, New.Ed25519 and both signatures.
func (r *Rotate) Sign(archive string, old, next ed25519.PrivateKey) error {
	r.Old, r.New.Ed25519 = old.Public().(ed25519.PublicKey), next.Public().(ed25519.PublicKey)
	text, err := r.RotateText(archive)
	if err != nil {
		return err
	}
	r.ByOld, r.ByNew = ed25519.Sign(old, text), ed25519.Sign(next, text)
	return nil
}

// Check says whether both keys signed the rotation, and old is the key it
// replaces. Errors are ErrSignature.
func (r *Rotate) Check(archive string, old ed25519.PublicKey) error {
	text, err := r.RotateText(archive)
	if err != nil {
		return err
	}
	if !old.Equal(ed25519.PublicKey(r.Old)) || !ed25519.Verify(old, text, r.ByOld) || !ed25519.Verify(r.New.Ed25519, text, r.ByNew) {
		return fmt.Errorf("rotation: %w", ErrSignature)
	}
	return nil
}

// validWord says whether s is an id or a word: no blanks, nothing that could be
// a sentence.
func validWord(s string, limit int) bool {
	return len(s) <= limit && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:!/@~+-") == ""
}
