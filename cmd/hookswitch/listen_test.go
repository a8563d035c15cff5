package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/hookswitch/hookswitch/rpc"
)

// TestListenForwardsOverARestart: what the local program refuses comes again, what is published after the service was away
// comes too, each signed as a webhook's; and nothing is left when it ends.
func TestListenForwardsOverARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServer(t, dir, adminKey)
	type arrival struct {
		header http.Header
		body   string
	}
	arrivals := make(chan arrival, 16)
	var refusals atomic.Int64
	refusals.Store(1)
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read an event: %v", err)
		}
		if refusals.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		arrivals <- arrival{r.Header, string(body)}
	}))
	defer program.Close()

	command := exec.Command("hookswitch", "listen", "--forward", program.URL, "--events", "order.*", "--json")
	command.Env = append(command.Environ(), "HOOKSWITCH_KEY="+adminKey, "HOOKSWITCH_SERVER="+s.address)
	said := &bufferWithSignal{wanted: "secret", found: make(chan struct{})}
	var shown bufferWithSignal
	shown.wanted, shown.found = "paid-2", make(chan struct{})
	command.Stderr, command.Stdout = said, &shown
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = command.Process.Kill() }()
	within(t, said.found, "the secret")
	verifier, err := standardwebhooks.NewWebhook(regexp.MustCompile(`whsec_\S+`).FindString(said.String()))
	if err != nil {
		t.Fatal(err)
	}
	// What was settled just when the server stopped may come again.
	expect := func(id string, maybeAgain ...string) {
		t.Helper()
		for {
			select {
			case got := <-arrivals:
				came := got.header.Get("webhook-id")
				if err := verifier.Verify([]byte(got.body), got.header); err != nil {
					t.Errorf("%s is not signed: %v", came, err)
				}
				if slices.Contains(maybeAgain, came) {
					continue
				}
				if came != id {
					t.Errorf("got %s %s, want %s", came, got.body, id)
				}
				return
			case <-time.After(60 * time.Second):
				t.Fatalf("%s was not forwarded; listen says %s", id, said.String())
			}
		}
	}
	publish(t, s, "paid-1")
	expect("paid-1")
	expect("paid-1") // it was refused

	if err := s.stop(t); err != nil {
		t.Error(err)
	}
	again := startServer(t, dir, adminKey, "--listen", strings.TrimPrefix(s.address, "http://"))
	publish(t, again, "paid-2")
	expect("paid-2", "paid-1")
	within(t, shown.found, "a line for paid-2")

	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("listen ended by %v", err)
	}
	var left struct {
		Items []json.RawMessage `json:"items"`
	}
	ask(t, again, "listSubscriptions", nil, &left)
	if len(left.Items) > 0 {
		t.Errorf("left behind: %s", left.Items)
	}
	var first forwarded
	if err := json.Unmarshal([]byte(strings.SplitN(shown.String(), "\n", 2)[0]), &first); err != nil || first.Event != "paid-1" || first.Status != 503 {
		t.Errorf("the first line is %+v, %v", first, err)
	}
}

// TestListenShowsWhatIsInAnEvent: without --forward the event is printed, a part of it for people and all of it as JSON.
func TestListenShowsWhatIsInAnEvent(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey)
	listen := func(flags ...string) *bufferWithSignal {
		command := exec.Command("hookswitch", append([]string{"listen", "--events", "order.*"}, flags...)...)
		command.Env = append(command.Environ(), "HOOKSWITCH_KEY="+adminKey, "HOOKSWITCH_SERVER="+s.address)
		said := &bufferWithSignal{wanted: "Listening", found: make(chan struct{})}
		shown := &bufferWithSignal{wanted: "last", found: make(chan struct{})}
		command.Stderr, command.Stdout = said, shown
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = command.Process.Signal(syscall.SIGINT); _ = command.Wait() })
		within(t, said.found, "listening")
		if strings.Contains(said.String(), "whsec_") {
			t.Error("a secret is shown that signs nothing")
		}
		return shown
	}
	people, programs := listen(), listen("--json")
	many := make([]int, 100)
	ask(t, s, "publishEvent", map[string]any{
		"type": "order.paid", "id": "first", "source": "shop", "attributes": map[string]any{"list_id": 7},
		"data": map[string]any{"customer": map[string]any{"name": "J\u009b1mö"}, "amount": json.RawMessage("12.50"), "paid": true},
	}, nil)
	ask(t, s, "publishEvent", map[string]any{"type": "order.paid", "id": "long", "data": map[string]any{"text": strings.Repeat("x", 1000), "zeros": many}}, nil)
	ask(t, s, "publishEvent", map[string]any{"type": "order.paid", "id": "last"}, nil)
	within(t, people.found, "the last event")
	within(t, programs.found, "the last event's line")
	text := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d`).ReplaceAllString(people.String(), "12:34:56")
	wants := []string{
		"12:34:56  order.paid  first\n  source shop\n  attributes {\"list_id\":7}\n  {\n    \"amount\": 12.50,\n    \"customer\": {\n" +
			"      \"name\": \"J 1mö\"\n    },\n    \"paid\": true\n  }\n",
		"x…\n    \"zeros\": [\n", "      0,\n  … 65 more lines; --json shows all\n", "12:34:56  order.paid  last\n",
	}
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("nowhere is %q:\n%s", want, text)
		}
	}
	lines := strings.Split(strings.TrimSpace(programs.String()), "\n")
	var long struct {
		ID   string
		Data struct{ Text string }
	}
	if err := json.Unmarshal([]byte(lines[1]), &long); err != nil || len(lines) != 3 || long.ID != "long" || len(long.Data.Text) != 1000 {
		t.Errorf("%v: %d lines: %.200s", err, len(lines), lines)
	}
}

// listening starts a listen with flags, and returns when it has its subscription.
func listening(t *testing.T, s *server, flags ...string) (command *exec.Cmd, said *bufferWithSignal) {
	t.Helper()
	command = exec.Command("hookswitch", append([]string{"listen"}, flags...)...)
	command.Env = append(command.Environ(), "HOOKSWITCH_KEY="+adminKey, "HOOKSWITCH_SERVER="+s.address)
	said = &bufferWithSignal{wanted: "Listening", found: make(chan struct{})}
	command.Stderr = said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	within(t, said.found, "listening")
	return command, said
}

// TestAKilledListenLeavesNothingForEver: what it could not remove itself the service removes, and not what another listens by.
func TestAKilledListenLeavesNothingForEver(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey)
	killed, _ := listening(t, s, "--idle-timeout", "1s")
	other, _ := listening(t, s, "--idle-timeout", "1s")
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var left struct{ Items []struct{ ID string } }
	listed := func() int {
		ask(t, s, "listSubscriptions", nil, &left)
		return len(left.Items)
	}
	poll(t, func() bool { return listed() == 1 })
	var trail struct{ Items []struct{ Action string } }
	ask(t, s, "listAuditEntries", map[string]any{"action": "webhook.removed"}, &trail)
	if len(trail.Items) != 1 {
		t.Errorf("the audit log has %+v", trail.Items)
	}
	if err := other.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(); err != nil || listed() != 0 {
		t.Errorf("the other listen ended by %v, %d left", err, len(left.Items))
	}
}

func TestListenSaysHowItsSubscriptionCanBeGone(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey)
	command, said := listening(t, s)
	ask(t, s, "deleteSubscription", []any{regexp.MustCompile(`sub_\w+`).FindString(said.String())}, nil)
	if err := command.Wait(); err == nil || !strings.Contains(said.String(), "--idle-timeout") {
		t.Errorf("it ended by %v, saying %s", err, said.String())
	}
}

func within(t *testing.T, found chan struct{}, what string) {
	t.Helper()
	select {
	case <-found:
	case <-time.After(60 * time.Second):
		t.Fatalf("%s never came", what)
	}
}

func publish(t *testing.T, s *server, id string) {
	t.Helper()
	ask(t, s, "publishEvent", map[string]any{"type": "order.paid", "id": id, "data": map[string]any{"to": "<Jö>"}}, nil)
}

// ask calls a method of a server.
func ask(t *testing.T, s *server, method string, params, result any) {
	t.Helper()
	client, err := rpc.Dial(t.Context(), s.address+"/rpc", rpc.DialOptions{Credential: "Bearer " + adminKey})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Call(t.Context(), method, params, result); err != nil {
		t.Fatal(err)
	}
}

// TestListenToASubscriptionThatIsThere: it is told of, Ctrl-C is the way to end, and the subscription stays.
func TestListenToASubscriptionThatIsThere(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey)
	ask(t, s, "createSubscription", map[string]any{"endpoint": "pull:mine", "events": []string{"*"}}, nil)
	command, said := listening(t, s, "--id", "1")
	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil || said.String() != "Listening as 1; Ctrl-C ends it, and leaves the subscription.\n" {
		t.Errorf("%v: %s", err, said.String())
	}
	ask(t, s, "getWebhook", map[string]any{"id": "1"}, nil)
}
