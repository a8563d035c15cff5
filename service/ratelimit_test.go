package service

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/rpc"
)

// post sends a text to the RPC endpoint and returns the answer.
func (r running) post(t *testing.T, key, text string) string {
	t.Helper()
	response := send(t, http.MethodPost, r.url+"/rpc", text, map[string]string{
		"Content-Type": "application/json", "Authorization": "Bearer " + key,
	})
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// keyOverRPC makes a stored key; those of this process are not bound by rates.
func keyOverRPC(t *testing.T, s running) string {
	t.Helper()
	client := s.Client(t.Context(), s.LocalKey())
	defer client.Close()
	var made struct {
		Key string `json:"key"`
	}
	if err := client.Call(t.Context(), "createKey", map[string]any{"access": "full"}, &made); err != nil {
		t.Fatal(err)
	}
	return made.Key
}

func TestAKeyIsHeldToItsRateAtEveryAddress(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.RateLimits.Key = Rate{PerSecond: 0.02, Burst: 4} })
	key, other := keyOverRPC(t, s), keyOverRPC(t, s)

	// A batch counts by its calls.
	one := `{"jsonrpc":"2.0","id":1,"method":"listEvents"}`
	answer := s.post(t, key, "["+strings.Repeat(one+",", 5)+one+"]")
	if refused := strings.Count(answer, `"code":399`); refused != 2 || strings.Count(answer, `"items"`) != 4 {
		t.Fatalf("of a batch of six: %s", answer)
	}
	if !strings.Contains(answer, `"kind":"too_many"`) || !strings.Contains(answer, `"retryAfter":50`) {
		t.Errorf("the refusal does not say when to try again: %s", answer)
	}
	socket, err := rpc.Dial(t.Context(), strings.Replace(s.url, "http", "ws", 1)+"/rpc", rpc.DialOptions{Credential: "Bearer " + key})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := socket.Call(t.Context(), "listEvents", nil, nil); err == nil || !strings.Contains(err.Error(), "Too many") {
		t.Errorf("over a WebSocket: %v", err)
	}
	for path, header := range map[string]map[string]string{
		"/v4/webhook/1":   {"Authorization": "Bearer " + key},
		"/api/v1/Webhook": {"Authorization": "Bearer " + key},
	} {
		response := send(t, http.MethodGet, s.url+path, "", header)
		if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") != "50" {
			t.Errorf("%s: %s, Retry-After %q", path, response.Status, response.Header.Get("Retry-After"))
		}
	}
	airstack := send(t, http.MethodPost, s.url+"/api/v1/webhooks", `{}`, map[string]string{"Authorization": key, "Content-Type": "application/json"})
	if airstack.StatusCode != http.StatusTooManyRequests || airstack.Header.Get("Retry-After") != "50" {
		t.Errorf("Airstack's: %s, Retry-After %q", airstack.Status, airstack.Header.Get("Retry-After"))
	}
	if answer := s.post(t, other, one); !strings.Contains(answer, `"items"`) {
		t.Errorf("another key: %s", answer)
	}
	// What is set while the service runs holds at once.
	if err := s.Reload(Options{Data: "unused"}); err != nil {
		t.Fatal(err)
	}
	if answer := s.post(t, key, one); !strings.Contains(answer, `"items"`) {
		t.Errorf("without a rate: %s", answer)
	}
}

func TestAnAddressIsHeldToItsRateWhateverItCalls(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.RateLimits.Address = Rate{PerSecond: 0.02, Burst: 3} })
	for _, text := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":1,"method":"nosuch"}`, `{"jsonrpc":"2.0","id":1,"method":"listEvents"}`,
	} {
		if answer := s.post(t, "nobody's", text); strings.Contains(answer, "399") {
			t.Errorf("%s: %s", text, answer)
		}
	}
	for _, method := range []string{"ping", "nosuch", "rpc.discover", "listEvents"} {
		if answer := s.post(t, "nobody's", `{"id":7,"method":"`+method+`","params":[]}`); !strings.Contains(answer, `"code":399`) {
			t.Errorf("%s: %s", method, answer)
		}
	}
	client := s.Client(t.Context(), s.LocalKey())
	defer client.Close()
	if err := client.Call(t.Context(), "ping", nil, nil); err != nil {
		t.Errorf("in-process: %v", err)
	}
}

func TestTryingKeysIsSlowedByDefault(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := keyOverRPC(t, s)
	one := `{"jsonrpc":"2.0","id":1,"method":"authenticate","params":{"key":"nobody's"}}`
	var answers []struct {
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	text := s.post(t, "", "["+strings.Repeat(one+",", 199)+one+"]")
	if err := json.Unmarshal([]byte(text), &answers); err != nil {
		t.Fatal(err)
	}
	told := map[int]int{}
	for _, a := range answers {
		told[a.Error.Code]++
	}
	if told[300] < 100 || told[300] > 110 || told[300]+told[399] != 200 { // a slow machine may let some more through
		t.Errorf("codes of 200 unknown keys: %v", told)
	}
	if answer := s.post(t, key, `{"jsonrpc":"2.0","id":1,"method":"listEvents"}`); !strings.Contains(answer, `"code":399`) {
		t.Errorf("a key that may have been found by trying: %s", answer)
	}
}

func TestLimitsOfTheRPCEndpointHoldForTheVendorsToo(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.Limits.Text = 100_000 })
	large := `{"handler":"https://example.com/` + strings.Repeat("x", 100_000) + `"}`
	for path, want := range map[string]int{"/rpc": 413, "/v4/webhooks": 400, "/api/v1/Webhook": 413, "/api/v1/webhooks": 413} {
		response := send(t, http.MethodPost, s.url+path, large, map[string]string{
			"Content-Type": "application/json", "Authorization": "Bearer " + s.LocalKey(),
		})
		if response.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, response.Status, want)
		}
	}
}
