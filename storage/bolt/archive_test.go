package bolt

import (
	"fmt"
	"testing"
	"time"
)

// TestAReaderOfWhatIsNewCostsTheWritersNothing: what is in the ledger is read there, not brought into the file for it.
func TestAReaderOfWhatIsNewCostsTheWritersNothing(t *testing.T) {
	t.Parallel()
	tune := defaultTuning()
	tune.ledgerAge = time.Hour
	s := mustOpen(t, t.TempDir(), tune)
	defer mustClose(t, s)
	after := uint64(0)
	for i := range 60 {
		if i == 30 {
			inFile(t, s)
		}
		before := s.told.Load()
		seq := accept(t, s, testEvent(fmt.Sprint("e", i), false, 1)).Seq
		got, next, err := s.EventsAfter(t.Context(), 1, after, 10)
		if err != nil || len(got) != 1 || got[0].Seq != seq || next != seq {
			t.Fatalf("after %d: %v, then after %d, %v; want event %d", after, got, next, err, seq)
		}
		if after = next; s.told.Load() != before {
			t.Fatal("the file was brought up to date")
		}
	}
	got, _, err := s.EventsAfter(t.Context(), 1, 0, 100)
	if err != nil || len(got) != 60 {
		t.Errorf("%d events from both, %v; want 60", len(got), err)
	}
}
