package service

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"sync"

	"github.com/hookswitch/hookswitch/storage"
)

// rsaBits is the size of the key that signs Copernica's deliveries; DNS carries it in one TXT record.
const rsaBits = 2048

// material keeps the server's own secrets in the store, each made when it is needed first.
type material struct {
	store storage.Config
	key   func() (*rsa.PrivateKey, error)
}

func newMaterial(store storage.Config) *material {
	m := &material{store: store}
	m.key = sync.OnceValues(m.load)
	return m
}

// load registers a fresh key; when there is one already, in this process or another, that one comes back.
func (m *material) load() (*rsa.PrivateKey, error) {
	fresh, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, fmt.Errorf("make the signing key: %w", err)
	}
	record, _, err := m.store.Register(context.Background(), storage.Record{
		Kind: storage.KindMaterial, Fingerprint: "copernica rsa", Body: x509.MarshalPKCS1PrivateKey(fresh),
	})
	if err != nil {
		return nil, fmt.Errorf("store the signing key: %w", err)
	}
	key, err := x509.ParsePKCS1PrivateKey(record.Body)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	return key, nil
}

// linkSecret signs the links to the portal, over restarts and on every node.
func (m *material) linkSecret(ctx context.Context) ([]byte, error) {
	fresh := make([]byte, 32)
	rand.Read(fresh)
	record, _, err := m.store.Register(ctx, storage.Record{Kind: storage.KindMaterial, Fingerprint: "portal links", Body: fresh})
	if err != nil {
		return nil, fmt.Errorf("store the secret of portal links: %w", err)
	}
	return record.Body, nil
}

// txt is the DNS record that publishes the key. Without spaces: Copernica's official verifier takes no other form.
func (m *material) txt() (string, error) {
	key, err := m.key()
	if err != nil {
		return "", err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", fmt.Errorf("encode the public key: %w", err)
	}
	return "v=DKIM1;k=rsa;p=" + base64.StdEncoding.EncodeToString(public), nil
}
