package service

import (
	"fmt"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/methods"
)

// GiveUp is what a delivery given up does to its webhook.
type GiveUp string

// The ways of giving up. A webhook that has only failed for too long, or whose receiver answers 410, is stopped all the
// same where the dialect says so.
const (
	GiveUpNone   GiveUp = "none"   // nothing: the next delivery is tried as if nothing had been
	GiveUpFail   GiveUp = "fail"   // the webhook becomes failing, until its owner makes it active again
	GiveUpRemove GiveUp = "remove" // the webhook is deleted
)

// Policy changes what a dialect's vendor does about failed deliveries. Zero fields leave the vendor's.
type Policy struct {
	Retry  []time.Duration // waits before the 2nd, 3rd, … attempt; a native webhook's own beat it
	Jitter *float64        // the share, from 0 to 1, by which waits are lengthened at random
	GiveUp GiveUp
	// FailFor is how long a webhook may only fail before it becomes failing; FailNever lets it fail for ever.
	FailFor time.Duration
}

// FailNever as Policy.FailFor stops no webhook for failing long.
const FailNever time.Duration = -1

// policies are the policies of the dialects that o changes.
func policies(dialects []methods.Dialect, o Options) (map[string]delivery.Policy, error) {
	out := map[string]delivery.Policy{}
	known := formats(dialects)
	for name, change := range o.Policies {
		format, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("there is no dialect %q; there are %s", name, strings.Join(Dialects(), ", "))
		}
		p := format.Policy()
		if change.Retry != nil {
			p.Waits = change.Retry
		}
		for _, wait := range change.Retry {
			if wait <= 0 {
				return nil, fmt.Errorf("the retries of %s: a wait must be longer than nothing", name)
			}
		}
		if j := change.Jitter; j != nil {
			if !(*j >= 0 && *j <= 1) {
				return nil, fmt.Errorf("the jitter of %s must be from 0 to 1", name)
			}
			p.Jitter = *j
		}
		switch {
		case change.FailFor == FailNever:
			p.FailFor = 0
		case change.FailFor < 0:
			return nil, fmt.Errorf("the time that a webhook of %s may fail for must not be negative", name)
		case change.FailFor > 0:
			p.FailFor = change.FailFor
		}
		switch change.GiveUp {
		case "":
		case GiveUpNone:
			p.OnDead = delivery.EffectNone
		case GiveUpFail:
			p.OnDead = delivery.EffectFail
		case GiveUpRemove:
			p.OnDead = delivery.EffectRemove
		default:
			return nil, fmt.Errorf("giving up in %s must be none, fail or remove", name)
		}
		out[name] = p
	}
	return out, nil
}
