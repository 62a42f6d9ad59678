package archiver

import "time"

// seen notes Kafka's time of a record that goes into the block under way.
func (s *session) seen(timestamp int64) {
	if s.oldest == 0 || timestamp < s.oldest {
		s.oldest = timestamp
	}
}

// behind notes in the lane's progress how far it is behind.
func (s *session) behind() {
	var lag int64
	oldest := s.oldest
	for _, f := range s.feeds {
		at := f.source.First // what the block under way covers is not archived yet
		lag += max(0, f.stable-at)
		if len(f.pending) > 0 && (oldest == 0 || f.pending[0].Timestamp < oldest) {
			oldest = f.pending[0].Timestamp
		}
	}
	s.a.update(s.name, func(p *Progress) {
		p.Lag, p.Oldest = lag, time.Time{}
		if oldest != 0 {
			p.Oldest = time.UnixMilli(oldest)
		}
	})
}
