package schemas

import "strings"

// Masked stands for a value that the caller may not see.
const Masked = "***"

// MaskQuery is an endpoint for those who may look and not change: with the values of its query masked, which receivers use for
// tokens. A part of the query without a name is a value.
func MaskQuery(endpoint string) string {
	base, query, has := strings.Cut(endpoint, "?")
	if !has || query == "" {
		return endpoint
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, _, named := strings.Cut(pair, "=")
		switch {
		case named:
			pairs[i] = name + "=" + Masked
		case pair != "":
			pairs[i] = Masked
		}
	}
	return base + "?" + strings.Join(pairs, "&")
}
