package methods

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// importable looks at a record of a webhook from elsewhere as far as the schema can't, and finds its dialect.
func (c *Call) importable(r *WebhookRecord) (*Dialect, error) {
	var faults []schemas.Fault
	fault := func(message string, path ...string) {
		faults = append(faults, schemas.Fault{Pointer: c.Pointer("webhook") + "/" + strings.Join(path, "/"), Message: message})
	}
	d := c.dialects[r.Dialect]
	if d == nil {
		fault(c.oneDialectOf(), "dialect")
	}
	if len(r.Withheld) > 0 {
		fault("must be empty: the webhook was exported without its secrets", "withheld")
	}
	check := delivery.CheckEndpoint
	if d != nil && d.Pulls && delivery.Pulled(r.Endpoint) {
		check = delivery.CheckPull
	}
	if problem := check(r.Endpoint); problem != "" {
		fault(problem, "endpoint")
	}
	for i, pattern := range r.Events {
		if problem := schemas.CheckEventPattern(pattern); problem != "" {
			fault(problem, "events", strconv.Itoa(i))
		}
	}
	compile := delivery.CompileEventFilter
	if d != nil && !d.EventFilters {
		compile = delivery.CompileFilter
	}
	if len(r.Filter) > 0 {
		if _, err := compile(r.Filter); err != nil {
			fault(err.Error(), "filter")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		if problem := delivery.CheckHeader(name, r.Headers[name]); problem != "" {
			fault(problem, "headers", pointerEscaper.Replace(name))
		}
	}
	below := func(member string) func(string, ...string) {
		return func(message string, path ...string) { fault(message, slices.Concat([]string{member}, path)...) }
	}
	if r.Authentication != nil {
		delivery.CheckAuthentication(r.Authentication, below("authentication"))
	}
	if r.ClientCertificate != nil {
		delivery.CheckClientCertificate(r.ClientCertificate, time.Time{}, below("clientCertificate")) // also one that has expired
	}
	if len(faults) > 0 {
		return nil, schemas.Invalid(faults...)
	}
	return d, nil
}
