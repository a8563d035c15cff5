package native

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// Limits of a subscription document. They bound what one webhook costs in every node's index and in every delivery.
const (
	maxEvents      = 100
	maxName        = 200      // characters
	maxMembers     = 64       // of properties and of metadata
	maxMemberName  = 64       // bytes
	maxProperties  = 16 << 10 // bytes, all values together
	maxMetadata    = 512      // characters of one value
	maxHeaders     = 32
	maxRetries     = 50
	maxRetryWait   = 7 * 24 * 3600 // seconds
	maxMaxInFlight = 1000
	maxRateLimit   = 1_000_000 // deliveries per second; the least is anything above 0
	minTimeout     = 0.001     // seconds
	maxTimeout     = 60        // seconds
	minIdleTimeout = 1         // seconds
	maxIdleTimeout = 30 * 24 * 3600
)

// MaxTimeout is the longest that one attempt may be given.
const MaxTimeout = maxTimeout * time.Second

func (d *draft) setProperties(raw json.RawMessage) {
	properties, ok := decode[map[string]json.RawMessage](d, "properties", raw, "an object")
	if !ok || !checkNames(d, "properties", properties) {
		return
	}
	size := 0
	for _, value := range properties {
		size += len(value)
	}
	if size > maxProperties {
		d.Fault("must have at most 16 KiB of values", "properties")
		return
	}
	d.webhook.Properties = properties
}

func (d *draft) setMetadata(raw json.RawMessage) {
	metadata, ok := decode[map[string]string](d, "metadata", raw, "an object of strings")
	if !ok || !checkNames(d, "metadata", metadata) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		if utf8.RuneCountInString(metadata[name]) > maxMetadata {
			d.Fault("must have at most 512 characters", "metadata", name)
		}
	}
	d.webhook.Metadata = metadata
}

// checkNames bounds how many members an object of the owner's own has, and their names.
func checkNames[V any](d *draft, member string, object map[string]V) bool {
	if len(object) > maxMembers {
		d.Fault("must have at most 64 members", member)
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if name == "" || len(name) > maxMemberName {
			d.Fault("must have names of 1 to 64 bytes", member)
			return false
		}
	}
	return true
}

func (d *draft) setRetry(raw json.RawMessage) {
	waits, ok := decode[[]schemas.Seconds](d, "retry", raw, "an array of numbers")
	if !ok {
		return
	}
	if len(waits) > maxRetries {
		d.Fault("must have at most 50 waits", "retry")
		return
	}
	for i, wait := range waits {
		if wait < 0 || wait > maxRetryWait {
			d.Fault("must be 0 to 604800 seconds", "retry", strconv.Itoa(i))
		}
	}
	d.webhook.Retry = waits
}

func (d *draft) setMaxInFlight(raw json.RawMessage) {
	attempts, ok := decode[int](d, "maxInFlight", raw, "a whole number")
	if !ok {
		return
	}
	if attempts < 1 || attempts > maxMaxInFlight {
		d.Fault("must be a whole number from 1 to 1000", "maxInFlight")
		return
	}
	d.webhook.MaxInFlight = attempts
}

func (d *draft) setOrdered(raw json.RawMessage) {
	if ordered, ok := decode[bool](d, "ordered", raw, "a boolean"); ok {
		d.webhook.Ordered = ordered
	}
}

func (d *draft) setRateLimit(raw json.RawMessage) {
	rate, ok := decode[float64](d, "rateLimit", raw, "a number")
	if !ok {
		return
	}
	if rate <= 0 || rate > maxRateLimit {
		d.Fault("must be a number above 0, at most 1000000", "rateLimit")
		return
	}
	d.webhook.RateLimit = rate
}

func (d *draft) setTimeout(raw json.RawMessage) {
	seconds, ok := decode[schemas.Seconds](d, "timeout", raw, "a number")
	if !ok {
		return
	}
	if seconds < minTimeout || seconds > maxTimeout {
		d.Fault("must be 0.001 to 60 seconds", "timeout")
		return
	}
	d.webhook.Timeout = seconds.Duration().Round(time.Millisecond)
}

func (d *draft) setIdleTimeout(raw json.RawMessage) {
	seconds, ok := decode[schemas.Seconds](d, "idleTimeout", raw, "a number")
	switch {
	case !ok:
	case seconds < minIdleTimeout || seconds > maxIdleTimeout:
		d.Fault("must be 1 to 2592000 seconds", "idleTimeout")
	case d.webhook.Endpoint != "" && !delivery.Pulled(d.webhook.Endpoint):
		d.Fault("is for the endpoint pull: only", "idleTimeout")
	default:
		d.webhook.IdleTimeout = seconds.Duration().Round(time.Millisecond)
	}
}
