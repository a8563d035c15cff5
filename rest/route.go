package rest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Route is one address.
type Route struct {
	Verb string // "POST"; GET answers HEAD too
	Path string // "/webhook/{id}": a segment in braces stands for any one that is not empty
	// Call makes the method call of a request. Its error goes to Face.Fault.
	Call func(*Request) (Call, error)
	// Reply makes the answer of a result.
	Reply func(r *Request, result json.RawMessage) (Reply, error)
}

// find chooses the route of a request and notes the values of its path.
func (f *Face) find(r *Request) (*Route, error) {
	var found *Route
	var values map[string]string
	var allow []string
	literals := -1
	for i := range f.Routes {
		route := &f.Routes[i]
		got, score, ok := route.match(r.Rest, f.Fold)
		if !ok {
			continue
		}
		if !route.takes(r.Method) {
			allow = append(allow, route.Verb)
			continue
		}
		if score > literals {
			found, values, literals = route, got, score
		}
	}
	switch {
	case found != nil:
		r.values = values
		return found, nil
	case len(allow) > 0:
		slices.Sort(allow)
		return nil, &VerbError{Allow: slices.Compact(allow)}
	}
	return nil, ErrNoRoute
}

func (r *Route) takes(verb string) bool {
	return verb == r.Verb || verb == http.MethodHead && r.Verb == http.MethodGet
}

// match compares a path, still percent-encoded, with the route's; score counts literal segments, the earlier the more.
func (r *Route) match(path string, fold bool) (values map[string]string, score int, ok bool) {
	want, have := strings.Split(r.Path, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, 0, false
	}
	for i, w := range want {
		h, err := url.PathUnescape(have[i])
		if err != nil {
			return nil, 0, false
		}
		score *= 2
		switch {
		case strings.HasPrefix(w, "{"):
			if h == "" {
				return nil, 0, false
			}
			if values == nil {
				values = map[string]string{}
			}
			values[strings.Trim(w, "{}")] = h
		case w == h || fold && strings.EqualFold(w, h):
			score++
		default:
			return nil, 0, false
		}
	}
	return values, score, true
}
