package schemas

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Keyring encrypts what is secret in stored records, with AES-256-GCM. The first key encrypts; the others only decrypt, so
// that keys can be changed. A nil Keyring has no key: records are stored as they are, and encrypted ones cannot be read.
// Safe for concurrent use.
type Keyring struct{ keys []sealingKey }

// sealingKey is a key and the short name that what it encrypts bears.
type sealingKey struct {
	id   string
	aead cipher.AEAD // makes the nonce itself, and puts it in front
}

// keySize is the length of a key, in bytes.
const keySize = 32

// NewEncryptionKey makes a key in the form that [ParseKeyring] reads: the base64 of 32 random bytes.
func NewEncryptionKey() string {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // documented never to fail
	return base64.StdEncoding.EncodeToString(key)
}

// ParseKeyring reads keys, each 32 bytes in base64 or hex, one a line or separated by commas or spaces; what follows # on a
// line is a comment. Errors say which key is wrong and quote none. Without any key it is an error.
func ParseKeyring(text string) (*Keyring, error) {
	k := &Keyring{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ',' || r <= ' ' }) {
			key, err := decodeKey(word)
			if err != nil {
				return nil, fmt.Errorf("encryption key %d %w", len(k.keys)+1, err)
			}
			added, err := newSealingKey(key)
			if err != nil {
				return nil, err
			}
			if k.Has(added.id) {
				return nil, fmt.Errorf("encryption key %d is there twice", len(k.keys)+1)
			}
			k.keys = append(k.keys, added)
		}
	}
	if len(k.keys) == 0 {
		return nil, errors.New("there is no encryption key")
	}
	return k, nil
}

func decodeKey(text string) ([]byte, error) {
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString, base64.URLEncoding.DecodeString,
	} {
		if key, err := decode(text); err == nil && len(key) == keySize {
			return key, nil
		}
	}
	return nil, errors.New("must be 32 bytes in base64 (openssl rand -base64 32) or hex")
}

func newSealingKey(key []byte) (sealingKey, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealingKey{}, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealingKey{}, fmt.Errorf("make cipher: %w", err)
	}
	sum := sha256.Sum256(append([]byte("hookswitch encryption key\n"), key...))
	return sealingKey{hex.EncodeToString(sum[:4]), aead}, nil
}

// Current is the id of the key that encrypts, "" of a nil Keyring. An id says nothing about the key.
func (k *Keyring) Current() string {
	if k == nil {
		return ""
	}
	return k.keys[0].id
}

// Has reports whether a key of that id is in the ring.
func (k *Keyring) Has(id string) bool {
	_, ok := k.find(id)
	return ok
}

func (k *Keyring) find(id string) (sealingKey, bool) {
	if k != nil {
		for _, key := range k.keys {
			if key.id == id {
				return key, true
			}
		}
	}
	return sealingKey{}, false
}

// sealedPrefix begins what is encrypted: the prefix, the key's id, a colon, the base64 of nonce and ciphertext.
const sealedPrefix = "sealed:1:"

// Seal encrypts a text for one place, such as "material/portal links": what is moved to another place cannot be read there.
// A nil Keyring returns the text.
func (k *Keyring) Seal(place string, text []byte) []byte {
	if k == nil {
		return text
	}
	key := k.keys[0]
	sealed := key.aead.Seal(nil, nil, text, []byte(place))
	return base64.StdEncoding.AppendEncode([]byte(sealedPrefix+key.id+":"), sealed)
}

// Open decrypts what [Keyring.Seal] made for the same place, and returns what is not encrypted as it is.
func (k *Keyring) Open(place string, body []byte) ([]byte, error) {
	id, text, sealed := cutSeal(body)
	if !sealed {
		return body, nil
	}
	key, ok := k.find(id)
	if !ok {
		return nil, fmt.Errorf("it is encrypted with the key %q, which this server was not given", id)
	}
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return nil, errors.New("what is encrypted is damaged")
	}
	plain, err := key.aead.Open(raw[:0], nil, raw, []byte(place))
	if err != nil {
		return nil, errors.New("what is encrypted is damaged, or was moved here from another record")
	}
	return plain, nil
}

// Reseal encrypts a text anew that is not encrypted, or not by the current key; false when there is nothing to do.
func (k *Keyring) Reseal(place string, body []byte) ([]byte, bool, error) {
	if id, _, sealed := cutSeal(body); k == nil || sealed && id == k.Current() {
		return body, false, nil
	}
	plain, err := k.Open(place, body)
	if err != nil {
		return nil, false, err
	}
	return k.Seal(place, plain), true, nil
}

// cutSeal takes apart what Seal made.
func cutSeal(body []byte) (id string, text []byte, sealed bool) {
	rest, ok := bytes.CutPrefix(body, []byte(sealedPrefix))
	if !ok {
		return "", nil, false
	}
	name, text, ok := bytes.Cut(rest, []byte(":"))
	return string(name), text, ok
}
