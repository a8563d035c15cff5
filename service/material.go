package service

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// material keeps the server's own secrets in the store.
type material struct {
	store interface {
		storage.Config
		storage.Catalog
	}
	keys *schemas.Keyring // nil: they are stored as they are
}

// Names of the secrets, which are their fingerprints.
const (
	linkSecretName    = "portal links"
	copernicaKeysName = "copernica keys"
)

// linkSecret signs the links to the portal, over restarts and on every node. It is made at the first start.
func (m material) linkSecret(ctx context.Context) ([]byte, error) {
	fresh := make([]byte, 32)
	rand.Read(fresh)
	record, _, err := m.store.Register(ctx, storage.Record{
		Kind: storage.KindMaterial, Fingerprint: linkSecretName, Body: m.keys.Seal(materialPlace(linkSecretName), fresh),
	})
	if err != nil {
		return nil, fmt.Errorf("store the secret of portal links: %w", err)
	}
	return m.open(record)
}

// materialPlace is where a secret is encrypted for, see schemas.Keyring.
func materialPlace(name string) string { return "material/" + name }

func (m material) open(r storage.Record) ([]byte, error) {
	text, err := m.keys.Open(materialPlace(r.Fingerprint), r.Body)
	if err != nil {
		return nil, fmt.Errorf("read the server's secret %q: %w", r.Fingerprint, err)
	}
	return text, nil
}

// copernicaKeys is the [copernica.Vault] of this service: one record, changed by whoever saw its present revision.
func (m material) copernicaKeys(ctx context.Context, change func([]byte) ([]byte, error)) ([]byte, error) {
	for {
		kept, err := m.find(ctx, copernicaKeysName)
		if err != nil {
			return nil, err
		}
		was, err := m.open(kept)
		if err != nil {
			return nil, err
		}
		text, err := change(was)
		if err != nil || bytes.Equal(text, was) {
			return was, err
		}
		kept.Body = m.keys.Seal(materialPlace(copernicaKeysName), text)
		if was == nil {
			var created bool
			if _, created, err = m.store.Register(ctx, kept); err == nil && !created {
				err = storage.ErrConflict
			}
		} else {
			_, err = m.store.Amend(ctx, kept)
		}
		if !errors.Is(err, storage.ErrConflict) {
			return text, err
		}
	}
}

// find reads a secret; one that is not there is a record without a body.
func (m material) find(ctx context.Context, name string) (storage.Record, error) {
	records, err := m.store.List(ctx, storage.KindMaterial, 0, 0, 100)
	if err != nil {
		return storage.Record{}, fmt.Errorf("list the server's secrets: %w", err)
	}
	for _, r := range records {
		if r.Fingerprint == name {
			return r, nil
		}
	}
	return storage.Record{Kind: storage.KindMaterial, Fingerprint: name}, nil
}
