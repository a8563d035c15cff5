package rpc

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// originRules says which web pages may call and under which names the server may be addressed.
type originRules struct {
	any     bool
	origins []string
	hosts   []string
	headers string // for Access-Control-Allow-Headers
}

func newOriginRules(options Options) (originRules, error) {
	rules := originRules{headers: strings.Join(append([]string{"Content-Type", "Authorization"},
		options.OriginHeaders...), ", ")}
	for _, origin := range options.Origins {
		if origin == "*" {
			rules.any = true
			continue
		}
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" {
			return originRules{}, fmt.Errorf("rpc server: origin %q is not of the form https://host", origin)
		}
		rules.origins = append(rules.origins, strings.ToLower(origin))
	}
	for _, host := range options.Hosts {
		rules.hosts = append(rules.hosts, strings.ToLower(host))
	}
	return rules, nil
}

// hostAllowed reports whether the request addresses the server by one of its names.
func (o *originRules) hostAllowed(r *http.Request) bool {
	return len(o.hosts) == 0 || slices.Contains(o.hosts, strings.ToLower(r.Host))
}

// allowed reports whether the page a request comes from may call. A request without Origin comes from no browser, or
// from a page of the host itself.
func (o *originRules) allowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || o.listed(origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// listed reports whether pages of an origin other than our own may read our answers.
func (o *originRules) listed(origin string) bool {
	return o.any || slices.Contains(o.origins, strings.ToLower(origin))
}

// share lets the calling page read the answer if its origin is listed. No credentials are shared with it: keys travel
// in headers that the page itself has to set.
func (o *originRules) share(h http.Header, r *http.Request) {
	if o.any {
		h.Set("Access-Control-Allow-Origin", "*")
		return
	}
	if len(o.origins) == 0 {
		return
	}
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" && o.listed(origin) {
		h.Set("Access-Control-Allow-Origin", origin)
	}
}

// Guard holds a face that is not JSON-RPC to the same rules of origin and host name as ServeHTTP, preflight requests
// included.
func (s *Server) Guard(face http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked := r.Header.Get("Access-Control-Request-Method"); {
		case !s.origins.hostAllowed(r):
			http.Error(w, "not addressed by a known host name", http.StatusForbidden)
		case !s.origins.allowed(r):
			http.Error(w, "origin not allowed", http.StatusForbidden)
		case r.Method == http.MethodOptions && asked != "":
			s.origins.permit(w.Header(), r, "GET, HEAD, POST, PUT, PATCH, DELETE")
			w.WriteHeader(http.StatusNoContent)
		default:
			// Without a page behind it an answer is the vendor's own, byte for byte; a face has nothing cached, so it needs no Vary.
			if h := w.Header(); r.Header.Get("Origin") != "" {
				s.origins.share(h, r)
				h.Set("Access-Control-Expose-Headers", "*") // such as Location and Retry-After
			}
			face.ServeHTTP(w, r)
		}
	})
}

// preflight answers OPTIONS.
func (s *Server) preflight(w http.ResponseWriter, r *http.Request) {
	s.origins.permit(w.Header(), r, "POST, GET, OPTIONS")
	w.Header().Set("Allow", allowedMethods)
	w.WriteHeader(http.StatusNoContent)
}

// permit tells a page of a listed origin what it may send.
func (o *originRules) permit(h http.Header, r *http.Request, verbs string) {
	o.share(h, r)
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", verbs)
		h.Set("Access-Control-Allow-Headers", o.headers)
		h.Set("Access-Control-Max-Age", "600")
	}
}
