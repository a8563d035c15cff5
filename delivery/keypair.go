package delivery

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
)

// Signature is a scheme of Standard Webhooks signatures, by the name owners choose it with.
type Signature string

// The two schemes of the specification (1.0.0, "Signature scheme").
const (
	SignatureHMAC    Signature = "hmac-sha256" // "v1": a shared secret, "whsec_…"
	SignatureEd25519 Signature = "ed25519"     // "v1a": a key pair, "whsk_…" and "whpk_…"
)

// Prefixes of the two halves of a Standard Webhooks key pair.
const (
	signingKeyPrefix = "whsk_"
	publicKeyPrefix  = "whpk_"
)

// SignatureOf is the scheme that a secret, well-formed or not, is meant for.
func SignatureOf(secret string) Signature {
	if strings.HasPrefix(secret, signingKeyPrefix) {
		return SignatureEd25519
	}
	return SignatureHMAC
}

// NewSecretFor makes a secret for a scheme: see [NewSecret], or, for a key pair, "whsk_" and the base64 of its 64 bytes.
func NewSecretFor(s Signature) string {
	if s != SignatureEd25519 {
		return NewSecret()
	}
	_, key, _ := ed25519.GenerateKey(nil) // fails only when the random source does, and crypto/rand never does
	return signingKeyPrefix + base64.StdEncoding.EncodeToString(key)
}

// CheckSecret reports what is wrong with a secret of either scheme. The error does not quote it.
func CheckSecret(secret string) error {
	if SignatureOf(secret) == SignatureEd25519 {
		_, err := decodeSigningKey(secret)
		return err
	}
	_, err := DecodeSecret(secret)
	return err
}

// PublicKey is the half of a key pair that verifies, "whpk_" and the base64 of 32 bytes; "" for any other secret.
func PublicKey(secret string) string {
	if SignatureOf(secret) != SignatureEd25519 {
		return ""
	}
	key, err := decodeSigningKey(secret)
	if err != nil {
		return ""
	}
	return publicKeyPrefix + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}

// decodeSigningKey reads the secret half of a key pair: the seed of 32 bytes, with or without the public key after it,
// since the specification says no more than "base64" and both are in use.
func decodeSigningKey(secret string) (ed25519.PrivateKey, error) {
	text := strings.TrimPrefix(secret, signingKeyPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") { // which the decoder skips
		return nil, errors.New("a secret key must be whsk_ followed by base64")
	}
	switch len(key) {
	case ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(key), nil
	case ed25519.PrivateKeySize:
		whole := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
		if !whole.Equal(ed25519.PrivateKey(key)) {
			return nil, errors.New("the halves of a secret key must belong together")
		}
		return whole, nil
	}
	return nil, errors.New("a secret key must hold 32 or 64 bytes")
}
