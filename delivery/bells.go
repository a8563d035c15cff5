package delivery

import (
	"sync"
	"sync/atomic"
)

// bells wake whoever waits for something to happen to a key. A ring is a hint: what it is about is read from the store.
// Ringing costs one atomic load while nobody waits. Safe for concurrent use.
type bells[K comparable] struct {
	count atomic.Int64 // of hung

	mu   sync.Mutex
	hung map[K]map[chan struct{}]struct{}
}

// hang is for who begins to wait: rings that come while one is not being waited for are one. What happened before hang is
// not told, so the store is read after it. remove ends it.
func (b *bells[K]) hang(key K) (rings <-chan struct{}, remove func()) {
	bell := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hung == nil {
		b.hung = map[K]map[chan struct{}]struct{}{}
	}
	if b.hung[key] == nil {
		b.hung[key] = map[chan struct{}]struct{}{}
	}
	b.hung[key][bell] = struct{}{}
	b.count.Add(1)
	return bell, func() { b.remove(key, bell) }
}

func (b *bells[K]) remove(key K, bell chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, there := b.hung[key][bell]; !there {
		return
	}
	delete(b.hung[key], bell)
	if len(b.hung[key]) == 0 {
		delete(b.hung, key)
	}
	b.count.Add(-1)
}

// ring wakes all who wait for something about the key.
func (b *bells[K]) ring(key K) {
	if b.count.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for bell := range b.hung[key] {
		select {
		case bell <- struct{}{}:
		default:
		}
	}
}
