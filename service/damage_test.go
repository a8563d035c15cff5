package service

import (
	"bytes"
	"path/filepath"
	"testing"

	bbolt "go.etcd.io/bbolt"
)

// damageRows flips a bit of every row in the file of a closed service that holds a text.
func damageRows(t *testing.T, data, text string) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(data, "hookswitch.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			c := b.Cursor()
			for k, v := c.First(); k != nil; k, v = c.Next() {
				at := bytes.Index(v, []byte(text))
				if at < 0 {
					continue
				}
				found++
				row := bytes.Clone(v)
				row[at] ^= 1
				if err := b.Put(bytes.Clone(k), row); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil || found == 0 {
		t.Fatalf("damaged %d rows, %v", found, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAReplayPassesOverADamagedEvent(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	keep := func(o *Options) { o.Data = data }
	s := open(t, keep)
	key := s.fullKey(t, "replays")
	s.publishMany(t, key, "order", 5)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	damageRows(t, data, "order-2")
	s = open(t, keep)
	l := newLedger(t)
	l.set(true, 0)
	var made subscription
	s.call(t, key, "createSubscription", map[string]any{"endpoint": l.url, "events": []string{"*"}}, &made)
	var r replayed
	s.call(t, key, "replayEvents", map[string]any{"webhook": made.ID}, &r)
	if r = s.until(t, key, r.ID, ended); r.State != "done" || r.Looked != 4 || r.Replayed != 4 || r.Percent != 100 {
		t.Errorf("the replay ended as %+v", r)
	}
	s.reads(t, `hookswitch_deliveries_total{dialect="native",outcome="delivered"}`, 4)
	s.reads(t, "hookswitch_storage_damaged", 1)
	if events, arrivals := l.counts(); events != 4 || arrivals != 4 {
		t.Errorf("%d events came in %d deliveries", events, arrivals)
	}
}
