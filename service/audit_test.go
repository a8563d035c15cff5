package service

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// audited reads the whole audit log that params choose, in pages.
func (s running) audited(t *testing.T, params map[string]any) (entries []methods.AuditEntry) {
	t.Helper()
	for {
		var page struct {
			Items  []methods.AuditEntry `json:"items"`
			Cursor string               `json:"cursor"`
		}
		s.call(t, s.LocalKey(), "listAuditEntries", params, &page)
		entries = append(entries, page.Items...)
		if page.Cursor == "" {
			return entries
		}
		params["cursor"] = page.Cursor
	}
}

func TestWhatTheEngineDoesIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	s := open(t)
	gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	defer gone.Close()
	watcher := receive(t, "/told")
	key := s.fullKey(t, "tenant")
	var hook struct {
		ID string `json:"id"`
	}
	s.call(t, key, "createSubscription", map[string]any{"endpoint": gone.URL, "events": []string{"order.*"}}, &hook)
	s.call(t, key, "createSubscription", map[string]any{
		"endpoint": watcher.url + "/told", "events": []string{"webhook.stopped"}, "filter": map[string]any{"$attributes": map[string]any{"webhook": hook.ID}},
	}, nil)
	s.call(t, key, "publishEvent", map[string]any{"type": "order.paid"}, nil)
	watcher.next(t, "/told")
	got := s.audited(t, map[string]any{"action": "webhook.changed"})
	if len(got) != 1 || got[0].By != nil || got[0].Target != hook.ID || got[0].Reason == "" || len(got[0].Changes) != 1 {
		t.Fatalf("the log has %+v", got)
	}
	if c := got[0].Changes[0]; c.Member != "state" || string(c.Before) != `"active"` || string(c.After) != `"stopped"` {
		t.Errorf("the change is %s: %s to %s", c.Member, c.Before, c.After)
	}
}

// An admin who acts for another account is named by the key it is, not by the account it acts for.
func TestTheAuditLogNamesTheKeyAndTheAccountItActsFor(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fullKey(t, "tenant")
	client, err := rpc.Dial(t.Context(), s.url+"/rpc", rpc.DialOptions{
		Credential: "Bearer " + s.makeKey(t, "1", schemas.AccessAdmin), Header: http.Header{methods.AccountHeader: {"2"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Call(t.Context(), "putEventType", []string{"order.paid"}, nil); err != nil {
		t.Fatal(err)
	}
	got := s.audited(t, map[string]any{"action": "eventType.put"})
	if len(got) != 1 || got[0].Account != 2 || got[0].By.Account != 1 || got[0].By.Address == "" {
		t.Errorf("the log has %+v", got)
	}
}

// The list is whole over pages and windows, newest first, and the oldest entries go in their time.
func TestTheAuditLogInPagesAndItsEnd(t *testing.T) {
	t.Parallel()
	s := open(t)
	const n = 600
	for i := range n {
		s.core.Audit(t.Context(), methods.AuditEntry{Action: "delivery.retried", Account: schemas.AccountID(i % 2), Target: fmt.Sprint(i)})
	}
	got := s.audited(t, map[string]any{"limit": 7, "action": "delivery.retried", "account": 1})
	if len(got) != n/2 || got[0].Target != fmt.Sprint(n-1) {
		t.Fatalf("%d entries, the first %+v", len(got), got[0])
	}
	for i := 1; i < len(got); i++ {
		if got[i].ID >= got[i-1].ID {
			t.Fatalf("%d comes after %d", got[i].ID, got[i-1].ID)
		}
	}
	all := s.audited(t, map[string]any{})
	if removed, err := s.core.ExpireAudit(t.Context(), time.Hour, 500); err != nil || removed != 0 {
		t.Errorf("of young entries %d went, %v", removed, err)
	}
	if removed, err := s.core.ExpireAudit(t.Context(), 0, 300); err != nil || removed != 300 {
		t.Errorf("%d went, %v", removed, err)
	}
	left := s.audited(t, map[string]any{"limit": 1000})
	if len(left) != len(all)-300 || left[0].ID != all[0].ID {
		t.Errorf("%d are left of %d", len(left), len(all))
	}
	if got := s.audited(t, map[string]any{"since": left[9].At, "until": left[4].At}); len(got) != 5 {
		t.Errorf("%d entries of the time of five", len(got))
	}
}
