package delivery

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync/atomic"
)

// guard knows which addresses deliveries may go to: public unicast ones, and what the operator allows besides.
type guard struct {
	refused []netip.Prefix
	allowed atomic.Pointer[[]netip.Prefix]
}

// newGuard refuses everything that IANA's special-purpose registries (IPv4 and IPv6, as of 2026) do not call globally
// reachable, multicast, and the metadata service that one cloud keeps at a public address.
func newGuard(allowed []netip.Prefix) *guard {
	ranges := []string{
		"0.0.0.0/8",        // this network; 0.0.0.0 reaches the host itself
		"10.0.0.0/8",       // private
		"100.64.0.0/10",    // carrier-grade NAT, and Alibaba's metadata 100.100.100.200
		"127.0.0.0/8",      // loopback
		"168.63.129.16/32", // Azure's wire server, inside every virtual network
		"169.254.0.0/16",   // link-local, and most clouds' metadata 169.254.169.254
		"172.16.0.0/12",    // private
		"192.0.0.0/24",     // protocol assignments, and Oracle's metadata 192.0.0.192
		"192.0.2.0/24",     // documentation
		"192.88.99.0/24",   // 6to4 relays, deprecated
		"192.168.0.0/16",   // private
		"198.18.0.0/15",    // benchmarking
		"198.51.100.0/24",  // documentation
		"203.0.113.0/24",   // documentation
		"224.0.0.0/4",      // multicast
		"240.0.0.0/4",      // reserved, and broadcast
		"::/96",            // unspecified, loopback, IPv4-compatible (deprecated)
		"::ffff:0:0/96",    // IPv4-mapped
		"::ffff:0:0:0/96",  // IPv4-translated
		"64:ff9b:1::/48",   // NAT64 of local use
		"100::/64",         // discard
		"100:0:0:1::/64",   // dummy
		"2001::/23",        // protocol assignments but Teredo, see embedded
		"2001:db8::/32",    // documentation
		"3fff::/20",        // documentation
		"5f00::/16",        // segment routing
		"fc00::/7",         // unique local, and metadata fd00:ec2::254
		"fe80::/10",        // link-local
		"fec0::/10",        // site-local, deprecated
		"ff00::/8",         // multicast
	}
	g := &guard{}
	g.allow(allowed)
	for _, text := range ranges {
		g.refused = append(g.refused, netip.MustParsePrefix(text))
	}
	return g
}

// permits reports whether a delivery may go to that address.
func (g *guard) permits(a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	if g.allows(a.WithZone("")) || g.allows(a.Unmap().WithZone("")) {
		return true
	}
	if a.Zone() != "" {
		return false
	}
	if inner, ok := embedded(a); ok {
		return g.permits(inner)
	}
	if slices.ContainsFunc(g.refused, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return false
	}
	return a.Is4() || globalUnicast.Contains(a)
}

// allow replaces what the operator allows.
func (g *guard) allow(networks []netip.Prefix) {
	networks = slices.Clone(networks)
	g.allowed.Store(&networks)
}

func (g *guard) allows(a netip.Addr) bool {
	return slices.ContainsFunc(*g.allowed.Load(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// The IPv6 ranges that decide what an address is. globalUnicast is all that IANA has given out; the rest of the space is
// reserved, and NAT64's well-known prefix, which lies outside, is dealt with by embedded.
var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour     = netip.MustParsePrefix("2002::/16")
	teredo        = netip.MustParsePrefix("2001::/32")
)

// embedded is the IPv4 address a packet to a ends up at, when a is a NAT64, 6to4 or Teredo address (RFC 6052, 3056, 4380).
func embedded(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case nat64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case teredo.Contains(a):
		// The client's address is stored inverted.
		var client [4]byte
		binary.BigEndian.PutUint32(client[:], ^binary.BigEndian.Uint32(b[12:16]))
		return netip.AddrFrom4(client), true
	}
	return netip.Addr{}, false
}
