package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ends runs a command that ends by itself, and wants it to end well or not, with a text in what it says.
func ends(t *testing.T, well bool, text string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	process := exec.CommandContext(ctx, "hookswitch", args...)
	process.Env = append(process.Environ(), "HOOKSWITCH_ADMIN_KEY="+adminKey)
	if out, err := process.CombinedOutput(); (err == nil) != well || !strings.Contains(string(out), text) {
		t.Fatalf("hookswitch %q: %v, %s; want %q", args, err, out, text)
	}
}

// A killed service whose journal cannot be used is started again only after somebody said that what it held is lost.
func TestAServiceGoesOnWithoutItsJournal(t *testing.T) {
	t.Parallel()
	publish := func(t *testing.T, dir string) {
		t.Helper()
		s := startServer(t, dir, adminKey)
		ends(t, true, `"id": "order-1"`, "call", "--server", s.address, "--key", adminKey, "publishEvent", `{"type":"order.paid","id":"order-1"}`)
		s.kill(t)
	}
	another := t.TempDir()
	startServer(t, another, adminKey).kill(t) // its journal holds nothing yet
	journals := []string{"hookswitch.journal.0", "hookswitch.journal.1"}
	for name, c := range map[string]struct {
		spoil  func(path string) error
		says   string
		marked bool // the journal's files are kept
	}{
		"missing": {os.Remove, "the journal is missing, and the store was not closed", false},
		"of another store": {func(path string) error {
			text, err := os.ReadFile(filepath.Join(another, filepath.Base(path)))
			if err != nil {
				return err
			}
			return os.WriteFile(path, text, 0o600)
		}, "the journal does not continue the file", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			publish(t, dir)
			for _, journal := range journals {
				if err := c.spoil(filepath.Join(dir, journal)); err != nil {
					t.Fatal(err)
				}
			}
			serve := []string{"serve", "--listen", "127.0.0.1:0", "--data", dir}
			ends(t, false, c.says, serve...)
			ends(t, false, "`hookswitch check --without-journal` goes on without", serve...)
			ends(t, false, c.says, "check", "--data", dir)

			ends(t, true, "The store goes on without its journal", "check", "--without-journal", "--data", dir)
			for _, journal := range journals {
				_, err := os.Stat(filepath.Join(dir, journal+".forgone"))
				if (err == nil) != c.marked {
					t.Errorf("%s.forgone: %v", journal, err)
				}
			}
			publish(t, dir) // what may have been lost is published again
			ends(t, true, " is sound: 1 event", "check", "--data", dir)
			if out, err := exec.Command("hookswitch", "check", "--without-journal", "--data", dir).CombinedOutput(); err != nil ||
				strings.Contains(string(out), "goes on without") {
				t.Errorf("a journal that fits was left out: %v, %s", err, out)
			}
		})
	}
}
