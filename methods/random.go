package methods

import (
	"crypto/rand"
	"time"

	"github.com/oklog/ulid/v2"
)

// NewPublicID makes the string form of a new webhook's id: a ULID, after what is to stand before it.
func NewPublicID(prefix string) string {
	// MustNew fails only without a time or a random source, and crypto/rand never fails.
	return prefix + ulid.MustNew(ulid.Timestamp(time.Now()), rand.Reader).String()
}

// RandomText makes a secret of n characters of an alphabet of at most 256, each equally likely.
func RandomText(n int, alphabet string) string {
	fair := 256 - 256%len(alphabet) // bytes from here on would make the first characters likelier
	text := make([]byte, 0, n)
	random := make([]byte, n+n/2)
	for {
		_, _ = rand.Read(random) // never fails: crypto/rand ends the process instead
		for _, b := range random {
			if len(text) == n {
				return string(text)
			}
			if int(b) < fair {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
}
