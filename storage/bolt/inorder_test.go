package bolt

import (
	"fmt"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// A delivery of long ago that is reopened is first again; what was delivered after it must not be walked over for ever.
func TestLaneInOrderLeapsOverWhatIsClosed(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), smallTuning())
	defer mustClose(t, s)
	ask := everything
	ask.InOrder = func(storage.Lane) bool { return true }
	var first storage.Ref
	deliver := func(want int) {
		t.Helper()
		held, _, err := s.Claim(t.Context(), ask)
		if err != nil || len(held) != want {
			t.Fatalf("%d claimed, %v, want %d", len(held), err, want)
		}
		if first == (storage.Ref{}) {
			first = held[0].Ref
		}
		for i, h := range held {
			if i > 0 && h.Seq <= held[i-1].Seq {
				t.Fatalf("%d comes after %d", h.Seq, held[i-1].Seq)
			}
			attempt := &schemas.Attempt{OK: true}
			if got := s.Settle(t.Context(), []storage.Outcome{{Held: h, Next: storage.Done, Attempt: attempt}}); got[0].Err != nil {
				t.Fatal(got[0].Err)
			}
		}
	}
	accept := func(n int) {
		t.Helper()
		batch := make([]storage.NewEvent, n)
		for i := range batch {
			batch[i] = testEvent(fmt.Sprint(time.Now().UnixNano(), "-", i), false, 7)
		}
		for _, a := range s.Accept(t.Context(), batch) {
			if a.Err != nil {
				t.Fatal(a.Err)
			}
		}
	}
	accept(3 * maxClosed)
	deliver(3 * maxClosed)
	if err := s.Reopen(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	deliver(1)
	accept(5)
	deliver(5)
	if low := s.board.lanes[first.Lane()].order.low; low < first.Seq+3*maxClosed {
		t.Errorf("it still begins at %d", low)
	}
	deliver(0)
}
