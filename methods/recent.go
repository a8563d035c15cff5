package methods

import lists "container/list"

// recent keeps values by key, those asked for last; memory holds at most as many as it was made for. Its user guards it.
type recent[K comparable, V any] struct {
	most  int
	all   map[K]*lists.Element // of *kept
	order *lists.List          // the last asked for in front
}

type kept[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any](most int) *recent[K, V] {
	return &recent[K, V]{most: most, all: map[K]*lists.Element{}, order: lists.New()}
}

// find is the value of a key, and makes it the last that is given up.
func (r *recent[K, V]) find(key K) (value V, ok bool) {
	element, ok := r.all[key]
	if !ok {
		return value, false
	}
	r.order.MoveToFront(element)
	return element.Value.(*kept[K, V]).value, true
}

// put adds a value under a key that has none, and gives up the one that was asked for longest ago if there are too many.
func (r *recent[K, V]) put(key K, value V) {
	r.all[key] = r.order.PushFront(&kept[K, V]{key, value})
	if len(r.all) > r.most {
		oldest := r.order.Back()
		delete(r.all, r.order.Remove(oldest).(*kept[K, V]).key)
	}
}
