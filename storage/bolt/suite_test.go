package bolt

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/storagetest"
)

func TestBoltKeepsTheContract(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, storagetest.Harness{
		FakeTime: true,
		Open: func(t testing.TB, dir string) storage.Store {
			return mustOpen(t, dir)
		},
		Restore: func(t testing.TB, dir string, backup io.Reader) {
			f, err := os.Create(filepath.Join(dir, FileName))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(f, backup); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		},
	})
}

// mustOpen opens a store without fsync: no test but the crash test looks at what a stopped machine leaves, and that one
// kills a process, not the machine.
func mustOpen(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(Options{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
