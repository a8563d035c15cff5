package delivery

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// libc resolves names as the most obliging of C libraries does: it takes addresses in octal, hexadecimal and with fewer than
// four parts, and names of the machine itself.
type libc struct{}

func (libc) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || name == "private.example" {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}, nil
	}
	parts := strings.Split(name, ".")
	var sum uint64
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 0, 32)
		if err != nil {
			return nil, &net.DNSError{Name: host, IsNotFound: true}
		}
		if i == len(parts)-1 {
			sum += n // the last part fills what is left
		} else {
			sum += n << (8 * (3 - i))
		}
	}
	return []netip.Addr{netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})}, nil
}

// TestEverySpellingOfAPrivateAddressIsRefused goes through the whole way of an endpoint: what a registration lets pass is
// looked up and dialled, and never reaches a socket.
func TestEverySpellingOfAPrivateAddressIsRefused(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{
		"http://127.0.0.1/", "http://127.0.0.1./", "http://127.1/", "http://127.0.1/", "http://0177.0.0.1/", "http://0x7f.1/",
		"http://0x7f.0.0.1/", "http://0X7F.0.0.0x1/", "http://2130706433/", "http://0x7f000001/", "http://017700000001/",
		"http://00000177.0.0.1/", "http://127.0x1/", "http://0/", "http://0.0.0.0/", "http://0x0/",
		"http://10.1/", "http://012.0.0.1/", "http://167772161/", "http://0xa000001/", "http://192.168.257/", "http://0300.0250.1.1/",
		"http://172.16.1/", "http://2886729729/", "http://169.254.169.254/", "http://0251.0376.0251.0376/", "http://2852039166/",
		"http://0xa9fea9fe/", "http://169.16689662/", "http://100.100.100.200/", "http://localhost/", "http://LOCALHOST./",
		"http://a.localhost/", "http://private.example/", "http://private.example.:8080/", "https://127.0.0.1:8443/",
		"http://[::1]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
		"http://[0:0:0:0:0:ffff:10.0.0.1]/", "http://[::127.0.0.1]/", "http://[::ffff:0:127.0.0.1]/",
		"http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::1]/",
		"http://[2002:7f00:1::]/", "http://[2002:a9fe:a9fe::1]/", "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
		"http://[fd00:ec2::254]/", "http://[fe80::1]/", "http://[fec0::1]/", "http://[ff02::1]/", "http://[2001:db8::1]/",
		"http://[fe80::1%25eth0]/", "http://[::1%25lo]/", "http://[2a00:1450:4001::1%25eth0]/",
		"http://１２７.0.0.1/", "http://127。0。0。1/", "http://①②⑦.0.0.1/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
		"http://8.8.8.8@127.0.0.1/", "http://8.8.8.8:80@127.0.0.1/", "http://127.0.0.1#@8.8.8.8/", "http://127.0.0.1\\@8.8.8.8/",
		"http://127.0.0.1%2f@8.8.8.8/", "http://127.0.0.1%00.example.com/", "http://8.8.8.8\t@127.0.0.1/", "http:///127.0.0.1/",
		"http:127.0.0.1/", "//127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "unix:///run/socket", "http://:80/",
	} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			if CheckEndpoint(endpoint) != "" {
				return // it is not registered
			}
			dialled := atomic.Int32{}
			dial := func(context.Context, string, string) (net.Conn, error) {
				dialled.Add(1)
				return nil, net.ErrClosed
			}
			s := newSender(newDialler(newGuard(nil), libc{}, dial), "test", 1, nil)
			u, err := url.Parse(endpoint)
			if err != nil {
				t.Fatal(err)
			}
			got := s.send(t.Context(), u, Request{Body: []byte("x")}, 5*time.Second)
			if dialled.Load() != 0 || got.answer.Error != schemas.ErrorRefused && got.answer.Error != schemas.ErrorDNS {
				t.Errorf("dialled %d times, %q: %s", dialled.Load(), got.answer.Error, got.message)
			}
		})
	}
}

// TestSocketItselfIsChecked takes the place of whatever lies between the check of the name and the connection: the second check
// sees the address that the socket is about to use.
func TestSocketItselfIsChecked(t *testing.T) {
	t.Parallel()
	accepted := atomic.Int32{}
	address := listen(t, func(c net.Conn) {
		accepted.Add(1)
		_ = c.Close()
	})
	d := newDialler(newGuard(nil), nil, nil)
	conn, err := d.dial(t.Context(), "tcp", address)
	if err == nil {
		_ = conn.Close()
		t.Fatal("connected to a loopback address")
	}
	if f, ok := connectFailure(err).(*failure); !ok || f.kind != schemas.ErrorRefused || accepted.Load() != 0 {
		t.Errorf("%v, accepted %d times", err, accepted.Load())
	}
}

// turncoat answers a public address at first and a private one from then on.
type turncoat struct{ asked atomic.Int32 }

func (r *turncoat) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if r.asked.Add(1) == 1 {
		return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func TestReboundNameGainsNothing(t *testing.T) {
	t.Parallel()
	var dialled []string
	dial := func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return nil, net.ErrClosed
	}
	resolver := &turncoat{}
	s := newSender(newDialler(newGuard(nil), resolver, dial), "test", 1, nil)
	endpoint := mustURL(t, "http://rebound.example/")
	got := s.send(t.Context(), endpoint, Request{Body: []byte("x")}, 5*time.Second)
	if len(dialled) != 1 || dialled[0] != "93.184.216.34:80" || resolver.asked.Load() != 1 || got.answer.Error != schemas.ErrorConnect {
		t.Errorf("asked %d times, dialled %v: %s", resolver.asked.Load(), dialled, got.message)
	}
	got = s.send(t.Context(), endpoint, Request{Body: []byte("x")}, 5*time.Second)
	if len(dialled) != 1 || got.answer.Error != schemas.ErrorRefused {
		t.Errorf("dialled %v: %s", dialled, got.message)
	}
}
