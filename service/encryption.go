package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// encryption sees to it that the store's secrets are encrypted with the first of the operator's keys.
type encryption struct {
	store storage.Store
	keys  *schemas.Keyring // nil: nothing is encrypted
	log   zerolog.Logger
}

// encryptionName is the record that says with which keys there is something encrypted. It holds their ids only.
const encryptionName = "encryption"

// encryptedWith is that record. It is written before the first record is that it speaks of.
type encryptedWith struct {
	Keys  []string `json:"keys"`
	Plain bool     `json:"plain"` // there may be secrets that are not encrypted
}

// admit refuses a store that the keys do not fit, and notes that they are in use. It reports whether there may be records
// that are not encrypted with the first of them.
func (e encryption) admit(ctx context.Context) (stale bool, err error) {
	for {
		record, state, err := e.read(ctx)
		if err != nil {
			return false, err
		}
		for _, id := range state.Keys {
			if !e.keys.Has(id) {
				return false, missingKey(id, e.keys)
			}
		}
		if e.keys == nil {
			return false, nil
		}
		stale = state.Plain || len(state.Keys) != 1 || state.Keys[0] != e.keys.Current()
		if slices.Contains(state.Keys, e.keys.Current()) {
			return stale, nil
		}
		state.Keys = append(state.Keys, e.keys.Current())
		if err = e.write(ctx, record, state); !errors.Is(err, storage.ErrConflict) {
			return stale, err
		}
	}
}

func missingKey(id string, keys *schemas.Keyring) error {
	given := "no key was given"
	if keys != nil {
		given = "it is not among those given"
	}
	return OptionsError{fmt.Errorf("the secrets in this store are encrypted with the key %s, and %s: start with --encryption-key-file "+
		"or HOOKSWITCH_ENCRYPTION_KEY and that key in it", id, given)}
}

func (e encryption) read(ctx context.Context) (storage.Record, encryptedWith, error) {
	record, err := material{e.store, nil}.find(ctx, encryptionName)
	if err != nil || record.Body == nil {
		return record, encryptedWith{Plain: true}, err
	}
	var state encryptedWith
	if err := json.Unmarshal(record.Body, &state); err != nil {
		return record, state, fmt.Errorf("read the names of the encryption keys: %w", err)
	}
	return record, state, nil
}

// write replaces the record; storage.ErrConflict when it is not the present one any more.
func (e encryption) write(ctx context.Context, r storage.Record, state encryptedWith) error {
	there := r.Body != nil
	var err error
	if r.Body, err = json.Marshal(state); err != nil {
		return fmt.Errorf("note the encryption keys: %w", err)
	}
	if there {
		_, err = e.store.Amend(ctx, r)
	} else {
		var created bool
		if _, created, err = e.store.Register(ctx, r); err == nil && !created {
			err = storage.ErrConflict
		}
	}
	if err != nil {
		return fmt.Errorf("note the encryption keys: %w", err)
	}
	return nil
}

// resealers is how many records are encrypted anew at once: they share the store's commits, and leave room to the callers.
const resealers = 16

// run encrypts anew what is not encrypted with the first key, and then notes that nothing else is left. It ends with ctx, and
// goes on at the next start.
func (e encryption) run(ctx context.Context) {
	var changed, failed atomic.Int64
	var workers sync.WaitGroup
	places := make(chan struct{}, resealers)
	var broke error
	for change, err := range e.store.Follow(ctx, storage.KindWebhook, storage.KindMaterial) {
		if err != nil || change.CaughtUp {
			broke = err
			break
		}
		if change.Removed {
			continue
		}
		places <- struct{}{}
		workers.Go(func() {
			defer func() { <-places }()
			switch renewed, err := e.reseal(ctx, change.Record); {
			case err != nil:
				failed.Add(1)
				e.log.Error().Int64("account", int64(change.Record.Account)).Int64("record", change.Record.ID).Err(err).
					Msg("a record can't be encrypted anew")
			case renewed:
				changed.Add(1)
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return
	}
	if broke == nil && failed.Load() == 0 {
		broke = e.finish(ctx)
	}
	if broke != nil || failed.Load() > 0 {
		e.log.Error().Int64("records", changed.Load()).Int64("failed", failed.Load()).Err(broke).
			Msg("not all secrets are encrypted with the first key yet; the next start goes on")
		return
	}
	e.log.Info().Int64("records", changed.Load()).Str("key", e.keys.Current()).
		Msg("all secrets in the store are encrypted with the first key; former keys are needed no more")
}

// reseal encrypts one record anew, and reads it again when somebody changed it meanwhile.
func (e encryption) reseal(ctx context.Context, r storage.Record) (renewed bool, err error) {
	for {
		var body []byte
		switch {
		case r.Kind == storage.KindWebhook:
			body, renewed, err = e.keys.ResealWebhook(r.Body, r.Account)
		case r.Fingerprint == encryptionName:
			return false, nil
		default:
			body, renewed, err = e.keys.Reseal(materialPlace(r.Fingerprint), r.Body)
		}
		if err != nil || !renewed {
			return false, err
		}
		r.Body = body
		if _, err = e.store.Amend(ctx, r); !errors.Is(err, storage.ErrConflict) {
			break
		}
		if r, err = e.store.Get(ctx, r.Kind, r.Account, r.ID); err != nil {
			break
		}
	}
	if errors.Is(err, storage.ErrAbsent) {
		return false, nil
	}
	return err == nil, err
}

// finish notes that the first key is the only one in use.
func (e encryption) finish(ctx context.Context) error {
	for {
		record, _, err := e.read(ctx)
		if err != nil {
			return err
		}
		if err = e.write(ctx, record, encryptedWith{Keys: []string{e.keys.Current()}}); !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
}
