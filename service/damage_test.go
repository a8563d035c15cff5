package service

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	bbolt "go.etcd.io/bbolt"
)

// damageRows flips a bit of every row in the file of a closed service that holds a text. Its checksum then does not fit,
// unless it is sound: made anew.
func damageRows(t *testing.T, data, text string, sound bool) {
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
				if sound {
					binary.BigEndian.PutUint32(row, crc32.Checksum(append(bytes.Clone(k), row[4:]...), crc32.MakeTable(crc32.Castagnoli)))
				}
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

// openDamaged starts a service that has the events order-0 to order-4 of an account, of which some rows are damaged.
func openDamaged(t *testing.T, texts []string, sound bool, change ...func(*Options)) (s running, key string) {
	t.Helper()
	data := t.TempDir()
	change = append(change, func(o *Options) { o.Data = data })
	s = open(t, change...)
	key = s.fullKey(t, "damaged")
	s.publishMany(t, key, "order", 5)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		damageRows(t, data, text, sound)
	}
	return open(t, change...), key
}

func TestAReplayPassesOverADamagedEvent(t *testing.T) {
	t.Parallel()
	s, key := openDamaged(t, []string{"order-2"}, false)
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

// An event whose record is sound, but not one that this program can decode, keeps no live subscription from those after it.
func TestALiveSubscriptionPassesOverWhatItCannotDecode(t *testing.T) {
	t.Parallel()
	log := make(logged, 1024)
	s, key := openDamaged(t, []string{`"id":"order-1`, `"id":"order-3`}, true, func(o *Options) { o.Log = zerolog.New(log) })
	pushes := make(chan push, 16)
	listen(t, s.dial(t, key, pushes), map[string]any{"after": "order-0"})
	s.publish(t, key, map[string]any{"type": "order", "id": "new"}, 0)
	for _, want := range []string{"order-2", "order-4", "new"} {
		if p := await(t, pushes); p.method != "event" || p.Event.ID != want {
			t.Fatalf("%s %+v is pushed, want event %s", p.method, p, want)
		}
	}
	log.await(t, "an event cannot be read; live subscriptions pass over it")
	for len(log) > 0 {
		if line := <-log; strings.Contains(line, "cannot be read") || strings.Contains(line, "a live subscription failed") {
			t.Errorf("the log says too: %s", line)
		}
	}
}
