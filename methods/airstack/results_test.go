package airstack_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/methods/airstack"
	"github.com/hookswitch/hookswitch/schemas"
)

var view = methods.View{Secrets: true, PublicURL: "http://127.0.0.1:8080"}

// shown is the webhook of a document with the id and header value of Airstack's printed answer.
func shown(t *testing.T, doc string) *schemas.Webhook {
	t.Helper()
	w := parse(t, doc, nil)
	w.Account = 3
	w.PublicID = "01HYDYEBHMANSVJ0JKSVK9W3VY"
	w.Secrets = []schemas.Secret{{Value: "G85wBFVT1EH7OWrs"}}
	return w
}

func encode(t *testing.T, document any) string {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCreatedIsTheVendorsAnswer(t *testing.T) {
	t.Parallel()
	dialect := airstack.New(airstack.Options{
		PortalLink: func(account schemas.AccountID, publicURL string, now time.Time) string {
			if account != 3 || time.Since(now).Abs() > time.Minute {
				t.Errorf("link for account %d at %s", account, now)
			}
			return publicURL + "/portal?token=am4AdjH0bz67JDDTRwNesZMO"
		},
	})
	const want = `{"webhook_id":"01HYDYEBHMANSVJ0JKSVK9W3VY","portal_link":"http://127.0.0.1:8080/portal?token=am4AdjH0bz67JDDTRwNesZMO",` +
		`"authentication":{"header_name":"x-airstack-webhook","header_value":"G85wBFVT1EH7OWrs"},"status":true,"message":"Successfully created subscription"}`
	if got := encode(t, dialect.Created(shown(t, guideDocument), view)); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestCreatedLeavesOutAnEmptyPortalLink(t *testing.T) {
	t.Parallel()
	const want = `{"webhook_id":"01HYDYEBHMANSVJ0JKSVK9W3VY",` +
		`"authentication":{"header_name":"x-airstack-webhook","header_value":"G85wBFVT1EH7OWrs"},"status":true,"message":"Successfully created subscription"}`
	for name, options := range map[string]airstack.Options{
		"none given":  {},
		"empty given": {PortalLink: func(schemas.AccountID, string, time.Time) string { return "" }},
	} {
		if got := encode(t, airstack.New(options).Created(shown(t, guideDocument), view)); got != want {
			t.Errorf("%s: %s\nwant\n%s", name, got, want)
		}
	}
}

func TestShowGivesBackWhatWasRegisteredWithoutTheHeaderValue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ doc, want string }{
		"guide": {
			guideDocument,
			`{"webhook_id":"01HYDYEBHMANSVJ0JKSVK9W3VY","endpoint":"https://webhook.site","filter_config":{"event_type":"profile.updated",` +
				`"filter":{"userId":"3761"},"payload":{"userId":"3761","followerCount":108}},"state":"active","status":true}`,
		},
		"types beside filter_config": {
			`{"endpoint":"https://example.com","eventTypes":["ProfileCreated"],"filter_config":{}}`,
			`{"webhook_id":"01HYDYEBHMANSVJ0JKSVK9W3VY","endpoint":"https://example.com","filter_config":{},"eventTypes":["ProfileCreated"],"state":"active","status":true}`,
		},
	} {
		if got := encode(t, airstack.New(airstack.Options{}).Show(shown(t, test.doc), view)); got != test.want {
			t.Errorf("%s: %s\nwant\n%s", name, got, test.want)
		}
	}
}
