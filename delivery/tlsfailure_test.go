package delivery

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// authority signs receivers' certificates.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate for 127.0.0.1 that change spoils.
func (a *authority) issue(change func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "receiver"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	key := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secure serves with a configuration and returns the address.
func secure(t *testing.T, config *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestWhatIsWrongWithTLSIsNamed(t *testing.T) {
	t.Parallel()
	a, stranger := newAuthority(t), newAuthority(t)
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	with := func(c tls.Certificate) string { return secure(t, &tls.Config{Certificates: []tls.Certificate{c}}) }
	spoilt := func(change func(*x509.Certificate)) string { return with(a.issue(change)) }
	raw := func(answer string) string {
		return listen(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
		})
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c); _ = c.Close() })
	good := a.issue(nil)
	for name, c := range map[string]struct {
		address string
		timeout time.Duration
		fault   schemas.AttemptError
		message string
	}{
		"nothing": {address: with(good)},
		"expired": {
			address: spoilt(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
			fault:   schemas.ErrorTLS, message: "TLS failed: the certificate has expired or is not valid yet",
		},
		"not valid yet": {
			address: spoilt(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) }),
			fault:   schemas.ErrorTLS, message: "TLS failed: the certificate has expired or is not valid yet",
		},
		"other host": {
			address: spoilt(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"secret.example"} }),
			fault:   schemas.ErrorTLS, message: "TLS failed: the certificate is for another host",
		},
		"name in the subject only": {
			address: spoilt(func(c *x509.Certificate) { c.IPAddresses, c.Subject.CommonName = nil, "127.0.0.1" }),
			fault:   schemas.ErrorTLS, message: "TLS failed: the certificate is for another host",
		},
		"unknown authority": {
			address: with(stranger.issue(nil)),
			fault:   schemas.ErrorTLS, message: "TLS failed: the certificate is signed by an unknown authority",
		},
		"for clients": {
			address: spoilt(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }),
			fault:   schemas.ErrorTLS, message: "TLS failed: the certificate is not valid",
		},
		"TLS 1.1": {
			address: secure(t, &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}),
			fault:   schemas.ErrorTLS, message: "TLS failed: the endpoint offers no TLS of version 1.2 or later",
		},
		"no cipher in common": {
			address: secure(t, &tls.Config{
				Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA},
			}),
			fault: schemas.ErrorTLS, message: "TLS failed: the endpoint answered \"handshake failure\"",
		},
		"plain HTTP": {
			address: plain.Listener.Addr().String(),
			fault:   schemas.ErrorTLS, message: "TLS failed: the endpoint does not speak TLS",
		},
		"SSH": {
			address: raw("SSH-2.0-OpenSSH\r\n"),
			fault:   schemas.ErrorTLS, message: "TLS failed: the endpoint does not speak TLS",
		},
		"closed in the handshake": {
			address: raw(""),
			fault:   schemas.ErrorTLS, message: "TLS failed: the connection broke off in the handshake",
		},
		"broken record": {
			address: raw("\x16\x03\x03\x00\x05hello"),
			fault:   schemas.ErrorTLS, message: "TLS failed: the handshake failed",
		},
		"silence": {
			address: silent, timeout: 200 * time.Millisecond,
			fault: schemas.ErrorTimeout, message: "the endpoint did not answer in time",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := c.timeout
			if timeout == 0 {
				timeout = 20 * time.Second
			}
			got := testSender(t, roots).send(t.Context(), mustURL(t, "https://"+c.address+"/"), Request{Body: []byte("x")}, timeout)
			if got.answer.Error != c.fault || got.message != c.message || (got.answer.Status == 200) != (c.fault == schemas.ErrorNone) {
				t.Errorf("status %d, error %q: %q, want %q", got.answer.Status, got.answer.Error, got.message, c.message)
			}
			if strings.Contains(got.message, "secret") || strings.Contains(got.message, "127.0.0.1") {
				t.Errorf("the message names a host: %q", got.message)
			}
		})
	}
}
