package copernica

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// listedFor is how long a former key's record stays listed. Receivers check a signature when the call arrives, the
// vendor's own verifier within a minute; the rest is for what they have queued, and for the caches of DNS.
const listedFor = 7 * 24 * time.Hour

// ring is the keys, oldest first. Once decoded it is not changed but by change.
type ring struct {
	Keys []signingKey `json:"keys"`
}

// signingKey is one key.
type signingKey struct {
	Number  int       `json:"number"` // 1 is the first; none is used twice
	From    time.Time `json:"from"`   // when it begins to sign
	PKCS1   []byte    `json:"pkcs1"`
	private *rsa.PrivateKey
}

// KeyRecord is a public key as receivers look it up.
type KeyRecord struct {
	KeyID  string     `json:"keyId"`  // name of the DNS TXT record
	Record string     `json:"record"` // text of the DNS TXT record
	State  string     `json:"state"`  // "next", "current" or "former"
	From   time.Time  `json:"from"`
	Until  *time.Time `json:"until,omitempty"` // of a former key: when it is no longer listed
}

func decodeRing(text []byte) (*ring, error) {
	r := &ring{}
	if len(text) == 0 {
		return r, nil
	}
	if json.Unmarshal(text, r) != nil {
		return nil, errors.New("the stored signing keys cannot be read") // the cause might quote them
	}
	for i := range r.Keys {
		private, err := x509.ParsePKCS1PrivateKey(r.Keys[i].PKCS1)
		if err != nil {
			return nil, fmt.Errorf("the stored signing key %d cannot be read", r.Keys[i].Number)
		}
		r.Keys[i].private = private
	}
	return r, nil
}

func (r *ring) newest() *signingKey { return &r.Keys[len(r.Keys)-1] }

// current is the key that signs at a time: the newest that has begun to, which at first is the only one.
func (r *ring) current(at time.Time) *signingKey { return &r.Keys[r.place(at)] }

func (r *ring) place(at time.Time) int {
	for i := len(r.Keys) - 1; i > 0; i-- {
		if !r.Keys[i].From.After(at) {
			return i
		}
	}
	return 0
}

// first makes the first key of an empty ring.
func (r *ring) first(now time.Time) (changed bool, err error) {
	if len(r.Keys) > 0 {
		return false, nil
	}
	return r.add(1, now)
}

func (r *ring) add(number int, from time.Time) (changed bool, err error) {
	private, err := newKey()
	if err != nil {
		return false, err
	}
	r.Keys = append(r.Keys, signingKey{
		Number: number, From: from.UTC(), PKCS1: x509.MarshalPKCS1PrivateKey(private), private: private,
	})
	return true, nil
}

// rotate adds a key that signs once after has passed, or has one that waits to do so sign now. Former keys that are not
// listed any more are dropped.
func (r *ring) rotate(now time.Time, after time.Duration) (changed bool, err error) {
	if len(r.Keys) == 0 {
		return r.first(now)
	}
	newest := r.newest()
	waits := newest.From.After(now)
	switch {
	case waits && after > 0:
		return false, schemas.Refuse(schemas.KindWrongState,
			"A new key waits to sign from %s on; after 0 makes it sign now", newest.From.Format(time.RFC3339))
	case waits:
		newest.From = now.UTC()
		return true, nil
	}
	for len(r.Keys) > 1 && !r.listedUntil(0).After(now) {
		r.Keys = r.Keys[1:]
	}
	return r.add(newest.Number+1, now.Add(after))
}

// listedUntil is when the former key i leaves the list.
func (r *ring) listedUntil(i int) time.Time { return r.Keys[i+1].From.Add(listedFor) }

// records lists the keys whose records have to be in DNS at a time, newest first.
func (r *ring) records(at time.Time, name func(number int) string) ([]KeyRecord, error) {
	current := r.place(at)
	var out []KeyRecord
	for i := len(r.Keys) - 1; i >= 0; i-- {
		key := &r.Keys[i]
		text, err := recordText(&key.private.PublicKey)
		if err != nil {
			return nil, err
		}
		record := KeyRecord{KeyID: name(key.Number), Record: text, State: "current", From: key.From}
		switch {
		case i > current:
			record.State = "next"
		case i < current:
			until := r.listedUntil(i)
			if !until.After(at) {
				return out, nil
			}
			record.State, record.Until = "former", &until
		}
		out = append(out, record)
	}
	return out, nil
}

// recordText is the TXT record that publishes a key (RFC 6376). Without spaces: Copernica's official verifier takes no
// other form.
func recordText(key *rsa.PublicKey) (string, error) {
	public, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("encode the public key: %w", err)
	}
	return "v=DKIM1;k=rsa;p=" + base64.StdEncoding.EncodeToString(public), nil
}

// keyID is the DNS name of a key's record: the given name for the first, and its first label with the key's number for
// those that follow, as in one-2._domainkey.copernica.com.
func (k *Keys) keyID(number int) string {
	if number == 1 {
		return k.name
	}
	label, rest, dotted := strings.Cut(k.name, ".")
	label += "-" + strconv.Itoa(number)
	if !dotted {
		return label
	}
	return label + "." + rest
}
