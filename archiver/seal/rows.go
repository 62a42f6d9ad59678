package seal

import "time"

// liveRow is a row the writer holds, with its subkeys.
type liveRow struct {
	Row
	enc, salt [32]byte
	class     *class

	// Of the record in hand and the segment in hand; see Writer.
	add  uint64 // number of the Add that used it last
	slot int32  // its slot in that Add
	seg  uint64 // serial of the segment it has a cell in
	cell int32  // that cell, index into Writer.cells
}

// class is one retention: its rows in memory and what the open block builds of it.
type class struct {
	retention Retention
	people    map[[16]byte]*liveRow
	seg       *segment // open in this block
	box       *box     // of this block
}

// generation is the people's rows first made in one block.
type generation struct {
	block uint64
	made  time.Time
	rows  []*liveRow
}

// rows holds the rows that may be used again, within bounds: whole generations
// leave, the oldest first, so that the oldest block still in use only rises.
type rows struct {
	max     int
	age     time.Duration
	classes map[Retention]*class
	gens    []generation // oldest first; the last is the open block's
	count   int
	from    uint64 // never sinks
}

func newRows(max int, age time.Duration) *rows {
	return &rows{max: max, age: age, classes: map[Retention]*class{}}
}

// begin starts the generation of a block and lets go of what is beyond bounds.
func (r *rows) begin(block uint64, now time.Time) {
	for len(r.gens) > 0 && (r.count > r.max || now.Sub(r.gens[0].made) >= r.age || len(r.gens[0].rows) == 0) {
		r.dropOldest()
	}
	for key, c := range r.classes {
		c.seg, c.box = nil, nil
		if len(c.people) == 0 {
			delete(r.classes, key)
		}
	}
	r.gens = append(r.gens, generation{block: block, made: now})
	r.from = max(r.from, r.gens[0].block)
}

func (r *rows) dropOldest() {
	for _, row := range r.gens[0].rows {
		delete(row.class.people, row.Owner.Tag)
	}
	r.count -= len(r.gens[0].rows)
	r.gens[0] = generation{}
	r.gens = r.gens[1:]
}

// retire lets go of the rows of all blocks below.
func (r *rows) retire(below uint64) {
	for len(r.gens) > 0 && r.gens[0].block < below {
		r.dropOldest()
	}
}

// abort lets go of the rows first made in the block begun last.
func (r *rows) abort(block uint64) {
	last := len(r.gens) - 1
	if last < 0 || r.gens[last].block != block {
		return
	}
	for _, row := range r.gens[last].rows {
		delete(row.class.people, row.Owner.Tag)
	}
	r.count -= len(r.gens[last].rows)
	r.gens = r.gens[:last]
}

// keep remembers a person's row for later blocks.
func (r *rows) keep(row *liveRow) {
	row.class.people[row.Owner.Tag] = row
	g := &r.gens[len(r.gens)-1]
	g.rows = append(g.rows, row)
	r.count++
}

// class gives the class of a retention.
func (r *rows) class(ret *Retention) *class {
	c, ok := r.classes[*ret]
	if !ok {
		c = &class{retention: *ret, people: map[[16]byte]*liveRow{}}
		r.classes[*ret] = c
	}
	return c
}
