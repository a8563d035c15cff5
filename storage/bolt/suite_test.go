package bolt

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/storagetest"
)

func TestBoltKeepsTheContract(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, harness(defaultTuning()))
}

// With everything small, each test crosses the borders of commits, partitions and spans.
func TestBoltKeepsTheContractInSmallParts(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, harness(smallTuning()))
}

func smallTuning() tuning {
	tune := defaultTuning()
	tune.span, tune.partition = 7*time.Minute, 600
	tune.commitItems, tune.commitBytes, tune.requestItems = 8, 2000, 3
	tune.ledgerItems, tune.ledgerBytes, tune.ledgerAge = 12, 2000, 10*time.Second
	return tune
}

func harness(tune tuning) storagetest.Harness {
	return storagetest.Harness{
		FakeTime: true,
		Open:     func(t testing.TB, dir string) storage.Store { return mustOpen(t, dir, tune) },
		Restore: func(t testing.TB, dir string, backup io.Reader) {
			if _, err := Restore(t.Context(), Restoration{Dir: dir, Backup: backup, Replace: true}); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// mustOpen opens a store without fsync: no test looks at what a machine leaves that lost its power.
func mustOpen(t testing.TB, dir string, tune tuning) *Store {
	t.Helper()
	s, err := open(Options{Dir: dir, NoSync: true}, tune)
	for n := 0; n < 1000 && errors.Is(err, errInUse); n++ {
		// A process that another test just forked has the lock for a moment; in a bubble, waiting takes no time.
		s, err = open(Options{Dir: dir, NoSync: true}, tune)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
