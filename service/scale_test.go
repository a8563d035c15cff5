package service

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/methods/native"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/bolt"
)

// webhooks is how many webhooks the scene of a big house has, a hundred in each account. `make chaos` asks for a million,
// and only then are the bounds of time checked.
var webhooks = flag.Int("webhooks", 5_000, "webhooks of a big house")

// TestAHouseOfManyWebhooks opens a service with many webhooks: what each takes of the heap, all in, and how long the start
// takes. Bodies stay on disk.
func TestAHouseOfManyWebhooks(t *testing.T) {
	keys, err := ParseEncryptionKeys(NewEncryptionKey())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("plain", func(t *testing.T) { houseOfManyWebhooks(t, nil) })
	t.Run("encrypted", func(t *testing.T) { houseOfManyWebhooks(t, keys) })
}

// houseOfManyWebhooks is the scene with webhooks whose secrets keys have encrypted, if any.
func houseOfManyWebhooks(t *testing.T, keys *EncryptionKeys) {
	dir := t.TempDir()
	furnish(t, dir, *webhooks, keys)
	before := heap()
	begin := time.Now()
	s, err := Open(context.Background(), Options{Data: dir, Encryption: keys})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	each := float64(heap()-before) / float64(*webhooks)
	t.Logf("%d webhooks: %.0f bytes of heap each, all in, ready after %v", *webhooks, each, took)
	if *webhooks >= 1_000_000 && (each > 400 || took > 15*time.Second) {
		t.Error("beyond the bounds: 400 bytes, 15 s")
	}
	var got struct{ Matched int }
	params := map[string]any{"type": "contact.created", "attributes": map[string]any{"list_id": 7}}
	if err := s.Client(t.Context(), s.LocalKey()).Call(t.Context(), "publishEvent", params, &got); err != nil || got.Matched != 1 {
		t.Errorf("%d webhooks match, want 1 (%v)", got.Matched, err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// furnish registers webhooks with the store alone, a hundred in each account, as many at once as share a commit. Encrypted ones
// are noted as such, so that none is encrypted anew.
func furnish(t *testing.T, dir string, n int, keys *EncryptionKeys) {
	t.Helper()
	store, err := bolt.Open(bolt.Options{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	if keys != nil {
		if err := (encryption{store, keys, zerolog.Nop()}).finish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var callers sync.WaitGroup
	for c := range 64 {
		callers.Go(func() {
			for i := c; i < n; i += 64 {
				r := furniture(t, i, keys)
				if _, _, err := store.Register(t.Context(), r); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
}

func furniture(t *testing.T, i int, keys *EncryptionKeys) storage.Record {
	w := &schemas.Webhook{
		Account: schemas.AccountID(i/100 + 1), PublicID: fmt.Sprintf("sub_%026d", i), Dialect: native.Name, Endpoint: fmt.Sprintf("https://example.com/hooks/%d", i),
		State: schemas.StateActive, Secrets: []schemas.Secret{{Value: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}},
		Match: schemas.Match{
			Types:      []string{"contact.created", "contact.updated"},
			Attributes: []schemas.Constraint{{Name: "list_id", Values: []string{fmt.Sprint(i % 100)}}},
		},
		Created: time.Now(), Updated: time.Now(),
	}
	body, err := keys.EncodeWebhook(w)
	if err != nil {
		t.Error(err)
	}
	return storage.Record{
		Kind: storage.KindWebhook, Account: w.Account, Fingerprint: w.Endpoint, Body: body,
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
