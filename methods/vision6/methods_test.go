package vision6_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/methods/vision6"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/bolt"
)

// server is a real core on a real store, called in process.
type server struct {
	*rpc.Client
	store      storage.Store
	full, read string // keys
}

func serve(t *testing.T) *server {
	t.Helper()
	store, err := bolt.Open(bolt.Options{Dir: t.TempDir(), NoSync: true})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	d := vision6.New()
	engine, err := delivery.New(delivery.Options{Store: store, Formats: map[string]delivery.Format{d.Name: d.Format}})
	must(t, err)
	catalogue, err := schemas.Load()
	must(t, err)
	core, err := methods.New(methods.Options{Store: store, Engine: engine, Catalogue: catalogue, Dialects: []methods.Dialect{d, others(catalogue)}})
	must(t, err)
	_, _, err = core.Bootstrap(t.Context(), "")
	must(t, err)
	s, err := rpc.NewServer(rpc.Options{Lookup: core.Lookup, ErrorOf: methods.ErrorOf})
	must(t, err)
	return &server{
		Client: s.Local(t.Context(), rpc.LocalOptions{}), store: store,
		full: core.LocalKey(1, schemas.AccessFull), read: core.LocalKey(1, schemas.AccessRead),
	}
}

// others stands for the other dialects, whose own methods the core misses otherwise. It claims no call.
func others(catalogue *schemas.Catalogue) methods.Dialect {
	d := methods.Dialect{Name: "others"}
	for _, name := range catalogue.Names() {
		if !strings.HasPrefix(name, "rpc.") {
			d.Methods = append(d.Methods, methods.Method{Name: name, Form: func(json.RawMessage) string { return "" }})
		}
	}
	return d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call answers with the result's JSON text, or "error" and the code.
func (s *server) call(t *testing.T, method string, params ...any) string {
	t.Helper()
	var result json.RawMessage
	err := s.Call(t.Context(), method, params, &result)
	if e, ok := errors.AsType[*jsonrpc2.Error](err); ok {
		return "error " + strconv.FormatInt(e.Code, 10)
	}
	must(t, err)
	return string(result)
}

func object(t *testing.T, text string) json.RawMessage {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Fatalf("not JSON: %s", text)
	}
	return json.RawMessage(text)
}

func TestMethodsOverTheRealCore(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i, step := range []struct {
		method string
		params []any
		want   string
	}{
		{"addWebhook", []any{s.full, object(t, printed)}, `1`},
		{"addWebhook", []any{s.full, object(t, printed)}, `error 351`},
		{"addWebhook", []any{s.read, object(t, printed)}, `error 355`},
		{"addWebhook", []any{s.full, object(t, `{"object":"list","event":"created","url":"https://example.com/"}`)}, `2`},
		{"countWebhooks", []any{s.read}, `2`},
		{"countWebhooks", []any{s.read, object(t, `[["object","exactly","list"]]`)}, `1`},
		{"countWebhooks", []any{s.read, object(t, `[["color","exactly","red"]]`)}, `error 310`},
		{"getWebhookById", []any{s.read, 2}, `[{"id":2,"object":"list","event":"created","list_id":0,"url":"https://example.com/"}]`},
		{"getWebhookById", []any{s.read, 3}, `error 352`},
		{"searchWebhooks", []any{s.read, object(t, `[["list_id","exactly","123"]]`)}, `[{"id":1,"object":"contact","event":"unsubscribed","list_id":123,"url":"http://example.com/example.php"}]`},
		{"searchWebhooks", []any{s.read, object(t, `[]`), 1, 1}, `[{"id":2,"object":"list","event":"created","list_id":0,"url":"https://example.com/"}]`},
		{"searchWebhooks", []any{s.read, object(t, `[]`), 1, 0, "id", "DESC"}, `[{"id":2,"object":"list","event":"created","list_id":0,"url":"https://example.com/"}]`},
		{"editWebhook", []any{s.full, object(t, `{"id":2,"event":"updated"}`)}, `2`},
		{"editWebhook", []any{s.full, object(t, `{"id":"2","event":"removed"}`)}, `2`},
		{"editWebhook", []any{s.full, object(t, `{"id":2,"event":"subscribed"}`)}, `error 310`},
		{"editWebhook", []any{s.full, object(t, `{"event":"updated"}`)}, `error 310`},
		{"editWebhook", []any{s.full, object(t, `{"id":9,"event":"updated"}`)}, `error 352`},
		{"editWebhook", []any{s.full, object(t, `{"id":2,"object":"contact","event":"unsubscribed","list_id":123,"url":"http://example.com/example.php"}`)}, `error 351`},
		{"getWebhookById", []any{s.read, "2"}, `[{"id":2,"object":"list","event":"removed","list_id":0,"url":"https://example.com/"}]`},
		{"deleteWebhook", []any{s.read, 2}, `error 355`},
		{"deleteWebhook", []any{s.full, 2}, `true`},
		{"deleteWebhook", []any{s.full, 2}, `error 352`},
		{"searchWebhooks", []any{s.read, object(t, `[["object","exactly","list"]]`)}, `[]`},
		{"countWebhooks", []any{"nobody's key"}, `error 300`},
	} {
		if got := s.call(t, step.method, step.params...); got != step.want {
			t.Errorf("step %d, %s: %s, want %s", i, step.method, got, step.want)
		}
	}
}

func TestFaultsPointIntoTheCall(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, test := range []struct {
		method string
		param  string
		want   string
	}{
		{"editWebhook", `{"id":0,"event":"created"}`, "/params/1/id"},
		{"searchWebhooks", `[["object","resembles","list"]]`, "/params/1/0/1"},
	} {
		err := s.Call(t.Context(), test.method, []any{s.full, object(t, test.param)}, nil)
		e, ok := errors.AsType[*jsonrpc2.Error](err)
		if !ok || e.Data == nil {
			t.Fatalf("%s: %v", test.method, err)
		}
		var data struct{ Faults []schemas.Fault }
		must(t, json.Unmarshal(*e.Data, &data))
		if len(data.Faults) != 1 || data.Faults[0].Pointer != test.want {
			t.Errorf("%s: faults %+v, want one at %s", test.method, data.Faults, test.want)
		}
	}
}

// Another dialect's webhook is not there for these methods, even though the number is taken.
func TestOtherDialectsWebhooksAreNotThere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	body, err := schemas.EncodeWebhook(&schemas.Webhook{Dialect: "other", Endpoint: "https://example.com/", State: schemas.StateActive})
	must(t, err)
	r, _, err := s.store.Register(context.Background(), storage.Record{Kind: storage.KindWebhook, Account: 1, Fingerprint: "x", Body: body})
	must(t, err)
	for method, params := range map[string][]any{
		"getWebhookById": {s.full, r.ID}, "deleteWebhook": {s.full, r.ID},
		"editWebhook": {s.full, object(t, fmt.Sprintf(`{"id":%d,"event":"created"}`, r.ID))},
	} {
		if got := s.call(t, method, params...); got != "error 352" {
			t.Errorf("%s: %s, want error 352", method, got)
		}
	}
	if got := s.call(t, "countWebhooks", s.full); got != "0" {
		t.Errorf("%s webhooks are counted, want 0", got)
	}
}
