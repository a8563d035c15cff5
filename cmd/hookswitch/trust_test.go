package main

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newAuthority starts a receiver over TLS. Its certificate, for 127.0.0.1, signed itself: cert holds it and its own
// authority, key its key.
func newAuthority(t *testing.T) (receiver *httptest.Server, cert, key string) {
	t.Helper()
	receiver = httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	secret, err := x509.MarshalPKCS8PrivateKey(receiver.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: receiver.Certificate().Raw}, key: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return receiver, cert, key
}

// TestEndpointsOfAnAuthorityOfOnesOwn sends to a receiver whose authority only --endpoint-ca knows.
func TestEndpointsOfAnAuthorityOfOnesOwn(t *testing.T) {
	t.Parallel()
	receiver, cert, _ := newAuthority(t)
	for _, c := range []struct {
		flags []string
		says  string
		code  int
	}{
		{nil, "certificate", 1},
		{[]string{"--endpoint-ca", cert}, "200", 0},
	} {
		s := startServer(t, t.TempDir(), adminKey, c.flags...)
		for _, arguments := range [][]string{
			{"webhooks", "create", "--endpoint", receiver.URL, "--events", "*"},
			{"webhooks", "test", "1"},
		} {
			process := exec.Command("hookswitch", arguments...)
			process.Env = append(process.Environ(), "HOOKSWITCH_SERVER="+s.address, "HOOKSWITCH_KEY="+adminKey)
			out, _ := process.CombinedOutput() // its code is looked at
			if code := process.ProcessState.ExitCode(); arguments[1] == "test" && (code != c.code || !strings.Contains(string(out), c.says)) {
				t.Errorf("serve %q: code %d, %s, want %s", c.flags, code, out, c.says)
			}
		}
	}
}

// TestAServiceOfAnAuthorityOfOnesOwn calls a service whose authority only --ca knows.
func TestAServiceOfAnAuthorityOfOnesOwn(t *testing.T) {
	t.Parallel()
	_, cert, key := newAuthority(t)
	s := startServer(t, t.TempDir(), adminKey, "--tls-cert", cert, "--tls-key", key)
	for _, scheme := range []string{"https", "wss"} {
		address := scheme + strings.TrimPrefix(s.address, "https")
		commandsReach(t, address, "HOOKSWITCH_CA="+cert)
		for _, c := range []struct {
			server, ca string
			says       string // the second line, and what comes after it
			code       int
		}{
			{address, "", "  if that authority is your own, --ca or HOOKSWITCH_CA names its certificate, a PEM file\n", 3},
			{strings.Replace(address, "127.0.0.1", "localhost", 1), cert, "  --server or HOOKSWITCH_SERVER must name the service as its certificate does\n", 3},
			{address, key, "", 2},
			{address, cert + "x", "", 2},
		} {
			for _, arguments := range [][]string{{"call", "ping"}, {"backup", filepath.Join(t.TempDir(), "backup")}} {
				process := exec.Command("hookswitch", append(arguments, "--server", c.server, "--ca", c.ca)...)
				out, _ := process.CombinedOutput() // its code is looked at
				_, second, _ := strings.Cut(string(out), "\n")
				if code := process.ProcessState.ExitCode(); code != c.code || second != c.says {
					t.Errorf("%q at %s: code %d, %s", arguments, c.server, code, out)
				}
			}
		}
	}
}
