package main

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hookswitch/hookswitch/rpc"
)

// TestADeliveryShowsItsExchanges has a receiver refuse an event twice, with what a terminal would obey and more than anybody
// reads, and take it then.
func TestADeliveryShowsItsExchanges(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 3 {
			return
		}
		w.Header().Set("X-Reason", "closed")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("try \x1b[31mlater\r\nplease " + strings.Repeat("é", 2000)))
	}))
	t.Cleanup(receiver.Close)
	s := startServer(t, t.TempDir(), adminKey)
	client, err := rpc.Dial(t.Context(), s.address+"/rpc", rpc.DialOptions{Credential: "Bearer " + adminKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	hook := map[string]any{"endpoint": receiver.URL, "events": []string{"*"}, "retry": []float64{0.01, 0.01, 0.01}}
	if err := client.Call(t.Context(), "createSubscription", hook, nil); err != nil {
		t.Fatal(err)
	}
	if err := client.Call(t.Context(), "publishEvent", map[string]any{"type": "order.paid", "id": "paid-7", "data": "here"}, nil); err != nil {
		t.Fatal(err)
	}
	awaitState(t, client, "paid-7", "delivered")
	show := exec.Command("hookswitch", "deliveries", "show", "dlv_1_1")
	show.Env = append(show.Environ(), "HOOKSWITCH_SERVER="+s.address, "HOOKSWITCH_KEY="+adminKey)
	out, err := show.CombinedOutput()
	want := regexp.MustCompile(`(?s)^id +dlv_1_1\n.*state +delivered\n.*ATTEMPT +STARTED.*\n1 .* 503 .*\n2 .* 503 .*\n3 .* 200 +taken\n` +
		`\nATTEMPT 1, request: \d+ B\n  .*  webhook-id: paid-7\n.*\n\n  {"type":"order.paid",.*"data":"here"}\n` +
		`\nATTEMPT 1, answer: status 503\n  .*  X-Reason: closed\n\n  try  \[31mlater\n  please é+\n  … and 2.9 KiB more, which --json shows\n` +
		`\nATTEMPT 2, request: .*\n\n  \(the same body as in attempt 1\)\n` +
		`\nATTEMPT 2, answer: status 503\n.*\n\n  \(the same body as in attempt 1\)\n` +
		`\nATTEMPT 3, request: .*\nATTEMPT 3, answer: status 200\n`)
	if err != nil || !want.Match(out) {
		t.Errorf("%v:\n%s", err, out)
	}
}
