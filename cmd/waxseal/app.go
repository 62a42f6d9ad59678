package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/waxseal/waxseal/archiver/keyring"
)

// App does what the commands ask. A command makes a request of its flags, calls
// one method and shows the response; an App parses no flag and prints nothing.
//
// Errors wrap a sentinel of exit.go where the exit code matters. A method that
// found something wrong with the archive itself answers it in the response
// (Verify, Doctor) and returns nil. Every look at content is in the ledger
// before the App gives it out; on a read-only copy, where nothing can be
// recorded, it refuses with ErrDenied unless the request says Unrecorded.
type App interface {
	// Run is the whole appliance: it reports events as they happen and returns
	// nil once ctx is done and everything is closed.
	Run(ctx context.Context, req RunRequest, report func(Event)) error
	// Archive is the archiver alone. With Drain it returns once the high
	// watermarks seen at start are sealed; otherwise when ctx is done.
	Archive(ctx context.Context, req ArchiveRequest, report func(Event)) (ArchiveResponse, error)
	// Feed writes files into Kafka, byte for byte, and returns when all are acknowledged.
	Feed(ctx context.Context, req FeedRequest) (FeedResponse, error)
	Status(ctx context.Context) (StatusResponse, error)
	// Verify answers OK false, and no error, for an archive that contradicts itself.
	Verify(ctx context.Context, req VerifyRequest) (VerifyResponse, error)
	Reindex(ctx context.Context) (ReindexResponse, error)
	// IndexCheck holds the index to the stores and calls tell for each row that is
	// not as it should be. Differences are no error.
	IndexCheck(ctx context.Context, tell func(IndexDifference) error) (IndexCheckResponse, error)
	Doctor(ctx context.Context) (DoctorResponse, error)
	// Search calls hit for each item in order and stops at its first error.
	Search(ctx context.Context, req SearchRequest, hit func(Hit) error) (SearchResponse, error)
	Show(ctx context.Context, req NameRequest) (ShowResponse, error)
	// Cat calls rec for each record that the name stands for, in order.
	Cat(ctx context.Context, req NameRequest, rec func(CatRecord) error) error
	// Export writes a production. It calls estimated once, when it knows how much it
	// is and before anything is written, and stops at its error. With
	// ErrVerification the response says what was written all the same.
	Export(ctx context.Context, req ExportRequest, estimated func(ExportEstimate) error) (ExportResponse, error)
	// Checkpoint gives control's signed checkpoint, of all that is archived where
	// heads can be sealed.
	Checkpoint(ctx context.Context, req CheckpointRequest) (CheckpointResponse, error)
	// Identify tells which archive this is; Fingerprint "" before genesis.
	Identify(ctx context.Context) (Identification, error)
	// RotateKeys makes new keys and commits the act that makes them count.
	RotateKeys(ctx context.Context, req RotateRequest) (RotateResponse, error)
	// Gateway receives webhooks and writes them into Kafka until ctx is done.
	Gateway(ctx context.Context, req GatewayRequest, report func(Event)) error
	// StoreInit makes the buckets of a new archive that are not there.
	StoreInit(ctx context.Context) (StoreInitResponse, error)
	// StoreCheck answers OK false, and no error, for a store that breaks a promise.
	StoreCheck(ctx context.Context) (StoreCheckResponse, error)
	// DemoRemove removes the data folder of a demonstration, and refuses any other.
	DemoRemove(ctx context.Context, req DemoRemoveRequest) (DemoRemoveResponse, error)
	// DemoTamper changes a byte of a copy of the demonstration, and verifies it.
	DemoTamper(ctx context.Context) (DemoTamperResponse, error)
	Close() error
}

// Env is what an App is made with.
type Env struct {
	Settings   *Settings
	Log        *slog.Logger
	Passphrase keyring.Passphrase // asks on the terminal, or gives WAXSEAL_PASSPHRASE; nil: nobody to ask
	Progress   Progress
	Stdin      io.Reader // of feed -
}

// Progress is told how far long work has come: done of total units of what; a
// total of 0 is unknown. Safe for concurrent use and cheap to call often.
type Progress func(what string, done, total int64)

// RunRequest asks for the appliance.
type RunRequest struct {
	Demo     bool     // play the demonstration, once, and tell its stories
	Self     []string // words that name this binary, and this data folder, in a shell
	Verifier []string // the same of waxverify
}

// Event is something that happened while run or archive runs. Event is one of
// listening, fed, archived, verified, story, counted, try, ready, alarm, stopped;
// fields that do not belong to it are absent.
type Event struct {
	Event      string `json:"event"`
	Time       string `json:"time"`           // RFC 3339, UTC
	What       string `json:"what,omitempty"` // listening: broker, console, …; alarm: what is wrong, without content
	Address    string `json:"address,omitempty"`
	Lane       string `json:"lane,omitempty"`
	Block      uint64 `json:"block,omitempty,string"`
	Records    uint64 `json:"records,omitempty"`
	Items      uint64 `json:"items,omitempty"`    // counted
	Findings   uint64 `json:"findings,omitempty"` // counted: items with one
	Bytes      int64  `json:"bytes,omitempty"`
	Size       uint64 `json:"size,omitempty,string"` // of the verified checkpoint
	Root       string `json:"root,omitempty"`
	Checkpoint string `json:"checkpoint,omitempty"` // verified: the signed note
	Title      string `json:"title,omitempty"`      // of a story
	Command    string `json:"command,omitempty"`    // story, try: what to type in a shell
}

// ArchiveRequest asks for the archiver alone.
type ArchiveRequest struct {
	Drain bool // stop at the high watermarks seen at start
}

// ArchiveResponse says what was archived since the start of the command.
type ArchiveResponse struct {
	Records uint64        `json:"records"`
	Items   uint64        `json:"items"`
	Blocks  uint64        `json:"blocks"`
	Bytes   int64         `json:"bytes"`   // raw: values, keys, headers
	Stored  int64         `json:"stored"`  // what they take in the stores
	Seconds float64       `json:"seconds"` // from the taking of lanes to the last row in the index
	Lanes   []LaneArchive `json:"lanes"`
}

// LaneArchive is one lane's part of an ArchiveResponse.
type LaneArchive struct {
	Lane    string     `json:"lane"`
	Head    uint64     `json:"head,string"` // number of the last block
	Records uint64     `json:"records"`
	Source  []Position `json:"source"`
}

// Position is where a lane stands in one topic partition.
type Position struct {
	Topic     string `json:"topic"`
	Era       uint32 `json:"era"`
	Partition int32  `json:"partition"`
	Next      int64  `json:"next,string"` // first offset not archived
	End       int64  `json:"end,string"`  // Kafka's high watermark when last seen, -1 unknown
}

// FeedRequest asks to write files into Kafka.
type FeedRequest struct {
	Paths []string // files, folders (all files in them, sorted by path), "-" standard input
	Topic string   // "" is the webhooks topic
	Key   string   // "" is the WABA id found in the payload
	Lines bool     // every file is lines, not only *.jsonl

	Headers []string // of every record: NAME=VALUE
}

// FeedResponse says what was written.
type FeedResponse struct {
	Records uint64    `json:"records"`
	Bytes   int64     `json:"bytes"`
	Files   []FedFile `json:"files"`
}

// FedFile is one file and the records it became, in order.
type FedFile struct {
	File    string   `json:"file"`
	Bytes   int64    `json:"bytes"`
	Records []string `json:"records"` // topic/partition/offset
}

// Identification tells an archive from every other.
type Identification struct {
	Archive     string `json:"archive"`
	Fingerprint string `json:"fingerprint"` // SHA-256 of genesis, hex; "" before genesis
	Mode        string `json:"mode"`        // production or evaluation
}

// RotateRequest asks for new keys.
type RotateRequest struct {
	What       string          // signing, token, or a role: firm, escrow, audit, indexer, boxes
	Recipients []string        // for a role: these, in place of a new identity
	Compromise bool            // signing: the old key may be known to others
	New        keyring.Options // for a role without Recipients
}

// RotateResponse says what counts now.
type RotateResponse struct {
	What       string   `json:"what"`
	N          uint32   `json:"n"`          // number of the new key, epoch of a token key
	Recipients []string `json:"recipients"` // of a role
	Block      uint64   `json:"block,string"`
}
