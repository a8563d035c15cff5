package delivery

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxEndpoint is the longest URL of an endpoint, in bytes.
const maxEndpoint = 4000

// CheckEndpoint says what is wrong with the URL of an endpoint, "" if nothing. It looks at the shape only and never asks
// DNS: where a name leads is checked at every connection, by the guarded dialler.
//
// A user name in the URL is refused, because URLs are shown to whoever may read the webhook; a header can carry it.
func CheckEndpoint(text string) string {
	switch {
	case text == "":
		return "must not be empty"
	case len(text) > maxEndpoint:
		return "must not be longer than " + strconv.Itoa(maxEndpoint) + " bytes"
	case !utf8.ValidString(text):
		return "must be valid UTF-8"
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' }):
		return "must not hold spaces, control characters or backslashes"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "":
		return "must be a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "must be an absolute http or https URL"
	case u.User != nil:
		return "must not hold a user name or password"
	case strings.Contains(text, "#"):
		return "must not hold a fragment"
	}
	return checkHost(u)
}

func checkHost(u *url.URL) string {
	host := u.Hostname()
	if host == "" {
		return "must name a host"
	}
	if strings.HasPrefix(u.Host, "[") {
		if a, err := netip.ParseAddr(host); err != nil || a.Zone() != "" {
			return "must hold a valid IPv6 address"
		}
	} else if !validName(host) {
		return "must name a valid host"
	}
	if _, port, found := strings.Cut(u.Host[strings.LastIndexByte(u.Host, ']')+1:], ":"); found {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "must have a port between 1 and 65535"
		}
	}
	return ""
}

// validName is lenient about letters (names may be international) and strict about the shape: labels of 1 to 63 bytes.
func validName(host string) bool {
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '-' && r != '_' {
				return false
			}
		}
	}
	return true
}
