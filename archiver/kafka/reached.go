package kafka

import (
	"context"
	"log/slog"

	"github.com/segmentio/kafka-go/protocol/offsetcommit"
)

// Reached notes how far a partition is archived, for others' lag tools. It is
// committed some time later, if at all: nothing of ours reads it.
func (g *Group) Reached(topic string, partition int32, next int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.positions[place{Topic: topic, Partition: partition}] = next
}

// commit commits the positions that moved.
func (g *Group) commit(ctx context.Context) {
	g.mu.Lock()
	moved, byTopic := map[place]int64{}, map[string][]offsetcommit.RequestPartition{}
	for p, next := range g.positions {
		if at, ok := g.committed[p]; !ok || at != next {
			moved[p] = next
			byTopic[p.Topic] = append(byTopic[p.Topic], offsetcommit.RequestPartition{PartitionIndex: p.Partition, CommittedOffset: next, CommittedLeaderEpoch: -1})
		}
	}
	member, generation := g.member, g.generation
	g.mu.Unlock()
	if len(moved) == 0 || member == "" {
		return
	}
	req := &offsetcommit.Request{GroupID: g.opts.Name, GenerationID: generation, MemberID: member, RetentionTimeMs: -1}
	for topic, parts := range byTopic {
		req.Topics = append(req.Topics, offsetcommit.RequestTopic{Name: topic, Partitions: parts})
	}
	call, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	res, err := g.src.coordinator(call, g.opts.Name, commitVersion, req)
	if err != nil {
		g.src.opts.Log.LogAttrs(ctx, slog.LevelDebug, "kafka: commit positions", slog.String("group", g.opts.Name), slog.Any("error", err))
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range res.(*offsetcommit.Response).Topics {
		for _, p := range t.Partitions {
			if at := (place{Topic: t.Name, Partition: p.PartitionIndex}); p.ErrorCode == 0 {
				g.committed[at] = moved[at]
			}
		}
	}
}
