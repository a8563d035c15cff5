package methods

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// directory is the accounts and keys in memory. It follows the store by [Core.Run], and takes this node's own changes at once, so that
// a key works, or no longer works, from the moment its call is answered.
type directory struct {
	mu       sync.RWMutex
	byHash   map[[sha256.Size]byte]keyRef // guarded by mu
	hashes   map[keyRef][sha256.Size]byte // guarded by mu; the way back, for removals
	keys     map[keyRef]keyState          // guarded by mu
	accounts map[schemas.AccountID]string // guarded by mu; names
	living   map[schemas.AccountID]int    // guarded by mu; how many keys that were not removed
	local    map[[sha256.Size]byte]Caller // guarded by mu; keys of this process only
}

// keyRef names a key.
type keyRef struct {
	account schemas.AccountID
	id      schemas.KeyID
}

// keyState is what is known of a key; a removed one is remembered by its revision, so that an older change that
// arrives late does not bring it back.
type keyState struct {
	access   schemas.Access
	revision uint64
	removed  bool
}

func newDirectory() *directory {
	return &directory{
		byHash:   map[[sha256.Size]byte]keyRef{},
		hashes:   map[keyRef][sha256.Size]byte{},
		keys:     map[keyRef]keyState{},
		accounts: map[schemas.AccountID]string{},
		living:   map[schemas.AccountID]int{},
		local:    map[[sha256.Size]byte]Caller{},
	}
}

func (d *directory) apply(change storage.Change) error {
	r := change.Record
	switch {
	case r.Kind == storage.KindAccount && !change.Removed:
		var a schemas.Account
		if err := json.Unmarshal(r.Body, &a); err != nil {
			return fmt.Errorf("read account %d: %w", r.ID, err)
		}
		d.mu.Lock()
		d.accounts[schemas.AccountID(r.ID)] = a.Name
		d.mu.Unlock()
	case r.Kind == storage.KindKey && change.Removed:
		d.removeKey(keyRef{r.Account, schemas.KeyID(r.ID)}, r.Revision)
	case r.Kind == storage.KindKey:
		var k schemas.Key
		if err := json.Unmarshal(r.Body, &k); err != nil {
			return fmt.Errorf("read key %d of account %d: %w", r.ID, r.Account, err)
		}
		k.Account, k.ID = r.Account, schemas.KeyID(r.ID)
		return d.putKey(k, r.Revision)
	}
	return nil
}

func (d *directory) putKey(k schemas.Key, revision uint64) error {
	var hash [sha256.Size]byte
	if n, err := hex.Decode(hash[:], []byte(k.Hash)); err != nil || n != len(hash) {
		return fmt.Errorf("key %d of account %d has no usable hash", k.ID, k.Account)
	}
	ref := keyRef{k.Account, k.ID}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys[ref].revision >= revision {
		return nil
	}
	if _, known := d.hashes[ref]; !known {
		d.living[ref.account]++
	}
	d.keys[ref] = keyState{access: k.Access, revision: revision}
	d.byHash[hash] = ref
	d.hashes[ref] = hash
	return nil
}

func (d *directory) removeKey(ref keyRef, revision uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys[ref].revision >= revision {
		return
	}
	if _, known := d.hashes[ref]; known {
		d.living[ref.account]--
	}
	d.keys[ref] = keyState{revision: revision, removed: true}
	delete(d.byHash, d.hashes[ref])
	delete(d.hashes, ref)
}

// find tells whose key this is. The look-up is by hash, so its time says nothing about the key.
func (d *directory) find(key string) (Caller, bool) {
	hash := sha256.Sum256([]byte(key))
	d.mu.RLock()
	defer d.mu.RUnlock()
	ref, ok := d.byHash[hash]
	if !ok {
		caller, ok := d.local[hash]
		return caller, ok
	}
	return Caller{Account: ref.account, Home: ref.account, Key: ref.id, Access: d.keys[ref].access}, true
}

// owner tells which key has this hash, as hashKey writes it.
func (d *directory) owner(text string) (keyRef, bool) {
	var hash [sha256.Size]byte
	if n, err := hex.Decode(hash[:], []byte(text)); err != nil || n != len(hash) {
		return keyRef{}, false
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	ref, ok := d.byHash[hash]
	return ref, ok
}

func (d *directory) putLocal(key string, caller Caller) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.local[sha256.Sum256([]byte(key))] = caller
}

// keysOf counts the keys of an account.
func (d *directory) keysOf(a schemas.AccountID) int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.living[a]
}

func (d *directory) hasAccount(a schemas.AccountID) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	_, ok := d.accounts[a]
	return ok
}

func (d *directory) putAccount(id schemas.AccountID, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.accounts[id] = name
}

// hashKey is what is kept of a key.
func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
