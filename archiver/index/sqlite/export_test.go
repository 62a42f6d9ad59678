package sqlite

// SetFew says how many matching rows are fetched and sorted rather than walked to.
func (x *Index) SetFew(n int) { x.few = n }
