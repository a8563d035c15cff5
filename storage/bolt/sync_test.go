package bolt

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestSyncer(t *testing.T) {
	t.Parallel()
	s := newSyncer()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	reader, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = reader.Close(), pipe.Close() }()
	check := func(when string) {
		t.Helper()
		if _, err := file.WriteString("x"); err != nil {
			t.Fatal(err)
		}
		if err := s.sync(file); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		if err := s.sync(pipe); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s: a pipe can't be synced: %v", when, err)
		}
	}
	for range 3 {
		check("open")
	}
	if err := errors.Join(s.close(), s.close()); err != nil {
		t.Error(err)
	}
	check("without the kernel's help")
}
