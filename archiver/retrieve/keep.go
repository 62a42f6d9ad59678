package retrieve

// keep remembers the last values made, up to a limit, for one goroutine.
type keep[K comparable, V any] struct {
	limit  int
	values map[K]V
	order  []K // oldest first
}

func newKeep[K comparable, V any](limit int) keep[K, V] {
	return keep[K, V]{limit: limit, values: map[K]V{}}
}

// get gives the value of a key, making it where it is not remembered. What make
// fails at is not remembered.
func (k *keep[K, V]) get(key K, make func() (V, error)) (V, error) {
	if v, ok := k.values[key]; ok {
		return v, nil
	}
	v, err := make()
	if err != nil {
		return v, err
	}
	if len(k.order) == k.limit {
		delete(k.values, k.order[0])
		k.order = k.order[1:]
	}
	k.values[key] = v
	k.order = append(k.order, key)
	return v, nil
}
