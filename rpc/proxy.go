package rpc

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
)

// Proxies shows a handler each request as the caller sent it, although it came through proxies: RemoteAddr is the
// caller's address, Host and URL.Scheme are what the caller addressed. Only what a trusted proxy says is believed, in
// X-Forwarded-For, X-Forwarded-Host and X-Forwarded-Proto; the headers stay as they are. Safe for concurrent use; the zero
// value trusts nobody.
type Proxies struct {
	trusted atomic.Pointer[[]netip.Prefix]
}

// Trust replaces the networks that proxies are in. Whoever comes by a Unix socket has the address 127.0.0.1.
func (p *Proxies) Trust(networks []netip.Prefix) {
	networks = slices.Clone(networks)
	p.trusted.Store(&networks)
}

// Handler is next behind the proxies.
func (p *Proxies) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, p.seen(r)) })
}

// seen is the request as the caller sent it: r itself where nothing is different.
func (p *Proxies) seen(r *http.Request) *http.Request {
	behind := p.trusts(peerOf(r))
	if !behind && r.URL.Scheme == "" {
		return r
	}
	out, target := *r, *r.URL
	out.URL = &target
	target.Scheme = "" // a caller can write any into the request line
	if !behind {
		return &out
	}
	if client := p.client(r); client.IsValid() {
		out.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	}
	switch last(r.Header, "X-Forwarded-Proto") {
	case "https", "wss":
		target.Scheme = "https"
	case "http", "ws":
		target.Scheme = "http"
	}
	if host := last(r.Header, "X-Forwarded-Host"); isHost(host) {
		out.Host = host
	}
	return &out
}

// client is the nearest address on the way of a request that is no trusted proxy's: every proxy adds whom it got the
// request from at the end of the list, and what is further ahead a caller may have made up. With nothing but proxies it is
// the first of them.
func (p *Proxies) client(r *http.Request) netip.Addr {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	nearest := netip.Addr{}
	for _, hop := range slices.Backward(hops) {
		address := parseHop(hop)
		if !address.IsValid() {
			break
		}
		if nearest = address; !p.trusts(address) {
			break
		}
	}
	return nearest
}

func (p *Proxies) trusts(a netip.Addr) bool {
	networks := p.trusted.Load()
	return networks != nil && slices.ContainsFunc(*networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// peerOf is the address at the other end of a request's connection.
func peerOf(r *http.Request) netip.Addr {
	if address := parseHop(r.RemoteAddr); address.IsValid() {
		return address
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1}) // a Unix socket has none
}

// parseHop reads an address with or without a port; it is not valid if it is none.
func parseHop(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if pair, err := netip.ParseAddrPort(text); err == nil {
		return pair.Addr().Unmap()
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap()
}

// last is the last element of a header, which the proxy next to us has written.
func last(h http.Header, name string) string {
	all := strings.Join(h.Values(name), ",")
	return strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])
}

// isHost reports whether a text can stand in a Host header.
func isHost(text string) bool {
	u, err := url.Parse("http://" + text)
	return err == nil && text != "" && u.Host == text
}
