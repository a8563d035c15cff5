package delivery

import (
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// Format is how one dialect's receivers want their deliveries: what is sent, what counts as success, when to try again.
// Implementations are pure: same job, same request (but for a nonce or a randomised signature); no I/O, no clock but
// Job.Now, safe for concurrent use.
type Format interface {
	// Build makes the request for deliveries of one webhook that go out in one exchange. It is called once per
	// attempt. It never invents a field the events lack. An error means this can never be built: the delivery is
	// given up with schemas.ErrorFormat; its text goes into the attempt's record and holds no secret.
	Build(job Job) (Request, error)
	// Judge reads the receiver's answer, or why there is none.
	Judge(answer Answer) Verdict
	// Policy is the vendor's policy of retries.
	Policy() Policy
}

// Preparer is a Format that needs something before it can build, such as a key that is being made. Until it has it,
// deliveries of the dialect wait, and no attempt is counted.
type Preparer interface {
	// Ready reports whether Build can be called, and has made what is missing. It must not block; once true, it stays
	// true.
	Ready() bool
}

// Job is what a Format builds a request from.
type Job struct {
	Webhook *schemas.Webhook // not to be changed
	Due     []Due            // 1 to Policy.Batch of them, oldest first
	Now     time.Time        // time of this attempt
}

// Due is one delivery of a Job.
type Due struct {
	Event   *schemas.Event // not to be changed
	Attempt int            // number of this attempt; 1 is the first
}

// Request is what is sent to Webhook.Endpoint, by POST.
type Request struct {
	// Header is written as it is, with the spelling of its keys, and the sender's from then on. Content-Length and Host are
	// set by it. The webhook's own Headers are the Format's to add.
	Header http.Header
	Body   []byte
}

// Answer is the end of one exchange.
type Answer struct {
	Status int                  // 0: no usable answer
	Header http.Header          // nil without an answer
	Error  schemas.AttemptError // ErrorNone when there is an answer, whatever its status
	Now    time.Time
}

// Verdict is what a Format makes of an Answer.
type Verdict struct {
	OK bool
	// After > 0 asks for at least that wait before the next attempt (Retry-After), capped by the dispatcher.
	After time.Duration
	// Gone stops the webhook at once: the receiver said it will never take anything again (410).
	Gone bool
}

// Effect is what happens to a webhook that fails too long.
type Effect uint8

// What giving up can do.
const (
	EffectNone   Effect = iota
	EffectFail          // schemas.StateFailing; its owner makes it active again
	EffectRemove        // the webhook is deleted
)

// Policy says when to try again and what giving up means.
type Policy struct {
	// Waits are the waits before the 2nd, 3rd, … attempt; after the last of them the delivery is dead.
	// Webhook.Retry overrides it.
	Waits []time.Duration
	// Jitter spreads every wait by up to this share of it, upwards: 0.2 makes 10 s into 10 to 12 s.
	Jitter float64
	// Batch is the most deliveries of one exchange; 0 means 1.
	Batch int
	// OnGone is what Verdict.Gone does: EffectFail makes the webhook schemas.StateFailing, else it is stopped.
	OnGone Effect
	// OnDead is what a delivery given up does to its webhook at once.
	OnDead Effect
	// FailAfter applies EffectFail when that many attempts in a row have failed; 0 never.
	FailAfter int64
	// FailFor applies EffectFail when all attempts have failed for that long; 0 never.
	FailFor time.Duration
}

// JudgeCommon is the Verdict most dialects share: 2xx is success, 410 stops the webhook, Retry-After is honoured.
func JudgeCommon(answer Answer) Verdict {
	return Verdict{
		OK:    answer.Status >= 200 && answer.Status < 300,
		Gone:  answer.Status == http.StatusGone,
		After: RetryAfter(answer.Header, answer.Now),
	}
}

// RetryAfter reads the header of that name, in seconds or as a date; 0 without a usable one.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if text == "" {
		return 0
	}
	if d, err := time.ParseDuration(text + "s"); err == nil && d > 0 {
		return d
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
