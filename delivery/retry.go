package delivery

import (
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// maxRetryAfter caps what a receiver may ask for by Retry-After.
const maxRetryAfter = 24 * time.Hour

// NextWait is how long after the failed attempt of that number (1 is the first) the next one follows; more is false when
// there is none and the delivery is dead.
//
// override, unless nil, takes the place of policy.Waits. random is from 0 up to 1 and chooses within policy.Jitter. A
// Retry-After makes the wait longer, never shorter, by up to 24 hours.
func NextWait(policy Policy, override []schemas.Seconds, attempt int, verdict Verdict, random float64) (wait time.Duration, more bool) {
	i := attempt - 1
	switch {
	case i < 0:
		return 0, false
	case override != nil && i < len(override):
		wait = override[i].Duration()
	case override == nil && i < len(policy.Waits):
		wait = policy.Waits[i]
	default:
		return 0, false
	}
	wait += time.Duration(float64(wait) * policy.Jitter * random)
	return max(wait, min(verdict.After, maxRetryAfter), 0), true
}
