package bolt

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// A random history of everything that moves deliveries, checked against a plain model of who owes what.
func TestRandomHistoriesLoseNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			tune := defaultTuning()
			if seed%2 == 0 {
				tune = smallTuning()
			}
			h := &randomHistory{
				T: t, dir: dir, tune: tune, rng: rand.New(rand.NewPCG(seed, 7)), //nolint:gosec // a repeatable test
				store: mustOpen(t, dir, tune), due: map[storage.Ref]time.Time{}, closed: map[storage.Ref]bool{},
			}
			for range 400 {
				h.step()
			}
			h.finish()
		})
	}
}

// inOrderWebhook is handed out in order.
const inOrderWebhook = 3

// randomHistory is a store and what it should owe.
type randomHistory struct {
	*testing.T
	dir    string
	tune   tuning
	rng    *rand.Rand
	store  *Store
	held   []storage.Held // some are stale
	due    map[storage.Ref]time.Time
	closed map[storage.Ref]bool
	n      int
}

func (h *randomHistory) step() {
	switch h.rng.IntN(12) {
	case 0, 1, 2:
		h.accept()
	case 3, 4:
		h.claim()
	case 5, 6, 7:
		h.settle()
	case 8:
		time.Sleep(time.Duration(h.rng.IntN(90)) * time.Second)
	case 9:
		for ref := range h.closed {
			if err := h.store.Reopen(h.Context(), ref); err != nil {
				h.Fatal(err)
			}
			delete(h.closed, ref)
			h.due[ref] = time.Now()
			break
		}
	case 10:
		if h.rng.IntN(4) == 0 {
			h.drop()
		}
	default:
		switch h.rng.IntN(8) {
		case 0:
			mustClose(h.T, h.store)
			h.store = mustOpen(h.T, h.dir, h.tune)
		case 1:
			h.crash()
		}
	}
}

// crash goes on with what the disk has at this moment, whatever of it is only in the journal.
func (h *randomHistory) crash() {
	synctest.Wait()
	next := h.TempDir()
	for _, name := range append(JournalNames[:], FileName) {
		b, err := os.ReadFile(filepath.Join(h.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(next, name), b, 0o600)
		}
		if err != nil {
			h.Fatal(err)
		}
	}
	mustClose(h.T, h.store)
	h.dir, h.store = next, mustOpen(h.T, next, h.tune)
}

func (h *randomHistory) accept() {
	var batch []storage.NewEvent
	for range 1 + h.rng.IntN(6) {
		h.n++
		e := testEvent(fmt.Sprint("e", h.n), false, 1, schemas.WebhookID(2+h.rng.IntN(3)))
		e.Account = schemas.AccountID(1 + h.rng.IntN(2))
		for i := range e.To {
			e.To[i].Hold = time.Duration(h.rng.IntN(3)) * time.Minute
		}
		batch = append(batch, e)
	}
	for i, got := range h.store.Accept(h.Context(), batch) {
		for _, to := range batch[i].To {
			h.due[storage.Ref{Account: batch[i].Account, Webhook: to.Webhook, Seq: got.Seq}] = time.Now()
		}
		h.held = append(h.held, got.Held...)
	}
}

func (h *randomHistory) claim() {
	held, _, err := h.store.Claim(h.Context(), storage.Ask{
		Max: 1 + h.rng.IntN(20), PerLane: 1 + h.rng.IntN(5), Hold: time.Duration(h.rng.IntN(3)) * time.Minute,
		Skip: func(storage.Lane) time.Duration {
			return time.Duration(h.rng.IntN(5)/4) * time.Duration(h.rng.IntN(int(time.Minute)))
		},
		InOrder: func(l storage.Lane) bool { return l.Webhook == inOrderWebhook },
	})
	if err != nil {
		h.Fatal(err)
	}
	for _, got := range held {
		due, owed := h.due[got.Ref]
		if !owed || due.After(time.Now()) {
			h.Fatalf("claimed %+v: owed %v, due %v", got.Ref, owed, due)
		}
		for earlier := range h.due {
			if got.Webhook == inOrderWebhook && earlier.Lane() == got.Lane() && earlier.Seq < got.Seq &&
				!slices.ContainsFunc(held, func(o storage.Held) bool { return o.Ref == earlier }) {
				h.Fatalf("claimed %+v before %+v", got.Ref, earlier)
			}
		}
	}
	h.held = append(h.held, held...)
}

func (h *randomHistory) settle() {
	if len(h.held) == 0 {
		return
	}
	var out []storage.Outcome
	for range 1 + h.rng.IntN(4) {
		i := h.rng.IntN(len(h.held))
		out = append(out, storage.Outcome{
			Held: h.held[i], Next: storage.Next(h.rng.IntN(5)), In: time.Duration(h.rng.IntN(100)) * time.Second,
		})
		if h.rng.IntN(3) > 0 {
			h.held = slices.Delete(h.held, i, i+1)
		}
		if len(h.held) == 0 {
			break
		}
	}
	for i, got := range h.store.Settle(h.Context(), out) {
		ref := out[i].Held.Ref
		_, owed := h.due[ref]
		switch {
		case got.Err == nil && !owed:
			h.Fatalf("%+v was settled, and is not owed", ref)
		case got.Err != nil:
		case out[i].Next == storage.Retry || out[i].Next == storage.Release:
			h.due[ref] = time.Now().Add(out[i].In)
		default:
			delete(h.due, ref)
			h.closed[ref] = true
		}
	}
}

func (h *randomHistory) drop() {
	lane := storage.Lane{Account: 1, Webhook: schemas.WebhookID(2 + h.rng.IntN(3))}
	for more := true; more; {
		var err error
		if more, err = h.store.Drop(h.Context(), lane); err != nil {
			h.Fatal(err)
		}
	}
	for ref := range h.due {
		if ref.Lane() == lane {
			delete(h.due, ref)
			h.closed[ref] = true
		}
	}
}

// finish waits until every lease and every wait is over; then exactly what is owed must be handed out.
func (h *randomHistory) finish() {
	time.Sleep(time.Hour)
	health, err := h.store.Check(h.Context())
	if err != nil || int(health.Open) != len(h.due) {
		h.Fatalf("%d open, want %d, %v", health.Open, len(h.due), err)
	}
	for ref := range h.due {
		if err := h.store.Postpone(h.Context(), ref.Lane(), 0); err != nil { // the claims below are not in order
			h.Fatal(err)
		}
	}
	for {
		held, next, err := h.store.Claim(h.Context(), storage.Ask{Max: 7, PerLane: 3, Hold: 1000 * time.Hour})
		if err != nil {
			h.Fatal(err)
		}
		if len(held) == 0 {
			if len(h.due) > 0 {
				h.Fatalf("%d deliveries were lost, next %v", len(h.due), next)
			}
			break
		}
		for _, got := range held {
			if _, owed := h.due[got.Ref]; !owed {
				h.Fatalf("%+v was handed out, and is not owed or was handed out before", got.Ref)
			}
			delete(h.due, got.Ref)
		}
	}
	mustClose(h.T, h.store)
	mustVerify(h.T, h.dir)
}
