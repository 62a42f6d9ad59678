package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// What is exported: conversations of fifty messages or so, as a case has.
const (
	exportRecords = 26_000
	exportPeople  = 400
)

// export times `waxseal export --all`, from its start to the signed bag: raw bytes,
// proofs, RSMF, transcripts and JSON Lines.
func export(ctx context.Context, b *bench) ([]figure, error) {
	if _, err := b.archiveOnce(ctx, "sqlite", exportRecords, exportPeople, 0); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, b.binary, "export", "--all", "--out", filepath.Join(b.dir, "bag"), "--data", b.archive, "--tz", "UTC",
		"--output", "json", "--log-level", "error")
	start := time.Now()
	out, err := cmd.Output()
	took := time.Since(start)
	if err != nil {
		return nil, fmt.Errorf("waxseal export: %w", err)
	}
	var said struct{ Messages, Conversations, Records int }
	if err := json.Unmarshal(out, &said); err != nil {
		return nil, fmt.Errorf("waxseal export: %w", err)
	}
	if said.Records != exportRecords || said.Messages == 0 {
		return nil, fmt.Errorf("waxseal export: %d messages of %d records, archived were %d", said.Messages, said.Records, exportRecords)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return []figure{figure{
		Name: "export", Value: float64(said.Messages) / took.Seconds(), Unit: "messages/s",
		note: fmt.Sprintf("%d messages of %d conversations, %.0f µs of CPU each", said.Messages, said.Conversations, cpu.Seconds()*1e6/float64(said.Messages)),
	}.atLeast(5000)}, nil
}
