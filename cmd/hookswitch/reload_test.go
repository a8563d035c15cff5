package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/rpc"
)

// reload writes a configuration, sends SIGHUP and returns what the log says of it.
func (s *server) reload(t *testing.T, path, text string, after int) (line string, n int) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	return s.await(t, after, "reloaded")
}

func TestReloadOpensAndShutsNetworksOfEndpoints(t *testing.T) {
	t.Parallel()
	arrived := make(chan string, 16)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.Header.Get("webhook-id") }))
	defer receiver.Close()
	path := t.TempDir() + "/hookswitch.yaml"
	shut, open := "log-level: info\ntimeout: 5s\n", "log-level: debug\ntimeout: 5s\nallow-endpoint: 127.0.0.0/8\n"
	if err := os.WriteFile(path, []byte(shut), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startBare(t, adminKey, "--config", path, "--data", t.TempDir(), "--retry", "native=1h")
	client, err := rpc.Dial(t.Context(), s.address+"/rpc", rpc.DialOptions{Credential: "Bearer " + adminKey})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	subscribe(t, s, receiver.URL)
	publish := func(id string) {
		if err := client.Call(t.Context(), "publishEvent", map[string]any{"type": "crash.order", "id": id}, nil); err != nil {
			t.Fatal(err)
		}
	}
	publish("refused")
	awaitState(t, client, "refused", "retrying")

	line, n := s.reload(t, path, open, 0)
	for _, want := range []string{"allow-endpoint", "log-level"} {
		if !strings.Contains(line, want) {
			t.Errorf("the log does not say that %s has changed: %s", want, line)
		}
	}
	publish("allowed")
	if got := <-arrived; got != "allowed" {
		t.Errorf("%s arrived", got)
	}
	if line, _ = s.await(t, n, `"message":"call"`); !strings.Contains(line, `"level":"debug"`) {
		t.Errorf("not a line of debug: %s", line)
	}

	// What can't change waits, and says so; a fault changes nothing.
	_, n = s.reload(t, path, open+"retention: 48h\n", n)
	if line, n = s.await(t, n, "next start"); !strings.Contains(line, `"settings":["retention"]`) {
		t.Errorf("the log does not say that retention waits: %s", line)
	}
	line, n = s.reload(t, path, shut+"lisen: x\nlog-level: loud\n", n)
	var failed struct {
		Level  string   `json:"level"`
		Faults []string `json:"faults"`
	}
	if err := json.Unmarshal([]byte(line), &failed); err != nil || failed.Level != "error" || len(failed.Faults) != 2 ||
		!strings.HasPrefix(failed.Faults[0], path+":3: unknown key") {
		t.Errorf("a bad file: %s", line)
	}
	publish("still-allowed")
	if got := <-arrived; got != "still-allowed" {
		t.Errorf("%s arrived", got)
	}

	s.reload(t, path, shut, n)
	publish("refused-again")
	awaitState(t, client, "refused-again", "retrying")
	if len(arrived) > 0 {
		t.Errorf("%s arrived over a connection that is not allowed any more", <-arrived)
	}
}

// awaitState waits until the one delivery of an event is in a state. That is a fact of another process, so it polls.
func awaitState(t *testing.T, client *rpc.Client, event, state string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	last := ""
	for range 500 {
		var page struct {
			Items []struct {
				State string `json:"state"`
			} `json:"items"`
		}
		if err := client.Call(t.Context(), "listDeliveries", map[string]any{"event": event}, &page); err != nil {
			t.Fatal(err)
		}
		if len(page.Items) == 1 {
			if last = page.Items[0].State; last == state {
				return
			}
		}
		<-tick.C
	}
	t.Fatalf("the delivery of %s is %q, never %q", event, last, state)
}
