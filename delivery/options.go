package delivery

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Options is what an [Engine] works with. Store and Formats are needed; zero values of the rest take the defaults.
type Options struct {
	Store   storage.Store
	Formats map[string]Format // by schemas.Webhook.Dialect
	Log     zerolog.Logger
	// Policies take the place of the Formats' own, by dialect.
	Policies map[string]Policy

	// MaxInFlight is how many exchanges of up to one second there are at once, over all webhooks; default 256. One that
	// lasts longer makes room for another, as long as there are at most eight times as many of these: nine times
	// MaxInFlight is the most sockets in use.
	MaxInFlight int
	// LaneInFlight is how many exchanges one webhook has at once that names no number itself; default 8. A number of its
	// own counts up to a quarter of all, and of the short ones up to a quarter of MaxInFlight.
	LaneInFlight int
	// Timeout is for one attempt of a webhook that names none, from DNS to the last byte; default 15 s.
	Timeout time.Duration
	// Hold is the length of a lease. It is extended while a delivery is in this node's hands; default 1 min.
	Hold time.Duration
	// ProbeWait is how long an origin that does not answer is left alone before it is probed the first time, default 1 s;
	// it doubles with every probe that fails, up to MaxProbeWait, default 1 min, and is jittered by a fifth. The claims
	// of Poll bring the probes.
	ProbeWait    time.Duration
	MaxProbeWait time.Duration
	// PullFor is how long a delivery that can be taken (Pull) waits for that, until it is given up; default 7 days.
	PullFor time.Duration
	// Poll is how often the store is asked for work when none of its hints says so; default 1 s.
	Poll time.Duration
	// Window is the most deliveries in memory, default 4096; WindowBytes bounds them by size, default 64 MiB. What is
	// beyond stays in the store.
	Window      int
	WindowBytes int

	// Allow are addresses that deliveries may go to besides public ones.
	Allow []netip.Prefix
	// Roots verify receivers' certificates; nil: the system's.
	Roots *x509.CertPool
	// UserAgent is sent unless a dialect sets its own; default "Hookswitch".
	UserAgent string

	// Resolver and Dial replace DNS and the network; the guard stays. A Dial of one's own is not asked by the
	// second check, at the socket.
	Resolver Resolver
	Dial     DialFunc
	// Jitter gives numbers from 0 up to 1; default math/rand. Safe for concurrent use.
	Jitter func() float64

	// Keys encrypt what is secret in webhooks' records; nil: nothing is encrypted.
	Keys *schemas.Keyring

	// AttemptLevel is the level at which an attempt that succeeds is logged; the zero value is debug. One that is made again
	// is logged as info, one after which the delivery is given up as a warning.
	AttemptLevel zerolog.Level
	// OnAttempt is told of every exchange, on the goroutine that made it: it must be quick.
	OnAttempt func(AttemptReport)
	// MeasureEntry makes what is stored along with a measure, which brings a webhook into a state, "" for removed: in the same
	// commit. w is the webhook as it was. It is called anew when a measure is tried again. nil: nothing is.
	MeasureEntry func(w *schemas.Webhook, state schemas.State, reason string) storage.Companion
	// Tracer follows events; nil: nothing is traced, and no event keeps a trace.
	Tracer Tracer
}

// policy is the policy of a dialect whose Format is known.
func (e *Engine) policy(dialect string) Policy {
	if p, ok := e.o.Policies[dialect]; ok {
		return p
	}
	return e.o.Formats[dialect].Policy()
}

const defaultInFlight = 256

func (o *Options) complete() error {
	if o.Store == nil {
		return errors.New("delivery needs a store")
	}
	if len(o.Formats) == 0 {
		return errors.New("delivery needs the format of at least one dialect")
	}
	for _, n := range []int{o.MaxInFlight, o.LaneInFlight, o.Window, o.WindowBytes} {
		if n < 0 {
			return fmt.Errorf("limit %d of delivery is negative", n)
		}
	}
	setDefault(&o.MaxInFlight, defaultInFlight)
	setDefault(&o.LaneInFlight, 8)
	setDefault(&o.Timeout, 15*time.Second)
	setDefault(&o.Hold, time.Minute)
	setDefault(&o.PullFor, 7*24*time.Hour)
	setDefault(&o.Poll, time.Second)
	setDefault(&o.ProbeWait, time.Second)
	setDefault(&o.MaxProbeWait, max(time.Minute, o.ProbeWait))
	setDefault(&o.Window, 4096)
	setDefault(&o.WindowBytes, 64<<20)
	setDefault(&o.UserAgent, "Hookswitch")
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
