package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/consumer"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
	"github.com/segmentio/kafka-go/protocol/syncgroup"
)

// The protocol's name tells archivers from other consumers, which cannot join a
// group of theirs.
const (
	protocolType = "consumer"
	protocolName = "waxseal-lanes"
)

// join becomes a member of the next generation and gives its lanes, and whether
// this member is the one that divides them.
func (g *Group) join(ctx context.Context, own, all int32) (lanes []int32, leads bool, err error) {
	mine := g.running()
	sub := consumer.Subscription{Version: 1, Topics: []string{g.opts.Topic}, UserData: encodeLanes(mine)}
	if p := partitions(g.opts.Topic, own, mine); p != nil {
		sub.OwnedPartitions = p
	}
	meta, err := protocol.Marshal(consumer.MaxVersionSupported, sub)
	if err != nil {
		return nil, false, err
	}
	var joined *joingroup.Response
	for range 2 { // the first answer may only be a member id to join with
		call, cancel := context.WithTimeout(ctx, g.opts.Rebalance+g.opts.Session)
		res, err := g.src.coordinator(call, g.opts.Name, joinVersion, &joingroup.Request{
			GroupID: g.opts.Name, SessionTimeoutMS: int32(g.opts.Session.Milliseconds()), RebalanceTimeoutMS: int32(g.opts.Rebalance.Milliseconds()),
			MemberID: g.identity(), ProtocolType: protocolType, Protocols: []joingroup.RequestProtocol{{Name: protocolName, Metadata: meta}},
		})
		cancel()
		if err != nil {
			return nil, false, fmt.Errorf("join group %s: %w", g.opts.Name, classify(err))
		}
		joined = res.(*joingroup.Response)
		if kafkago.Error(joined.ErrorCode) != kafkago.MemberIDRequired {
			break
		}
		g.become(joined.MemberID, -1)
	}
	if err := code(joined.ErrorCode); err != nil {
		return nil, false, fmt.Errorf("join group %s: %w", g.opts.Name, lost(classify(err)))
	}
	g.become(joined.MemberID, joined.GenerationID)
	leads = joined.LeaderID == joined.MemberID
	var plan []syncgroup.RequestAssignment
	if leads {
		if plan, err = g.plan(joined.Members, own, all); err != nil {
			return nil, false, fmt.Errorf("group %s: %w", g.opts.Name, err)
		}
	}
	lanes, err = g.sync(ctx, joined, plan)
	return lanes, leads, err
}

// sync sends the plan, if it is ours to make, and gives our part of it.
func (g *Group) sync(ctx context.Context, joined *joingroup.Response, plan []syncgroup.RequestAssignment) ([]int32, error) {
	call, cancel := context.WithTimeout(ctx, g.opts.Rebalance+g.opts.Session)
	defer cancel()
	sent := time.Now()
	res, err := g.src.coordinator(call, g.opts.Name, syncVersion, &syncgroup.Request{
		GroupID: g.opts.Name, GenerationID: joined.GenerationID, MemberID: joined.MemberID, Assignments: plan,
	})
	if err == nil {
		err = code(res.(*syncgroup.Response).ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("sync group %s: %w", g.opts.Name, lost(classify(err)))
	}
	var got consumer.Assignment
	if b := res.(*syncgroup.Response).Assignments; len(b) > 0 {
		if err := protocol.Unmarshal(b, consumer.MaxVersionSupported, &got); err != nil {
			return nil, fmt.Errorf("group %s: assignment: %w", g.opts.Name, err)
		}
	}
	lanes := []int32{}
	if len(got.UserData) > 0 {
		if lanes, err = decodeLanes(got.UserData); err != nil {
			return nil, fmt.Errorf("group %s: assignment: %w", g.opts.Name, err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.joined = true
	g.tell(sent)
	return lanes, nil
}

// plan divides the lanes among the members.
func (g *Group) plan(members []joingroup.ResponseMember, own, all int32) ([]syncgroup.RequestAssignment, error) {
	running := claims{}
	for _, m := range members {
		var sub consumer.Subscription
		if err := protocol.Unmarshal(m.Metadata, consumer.MaxVersionSupported, &sub); err != nil {
			return nil, fmt.Errorf("subscription of a member: %w", err)
		}
		lanes, err := decodeLanes(sub.UserData)
		if err != nil {
			return nil, err
		}
		running[m.MemberID] = lanes
	}
	shares := share(own, all, running)
	var plan []syncgroup.RequestAssignment
	for _, m := range members {
		lanes := shares[m.MemberID]
		b, err := protocol.Marshal(consumer.MaxVersionSupported, consumer.Assignment{
			Version: 1, AssignedPartitions: partitions(g.opts.Topic, own, lanes), UserData: encodeLanes(lanes),
		})
		if err != nil {
			return nil, err
		}
		plan = append(plan, syncgroup.RequestAssignment{MemberID: m.MemberID, Assignment: b})
	}
	return plan, nil
}

// partitions says it in the words that every tool understands: those of lanes that
// are partitions of the group's topic.
func partitions(topic string, own int32, lanes []int32) []consumer.TopicPartition {
	var p []int32
	for _, n := range lanes {
		if n < own {
			p = append(p, n)
		}
	}
	if p == nil {
		return nil
	}
	return []consumer.TopicPartition{{Topic: topic, Partitions: p}}
}

// heartbeat says that we are alive.
func (g *Group) heartbeat(ctx context.Context) error {
	member, generation := g.identity(), g.round()
	if member == "" || generation < 0 {
		return nil
	}
	call, cancel := context.WithTimeout(ctx, max(g.opts.Session/2, time.Second))
	defer cancel()
	sent := time.Now()
	res, err := g.src.coordinator(call, g.opts.Name, heartbeatVersion, &heartbeat.Request{GroupID: g.opts.Name, GenerationID: generation, MemberID: member})
	if err == nil {
		err = code(res.(*heartbeat.Response).ErrorCode)
	}
	if err == nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.tell(sent)
	}
	return lost(classify(err))
}

// lost makes an errLost of what means that our membership has ended.
func lost(err error) error {
	if errors.Is(err, kafkago.UnknownMemberId) || errors.Is(err, kafkago.IllegalGeneration) || errors.Is(err, kafkago.FencedInstanceID) {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// leave says good-bye, so that the others need not wait for our session to end.
func (g *Group) leave(ctx context.Context) {
	member := g.identity()
	if member == "" {
		return
	}
	call, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	if _, err := g.src.coordinator(call, g.opts.Name, leaveVersion, &leavegroup.Request{GroupID: g.opts.Name, MemberID: member}); err != nil {
		g.src.opts.Log.LogAttrs(ctx, slog.LevelWarn, "kafka: leave group", slog.String("group", g.opts.Name), slog.Any("error", err))
	}
	g.forget()
}
