package transforms

import (
	"slices"
	"sync"
)

// recent keeps the values that were asked for last, at most so many of them. Its zero value with most set is ready.
type recent[K comparable, V any] struct {
	most int

	mu   sync.Mutex
	list []recentEntry[K, V] // the one that was asked for last at the end
}

type recentEntry[K comparable, V any] struct {
	key   K
	value V
}

// get returns the value of a key, if it is there.
func (r *recent[K, V]) get(key K) (value V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.find(key)
}

// getOr returns the value of a key, which is made if it is not there.
func (r *recent[K, V]) getOr(key K, create func() V) V {
	r.mu.Lock()
	defer r.mu.Unlock()
	value, ok := r.find(key)
	if !ok {
		value = create()
		r.add(key, value)
	}
	return value
}

// put sets the value of a key.
func (r *recent[K, V]) put(key K, value V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(key)
	r.add(key, value)
}

// drop lets go of a key.
func (r *recent[K, V]) drop(key K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(key)
}

// find returns the value of a key and makes it the one that was asked for last.
func (r *recent[K, V]) find(key K) (value V, ok bool) {
	i := slices.IndexFunc(r.list, func(e recentEntry[K, V]) bool { return e.key == key })
	if i < 0 {
		return value, false
	}
	value = r.list[i].value
	r.remove(key)
	r.add(key, value)
	return value, true
}

func (r *recent[K, V]) add(key K, value V) {
	r.list = append(r.list, recentEntry[K, V]{key, value})
	if n := len(r.list); n > r.most {
		r.list = slices.Delete(r.list, 0, n-r.most)
	}
}

func (r *recent[K, V]) remove(key K) {
	r.list = slices.DeleteFunc(r.list, func(e recentEntry[K, V]) bool { return e.key == key })
}
