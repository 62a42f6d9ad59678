package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/cmd/internal/verdict"
)

// answering is an App with fixed answers.
type answering struct {
	env   Env
	fails string
}

var answerErrors = map[string]error{
	"error": fmt.Errorf("disk on fire"), "usage": ErrUsage, "verification": ErrVerification, "incomplete": ErrIncomplete,
	"denied": ErrDenied, "approval": ErrApproval, "held": ErrHeld, "canceled": context.Canceled,
}

func (a *answering) err() error {
	if e := answerErrors[a.fails]; e != nil {
		return fmt.Errorf("answer: %w", e)
	}
	return nil
}

func (a *answering) Close() error { return nil }

func (a *answering) Run(_ context.Context, req RunRequest, report func(Event)) error {
	report(Event{Event: "listening", Time: "2026-11-24T08:00:00Z", What: "broker", Address: "127.0.0.1:9092"})
	if req.Demo {
		report(Event{Event: "fed", Time: "2026-11-24T08:00:01Z", Records: 3, Bytes: 2048})
	}
	report(Event{Event: "archived", Time: "2026-11-24T08:00:02Z", Lane: "0", Block: 1, Records: 3, Bytes: 2048})
	report(Event{Event: "verified", Time: "2026-11-24T08:00:03Z", Records: 3, Size: 2, Root: "cm9vdA==", Checkpoint: "archive.local/0\n2\ncm9vdA==\n\n— archive.local/0 c2ln\n"})
	if req.Demo {
		report(Event{Event: "counted", Time: "2026-11-24T08:00:03Z", Records: 3, Items: 5, Findings: 1})
		report(Event{Event: "story", Time: "2026-11-24T08:00:03Z", Title: "a story", What: "One line.\nAnother.", Command: typed(append(slices.Clone(req.Self[1:]), "show", "wa.webhooks/0/7#0")...)})
		report(Event{Event: "try", Time: "2026-11-24T08:00:03Z", What: "any finding", Command: typed("search", "--findings", "*")})
	}
	report(Event{Event: "alarm", Time: "2026-11-24T08:00:04Z", What: "clock\x1b[2J"})
	report(Event{Event: "stopped", Time: "2026-11-24T08:00:05Z"})
	return a.err()
}

func (a *answering) Archive(_ context.Context, req ArchiveRequest, report func(Event)) (ArchiveResponse, error) {
	report(Event{Event: "archived", Time: "2026-11-24T08:00:02Z", Lane: "0", Block: 1, Records: 3, Bytes: 2048})
	return ArchiveResponse{Records: 3, Items: 5, Blocks: 1, Bytes: 2048, Stored: 1400, Lanes: []LaneArchive{{
		Lane: "0", Head: 1, Records: 3, Source: []Position{
			{Topic: "wa.webhooks", Era: 1, Next: 3, End: 3}, {Topic: "wa.sends", Era: 2, Next: 0, End: 0}},
	}}}, a.err()
}

func (a *answering) Feed(_ context.Context, req FeedRequest) (FeedResponse, error) {
	r := FeedResponse{}
	for i, p := range req.Paths {
		topic := req.Topic
		if topic == "" {
			topic = a.env.Settings.Topics["webhooks"]
		}
		name := p[strings.LastIndexByte(p, '/')+1:]
		r.Files = append(r.Files, FedFile{File: name, Bytes: 10, Records: []string{fmt.Sprintf("%s/0/%d", topic, i)}})
		r.Records++
		r.Bytes += 10
	}
	return r, a.err()
}

func (a *answering) Status(context.Context) (StatusResponse, error) {
	lane := LaneStatus{Lane: "0", Blocks: 2, Records: 3, Time: "2026-11-24T08:00:02.123Z", Size: 2, Root: "cm9vdA==", Lag: 4, Writable: true}
	control := lane
	control.Lane = "control"
	id, _ := a.Identify(context.Background())
	return StatusResponse{Identification: id, Running: true, Broker: "embedded", Store: "folder", Lanes: []LaneStatus{lane}, Control: control,
		Records: 3, Indexed: 5, Findings: 1, Alarms: []string{"a lane is stopped"}}, a.err()
}

func (a *answering) Verify(_ context.Context, req VerifyRequest) (VerifyResponse, error) {
	r := VerifyResponse{OK: a.fails != "damage", Deep: req.Deep, Archive: "archive.local", Fingerprint: strings.Repeat("ab", 32), Pinned: req.Fingerprint != "",
		Records: 3, Blocks: 2, Segments: 1, Lanes: []verdict.Lane{{Lane: "0", Blocks: 2, Records: 3, Size: 2, Root: "cm9vdA==", Sealed: 2}}, Findings: []verdict.Finding{}}
	if !r.OK {
		n, from, to := int64(1), int64(17), int64(18)
		r.Findings = append(r.Findings, verdict.Finding{Class: "contradiction", Code: "wrong-hash", Lane: "0", Entry: &n,
			Object: "lanes/0/data/000000000001/seg-0", From: &from, To: &to, Means: "The segment is not the one that was sealed."})
	}
	return r, a.err()
}

func (a *answering) Reindex(context.Context) (ReindexResponse, error) {
	return ReindexResponse{Rows: 5, Records: 3, Blocks: 1}, a.err()
}

func (a *answering) IndexCheck(_ context.Context, tell func(IndexDifference) error) (IndexCheckResponse, error) {
	r := IndexCheckResponse{OK: a.fails != "damage", Rows: 5, Behind: []IndexLag{{Lane: "1", Indexed: 7, Blocks: 9}}}
	if !r.OK {
		r.Missing, r.Changed = 1, 1
		for _, d := range []IndexDifference{
			{Difference: "missing", Item: "wa.webhooks/0/7#0", Lane: "0", Block: 1},
			{Difference: "changed", Item: "wa.webhooks/0/7#1", Lane: "0", Block: 1, Fields: []string{"Class", "Tokens"}},
		} {
			if err := tell(d); err != nil {
				return r, err
			}
		}
	}
	return r, a.err()
}

func (a *answering) Doctor(context.Context) (DoctorResponse, error) {
	return DoctorResponse{OK: a.fails != "ill", Checks: []Check{
		{Name: "broker", OK: true, Says: "answers"},
		{Name: "clock", OK: a.fails != "ill", Says: "store and host differ", Do: "set the clock"},
	}}, a.err()
}

func (a *answering) Search(_ context.Context, req SearchRequest, hit func(Hit) error) (SearchResponse, error) {
	if req.Count {
		return SearchResponse{Items: 2, Records: 1}, a.err()
	}
	text := "words: " + req.Words + "\x1b[31m\nforged line"
	for i := range 2 {
		h := Hit{Item: fmt.Sprintf("wa.webhooks/0/7#%d", i), Record: "wa.webhooks/0/7", Kind: "text", Channel: "user", Direction: "in", Provenance: "live",
			Time: "2026-11-24T08:00:00Z", Clock: "platform", Number: "100200", Person: "15550101234", Name: "A. Customer", Text: text, Class: "communication", Lane: "0", Block: 1}
		if req.From != 0 || req.To != 0 {
			h.Text = fmt.Sprintf("from %d to %d", req.From, req.To)
		}
		if i == 1 {
			h.Findings, h.Edited = []string{"consent-withdrawn"}, true
		}
		if err := hit(h); err != nil {
			return SearchResponse{}, err
		}
	}
	resp := SearchResponse{Items: 2, Records: 1, Cursor: "bmV4dA"}
	if req.Words == "late" {
		resp.Behind = []IndexLag{{Lane: "0", Indexed: 7, Blocks: 9}}
	}
	return resp, a.err()
}

func (a *answering) Export(_ context.Context, req ExportRequest, estimated func(ExportEstimate) error) (ExportResponse, error) {
	e := ExportEstimate{Conversations: 1, Days: 2, Messages: 3, Events: 4, Media: 5, Items: 6, Records: 7, Bytes: 8000}
	if err := estimated(e); err != nil {
		return ExportResponse{}, err
	}
	return ExportResponse{
		Estimate: req.Estimate, Out: req.Out, Archive: "archive.local", Fingerprint: strings.Repeat("ab", 32), Size: 9, Scope: req.Scope, Unit: req.Unit,
		Zone: a.env.Settings.Zone.String(), Conversations: 1, Days: 2, Messages: 3, Events: 4, Media: 5, Items: 6, Records: 7, Bytes: 8000, Withheld: 10,
		Gaps: 11, Exceptions: map[string]int{"erased": 1, "unparsed": 2},
	}, a.err()
}

func (a *answering) Show(_ context.Context, req NameRequest) (ShowResponse, error) {
	return ShowResponse{Items: []Shown{{
		Hit:        Hit{Item: "wa.webhooks/0/7#0", Record: "wa.webhooks/0/7", Kind: "text", Channel: "user", Direction: "in", Time: "2026-11-24T08:00:00Z", Number: "100200", Person: "15550101234", Text: "hello"},
		Deliveries: []Delivery{{Item: "wa.webhooks/0/7#0", Time: "2026-11-24T08:00:00Z", Provenance: "live", Kind: "text", Signature: "unchecked"}},
		Statuses:   []Change{{Item: "wa.webhooks/0/9#0", Time: "2026-11-24T08:01:00Z", Sub: "read"}},
		Decision:   ShownDecision{Class: "communication", Duty: "2032-12-01", Retain: "2034-12-01", Scope: "business", Revision: "r1", Findings: []PolicyFinding{{Rule: "x", Severity: "low", Reason: "because"}}},
		Facts:      map[string]any{"marketing": "withdrawn"}, Evidence: []string{"wa.consent/0/3#0"},
		Ledger: LedgerPlace{Lane: "0", Block: 1, Time: "2026-11-24T08:00:02Z", Entry: "ef01", Segment: "lanes/0/data/000000000001/seg-0", RetainUntil: "2034-12-01T00:00:00Z"},
	}}}, a.err()
}

func (a *answering) Cat(_ context.Context, req NameRequest, rec func(CatRecord) error) error {
	n := 1
	if req.Name == "15550101234" {
		n = 2
	}
	for i := range n {
		r := CatRecord{Record: fmt.Sprintf("wa.webhooks/0/%d", i), Timestamp: 1764000000000, LeaderEpoch: 4, Key: []byte("k"),
			Headers: []CatHeader{{Key: "X-Hub-Signature-256", Value: []byte("sha256=00")}, {Key: "empty"}}, Value: []byte("{\"a\":\"\x00\"}\n")}
		if err := rec(r); err != nil {
			return err
		}
	}
	return a.err()
}

func (a *answering) Identify(context.Context) (Identification, error) {
	return Identification{Archive: "archive.local", Fingerprint: strings.Repeat("ab", 32), Mode: "production"}, a.err()
}

func (a *answering) Checkpoint(_ context.Context, req CheckpointRequest) (CheckpointResponse, error) {
	id, _ := a.Identify(context.Background())
	return CheckpointResponse{Identification: id, Out: req.Out, Sealed: true, Size: 2, Root: "726f6f74", Note: "archive.local/control\n2\ncm9vdA==\n\n— archive.local/control c2ln\n"}, a.err()
}

func (a *answering) Gateway(context.Context, GatewayRequest, func(Event)) error { return a.err() }

func (a *answering) StoreInit(context.Context) (StoreInitResponse, error) {
	return StoreInitResponse{Stores: []StorePlace{{Store: "locked", Place: "s3://store.example/firm", Made: true}}}, a.err()
}

func (a *answering) StoreCheck(context.Context) (StoreCheckResponse, error) {
	return StoreCheckResponse{Checks: []StoreCheck{{Store: "locked", Name: "delete", Says: "an object could be deleted"}}}, a.err()
}

func (a *answering) RotateKeys(_ context.Context, req RotateRequest) (RotateResponse, error) {
	return RotateResponse{What: req.What, N: 2, Recipients: append([]string{}, req.Recipients...), Block: 12}, a.err()
}

func (a *answering) DemoRemove(_ context.Context, req DemoRemoveRequest) (DemoRemoveResponse, error) {
	r := DemoRemoveResponse{Folder: "/data", Archive: "demo/archive.local", Fingerprint: strings.Repeat("ab", 32), Removed: []DemoPart{}, Left: []string{}}
	if req.Confirm != nil {
		if ok, err := req.Confirm(r.Folder, r.Archive); err != nil || !ok {
			return r, err
		}
	}
	r.Removed, r.Left = []DemoPart{{Name: "kafka", Files: 2, Bytes: 2048}, {Name: "locked", Files: 1, Bytes: 1}}, []string{"notes.txt"}
	return r, a.err()
}

func (a *answering) DemoTamper(ctx context.Context) (DemoTamperResponse, error) {
	r := DemoTamperResponse{Archive: "demo/archive.local", Item: "wa.webhooks/0/7#0", Lane: "0", Block: 1, Object: "lanes/0/data/000000000001/seg-0", At: 17, Before: 1, Found: a.fails != "unfound"}
	original := &answering{}
	if a.fails == "damage" {
		original = a
	}
	r.Original, _ = original.Verify(ctx, VerifyRequest{})
	r.Copy, _ = (&answering{fails: "damage"}).Verify(ctx, VerifyRequest{})
	return r, a.err()
}
