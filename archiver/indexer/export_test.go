package indexer

import "time"

// TryAgainAfter replaces the wait after an error.
func (x *Indexer) TryAgainAfter(d time.Duration) { x.again = d }
