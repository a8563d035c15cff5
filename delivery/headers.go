package delivery

import (
	"net/http"
	"slices"
	"strings"
)

// Limits of a header that a webhook adds to its deliveries, in bytes.
const (
	maxHeaderName  = 128
	maxHeaderValue = 4096
)

// reservedHeaders belong to the connection or to the sender. Names are canonical.
var reservedHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host",
	"Http2-Settings", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding",
	"Upgrade", "User-Agent",
}

// CheckHeader says what is wrong with a header that a webhook wants to add to its deliveries, "" if nothing. It allows
// what every receiver reads alike: a token as name, and visible ASCII with spaces and tabs inside as value.
func CheckHeader(name, value string) string {
	switch {
	case name == "" || len(name) > maxHeaderName:
		return "must have a name of 1 to 128 characters"
	case strings.ContainsFunc(name, func(r rune) bool { return !isTokenRune(r) }):
		return "must have a name of letters, digits and !#$%&'*+-.^_`|~ only"
	case slices.Contains(reservedHeaders, http.CanonicalHeaderKey(name)):
		return "is a header that the sender sets itself"
	case len(value) > maxHeaderValue:
		return "must have a value of at most 4096 characters"
	case strings.Trim(value, " \t") != value:
		return "must not begin or end with a space or tab"
	case strings.ContainsFunc(value, func(r rune) bool { return (r < ' ' && r != '\t') || r > '~' }):
		return "must have a value of visible ASCII characters, spaces and tabs only"
	}
	return ""
}

// isTokenRune reports whether r may stand in a field name (RFC 9110 section 5.6.2).
func isTokenRune(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	}
	return strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// AddHeaders adds a webhook's own headers to what a Format has set, which wins: case does not count.
func AddHeaders(header http.Header, own map[string]string) {
	taken := make(map[string]bool, len(header))
	for name := range header {
		taken[strings.ToLower(name)] = true
	}
	for name, value := range own {
		if !taken[strings.ToLower(name)] {
			header[name] = []string{value}
		}
	}
}
