package service

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// vision6Key is a key as the Node clients insist on: 64 of [a-z0-9].
const vision6Key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// Recorded requests of the vendor's clients. Those of the Node clients end with what Node itself adds.
const (
	// The vendor's PHP wrapper: new Api($url, 'YOURAPIKEY', '3.3').
	vision6PHP = `POST /api/jsonrpcserver?version=3.3 HTTP/1.1
Host: 127.0.0.1:18098
Connection: close
User-Agent: JSON-RPC PHP Wrapper
Content-Type: application/json
Content-Length: 154

{"id":1,"method":"addWebhook","params":["YOURAPIKEY",{"object":"contact","event":"unsubscribed","list_id":123,"url":"http:\/\/example.com\/example.php"}]}`
	vision6PHPSecond = `POST /api/jsonrpcserver?version=3.3 HTTP/1.1
Host: 127.0.0.1:18098
Connection: close
User-Agent: JSON-RPC PHP Wrapper
Content-Type: application/json
Content-Length: 57

{"id":2,"method":"countWebhooks","params":["YOURAPIKEY"]}`
	// sebmill/vision6-nodejs-client, which speaks https only: a proxy ends it.
	vision6Sebmill = `POST /api/jsonrpcserver.php?version=3.3 HTTP/1.1
Content-Type: application/json
Content-Length: 205
Host: www.vision6.com.au
Connection: close

{"id":1,"method":"addWebhook","params":["` + vision6Key + `",{"object":"contact","event":"unsubscribed","list_id":123,"url":"http://example.com/example.php"}]}`
	// jc21/nodejs-vision6-jsonrpc-client, on jayson: JSON-RPC 2.0.
	vision6JC21 = `POST /api/jsonrpcserver.php?version=3.3 HTTP/1.1
Content-Length: 258
Content-Type: application/json; charset=utf-8
Accept: application/json
Host: www.vision6.com.au
Connection: close

{"method":"addWebhook","jsonrpc":"2.0","params":["` + vision6Key + `",{"object":"contact","event":"unsubscribed","list_id":123,"url":"http://example.com/example.php"}],"id":"17a8a4e3-386e-4edc-9bb7-d61566b9069d"}`
	// nick-hoang/vision6.Net, with a version of its own.
	vision6Net = `POST /api/jsonrpcserver.php?version=3.0 HTTP/1.1
Accept: application/json
Content-Type: application/json; charset=utf-8
User-Agent: Vision6.net (https://github.com/dstream/vision6.net)
Host: www.vision6.com.au
Content-Length: 59
Connection: close

{"id":"7","method":"countWebhooks","params":["YOURAPIKEY"]}`
)

func TestVision6ClientsByteForByte(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ key, request, body string }{
		"PHP wrapper": {"YOURAPIKEY", vision6PHP, `{"id":1,"result":1,"error":null}`},
		"sebmill":     {vision6Key, vision6Sebmill, `{"id":1,"result":1,"error":null}`},
		"jc21":        {vision6Key, vision6JC21, `{"jsonrpc":"2.0","result":1,"id":"17a8a4e3-386e-4edc-9bb7-d61566b9069d"}`},
		"vision6.Net": {"YOURAPIKEY", vision6Net, `{"id":"7","result":0,"error":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.plant(t, c.key)
			if got, want := s.replay(t, c.request), answered(c.body); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// answered is the whole answer to a call over a connection that ends with it.
func answered(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\nCache-Control: no-store\nContent-Length: %d\nContent-Type: application/json\n"+
		"X-Content-Type-Options: nosniff\nConnection: close\n\n%s", len(body), body)
}

func TestVision6sPHPWrapperGoesOn(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.plant(t, "YOURAPIKEY")
	const refused = `{"id":1,"result":null,"error":{"code":351,"message":"Duplicate Webhook details not allowed",` +
		`"data":{"kind":"duplicate","message":"A webhook with exactly these details exists already: 1","webhook":1}}}`
	for _, step := range []struct{ request, body string }{
		{vision6PHP, `{"id":1,"result":1,"error":null}`},
		{vision6PHPSecond, `{"id":2,"result":1,"error":null}`},
		{vision6PHP, refused},
	} {
		if got, want := s.replay(t, step.request), answered(step.body); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestVision6sAddressesAnswer200Always(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.AdminKey = vision6Key })
	const add = `{"id":1,"method":"addWebhook","params":["nokey",{"object":"contact","event":"created","url":"http://example.com/"}]}`
	huge := `{"id":1,"method":"countWebhooks","params":["` + strings.Repeat("x", 10<<20) + `"]}`
	for name, c := range map[string]struct {
		contentType, body string
		code              int
	}{
		"bad key":            {"application/json", add, 300},
		"no key":             {"application/json", `{"id":1,"method":"addWebhook","params":[]}`, 300},
		"a form's type":      {"application/x-www-form-urlencoded", strings.Replace(add, "nokey", vision6Key+`x`, 1), 300},
		"no type":            {"", strings.Replace(add, `"contact"`, `"form"`, 1), 300},
		"bad details":        {"text/plain", strings.Replace(strings.Replace(add, "nokey", vision6Key, 1), "created", "exploded", 1), 310},
		"unknown method":     {"application/json", `{"id":1,"method":"addHook","params":["` + vision6Key + `"]}`, -32601},
		"unknown id":         {"application/json", `{"id":1,"method":"getWebhookById","params":["` + vision6Key + `",7]}`, 352},
		"malformed":          {"application/json", `{"id":1,"method":`, -32700},
		"a form":             {"application/x-www-form-urlencoded", `method=addWebhook`, -32700},
		"nothing":            {"application/json", ``, -32700},
		"no request":         {"application/json", `{"id":1}`, -32600},
		"bad search":         {"application/json", `{"id":1,"method":"searchWebhooks","params":["` + vision6Key + `",[["name","exactly","x"]]]}`, 310},
		"10 MiB":             {"application/json", huge, -32600},
		"parameters by name": {"application/json", `{"id":1,"method":"addWebhook","params":{"api_key":"nokey"}}`, 300},
	} {
		for _, path := range []string{"/api/jsonrpcserver", "/api/jsonrpcserver.php?version=3.3"} {
			t.Run(name+path[18:], func(t *testing.T) {
				t.Parallel()
				request, err := http.NewRequestWithContext(t.Context(), "POST", s.url+path, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Content-Type", c.contentType)
				got := do(t, request)
				var fault struct {
					Error struct {
						Code    int    `json:"code"`
						Message string `json:"message"`
					} `json:"error"`
				}
				if err := json.Unmarshal([]byte(got.body), &fault); err != nil || got.status != http.StatusOK ||
					fault.Error.Code != c.code || fault.Error.Message == "" {
					t.Errorf("got %d %s, want 200 and code %d", got.status, got.body, c.code)
				}
			})
		}
	}
	t.Run("GET", func(t *testing.T) {
		t.Parallel()
		if got := s.get(t, s.url+"/api/jsonrpcserver.php?version=3.3"); got.status != http.StatusMethodNotAllowed {
			t.Errorf("got %d: there is nothing to answer in JSON-RPC", got.status)
		}
	})
}

// events publishes contact.created n times in one call.
func (s running) events(t *testing.T, key string, n int) {
	t.Helper()
	list := make([]map[string]any, n)
	for i := range list {
		list[i] = map[string]any{
			"type": "contact.created", "time": "2026-11-21T09:30:00Z", "attributes": map[string]any{"list_id": 123, "contact_id": 140 + i},
		}
	}
	var answer struct {
		Results []struct {
			Matched int `json:"matched"`
		} `json:"results"`
	}
	s.call(t, key, "publishEvents", map[string]any{"events": list}, &answer)
	for _, r := range answer.Results {
		if r.Matched != 1 {
			t.Fatalf("an event matched %d webhooks, want 1", r.Matched)
		}
	}
}

// settled waits until a webhook has had n deliveries that are in a state, and no others.
func (s running) settled(t *testing.T, key string, webhook int64, state schemas.DeliveryState, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var list struct {
		Items []struct {
			State schemas.DeliveryState `json:"state"`
		} `json:"items"`
	}
	for {
		s.call(t, key, "listDeliveries", map[string]any{"webhook": webhook}, &list)
		in := 0
		for _, d := range list.Items {
			if d.State == state {
				in++
			}
		}
		if in == n && len(list.Items) == n {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("deliveries are %+v, want %d %s", list.Items, n, state)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestVision6EventsThatAreDueTogetherGoInOneCall(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.MaxInFlight = 1 })
	key := s.fullKey(t, "vision6")
	in := receive(t, "/vision6")
	began, release := make(chan struct{}), make(chan struct{})
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(began)
		<-release
	}))
	t.Cleanup(other.Close)
	// The only worker is kept busy, so that all five are waiting when it is free again.
	s.call(t, key, "createSubscription", map[string]any{"endpoint": other.URL, "events": []string{"busy"}}, nil)
	s.publish(t, key, map[string]any{"type": "busy"}, 1)
	<-began
	var id int64
	s.call(t, key, "addWebhook", []any{key, map[string]any{"object": "contact", "event": "created", "list_id": "123", "url": in.url + "/vision6"}}, &id)
	s.events(t, key, 5)
	close(release)
	var want []string
	for i := range 5 {
		want = append(want, fmt.Sprintf(`{"list_id":123,"contact_id":%d,"object":"contact","event":"created","timestamp":1795253400}`, 140+i))
	}
	if got := in.next(t, "/vision6").body; got != "["+strings.Join(want, ",")+"]" {
		t.Errorf("got %s", got)
	}
	s.settled(t, key, id, schemas.DeliveryDelivered, 5)
}

func TestVision6EventsOfOnePublishAllArrive(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "vision6")
	in := receive(t, "/vision6")
	var id int64
	s.call(t, key, "addWebhook", []any{key, map[string]any{"object": "contact", "event": "created", "url": in.url + "/vision6"}}, &id)
	s.events(t, key, 5)
	var got []int
	for len(got) < 5 {
		var events []struct {
			ContactID int `json:"contact_id"`
		}
		if err := json.Unmarshal([]byte(in.next(t, "/vision6").body), &events); err != nil {
			t.Fatalf("a call brought no array: %v", err)
		}
		for _, e := range events {
			got = append(got, e.ContactID)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, []int{140, 141, 142, 143, 144}) {
		t.Errorf("contacts %v arrived", got)
	}
	s.settled(t, key, id, schemas.DeliveryDelivered, 5)
}

// hurry gives a webhook other waits between attempts than its dialect's, which take hours.
func (s running) hurry(t *testing.T, account schemas.AccountID, id int64, waits ...schemas.Seconds) {
	t.Helper()
	record, err := s.store.Get(t.Context(), storage.KindWebhook, account, id)
	if err != nil {
		t.Fatal(err)
	}
	w, err := schemas.DecodeWebhook(record.Body, account, schemas.WebhookID(id), record.Revision)
	if err != nil {
		t.Fatal(err)
	}
	w.Retry = waits
	if record.Body, err = schemas.EncodeWebhook(w); err != nil {
		t.Fatal(err)
	}
	if record, err = s.store.Amend(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	w.Revision = record.Revision
	s.engine.Apply(w)
}

func TestVision6RemovesAWebhookAfterSixFailures(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "vision6")
	in := receive(t, "/told")
	var calls atomic.Int64
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(failing.Close)
	var id int64
	s.call(t, key, "addWebhook", []any{key, map[string]any{"object": "contact", "event": "created", "url": failing.URL}}, &id)
	s.call(t, key, "createSubscription", map[string]any{"endpoint": in.url + "/told", "events": []string{"webhook.removed"}}, nil)
	var account struct {
		ID schemas.AccountID `json:"id"`
	}
	s.call(t, key, "getAccount", nil, &account)
	s.hurry(t, account.ID, id, 0.001, 0.001, 0.001, 0.001, 0.001) // 5, as the vendor's policy has
	s.events(t, key, 1)
	if told := in.next(t, "/told").body; !strings.Contains(told, fmt.Sprintf(`"webhookId":"%d"`, id)) {
		t.Errorf("told of %s", told)
	}
	if n := calls.Load(); n != 6 {
		t.Errorf("%d calls, want 1 and 5 more", n)
	}
	var left int
	if s.call(t, key, "countWebhooks", []any{key}, &left); left != 0 {
		t.Errorf("%d webhooks are left", left)
	}
	s.publish(t, key, map[string]any{"type": "contact.created"}, 0)
}
