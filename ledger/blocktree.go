package ledger

// Tree is the lane's log as of this block, its entry the last leaf. Whether it is
// the signed one is for the checkpoint to say.
func (b *Block) Tree() (*Tree, error) {
	t, err := NewTree(b.Entry.N, b.Frontier)
	if err != nil {
		return nil, err
	}
	t.Append(LeafHash(b.EntryBytes))
	return t, nil
}
