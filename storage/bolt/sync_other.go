//go:build !linux

package bolt

import "os"

// syncer makes a file durable.
type syncer struct{}

func newSyncer() *syncer { return &syncer{} }

func (*syncer) sync(f *os.File) error { return f.Sync() }
func (*syncer) close() error          { return nil }
