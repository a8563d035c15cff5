package service

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/rpc"
)

// writePair writes a self-signed certificate of this serial number for 127.0.0.1, and its key.
func writePair(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().AddDate(100, 0, 0), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// listenAndServe has a service answer on a listener of its own until the test ends.
func listenAndServe(t *testing.T, serve func(context.Context, net.Listener) error) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return listener.Addr().String()
}

// secureClient trusts the certificate of a file.
func secureClient(t *testing.T, cert string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestEverythingWorksOverTLS(t *testing.T) {
	t.Parallel()
	cert, key := writePair(t, t.TempDir(), 1)
	s := open(t, func(o *Options) { o.TLS = TLS{CertFile: cert, KeyFile: key} })
	address := listenAndServe(t, s.Serve)
	client := secureClient(t, cert)

	response, err := client.Get("https://" + address + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.ProtoMajor != 2 || response.StatusCode != http.StatusOK {
		t.Errorf("%s %s, want HTTP/2 and 200", response.Proto, response.Status)
	}
	for _, scheme := range []string{"https", "wss"} {
		caller, err := rpc.Dial(t.Context(), scheme+"://"+address+"/rpc", rpc.DialOptions{
			Credential: "Bearer " + s.LocalKey(), HTTPClient: client,
		})
		if err != nil {
			t.Fatalf("%s: %v", scheme, err)
		}
		defer caller.Close()
		var link struct {
			URL string `json:"url"`
		}
		if err := caller.Call(t.Context(), "createPortalLink", nil, &link); err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
		if !strings.HasPrefix(link.URL, "https://"+address+"/") {
			t.Errorf("%s: a link to %q", scheme, link.URL)
		}
	}
	old := &tls.Config{MaxVersion: tls.VersionTLS11, InsecureSkipVerify: true} //nolint:gosec // to see it refused
	if conn, err := tls.Dial("tcp", address, old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 was taken")
	}
}

// serial is that of the certificate a server shows.
func serial(t *testing.T, address string) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestReloadTakesAnotherCertificate(t *testing.T) {
	t.Parallel()
	cert, key := writePair(t, t.TempDir(), 1)
	s := open(t, func(o *Options) { o.TLS = TLS{CertFile: cert, KeyFile: key} })
	address := listenAndServe(t, s.Serve)
	next := Options{Data: "unused", TLS: TLS{}}
	next.TLS.CertFile, next.TLS.KeyFile = writePair(t, t.TempDir(), 2)
	if err := s.Reload(next); err != nil {
		t.Fatal(err)
	}
	if got := serial(t, address); got != 2 {
		t.Errorf("certificate %d after a reload", got)
	}
	for name, bad := range map[string]TLS{
		"no TLS":              {},
		"ACME":                {ACMEHosts: []string{"hooks.example.com"}},
		"a key of another":    {CertFile: cert, KeyFile: next.TLS.KeyFile},
		"a file that is gone": {CertFile: cert + ".gone", KeyFile: key},
	} {
		if err := s.Reload(Options{Data: "unused", TLS: bad}); err == nil {
			t.Errorf("%s: reloaded", name)
		}
	}
	if got := serial(t, address); got != 2 {
		t.Errorf("certificate %d after reloads that failed", got)
	}
}

func TestAChangedCertificateIsTakenOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := writePair(t, dir, 1)
	synctest.Test(t, func(t *testing.T) {
		var p pair
		if err := p.use(cert, key); err != nil {
			t.Fatal(err)
		}
		shown := func() int64 {
			got, err := p.get(nil)
			if err != nil {
				t.Fatal(err)
			}
			return got.Leaf.SerialNumber.Int64()
		}
		writePair(t, dir, 2)
		if got := shown(); got != 1 {
			t.Errorf("certificate %d before it was time to look", got)
		}
		time.Sleep(lookEvery)
		if got := shown(); got != 2 {
			t.Errorf("certificate %d after the files have changed", got)
		}
		if err := os.WriteFile(cert, []byte("half written"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		if got := shown(); got != 2 {
			t.Errorf("certificate %d while the file is no good", got)
		}
		writePair(t, dir, 30)
		time.Sleep(lookEvery)
		if got := shown(); got != 30 {
			t.Errorf("certificate %d after the file is good again", got)
		}
	})
}

func TestOptionsOfTLSThatContradict(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]TLS{
		"a certificate without a key": {CertFile: "c"},
		"a key without a certificate": {KeyFile: "k"},
		"both ways":                   {CertFile: "c", KeyFile: "k", ACMEHosts: []string{"a.example"}},
		"an address without a host":   {ACMEEmail: "a@example.com"},
		"a host with a port":          {ACMEHosts: []string{"hooks.example.com:443"}},
		"a wildcard":                  {ACMEHosts: []string{"*.example.com"}},
		"a short name":                {ACMEHosts: []string{"hooks"}},
		"files that are not there":    {CertFile: "nosuch", KeyFile: "nosuch"},
	} {
		dir := t.TempDir()
		if s, err := Open(t.Context(), Options{Data: filepath.Join(dir, "data"), TLS: bad}); err == nil {
			s.Close(t.Context())
			t.Errorf("%s: opened", name)
		}
		if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
			t.Errorf("%s: a store was made all the same", name)
		}
	}
}

func TestAdminAddressesAreSeparateWhenAsked(t *testing.T) {
	t.Parallel()
	get := func(url string) (status int, body string) {
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	together, apart := open(t), open(t, func(o *Options) { o.SeparateAdmin = true })
	admin := "http://" + listenAndServe(t, apart.ServeAdmin)
	for _, c := range []struct {
		url  string
		want int
	}{
		{together.url + "/livez", 200}, {together.url + "/readyz", 200}, {together.url + "/debug/pprof/", 404},
		{apart.url + "/livez", 404}, {apart.url + "/readyz", 404}, {apart.url + "/debug/pprof/", 404},
		{admin + "/livez", 200}, {admin + "/readyz", 200}, {admin + "/debug/pprof/heap?debug=1", 200}, {admin + "/rpc", 404},
	} {
		if status, body := get(c.url); status != c.want {
			t.Errorf("%s: %d, want %d: %s", c.url, status, c.want, body)
		}
	}
}

func TestConnectionsBeyondTheMostWait(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.MaxConnections = 1 })
	address := listenAndServe(t, s.Serve)
	first, err := rpc.Dial(t.Context(), "ws://"+address+"/rpc", rpc.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error, 1)
	go func() {
		response, err := http.Get("http://" + address + "/livez")
		if err == nil {
			response.Body.Close()
		}
		second <- err
	}()
	if err := first.Call(t.Context(), "ping", nil, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-second:
		t.Fatalf("a second connection was served beside the first: %v", err)
	default:
	}
	first.Close()
	if err := <-second; err != nil {
		t.Errorf("the second connection, once the first had ended: %v", err)
	}
}
