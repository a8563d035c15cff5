package delivery

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// Sizes of a Standard Webhooks secret's key, in bytes (specification 1.0.0, "Signature scheme").
const (
	minSecretKey = 24
	maxSecretKey = 64
	newSecretKey = 32
)

// secretPrefix begins a Standard Webhooks secret for symmetric signatures.
const secretPrefix = "whsec_"

// NewSecret makes a Standard Webhooks secret: "whsec_" and the base64 of 32 random bytes.
func NewSecret() string {
	key := make([]byte, newSecretKey)
	_, _ = rand.Read(key) // documented never to fail
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// DecodeSecret is the HMAC key of a Standard Webhooks secret. The error does not quote it.
func DecodeSecret(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok || strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return nil, errors.New("a secret must be whsec_ followed by base64")
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("a secret must be whsec_ followed by base64")
	}
	if len(key) < minSecretKey || len(key) > maxSecretKey {
		return nil, errors.New("a secret must hold 24 to 64 bytes")
	}
	return key, nil
}

// HMACSHA256 is the standard base64 of the HMAC-SHA256 of the parts, one after the other.
func HMACSHA256(key []byte, parts ...[]byte) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// SignStandard is one Standard Webhooks signature over "id.timestamp.body": "v1,<base64>" with a shared secret,
// "v1a,<base64>" with the secret half of a key pair.
func SignStandard(secret, id string, at time.Time, body []byte) (string, error) {
	head := []byte(id + "." + strconv.FormatInt(at.Unix(), 10) + ".")
	if SignatureOf(secret) == SignatureEd25519 {
		key, err := decodeSigningKey(secret)
		if err != nil {
			return "", err
		}
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(key, append(head, body...))), nil
	}
	key, err := DecodeSecret(secret)
	if err != nil {
		return "", err
	}
	return "v1," + HMACSHA256(key, head, body), nil
}

// SignStandardAll is the value of the header webhook-signature: a signature by every secret that has not expired at
// that time, the current one first, separated by spaces. Without one it is an error.
func SignStandardAll(secrets []schemas.Secret, id string, at time.Time, body []byte) (string, error) {
	var list []string
	for _, s := range secrets {
		if !s.Expires.IsZero() && !s.Expires.After(at) {
			continue
		}
		signature, err := SignStandard(s.Value, id, at, body)
		if err != nil {
			return "", err
		}
		list = append(list, signature)
	}
	if len(list) == 0 {
		return "", errors.New("the webhook has no secret that holds")
	}
	return strings.Join(list, " "), nil
}

// EqualSecret compares two secrets in a time that does not depend on where they differ.
func EqualSecret(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
