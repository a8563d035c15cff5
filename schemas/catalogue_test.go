package schemas_test

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// loadOnce spares the tests compiling the catalogue again; it is safe for concurrent use.
var loadOnce = sync.OnceValues(schemas.Load)

func catalogue(t testing.TB) *schemas.Catalogue {
	t.Helper()
	c, err := loadOnce()
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

func TestEveryMethodOfTheIssueIsThere(t *testing.T) {
	t.Parallel()
	want := []string{
		"ackEvents", "addWebhook", "authenticate", "cancelReplay", "countWebhooks", "createBackup", "createDefaultWebhook", "createKey",
		"createPortalLink", "createSubscription", "deleteEventType", "deleteSubscription", "deleteWebhook", "editWebhook",
		"exportWebhooks", "getAccount", "getDelivery", "getEvent", "getLastError", "getReplay", "getSigningKeys", "getStats",
		"getSubscription", "getWebhook", "getWebhookById", "importKey", "importWebhook", "listAccounts", "listAuditEntries",
		"listDeliveries", "listEventTypes", "listEvents", "listKeys", "listReplays", "listSubscriptions", "listWebhooks",
		"patchWebhook", "ping", "postWebhook", "publishEvent", "publishEvents", "pullEvents", "putEventType", "putWebhook",
		"replayEvents", "retryDelivery", "revokeKey", "rotateSecret", "rotateSigningKey", "rpc.discover", "searchWebhooks",
		"setWebhookState", "signalEvent", "subscribeEvents", "testFilter", "testSubscription", "testWebhook",
		"unsubscribeEvents", "updateSubscription",
	}
	c := catalogue(t)
	if got := c.Names(); !slices.Equal(got, want) {
		t.Errorf("Names() = %v\nwant %v", got, want)
	}
	for _, name := range want {
		if !c.Has(name) {
			t.Errorf("Has(%q) is false", name)
		}
	}
	if c.Has("addwebhook") || c.Has("") {
		t.Error("Has knows a method that is not there: names are case-sensitive")
	}
}

func TestAnUnknownMethodOrFormIsNoFaultOfTheCaller(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	for _, call := range [][2]string{{"noSuchMethod", ""}, {"addWebhook", "copernica"}, {"postWebhook", ""}} {
		_, pointer, err := c.Bind(call[0], call[1], json.RawMessage(`{}`))
		if err == nil || schemas.KindOf(err) != "" {
			t.Errorf("Bind(%s, %q) = %v, want an error without a kind", call[0], call[1], err)
		}
		if got := pointer("x"); got != "/params/x" {
			t.Errorf("Bind(%s, %q): pointer(x) = %q", call[0], call[1], got)
		}
		if _, err := c.CheckDocument(call[0], call[1], json.RawMessage(`{}`), ""); err == nil {
			t.Errorf("CheckDocument(%s, %q) passes", call[0], call[1])
		}
	}
}

func TestTheCatalogueServesManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	good := json.RawMessage(`["k",{"object":"list","event":"created","url":"https://example.com"}]`)
	bad := json.RawMessage(`["k",{"object":"list","event":"subscribed","list_id":-1}]`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if _, _, err := c.Bind("addWebhook", "", good); err != nil {
					t.Errorf("good parameters: %v", err)
				}
				if _, _, err := c.Bind("addWebhook", "", bad); len(faultsOf(err)) != 3 {
					t.Errorf("bad parameters: %v", err)
				}
				if _, err := c.DecodeEvent(json.RawMessage(`{"type":"a.b"}`), "/params"); err != nil {
					t.Errorf("event: %v", err)
				}
			}
		})
	}
	all.Wait()
}
