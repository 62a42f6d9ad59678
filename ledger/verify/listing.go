package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// listed is one key of a listing with all its versions.
type listed struct {
	key      string
	size     int64 // of the oldest version: the object
	versions int   // without delete markers; 0: nothing but markers
	markers  int
}

// pageKeys is how many keys a lister holds.
const pageKeys = 1000

// errPage ends a listing when a page is full.
var errPage = errors.New("page is full")

// lister goes through the keys with a prefix, page by page, so that nothing is
// read of the store while the caller does something else.
type lister struct {
	v      *verifier
	where  int
	prefix string

	page  []listed
	after string
	done  bool
}

func (v *verifier) list(where int, prefix string) *lister {
	return &lister{v: v, where: where, prefix: prefix}
}

// peek gives the next key and stays before it.
func (l *lister) peek(ctx context.Context) (listed, bool) {
	if len(l.page) == 0 && !l.done {
		l.fill(ctx)
	}
	if len(l.page) == 0 {
		return listed{}, false
	}
	return l.page[0], true
}

// skip moves behind the key that peek gave.
func (l *lister) skip() { l.page = l.page[1:] }

// jump leaves out all keys up to and including after.
func (l *lister) jump(after string) {
	for len(l.page) > 0 && l.page[0].key <= after {
		l.page = l.page[1:]
	}
	if len(l.page) == 0 {
		l.after = max(l.after, after)
	}
}

func (l *lister) fill(ctx context.Context) {
	err := l.v.store[l.where].List(ctx, l.prefix, l.after, func(v worm.Version) error {
		last := len(l.page) - 1
		if last < 0 || l.page[last].key != v.Key {
			if len(l.page) == pageKeys {
				return errPage
			}
			l.page = append(l.page, listed{key: v.Key})
			last++
		}
		o := &l.page[last]
		if v.DeleteMarker {
			o.markers++
			return nil
		}
		if o.versions++; o.versions == 1 {
			o.size = v.Size
		}
		return nil
	})
	if len(l.page) > 0 {
		l.after = l.page[len(l.page)-1].key
	}
	l.done = !errors.Is(err, errPage)
	if err != nil && l.done && ctx.Err() == nil {
		l.v.find(Finding{Class: Failure, Code: CodeUnreadable, Store: storeNames[l.where], Object: l.prefix,
			Sentence: fmt.Sprintf("The store cannot list what lies under this prefix: %v.", err)})
	}
}

// last is behind every key of the contract that starts with what is before it.
const last = "~"

// discover finds the lanes and the size each has now: the number of its last
// block plus one. Lanes are found by what
// lies under lanes/ and log/ in any store.
func (v *verifier) discover(ctx context.Context) {
	for _, place := range []struct {
		where  int
		prefix string
	}{{locked, "lanes/"}, {meta, "lanes/"}, {spare, "lanes/"}, {meta, "log/"}} {
		prefix := place.prefix
		l := v.list(place.where, prefix)
		for o, ok := l.peek(ctx); ok; o, ok = l.peek(ctx) {
			name, _, _ := strings.Cut(strings.TrimPrefix(o.key, prefix), "/")
			if lane := record.Lane(name); ledger.ValidLane(lane) {
				v.limit[lane] = 0
			}
			l.jump(max(o.key, prefix+name+"/"+last))
		}
	}
	v.limit[record.Control] = 0
	for lane := range v.limit {
		l := v.list(locked, ledger.BlockPrefix(lane))
		for o, ok := l.peek(ctx); ok; o, ok = l.peek(ctx) {
			if n, valid := ledger.ParseBlockKey(lane, o.key); valid {
				v.limit[lane] = n + 1
			}
			l.skip()
		}
	}
}

// foreign looks for what lies in no place of the key layout. In the locked
// store that is a failure: nobody but the archive writes there, and what is
// locked stays. In the others, which anybody with a file manager may touch, it
// is a warning.
func (v *verifier) foreign(ctx context.Context) {
	places := [stores][]string{locked: {"blocks/", "data/"}, meta: {"data/"}, spare: {"data/"}}
	for where := range stores {
		l := v.list(where, "")
		for o, ok := l.peek(ctx); ok; o, ok = l.peek(ctx) {
			if home := homeOf(o.key, places[where], where == meta); home != "" {
				l.jump(max(o.key, home+last))
				continue
			}
			l.skip()
			if where != locked || !strings.HasPrefix(o.key, "selftest/") {
				v.findForeign(where, o.key)
			}
		}
	}
}

// homeOf gives the prefix of the key that a lane's walk has judged, "" if none.
func homeOf(key string, places []string, log bool) string {
	if rest, ok := strings.CutPrefix(key, "lanes/"); ok {
		name, rest, _ := strings.Cut(rest, "/")
		for _, p := range places {
			if strings.HasPrefix(rest, p) && ledger.ValidLane(record.Lane(name)) {
				return "lanes/" + name + "/" + p
			}
		}
	}
	if rest, ok := strings.CutPrefix(key, "log/"); ok && log {
		if name, _, _ := strings.Cut(rest, "/"); ledger.ValidLane(record.Lane(name)) {
			return ledger.LogPrefix(record.Lane(name))
		}
	}
	return ""
}

func (v *verifier) findForeign(where int, key string) {
	f := Finding{Class: Warning, Code: CodeForeign, Store: storeNames[where], Object: key,
		Sentence: "Nothing in the archive accounts for this object."}
	if where == locked {
		f.Class = Failure
	}
	v.find(f)
}
