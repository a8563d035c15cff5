package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"

	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// everyName is a DNS server to which every name is an address of this machine.
func everyName(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // the authority asks by TCP only
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		reply := new(dns.Msg).SetReply(r)
		if q := r.Question[0]; q.Qtype == dns.TypeA {
			header := dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}
			reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: net.IPv4(127, 0, 0, 1)})
		}
		_ = w.WriteMsg(reply) // who asked will ask again
	})}
	go server.ActivateAndServe() // ends with the listener
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// authority is Let's Encrypt's own test server. It asks for its proofs at ports that are known only later.
type authority struct {
	*httptest.Server
	ready chan struct{}
	inner http.Handler
	ca    *ca.CAImpl
}

func startAuthority(t *testing.T) *authority {
	a := &authority{ready: make(chan struct{})}
	a.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-a.ready
		a.inner.ServeHTTP(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

// open has the authority look for proofs at these ports.
func (a *authority) open(t *testing.T, httpPort, tlsPort int) {
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	a.ca = ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "default"}})
	proofs := va.New(quiet, httpPort, tlsPort, false, everyName(t), store)
	front := wfe.New(quiet, store, proofs, a.ca, []string{"ca.example"}, false, false, 1, 1)
	a.inner = front.Handler()
	close(a.ready)
}

// TestCertificateByACME gets a certificate from a real ACME server by either proof, and keeps it over a restart.
func TestCertificateByACME(t *testing.T) {
	t.Parallel()
	const host = "hooks.example.com"
	for _, proof := range []string{"tls-alpn-01", "http-01"} {
		t.Run(proof, func(t *testing.T) {
			t.Parallel()
			authority := startAuthority(t)
			trusted := filepath.Join(t.TempDir(), "authority.pem")
			text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw})
			if err := os.WriteFile(trusted, text, 0o600); err != nil {
				t.Fatal(err)
			}
			data := t.TempDir()
			flags := []string{"--data", data, "--acme-host", host, "--acme-directory", authority.URL + wfe.DirectoryPath}
			if proof == "http-01" {
				flags = append(flags, "--acme-http-listen", "127.0.0.1:0")
			}
			trust := func(c *exec.Cmd) { c.Env = append(c.Env, "SSL_CERT_FILE="+trusted) }
			s := startWith(t, adminKey, trust, flags...)
			if proof == "http-01" {
				line, _ := s.await(t, 0, "serving acme-http")
				var said struct {
					Address string `json:"address"`
				}
				if err := json.Unmarshal([]byte(line), &said); err != nil {
					t.Fatal(err)
				}
				authority.open(t, portOf(t, said.Address), 1) // nothing listens at port 1, so the other proof fails
			} else {
				authority.open(t, 1, portOf(t, s.address))
			}
			s.await(t, 0, "the certificate of ACME is there")
			first := shownTo(t, authority, s, host)
			if err := s.stop(t); err != nil {
				t.Error(err)
			}
			authority.Close()
			again := startWith(t, adminKey, trust, flags...)
			if second := shownTo(t, authority, again, host); !second.Equal(first) {
				t.Error("the certificate was not kept")
			}
		})
	}
}

// shownTo is the certificate that a caller of host sees, who trusts the authority.
func shownTo(t *testing.T, a *authority, s *server, host string) *x509.Certificate {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(a.ca.GetRootCert(0).Cert)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.address, "https://"), &tls.Config{ServerName: host, RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
