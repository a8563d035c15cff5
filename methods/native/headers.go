package native

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch/delivery"
)

// signaturePrefix begins the names of Standard Webhooks' own headers, in canonical spelling. All of them are reserved:
// a receiver could take another one for part of the signature.
const signaturePrefix = "Webhook-"

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
		case seen[canonical]:
			fault(name, "is the same header as another one: case does not count")
		}
		seen[canonical] = true
	}
}
