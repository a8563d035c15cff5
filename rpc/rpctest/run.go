package rpctest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/rpc"
)

// Target is a running server.
type Target struct {
	Server *rpc.Server // what in-process texts go to
	// URL is the http URL of the same server; "" to have one started for the time of the test.
	URL string
	// Vars are names that transcripts may use as $(name): keys, addresses.
	Vars map[string]string
}

// Run runs every transcript that glob finds over every transport. start makes a server, anew for each transcript and
// transport; what it starts it has to end by t.Cleanup. After its last step each connection has to be still alive.
func Run(t *testing.T, glob string, start func(t *testing.T) Target) {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no transcript is named %s", glob)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		script, err := parseTranscript(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".rpc"), func(t *testing.T) {
			t.Parallel()
			for _, transport := range transports() {
				if script.has(transport) {
					t.Run(transport, func(t *testing.T) {
						t.Parallel()
						script.run(t, transport, start(t))
					})
				}
			}
		})
	}
}

// run runs a transcript over one transport.
func (s *transcript) run(t *testing.T, transport string, target Target) {
	if target.URL == "" {
		server := httptest.NewServer(target.Server)
		t.Cleanup(server.Close)
		target.URL = server.URL
	}
	values := vars{}
	for name, value := range target.Vars {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		values[name] = text
	}
	credential, header, err := s.identity(values)
	if err != nil {
		t.Fatal(err)
	}
	w, err := target.connect(t, transport, credential, header)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range s.steps {
		if err := step.run(w, values); err != nil {
			t.Fatalf("line %d: %v", step.line, err)
		}
	}
	if err := alive(w); err != nil {
		t.Fatalf("after the last line: %v", err)
	}
}

// identity fills in the header lines.
func (s *transcript) identity(values vars) (string, http.Header, error) {
	credential, err := values.fill(s.credential)
	if err != nil {
		return "", nil, err
	}
	header := http.Header{}
	for name, all := range s.header {
		for _, value := range all {
			filled, err := values.fill(value)
			if err != nil {
				return "", nil, err
			}
			header.Add(name, filled)
		}
	}
	return credential, header, nil
}

// run sends one text and compares what comes back.
func (s step) run(w wire, values vars) error {
	text, err := values.fill(s.send)
	if err != nil {
		return err
	}
	if err := w.send(text); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if len(s.expect) == 0 {
		return silence(w)
	}
	for _, e := range s.expect {
		got, err := w.receive()
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if err := e.check(got, values); err != nil {
			return fmt.Errorf("line %d: %w\n got: %s", e.line, err, got)
		}
	}
	return nil
}

func (e expectation) check(got string, values vars) error {
	if !e.exact {
		return values.match(e.text, got)
	}
	want, err := values.fill(e.text)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("expected exactly: %s", want)
	}
	return nil
}

// silence checks that nothing is answered. Where silence cannot be seen, what comes next must be the answer to a
// question asked now.
func silence(w wire) error {
	if h, ok := w.(*httpWire); ok {
		if h.answer != "" {
			return fmt.Errorf("expected no answer, got %s", h.answer)
		}
		return nil
	}
	return alive(w)
}

// alive checks that the connection still answers. No server has the method asked for.
func alive(w wire) error {
	if err := w.send(`{"jsonrpc":"2.0","method":"rpc.alive","id":"alive?"}`); err != nil {
		return fmt.Errorf("the connection is dead: %w", err)
	}
	got, err := w.receive()
	if err != nil {
		return fmt.Errorf("the connection is dead: %w", err)
	}
	const want = `{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":"alive?"}`
	return vars{}.match(want, got)
}
