package methods

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// waitOf is how long a refusal says to wait, 0 without one.
func waitOf(t *testing.T, err error) time.Duration {
	t.Helper()
	e, ok := err.(*schemas.Error)
	if !ok || e.Kind != schemas.KindTooMany {
		return 0
	}
	if e.RetryAfter <= 0 {
		t.Error("too many, and nobody knows until when")
	}
	return e.RetryAfter
}

func TestARateLetsABurstThroughAndThenItsShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var th throttle
		th.set(RateLimits{Key: Rate{PerSecond: 2, Burst: 5}, Address: Rate{PerSecond: 1000, Burst: 1000}})
		here, ann, bob := netip.MustParseAddr("192.0.2.1"), Caller{Account: 1, Key: 1}, Caller{Account: 2, Key: 1}
		passed := func(c Caller, n int) (got int) {
			for range n {
				if waitOf(t, th.known(here, c)) == 0 {
					got++
				}
			}
			return got
		}
		if got := passed(ann, 20); got != 5 {
			t.Errorf("%d of a burst of 5", got)
		}
		if wait := waitOf(t, th.known(here, ann)); wait != 500*time.Millisecond {
			t.Errorf("to wait %v", wait)
		}
		if got := passed(bob, 3); got != 3 {
			t.Errorf("another's key: %d of 3", got)
		}
		if got := passed(Caller{Account: 1}, 100); got != 100 {
			t.Errorf("a key of this process: %d of 100", got)
		}
		time.Sleep(500 * time.Millisecond)
		if got := passed(ann, 20); got != 1 {
			t.Errorf("%d after half a second of 2 a second", got)
		}
		th.set(RateLimits{Key: Rate{PerSecond: 2, Burst: 5}})
		if got := passed(ann, 20); got != 0 {
			t.Errorf("%d after the same rate was set again", got)
		}
		th.set(RateLimits{})
		if got := passed(ann, 20); got != 20 {
			t.Errorf("%d of 20 without a rate", got)
		}
	})
}

func TestAddressesCountByWhatOneCallerHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var th throttle
		th.set(RateLimits{Address: Rate{PerSecond: 1, Burst: 1}})
		for _, c := range []struct {
			from string
			free bool
		}{
			{"192.0.2.1", true}, {"192.0.2.1", false}, {"192.0.2.2", true},
			{"2001:db8::1", true}, {"2001:db8::ffff:2", false}, {"2001:db8:0:1::1", true},
		} {
			if wait := waitOf(t, th.arrive(netip.MustParseAddr(c.from))); (wait == 0) != c.free {
				t.Errorf("%s: to wait %v", c.from, wait)
			}
		}
		for range 3 {
			if err := th.arrive(netip.Addr{}); err != nil {
				t.Errorf("in-process: %v", err)
			}
		}
	})
}

func TestTryingKeysIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var th throttle
		th.set(RateLimits{Unknown: Rate{PerSecond: 1, Burst: 3}})
		here, there := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		ann, bob := Caller{Account: 1, Key: 1}, Caller{Account: 1, Key: 2}
		if err := th.unknown(here); err != errUnauthorized {
			t.Errorf("a first unknown key: %v", err)
		}
		if err := th.known(here, ann); err != nil {
			t.Errorf("a key from where few failed: %v", err)
		}
		for range 2 {
			if err := th.unknown(here); err != errUnauthorized {
				t.Errorf("one of the burst: %v", err)
			}
		}
		if wait := waitOf(t, th.unknown(here)); wait != time.Second {
			t.Errorf("the fourth unknown key waits %v", wait)
		}
		if err := th.known(here, ann); err != nil {
			t.Errorf("a key that has worked before the address ran out: %v", err)
		}
		if wait := waitOf(t, th.known(here, bob)); wait != time.Second {
			t.Errorf("a key that may have been found by trying waits %v", wait)
		}
		if err := th.known(there, bob); err != nil {
			t.Errorf("the same from elsewhere: %v", err)
		}
		time.Sleep(time.Second)
		if err := th.known(here, bob); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}

func TestOnlySoManyCallersAreRemembered(t *testing.T) {
	t.Parallel()
	r := newRecent[int, int](3)
	for key := range 5 {
		r.put(key, key)
		r.find(2)
	}
	for key, want := range []bool{false, false, true, true, true} {
		if got, ok := r.find(key); ok != want || ok && got != key {
			t.Errorf("%d: %d, %v", key, got, ok)
		}
	}
	if len(r.all) != 3 || r.order.Len() != 3 {
		t.Errorf("%d and %d are kept", len(r.all), r.order.Len())
	}
}
