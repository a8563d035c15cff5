package service

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
)

// posted posts a text with a key of idempotency, "" for none, and returns the body of the answer.
func (s running) posted(t *testing.T, key, idempotency, text string) string {
	t.Helper()
	header := map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + key}
	if idempotency != "" {
		header["Idempotency-Key"] = idempotency
	}
	body, err := io.ReadAll(send(t, http.MethodPost, s.url+"/rpc", text, header).Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestIdempotencyKeyIsTheIDOfAnEventPublishedOverHTTP(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/hook")
	key := s.fullKey(t, "shop")
	s.call(t, key, "createSubscription", map[string]any{"endpoint": in.url + "/hook", "events": []string{"paid"}}, nil)
	const call = `{"jsonrpc":"2.0","id":1,"method":"publishEvent","params":%s}`
	for _, c := range []struct{ name, header, params, want string }{
		{"the first", "order-7", `{"type":"paid","data":1}`, `"result":{"id":"order-7","matched":1,"duplicate":false}`},
		{"again", "order-7", `{"type":"paid","data":1}`, `"result":{"id":"order-7","matched":1,"duplicate":true}`},
		{"with another body", "order-7", `{"type":"other","data":2}`, `"result":{"id":"order-7","matched":1,"duplicate":true}`},
		{"quoted, as the draft has it", `"order-7"`, `{"type":"paid"}`, `"result":{"id":"order-7","matched":1,"duplicate":true}`},
		{"with the same id", "order-7", `{"type":"paid","id":"order-7"}`, `"result":{"id":"order-7","matched":1,"duplicate":true}`},
		{"by an id alone", "", `{"type":"paid","id":"order-7"}`, `"result":{"id":"order-7","matched":1,"duplicate":true}`},
		{"with another id", "order-7", `{"type":"paid","id":"order-8"}`, `"pointer":"/params/id"`},
		{"with another id by position", "order-7", `["paid",1,"order-8"]`, `"pointer":"/params/2"`},
		{"with characters an id cannot have", "order.7", `{"type":"paid"}`, `may hold only letters, digits, _ and -`},
		{"too long", strings.Repeat("k", 65), `{"type":"paid"}`, `must have 1 to 64 characters`},
	} {
		if got := s.posted(t, key, c.header, fmt.Sprintf(call, c.params)); !strings.Contains(got, c.want) {
			t.Errorf("%s: answered %s, want %s", c.name, got, c.want)
		}
	}
	if got := in.next(t, "/hook"); got.header.Get("webhook-id") != "order-7" {
		t.Errorf("delivered with the header %v", got.header)
	}
	one := fmt.Sprintf(call, `{"type":"paid"}`)
	for name, text := range map[string]string{
		"a batch":       "[" + one + "," + one + "]",
		"publishEvents": `{"jsonrpc":"2.0","id":1,"method":"publishEvents","params":{"events":[{"type":"paid"}]}}`,
	} {
		if got := s.posted(t, key, "order-9", text); !strings.Contains(got, `"code":310`) || !strings.Contains(got, "Idempotency-Key") || strings.Contains(got, `"result"`) {
			t.Errorf("%s with the header is answered %s", name, got)
		}
	}
	if got := s.posted(t, key, "not.an.id", `{"jsonrpc":"2.0","id":1,"method":"ping"}`); !strings.Contains(got, `"result"`) {
		t.Errorf("another method with the header is answered %s", got)
	}
}

// A socket's header is that of its upgrade: it must not make one event of all that are published on it.
func TestIdempotencyKeyOfAnUpgradeIsNoEventsID(t *testing.T) {
	t.Parallel()
	s := open(t)
	header := http.Header{"Authorization": {"Bearer " + s.fullKey(t, "shop")}, "Idempotency-Key": {"order-7"}}
	conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/rpc", header)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	defer conn.Close()
	for range 2 {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","id":1,"method":"publishEvent","params":{"type":"paid"}}`)); err != nil {
			t.Fatal(err)
		}
		_, text, err := conn.ReadMessage()
		if err != nil || strings.Contains(string(text), "order-7") || !strings.Contains(string(text), `"duplicate":false`) {
			t.Errorf("answered %s, %v", text, err)
		}
	}
}

func TestManyPublishersOfOneIDMakeOneEvent(t *testing.T) {
	t.Parallel()
	const callers = 50
	s := open(t)
	in := receive(t, "/hook")
	key := s.fullKey(t, "shop")
	s.call(t, key, "createSubscription", map[string]any{"endpoint": in.url + "/hook", "events": []string{"*"}}, nil)
	var mu sync.Mutex
	fresh := 0
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			var got struct {
				Result struct {
					ID        string `json:"id"`
					Matched   int    `json:"matched"`
					Duplicate bool   `json:"duplicate"`
				} `json:"result"`
			}
			text := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"publishEvent","params":{"type":"paid","data":%d}}`, i)
			answer := s.posted(t, key, "order-7", text)
			if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Result.ID != "order-7" || got.Result.Matched != 1 {
				t.Errorf("answered %s", answer)
			}
			mu.Lock()
			defer mu.Unlock()
			if !got.Result.Duplicate {
				fresh++
			}
		})
	}
	all.Wait()
	if fresh != 1 {
		t.Errorf("%d publishes made an event, want 1", fresh)
	}
	in.next(t, "/hook")
	var page struct {
		Items []any `json:"items"`
	}
	s.call(t, key, "listEvents", nil, &page)
	if len(page.Items) != 1 {
		t.Errorf("there are %d events", len(page.Items))
	}
	s.call(t, key, "listDeliveries", nil, &page)
	if len(page.Items) != 1 {
		t.Errorf("there are %d deliveries", len(page.Items))
	}
}

func TestPagesOfOtherOriginsMaySendAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.Origins = []string{"https://app.example.com"} })
	asks := map[string]string{"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "idempotency-key"}
	if got := send(t, http.MethodOptions, s.url+"/rpc", "", asks).Header.Get("Access-Control-Allow-Headers"); !strings.Contains(got, "Idempotency-Key") {
		t.Errorf("allowed are %q", got)
	}
}
