package state

import "math"

// A service window stays open this long behind a user's message (seconds).
const windowLength = 24 * 60 * 60

// run is a stretch of user messages, each within a window of the one before:
// the window is open from start until 24 h behind last. The zero run is none.
type run struct{ start, last uint32 }

func (r run) none() bool { return r == run{} }

// open says whether the window is open at t.
func (r run) open(t uint32) bool {
	return !r.none() && t >= r.start && uint64(t) < uint64(r.last)+windowLength
}

// touches says whether two runs are one.
func (r run) touches(o run) bool {
	return uint64(o.start) <= uint64(r.last)+windowLength && uint64(r.start) <= uint64(o.last)+windowLength
}

// end is the first moment behind the window.
func (r run) end() uint32 { return uint32(min(uint64(r.last)+windowLength, math.MaxUint32)) }

// addRun puts a run among the two kept, newest first, and joins what touches. It
// gives the oldest where that had to go.
func addRun(runs *[2]run, r run) (dropped run) {
	all := [3]run{r, runs[0], runs[1]}
	n := 1
	for _, o := range all[1:] {
		switch {
		case o.none():
		case all[0].touches(o):
			all[0] = run{min(all[0].start, o.start), max(all[0].last, o.last)}
		default:
			all[n] = o
			n++
		}
	}
	kept := all[:n]
	for i := 1; i < n && kept[i-1].start < kept[i].start; i++ {
		kept[i-1], kept[i] = kept[i], kept[i-1]
	}
	*runs = [2]run{}
	copy(runs[:], kept)
	if n == 3 {
		dropped = kept[2]
	}
	return dropped
}

// noteRun adds a run to a person; what is dropped moves the horizon.
func (p *person) noteRun(r run) {
	if dropped := addRun(&p.runs, r); !dropped.none() {
		p.horizon = max(p.horizon, dropped.end())
	}
}

// open notes a run of user messages, where it says something new.
func (s *State) open(p uint32, r run) {
	if r.none() {
		return
	}
	who := s.people[p]
	if who.noteRun(r); who == s.people[p] {
		return
	}
	s.do(change{code: changeOpen, a: uint64(p), at: r.start, b: uint64(r.last - r.start)})
}

func (s *State) markMessaged(p uint32) {
	if !s.people[p].messaged {
		s.do(change{code: changeMessaged, a: uint64(p)})
	}
}

// window answers open, closed or unknown for the people an identity fell to.
func (s *State) window(m match, t uint32) string {
	known := s.complete || (t >= windowLength && t-windowLength >= s.birth)
	for _, p := range [2]uint32{m.target, m.merge} {
		if p == nobody {
			continue
		}
		who := &s.people[p]
		if who.runs[0].open(t) || who.runs[1].open(t) {
			return "open"
		}
		if t < who.horizon {
			known = false
		}
	}
	if known {
		return "closed"
	}
	return "unknown"
}

// messaged answers yes, no or unknown.
func (s *State) messaged(m match) string {
	for _, p := range [2]uint32{m.target, m.merge} {
		if p != nobody && s.people[p].messaged {
			return "yes"
		}
	}
	if s.complete {
		return "no"
	}
	return "unknown"
}
