package portal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// Path is where the portal is served.
const Path = "/portal"

// token is what a link carries: account and expiry, and a MAC over both, so that no record of links is kept.
const (
	plainLength = 16
	macLength   = 16
)

// Link is a link to the page of an account that works until expires. publicURL is its base, without a slash at the end.
func (p *Portal) Link(a schemas.AccountID, publicURL string, expires time.Time) string {
	plain := make([]byte, 0, plainLength+macLength)
	plain = binary.BigEndian.AppendUint64(plain, uint64(a))
	plain = binary.BigEndian.AppendUint64(plain, uint64(expires.Unix()))
	return publicURL + Path + "?token=" + base64.RawURLEncoding.EncodeToString(append(plain, p.mac(plain)...))
}

// account reads a token; false for one that is forged or has expired.
func (p *Portal) account(token string, now time.Time) (schemas.AccountID, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != plainLength+macLength {
		return 0, false
	}
	plain, mac := raw[:plainLength], raw[plainLength:]
	if !hmac.Equal(mac, p.mac(plain)) {
		return 0, false
	}
	expires := time.Unix(int64(binary.BigEndian.Uint64(plain[8:])), 0)
	return schemas.AccountID(binary.BigEndian.Uint64(plain)), now.Before(expires)
}

func (p *Portal) mac(plain []byte) []byte {
	h := hmac.New(sha256.New, p.secret)
	h.Write([]byte("hookswitch portal link\n"))
	h.Write(plain)
	return h.Sum(nil)[:macLength]
}
