package service

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"
)

// TestTheServerIsAsItsOpenRPCDocumentSays runs OpenRPC's own coverage tool against a server: every example and random
// parameters of every method, each answer held against the document, and the document against three meta-schemas.
func TestTheServerIsAsItsOpenRPCDocumentSays(t *testing.T) {
	t.Parallel()
	needNPM(t)
	s := open(t, func(o *Options) { o.BackupDir = t.TempDir() })
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	c := exec.CommandContext(t.Context(), "node", "openrpc.js", s.url, s.LocalKey(), receiver.URL)
	c.Dir = "../clients/npm"
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
