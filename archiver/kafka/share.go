package kafka

import (
	"encoding/binary"
	"errors"
	"slices"
)

// claims are the lanes each member of a group runs, by member.
type claims map[string][]int32

// share divides lanes among members: the partitions of the topic that the group
// subscribes to, own in number, evenly; a lane beyond them, up to all, goes with
// the lane of its number mod own. It is sticky: a member keeps what it runs as far
// as its even part allows. A lane that moves is given to nobody as long as another
// member still runs it: that one lets go of it and asks again.
func share(own, all int32, running claims) claims {
	members := make([]string, 0, len(running))
	for m := range running {
		members = append(members, m)
	}
	slices.Sort(members)
	out := claims{}
	if len(members) == 0 || own <= 0 {
		return out
	}
	owner := targets(own, members, running)
	for n := range max(own, all) {
		m := owner[n%own]
		if !runsElsewhere(running, m, n) {
			out[m] = append(out[m], n)
		}
	}
	return out
}

// targets says who is to run each of the own first lanes.
func targets(own int32, members []string, running claims) []string {
	owner := make([]string, own)
	has := map[string]int{}
	least, extra := int(own)/len(members), int(own)%len(members)
	keep := slices.Clone(members) // who runs most keeps one more, so that fewest move
	slices.SortStableFunc(keep, func(a, b string) int { return len(running[b]) - len(running[a]) })
	for _, m := range keep {
		for _, n := range running[m] {
			limit := least
			if extra > 0 {
				limit++
			}
			if n < 0 || n >= own || owner[n] != "" || has[m] >= limit {
				continue
			}
			if owner[n], has[m] = m, has[m]+1; has[m] > least {
				extra--
			}
		}
	}
	for n := range owner {
		if owner[n] != "" {
			continue
		}
		m := slices.MinFunc(members, func(a, b string) int { return has[a] - has[b] })
		owner[n], has[m] = m, has[m]+1
	}
	return owner
}

func runsElsewhere(running claims, m string, n int32) bool {
	for other, lanes := range running {
		if other != m && slices.Contains(lanes, n) {
			return true
		}
	}
	return false
}

// Lanes travel in the user data of subscriptions and assignments: a version byte,
// 1, then each lane as four bytes, big-endian.
const lanesVersion = 1

var errLanes = errors.New("a member of the group is no archiver: its user data names no lanes")

func encodeLanes(lanes []int32) []byte {
	b := []byte{lanesVersion}
	for _, n := range lanes {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return b
}

func decodeLanes(b []byte) ([]int32, error) {
	if len(b) == 0 || b[0] != lanesVersion || len(b)%4 != 1 {
		return nil, errLanes
	}
	var lanes []int32
	for b = b[1:]; len(b) > 0; b = b[4:] {
		lanes = append(lanes, int32(binary.BigEndian.Uint32(b)))
	}
	return lanes, nil
}
