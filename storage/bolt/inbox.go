package bolt

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hookswitch/hookswitch/storage"
)

// job is what one caller wants written: a journalJob or a fileJob. The committer alone calls it. What is wrong with an item
// is the item's answer; an error of write or run is a fault of the engine and undoes the whole commit.
type job interface {
	// fail answers every item with err.
	fail(err error)
}

// journalJob goes to the journal. write writes the job's items and keeps their answers.
type journalJob interface {
	job
	write(d *draft) error
}

// fileJob goes to the file at once, with all that is in the journal. run writes the job's items and keeps their answers.
type fileJob interface {
	job
	run(t *txn) error
}

// request is a job on its way to the committer. It is used again, unless its caller went away.
type request struct {
	job   job
	items int
	bytes int
	state atomic.Uint32
	done  chan struct{} // receives once
}

const (
	requestWaits = iota
	requestTaken
	requestAbandoned
)

// inbox holds the requests that the next commit takes.
type inbox struct {
	mu      sync.Mutex
	waiting []*request
	shut    bool
	bell    chan struct{} // buffered 1
}

func (in *inbox) put(r *request) bool {
	in.mu.Lock()
	if in.shut {
		in.mu.Unlock()
		return false
	}
	in.waiting = append(in.waiting, r)
	in.mu.Unlock()
	in.ring()
	return true
}

func (in *inbox) ring() {
	select {
	case in.bell <- struct{}{}:
	default:
	}
}

func (in *inbox) close() {
	in.mu.Lock()
	in.shut = true
	in.mu.Unlock()
	in.ring()
}

// take moves requests that nobody abandoned into batch, up to the limits but at least one. It reports whether more can
// come.
func (in *inbox) take(batch []*request, items, bytes int) ([]*request, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := 0
	for _, r := range in.waiting {
		if len(batch) > 0 && (r.items > items || r.bytes > bytes) {
			break
		}
		n++
		if !r.state.CompareAndSwap(requestWaits, requestTaken) {
			continue
		}
		items, bytes = items-r.items, bytes-r.bytes
		batch = append(batch, r)
	}
	rest := copy(in.waiting, in.waiting[n:])
	clear(in.waiting[rest:])
	in.waiting = in.waiting[:rest]
	return batch, !in.shut || rest > 0
}

// len is how many requests wait.
func (in *inbox) len() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.waiting)
}

// send puts a job into the inbox. The answers are the job's once await returned nil.
func (s *Store) send(ctx context.Context, j job, items, bytes int) (*request, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	r, _ := s.requests.Get().(*request)
	if r == nil {
		r = &request{done: make(chan struct{}, 1)}
	}
	r.job, r.items, r.bytes = j, items, bytes
	r.state.Store(requestWaits)
	if !s.inbox.put(r) {
		return nil, storage.ErrClosed
	}
	return r, nil
}

// await waits for a request's commit. After an error the job may still be run: nothing of it may be touched.
func (s *Store) await(ctx context.Context, r *request) error {
	select {
	case <-r.done:
		s.recycle(r)
		return nil
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(requestWaits, requestAbandoned) {
		return ctx.Err()
	}
	select {
	case <-r.done:
		s.recycle(r)
		return nil
	default:
		return fmt.Errorf("%w: %w", storage.ErrUnsure, ctx.Err())
	}
}

func (s *Store) recycle(r *request) {
	r.job = nil
	s.requests.Put(r)
}

// do sends one job and waits for it.
func (s *Store) do(ctx context.Context, j job, items, bytes int) error {
	r, err := s.send(ctx, j, items, bytes)
	if err != nil {
		return err
	}
	return s.await(ctx, r)
}

// pool keeps jobs for use again. It belongs to one store.
type pool[J any, P interface {
	*J
	reset()
}] struct{ jobs sync.Pool }

// maxPooled bounds the bytes a pooled job keeps.
const maxPooled = 256 << 10

func (p *pool[J, P]) get() *J {
	if job, ok := p.jobs.Get().(*J); ok {
		return job
	}
	return new(J)
}

// put takes back a job whose commit is over.
func (p *pool[J, P]) put(job *J) {
	P(job).reset()
	p.jobs.Put(job)
}
