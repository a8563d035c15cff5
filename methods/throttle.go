package methods

import (
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// Rate bounds how often something may happen: PerSecond in the long run, Burst times at once. PerSecond 0 sets no bound.
type Rate struct {
	PerSecond float64
	Burst     int
}

// RateLimits are the rates callers are held to. Each call counts, also those of one batch; what is beyond is refused with
// KindTooMany, which says when to try again. Calls inside the process count for nothing.
type RateLimits struct {
	Key     Rate // of the calls with one key
	Address Rate // of the calls from one address; IPv6 addresses count by their /64, which is what one caller has
	// Unknown is the rate of calls from one address with a key that nobody has. While it is used up, such an address is
	// refused whatever key it comes with, except those that have worked from there since the failures began: else who
	// tries keys would learn of the right one all the same, and one bad client would shut out all behind its proxy.
	Unknown Rate
}

// mostCallers is how many keys and how many addresses are remembered. Whoever was not heard of for longest is forgotten,
// and may come in a full burst again.
const mostCallers = 16_384

// throttle holds callers to their rates. Safe for concurrent use.
type throttle struct {
	limits atomic.Pointer[limits]
}

// limits are rates and what has been used of them.
type limits struct {
	keys      buckets[keyRef]
	addresses buckets[netip.Prefix]
	suspects  suspects
}

// set replaces the rates. A rate that stays as it was keeps what has been used of it.
func (t *throttle) set(o RateLimits) {
	next := &limits{keys: newBuckets[keyRef](o.Key), addresses: newBuckets[netip.Prefix](o.Address), suspects: newSuspects(o.Unknown)}
	if old := t.limits.Load(); old != nil {
		next.keys.inherit(&old.keys)
		next.addresses.inherit(&old.addresses)
		if old.suspects.rate == o.Unknown {
			next.suspects = old.suspects
		}
	}
	t.limits.Store(next)
}

// arrive counts a call from an address.
func (t *throttle) arrive(address netip.Addr) error {
	return tooMany(t.limits.Load().addresses.take(blockOf(address), address.IsValid()))
}

// known counts a call with the key of a caller.
func (t *throttle) known(address netip.Addr, caller Caller) error {
	l, ref := t.limits.Load(), keyRef{caller.Account, caller.Key}
	inProcess := caller.Key == 0
	if wait := l.suspects.passed(blockOf(address), ref, address.IsValid()); wait > 0 {
		return tooMany(wait)
	}
	return tooMany(l.keys.take(ref, !inProcess))
}

// unknown counts a call with a key that nobody has, and says what to answer.
func (t *throttle) unknown(address netip.Addr) error {
	if wait := t.limits.Load().suspects.failed(blockOf(address), address.IsValid()); wait > 0 {
		return tooMany(wait)
	}
	return errUnauthorized
}

// tooMany is the refusal of a caller who has to wait, nil when there is nothing to wait for.
func tooMany(wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	e := schemas.Refuse(schemas.KindTooMany, "Too many requests; try again later")
	e.RetryAfter = wait
	return e
}

// blockOf is an address as it is counted.
func blockOf(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	block, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address
	}
	return block
}

// buckets are what is left of one rate to each of many.
type buckets[K comparable] struct {
	rate Rate
	*held[K]
}

type held[K comparable] struct {
	mu   sync.Mutex
	each *recent[K, *rate.Limiter] // guarded by mu
}

func newBuckets[K comparable](r Rate) buckets[K] {
	return buckets[K]{r, &held[K]{each: newRecent[K, *rate.Limiter](mostCallers)}}
}

// inherit goes on with what others counted by the same rate.
func (b *buckets[K]) inherit(old *buckets[K]) {
	if b.rate == old.rate {
		*b = *old
	}
}

// take uses one up; when there is none it says how long until there is. counts tells whether key is bound at all.
func (b *buckets[K]) take(key K, counts bool) (wait time.Duration) {
	if !counts || b.rate.PerSecond <= 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	limiter, ok := b.each.find(key)
	if !ok {
		limiter = b.rate.limiter()
		b.each.put(key, limiter)
	}
	return takeFrom(limiter)
}

func (r Rate) limiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(r.PerSecond), max(r.Burst, 1))
}

func takeFrom(limiter *rate.Limiter) (wait time.Duration) {
	r := limiter.Reserve()
	if wait = r.Delay(); wait > 0 {
		r.Cancel() // who is refused uses nothing up
	}
	return wait
}

// suspects are the addresses that keys which nobody has came from.
type suspects struct {
	rate Rate
	*suspected
}

type suspected struct {
	some atomic.Bool // whether there is any: a well-behaved caller need not wait for the lock
	mu   sync.Mutex
	each *recent[netip.Prefix, *suspect] // guarded by mu
}

// suspect is one of them.
type suspect struct {
	limiter *rate.Limiter
	good    map[keyRef]struct{} // keys that have worked from there since
}

// mostGood is how many keys of a suspect are remembered as good.
const mostGood = 64

func newSuspects(r Rate) suspects {
	return suspects{r, &suspected{each: newRecent[netip.Prefix, *suspect](mostCallers)}}
}

// failed counts a key that nobody has. The answer is how long its caller is not even told so.
func (s *suspects) failed(block netip.Prefix, counts bool) (wait time.Duration) {
	if !counts || s.rate.PerSecond <= 0 {
		return 0
	}
	s.some.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.each.find(block)
	if !ok {
		one = &suspect{limiter: s.rate.limiter(), good: map[keyRef]struct{}{}}
		s.each.put(block, one)
	}
	return takeFrom(one.limiter)
}

// passed tells how long a key that somebody has is refused, because it may have been found by trying.
func (s *suspects) passed(block netip.Prefix, key keyRef, counts bool) (wait time.Duration) {
	if !counts || !s.some.Load() {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.each.find(block)
	if !ok {
		return 0
	}
	if _, good := one.good[key]; good {
		return 0
	}
	left := one.limiter.Tokens()
	if left < 1 {
		return time.Duration(math.Ceil((1 - left) / s.rate.PerSecond * float64(time.Second)))
	}
	if len(one.good) < mostGood {
		one.good[key] = struct{}{}
	}
	return 0
}

// Throttle refuses a call when too many come from the same address, as rpc.Options wants it.
func (c *Core) Throttle(session *rpc.Session) error { return c.throttle.arrive(session.Address()) }

// SetRateLimits replaces the rates callers are held to.
func (c *Core) SetRateLimits(o RateLimits) { c.throttle.set(o) }
