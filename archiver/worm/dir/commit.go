package dir

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
)

// change is one change of names in the store. Its steps run under the store's
// lock, so that no other change comes between them.
type change struct {
	key, path string
	first     func() error // looks and decides; may place a lock record. May be nil
	second    func() error // creates, replaces or removes
	last      func()       // once all is durable. May be nil
	synced    bool         // what first does must be durable before second
	err       error
	done      chan struct{}
}

// committer runs changes, as many in one go as wait: the syncs of a folder are
// then shared. Whoever finds nobody at work does the work of all.
type committer struct {
	lock *fileLock // between processes

	mu    sync.Mutex // guards the rest
	busy  bool
	queue []*change
}

// run carries out c and answers its error once it is durable.
func (k *committer) run(c *change) error {
	c.done = make(chan struct{})
	k.mu.Lock()
	k.queue = append(k.queue, c)
	if k.busy {
		k.mu.Unlock()
		<-c.done
		return c.err
	}
	k.busy = true
	k.mu.Unlock()
	if k.batch() {
		go k.drain() // do the others' work without making this caller wait
	}
	<-c.done
	return c.err
}

func (k *committer) drain() {
	for k.batch() {
	}
}

// batch carries out what waits and says whether more does. Of two changes of
// one key the later waits for the next batch.
func (k *committer) batch() bool {
	k.mu.Lock()
	var now, later []*change
	keys := map[string]bool{}
	for _, c := range k.queue {
		if keys[c.key] {
			later = append(later, c)
			continue
		}
		keys[c.key] = true
		now = append(now, c)
	}
	k.queue = later
	k.mu.Unlock()

	k.commit(now)
	for _, c := range now {
		close(c.done)
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	k.busy = len(k.queue) > 0
	return k.busy
}

func (k *committer) commit(cs []*change) {
	if err := k.lock.Lock(); err != nil {
		for _, c := range cs {
			c.err = fmt.Errorf("lock the store: %w", err)
		}
		return
	}
	k.steps(cs)
	if err := k.lock.Unlock(); err != nil {
		for _, c := range cs {
			c.err = errors.Join(c.err, fmt.Errorf("unlock the store: %w", err))
		}
	}
}

func (k *committer) steps(cs []*change) {
	k.each(cs, func(c *change) error {
		if c.first == nil {
			return nil
		}
		return c.first()
	})
	k.sync(cs, func(c *change) bool { return c.synced })
	k.each(cs, func(c *change) error { return c.second() })
	k.sync(cs, func(*change) bool { return true })
	k.each(cs, func(c *change) error {
		if c.last != nil {
			c.last()
		}
		return nil
	})
}

// each runs a step of every change that has had no error.
func (k *committer) each(cs []*change, step func(*change) error) {
	for _, c := range cs {
		if c.err == nil {
			c.err = full(step(c))
		}
	}
}

// sync forces the folders of those changes to disk, each once and side by side:
// the disk then does the work of many in one.
func (k *committer) sync(cs []*change, which func(*change) bool) {
	synced := map[string]error{}
	for _, c := range cs {
		if c.err == nil && which(c) {
			synced[filepath.Dir(c.path)] = nil
		}
	}
	var mu sync.Mutex // guards synced
	var g errgroup.Group
	g.SetLimit(32)
	for dir := range maps.Clone(synced) {
		g.Go(func() error {
			err := full(syncDir(dir))
			mu.Lock()
			defer mu.Unlock()
			synced[dir] = err
			return nil
		})
	}
	_ = g.Wait() // errors are each folder's own
	for _, c := range cs {
		if c.err == nil && which(c) {
			c.err = synced[filepath.Dir(c.path)]
		}
	}
}
