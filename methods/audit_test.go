package methods

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

func TestWebhookChangesNameWhatDiffers(t *testing.T) {
	t.Parallel()
	webhook := func(change func(*schemas.Webhook)) *schemas.Webhook {
		w := &schemas.Webhook{
			ID: 1, PublicID: "sub_1", Dialect: "native", State: schemas.StateActive, Name: "n", Endpoint: "https://example.com/a?token=secret",
			Match: schemas.Match{Types: []string{"a", "b"}}, Document: json.RawMessage(`{"a":1}`),
			Secrets: []schemas.Secret{{Value: "whsec_s"}}, Timeout: 5 * time.Second, Created: time.Unix(1, 0),
		}
		if change != nil {
			change(w)
		}
		return w
	}
	for name, c := range map[string]struct {
		before, after *schemas.Webhook
		want          string
	}{
		"nothing":              {webhook(nil), webhook(nil), `null`},
		"only its dates":       {webhook(nil), webhook(func(w *schemas.Webhook) { w.Updated = time.Unix(2, 0) }), `null`},
		"the same, spelled":    {webhook(nil), webhook(func(w *schemas.Webhook) { w.Document = json.RawMessage(`{ "a": 1 }`) }), `null`},
		"empty as none":        {webhook(nil), webhook(func(w *schemas.Webhook) { w.Headers, w.Match.Attributes = map[string]string{}, []schemas.Constraint{} }), `null`},
		"a name":               {webhook(nil), webhook(func(w *schemas.Webhook) { w.Name = "m" }), `[{"member":"name","before":"n","after":"m"}]`},
		"a name gone":          {webhook(nil), webhook(func(w *schemas.Webhook) { w.Name = "" }), `[{"member":"name","before":"n"}]`},
		"types":                {webhook(nil), webhook(func(w *schemas.Webhook) { w.Match.Types = []string{"a"} }), `[{"member":"events","before":["a","b"],"after":["a"]}]`},
		"no retries":           {webhook(nil), webhook(func(w *schemas.Webhook) { w.Retry = []schemas.Seconds{} }), `[{"member":"retry","after":[]}]`},
		"a secret":             {webhook(nil), webhook(func(w *schemas.Webhook) { w.Secrets[0].Value = "whsec_t" }), `[{"member":"secrets"}]`},
		"too long to be shown": {webhook(nil), webhook(func(w *schemas.Webhook) { w.Name = strings.Repeat("x", maxAuditValue) }), `[{"member":"name"}]`},
		"a query": {webhook(nil), webhook(func(w *schemas.Webhook) { w.Endpoint = "https://example.com/a?token=other" }),
			`[{"member":"endpoint","before":"https://example.com/a","after":"https://example.com/a"}]`},
		"a new one": {nil, webhook(func(w *schemas.Webhook) { w.Document = nil }), `[{"member":"dialect","after":"native"},` +
			`{"member":"endpoint","after":"https://example.com/a"},{"member":"events","after":["a","b"]},{"member":"name","after":"n"},` +
			`{"member":"secrets"},{"member":"state","after":"active"},{"member":"timeout","after":5}]`},
		"one gone": {&schemas.Webhook{Dialect: "d", State: schemas.StateStopped, Endpoint: "pull:x", Match: schemas.Match{Types: []string{"*"}}}, nil,
			`[{"member":"dialect","before":"d"},{"member":"endpoint","before":"pull:x"},{"member":"events","before":["*"]},{"member":"state","before":"stopped"}]`},
	} {
		got, err := json.Marshal(webhookChanges(c.before, c.after))
		if err != nil {
			t.Fatal(err)
		}
		if len(webhookChanges(c.before, c.after)) == 0 {
			got = []byte("null")
		}
		if string(got) != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}
