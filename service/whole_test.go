//go:build unix

package service

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A file that is being written stays, also by another hand at the same target; what nobody writes any more goes.
func TestLeftoversGoAndWhatIsBeingWrittenStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target := filepath.Join(dir, "a+b.backup")
	for _, name := range []string{"a+b.backup.partial-12", "aab.backup.partial-12", "a+b.backup.partial-x", "a+b.backup"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names := func() []string {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return out
	}
	text := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	err := WriteWhole(target, func(w io.Writer) error {
		if n := len(names()); n != 4 { // the leftover has gone, this one has come
			t.Errorf("while one writes: %q", names())
		}
		if err := WriteWhole(target, text("second")); err != nil {
			return err
		}
		return text("first")(w)
	})
	if err != nil {
		t.Fatal(err)
	}
	failed := errors.New("the disk is on fire")
	if err := WriteWhole(target, func(io.Writer) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	if got, want := names(), []string{"a+b.backup", "a+b.backup.partial-x", "aab.backup.partial-12"}; !slices.Equal(got, want) {
		t.Errorf("left: %q, want %q", got, want)
	}
	if got, err := os.ReadFile(target); err != nil || string(got) != "first" {
		t.Errorf("%q, %v", got, err)
	}
}
