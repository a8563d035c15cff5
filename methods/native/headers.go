package native

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch/delivery"
)

// Prefixes of headers in canonical spelling. Those of Standard Webhooks and of CloudEvents are reserved: a receiver could
// take another one for part of the signature or of the event.
const (
	signaturePrefix  = "Webhook-"
	cloudEventPrefix = "Ce-"
)

// checkHeaders calls fault for every header that may not be added to a delivery.
func checkHeaders(headers map[string]string, fault func(name, message string)) {
	seen := make(map[string]bool, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		canonical := http.CanonicalHeaderKey(name)
		problem := delivery.CheckHeader(name, headers[name])
		switch {
		case problem != "":
			fault(name, problem)
		case strings.HasPrefix(canonical, signaturePrefix):
			fault(name, "is a header of the signature")
		case strings.HasPrefix(canonical, cloudEventPrefix):
			fault(name, "is a header of CloudEvents")
		case seen[canonical]:
			fault(name, "is the same header as another one: case does not count")
		}
		seen[canonical] = true
	}
}
