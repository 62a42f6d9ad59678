package sqlite

// SetFew says how many matching rows are fetched and sorted rather than walked to.
func (x *Index) SetFew(n int) { x.few = n }

// SetTerms says how many lines or shapes are looked up as terms.
func (x *Index) SetTerms(n int) { x.terms = n }
