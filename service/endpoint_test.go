package service

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// TestAQueryOfAnEndpointIsForThoseWhoMayChangeIt: receivers use it for tokens. The vendors' documents say what their reads
// answer, and stay as they are.
func TestAQueryOfAnEndpointIsForThoseWhoMayChangeIt(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "shop")
	const endpoint, masked = "https://example.com/hooks?token=planted&x=1", "https://example.com/hooks?token=***&x=***"
	var made struct{ ID, Endpoint string }
	s.call(t, key, "createSubscription", map[string]any{"endpoint": endpoint, "events": []string{"a"}}, &made)
	if made.Endpoint != endpoint {
		t.Errorf("its maker is shown %s", made.Endpoint)
	}
	s.call(t, key, "postWebhook", map[string]any{"handler": endpoint, "trigger": "create"}, nil)
	s.call(t, key, "postWebhook", map[string]any{"Events": []string{"sale.created"}, "TargetUrl": endpoint}, nil)
	s.call(t, key, "createSubscription", map[string]any{"endpoint": endpoint, "filter_config": map[string]any{"event_type": "profile.created"}}, nil)
	s.call(t, key, "addWebhook", []any{key, map[string]any{"object": "contact", "event": "created", "url": endpoint}}, nil)

	for access, want := range map[schemas.Access]string{"read": masked, "publish": masked, "full": endpoint} {
		k := s.makeKey(t, "shop", access)
		var read struct{ Endpoint string }
		if s.call(t, k, "getSubscription", []any{made.ID}, &read); read.Endpoint != want {
			t.Errorf("a %s key is shown %s", access, read.Endpoint)
		}
		var list struct{ Items []json.RawMessage }
		s.call(t, k, "listWebhooks", nil, &list)
		vendors := strings.Count(string(slices.Concat(list.Items...)), "planted")
		if hidden := want == masked; len(list.Items) != 5 || hidden && vendors != 4 || !hidden && vendors != 5 {
			t.Errorf("a %s key is shown %d of %d endpoints whole", access, vendors, len(list.Items))
		}
		var exported struct {
			Items []struct {
				Endpoint string
				Withheld []string
				Document json.RawMessage
			}
		}
		s.call(t, k, "exportWebhooks", nil, &exported)
		for _, w := range exported.Items {
			withheld := slices.Contains(w.Withheld, "endpoint")
			if w.Endpoint != want || withheld != (want == masked) || withheld && len(w.Document) > 0 {
				t.Errorf("exported with a %s key: %+v", access, w)
			}
		}
	}
	var link struct{ URL string }
	s.call(t, key, "createPortalLink", nil, &link)
	page := s.get(t, s.url+link.URL).body
	if strings.Contains(page, "planted") || strings.Count(page, "https://example.com/hooks?token=***&amp;x=***") != 5 {
		t.Errorf("the page of a link shows %s", page)
	}
}
