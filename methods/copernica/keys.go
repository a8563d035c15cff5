package copernica

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// keyBits is the size of a signing key; DNS carries its public half in one TXT record.
const keyBits = 2048

// Vault keeps the keys of all processes of one service: one text, which is secret. change gets what is kept, nil at first,
// and returns what is to be kept instead; it is called again when another process was quicker. What is kept in the end is
// the result. A change that returns its argument writes nothing.
type Vault func(ctx context.Context, change func(text []byte) ([]byte, error)) ([]byte, error)

// Keys are the RSA keys that sign deliveries. The first is made when it is needed first. Safe for concurrent use.
type Keys struct {
	vault  Vault
	name   string
	needed chan struct{} // wakes Run to make the first key
	ring   atomic.Pointer[ring]

	changing sync.Mutex // held while the vault is asked, so that what was kept last is what is known
}

// NewKeys makes the keys that lie in vault; name is the DNS name of the first one's record, "" for [DefaultKeyID]. Call
// Load before anything else, and have Run running.
func NewKeys(vault Vault, name string) *Keys {
	if name == "" {
		name = DefaultKeyID
	}
	return &Keys{vault: vault, name: name, needed: make(chan struct{}, 1)}
}

// Load reads the keys there are. It makes none.
func (k *Keys) Load(ctx context.Context) error {
	_, err := k.change(ctx, func(*ring) (bool, error) { return false, nil })
	return err
}

// refreshEvery is how often keys are looked for that another process has made: well within the shortest wait before one
// of them signs by default.
const refreshEvery = time.Minute

// Run makes the first key once it is needed, and follows changes of other processes, until ctx ends. onError is told what
// went wrong; it is tried again.
func (k *Keys) Run(ctx context.Context, onError func(error)) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-k.needed:
			err = k.ensure(ctx)
		case <-tick.C:
			err = k.Load(ctx)
		}
		if err != nil && ctx.Err() == nil {
			onError(err)
		}
	}
}

// Ready reports whether there is a key, and has one made otherwise.
func (k *Keys) Ready() bool {
	if k.ring.Load() != nil {
		return true
	}
	select {
	case k.needed <- struct{}{}:
	default: // Run knows
	}
	return false
}

// signing is the key that signs at a time, and the name of its record.
func (k *Keys) signing(at time.Time) (key *rsa.PrivateKey, keyID string, err error) {
	r := k.ring.Load()
	if r == nil {
		return nil, "", errors.New("there is no key to sign with yet")
	}
	one := r.current(at)
	return one.private, k.keyID(one.Number), nil
}

// Records lists the public keys receivers may need at a time, newest first. It makes the first key if there is none.
func (k *Keys) Records(ctx context.Context, at time.Time) ([]KeyRecord, error) {
	if err := k.ensure(ctx); err != nil {
		return nil, err
	}
	return k.ring.Load().records(at, k.keyID)
}

// ensure makes the first key unless there is one.
func (k *Keys) ensure(ctx context.Context) error {
	if k.ring.Load() != nil {
		return nil
	}
	_, err := k.change(ctx, func(r *ring) (bool, error) { return r.first(time.Now()) })
	return err
}

// Rotate makes the key that signs once after has passed from now on; see [ring.rotate].
func (k *Keys) Rotate(ctx context.Context, after time.Duration) (KeyRecord, error) {
	now := time.Now()
	changed, err := k.change(ctx, func(r *ring) (bool, error) { return r.rotate(now, after) })
	if err != nil {
		return KeyRecord{}, err
	}
	records, err := changed.records(now, k.keyID)
	if err != nil {
		return KeyRecord{}, err
	}
	return records[0], nil
}

// change has the ring in the vault changed, unless by reports that nothing did, and takes over what is kept then.
func (k *Keys) change(ctx context.Context, by func(*ring) (changed bool, err error)) (*ring, error) {
	k.changing.Lock()
	defer k.changing.Unlock()
	text, err := k.vault(ctx, func(text []byte) ([]byte, error) {
		r, err := decodeRing(text)
		if err != nil {
			return nil, err
		}
		changed, err := by(r)
		if err != nil || !changed {
			return text, err
		}
		return json.Marshal(r)
	})
	if err != nil {
		if schemas.KindOf(err) != "" {
			return nil, err
		}
		return nil, fmt.Errorf("keep signing keys: %w", err)
	}
	r, err := decodeRing(text)
	if err != nil {
		return nil, err
	}
	if len(r.Keys) > 0 {
		k.ring.Store(r)
	}
	return r, nil
}

// newKey takes about a second of one processor.
func newKey() (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return key, nil
}
