package schemas_test

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	oneTooMany = " is one parameter too many"
	noMember   = " is not a member this method knows"
	eventType  = " must be segments of letters, digits, _ and -, joined by single dots"
	wholeID    = " must be a webhook's number or its string id"
)

// faultTests are calls with something wrong, by method: the parameters, and every fault with its pointer, in order.
var faultTests = map[string][]struct{ form, params, want string }{
	"addWebhook": {
		{"", ``, "/params/api_key is missing; /params/webhook_details is missing"},
		{"", `[]`, "/params/0 is missing; /params/1 is missing"},
		{"", `["k"]`, "/params/1 is missing"},
		{"", `"k"`, "/params must be an object or an array"},
		{"", `[5,[]]`, "/params/0 must be a string; /params/1 must be an object"},
		{"", `["",{}]`, "/params/0 must not be empty; /params/1/event is missing; /params/1/object is missing; /params/1/url is missing"},
		{"", `["k",{"object":"contact","event":"unsubscribed"}]`, "/params/1/url is missing"},
		{"", `{"api_key":"k","webhook_details":{"object":"contact","event":"unsubscribed"}}`, "/params/webhook_details/url is missing"},
		{"", `["k",{"object":"contact","event":"unsubscribed","url":""}]`, "/params/1/url must not be empty"},
		{"", `["k",{"object":"contact","event":"unsubscribed","url":7}]`, "/params/1/url must be a string"},
		{"", `["k",{"object":"contact","event":"unsubscribed","url":"u","list_id":-1}]`, "/params/1/list_id must be at least 0"},
		{"", `["k",{"object":"contact","event":"unsubscribed","url":"u","list_id":"-1"}]`, "/params/1/list_id must be a number or a string of 1 to 18 digits"},
		{"", `["k",{"object":"contact","event":"unsubscribed","url":"u","list_id":1.5}]`, "/params/1/list_id must be an integer or a string"},
		{"", `["k",{"object":"contact","event":"unsubscribed","url":"u","list_id":1.0}]`, "/params/1/list_id must be a whole number of at most 64 bits, written without fraction and exponent"},
		{"", `["k",{"object":"contact","event":"exploded","url":"u"}]`, "/params/1/event must be one of created, updated, removed, subscribed, unsubscribed, deactivated, reactivated"},
		{"", `["k",{"object":"list","event":"unsubscribed","url":"u"}]`, "/params/1/event must be one of created, updated, removed, bulk_updated"},
		{"", `["k",{"object":"batch","event":"created","url":"u"}]`, "/params/1/object must be one of list, contact"},
		{"", `["k",{"object":"batch","event":"exploded","url":"u","URL":"u"}]`, "/params/1/URL" + noMember + "; /params/1/event must be one of created, updated, removed, bulk_updated, subscribed, unsubscribed, deactivated, reactivated; /params/1/object must be one of list, contact"},
		{"", `["k",{"object":"list","event":"created","url":"u"},1,2]`, "/params/2" + oneTooMany + "; /params/3" + oneTooMany},
		{"", `{"api_key":"k","webhook_details":{"object":"list","event":"created","url":"u"},"Api_key":1}`, "/params/Api_key" + noMember},
	},
	"editWebhook": {
		{"", `["k",{"list_id":5}]`, "/params/1/id is missing"},
		{"", `["k",{"id":616,"object":"list","event":"subscribed","x":1}]`, "/params/1/event must be one of created, updated, removed, bulk_updated; /params/1/x" + noMember},
	},
	"deleteWebhook": {
		{"vision6", `["k"]`, "/params/1 is missing"},
		{"vision6", `["k","sub_1"]`, "/params/1 must be a number or a string of 1 to 18 digits"},
		{"rest", `{}`, "/params/id is missing"},
		{"rest", `{"id":"a b"}`, "/params/id" + wholeID},
		{"rest", `{"id":0}`, "/params/id must be at least 1"},
	},
	"getWebhookById": {{"", `["k",null]`, "/params/1 must be an integer or a string"}},
	"searchWebhooks": {
		{"", `["k",{},0,-1,"name","UP"]`, "/params/1 must be an array or null; /params/2 must be at least 1; /params/3 must be at least 0; /params/4 must be one of id, object, event, list_id, url; /params/5 must be ASC or DESC"},
		{"", `["k",null,10001]`, "/params/2 must be at most 10000"},
	},
	"countWebhooks": {{"", `["k","contact"]`, "/params/1 must be an array or null"}},
	"postWebhook": {
		{"copernica", `[]`, "/params/0/handler is missing; /params/0/trigger is missing"},
		{"copernica", `["u"]`, "/params/0 must be an object; /params/0/handler is missing; /params/0/trigger is missing"},
		{"copernica", `[{"handler":"u","trigger":"open"},{}]`, "/params/1" + oneTooMany},
		{"copernica", `"u"`, "/params must be an object"},
		{"copernica", `{"handler":"u","trigger":"explode","callers":["ms","you"],"database":-1,"collection":"x","TargetUrl":"u"}`, "/params/TargetUrl" + noMember + "; /params/callers/1 must be one of ms, publisher; /params/collection must be a number or a string of 1 to 18 digits; /params/database must be at least 0; /params/trigger must be one of create, update, delete, click, delivery, open, bounce, failure, unsubscribe, abuse"},
		{"superoffice", `{}`, "/params/Events is missing; /params/TargetUrl is missing"},
		{"superoffice", `{"targetUrl":null,"events":[]}`, "/params/events must not be empty; /params/targetUrl must be a string"},
		{"superoffice", `[{"targetUrl":"u","events":["a b",5],"state":"Broken","Foo":1}]`, "/params/0/Foo" + noMember + "; /params/0/events/0" + eventType + "; /params/0/events/1 must be a string; /params/0/state must be one of Unknown, Active, Stopped, TooManyErrors"},
		{"superoffice", `{"TargetUrl":"u","Events":["a"],"State":4,"Headers":{"a":1},"Properties":[]}`, "/params/Headers/a must be a string; /params/Properties must be an object or null; /params/State must be at most 3"},
		{"superoffice", `{"TargetUrl":"u","targetUrl":"u","Events":["a"]}`, "/params/targetUrl is there twice"},
	},
	"putEventType": {
		{"", `[]`, "/params/0 is missing"},
		{"", `["a.*",5,{"anything":["goes"]}]`, "/params/0" + eventType + "; /params/1 must be a string or null"},
	},
	"listEventTypes":  {{"", `[0]`, "/params/0 must be at least 1"}},
	"deleteEventType": {{"", `{"type":"a.*"}`, "/params/type" + eventType}},
	"getWebhook":      {{"", `{"id":true}`, "/params/id must be an integer or a string"}},
	"getAccount":      {{"", `{"id":1}`, "/params/id" + noMember}},
	"getStats":        {{"", `{"account":1}`, "/params/account" + noMember}, {"", `[1]`, "/params/0" + oneTooMany}},
	"getSigningKeys":  {{"", ``, "/params/dialect is missing"}, {"", `["native"]`, "/params/0 must be one of copernica"}},
	"rotateSigningKey": {
		{"", `{"dialect":"copernica","after":-1}`, "/params/after must be at least 0"},
		{"", `["copernica",2678401]`, "/params/1 must be at most 2678400"},
	},
	"putWebhook": {
		{"", `[1]`, "/params/1 is missing"},
		{"", `{"id":1,"webhook":[]}`, "/params/webhook must be an object"},
	},
	"patchWebhook": {
		{"", `[1]`, "/params/1 is missing"},
		{"", `{"id":1,"patch":"x","unmodifiedSince":"yesterday"}`, "/params/patch must be an array or an object; /params/unmodifiedSince must be a time as RFC 3339 writes it, such as 2026-11-21T09:30:00Z"},
	},
	"testWebhook":          {{"", `{"id":true,"webhook":[],"dialect":"SO"}`, "/params/dialect must be the name of a dialect; /params/id must be an integer or a string; /params/webhook must be an object"}},
	"getLastError":         {{"", `{"id":0}`, "/params/id must be at least 1"}},
	"createDefaultWebhook": {{"", `[1]`, "/params/0" + oneTooMany}},
	"signalEvent": {
		{"", `{"data":[],"primaryKey":-1}`, "/params/data must be an object or null; /params/event is missing; /params/primaryKey must be at least 0"},
		{"", `["a b","1"]`, "/params/0" + eventType + "; /params/1 must be an integer or null"},
	},
	"listWebhooks": {
		{"", `{"limit":0,"cursor":5,"dialect":"Vision 6"}`, "/params/cursor must be a string; /params/dialect must be the name of a dialect; /params/limit must be at least 1"},
		{"", `{"name":1,"event":"a b","state":"Active"}`, "/params/event must be an event type, with * only in place of a whole segment; /params/name must be a string; /params/state must be one of active, stopped, failing"},
	},
	"createSubscription": {
		{"native", `{}`, "/params/endpoint is missing; /params/events is missing"},
		{"native", `[{"endpoint":"u","events":["a.b","a.*b","*.",""],"sorted":true}]`, "/params/0/events/1 must be an event type, with * only in place of a whole segment; /params/0/events/2 must be an event type, with * only in place of a whole segment; /params/0/events/3 must be an event type, with * only in place of a whole segment; /params/0/sorted" + noMember},
		{"native", `{"endpoint":"u","events":[],"filter":"x","headers":{"a":1},"retry":[1,-1,"2"],"maxInFlight":0,"ordered":1,"rateLimit":0,"timeout":61,"metadata":{"m":1},"name":5}`, "/params/events must not be empty; /params/filter must be an object or null; /params/headers/a must be a string; /params/maxInFlight must be at least 1; /params/metadata/m must be a string; /params/name must be a string or null; /params/ordered must be a boolean or null; /params/rateLimit must be greater than 0; /params/retry/1 must be at least 0; /params/retry/2 must be a number; /params/timeout must be at most 60"},
		{"airstack", `{"filter_config":{}}`, "/params/endpoint is missing; /params/filter_config/event_type is missing"},
		{"airstack", `{"endpoint":"u"}`, "/params/filter_config is missing"},
		{"airstack", `[{"endpoint":"u","filter_config":{"event_type":"list.created","filter":5,"x":1}}]`, "/params/0/filter_config/event_type must be one of profile.created, profile.updated, follow.created, follow.deleted, ProfileCreated, ProfileUpdated, FollowCreated, FollowDeleted; /params/0/filter_config/filter must be an object or null; /params/0/filter_config/x" + noMember},
		{"airstack", `{"endpoint":"u","eventTypes":["x"]}`, "/params/eventTypes/0 must be one of profile.created, profile.updated, follow.created, follow.deleted, ProfileCreated, ProfileUpdated, FollowCreated, FollowDeleted"},
	},
	"getSubscription":    {{"", ``, "/params/id is missing"}},
	"listSubscriptions":  {{"", `[1001]`, "/params/0 must be at most 1000"}},
	"updateSubscription": {{"", `{"id":"sub_1","state":"failing","endpoint":null}`, "/params/endpoint must be a string; /params/state must be one of active, stopped"}},
	"deleteSubscription": {{"", `["sub_1","x y","z"]`, "/params/1 must be the name of a dialect; /params/2" + oneTooMany}},
	"rotateSecret":       {{"", `{"overlap":-1,"secret":"","signature":"rsa"}`, "/params/id is missing; /params/overlap must be at least 0; /params/secret must not be empty; /params/signature must be one of hmac-sha256, ed25519"}},
	"testSubscription":   {{"", `{}`, "/params/id is missing"}},
	"testFilter":         {{"", `{"filter":[],"event":{"type":"a b","x":1}}`, "/params/event/type" + eventType + "; /params/event/x" + noMember + "; /params/filter must be an object or null"}},
	"publishEvent": {
		{"", ``, "/params/type is missing"},
		{"", `["a b"]`, "/params/0" + eventType},
		{"", `{"type":"a..b","id":"a.b","source":5,"time":"yesterday","attributes":{"ok":1,"no":null,"":1},"x":1}`, "/params/attributes/ must have a name of 1 to 64 characters; /params/attributes/no must be a boolean, a number or a string; /params/id must be 1 to 64 letters, digits, _ and -; /params/source must be a string; /params/time must be a time as RFC 3339 writes it, such as 2026-11-21T09:30:00Z; /params/type" + eventType + "; /params/x" + noMember},
	},
	"publishEvents": {
		{"", `{}`, "/params/events is missing"},
		{"", `{"events":{}}`, "/params/events must be an array"},
		{"", `[[]]`, "/params/0 must not be empty"},
		{"", `[[{"type":"a"},"x"],null]`, "/params/1 is one parameter too many"},
	},
	"getEvent":       {{"", `["a.b"]`, "/params/0 must be 1 to 64 letters, digits, _ and -"}},
	"listEvents":     {{"", `["a.*",1e3]`, "/params/0" + eventType + "; /params/1 must be a whole number of at most 64 bits, written without fraction and exponent"}},
	"listDeliveries": {{"", `{"state":"lost","event":"","webhook":[]}`, "/params/event must be 1 to 64 letters, digits, _ and -; /params/state must be one of pending, retrying, delivered, dead, discarded; /params/webhook must be an integer or a string"}},
	"getDelivery":    {{"", `{"id":7}`, "/params/id must be a string"}},
	"retryDelivery":  {{"", `{"id":""}`, "/params/id must not be empty"}},
	"subscribeEvents": {
		{"", `{"events":[],"filter":7,"after":"a.b","cursor":1,"since":1}`, "/params/after must be 1 to 64 letters, digits, _ and -; /params/cursor must be a string; /params/events must not be empty; /params/filter must be an object or null; /params/since" + noMember},
		{"", `[["a*"]]`, "/params/0/0 must be an event type, with * only in place of a whole segment"},
	},
	"pullEvents": {
		{"", `{"id":1,"max":0,"wait":26,"lease":0.5,"as":"text"}`, "/params/as must be one of event, request; /params/lease must be at least 1; /params/max must be at least 1; /params/wait must be at most 25"},
	},
	"ackEvents": {
		{"", `[1,[]]`, "/params/1 must not be empty"},
		{"", `{"id":1,"acks":[{"delivery":"d","lease":"l","ok":1,"x":1},{}]}`, "/params/acks/0/ok must be a boolean; /params/acks/0/x" + noMember + "; /params/acks/1/delivery is missing; /params/acks/1/lease is missing; /params/acks/1/ok is missing"},
	},
	"unsubscribeEvents": {{"", `{}`, "/params/subscription is missing"}},
	"replayEvents": {
		{"", `{"webhook":1,"states":["retrying"],"types":[],"since":"now","onlyFailed":1}`, "/params/onlyFailed must be a boolean; /params/since must be a time as RFC 3339 writes it, such as 2026-11-21T09:30:00Z; /params/states/0 must be one of delivered, dead, discarded; /params/types must not be empty"},
	},
	"getReplay":    {{"", `[3]`, "/params/0 must be a string"}},
	"cancelReplay": {{"", `{}`, "/params/id is missing"}},
	"listReplays":  {{"", `{"limit":0}`, "/params/limit must be at least 1"}},
	"authenticate": {{"", `[]`, "/params/0 is missing"}},
	"createKey": {
		{"", `["root"]`, "/params/0 must be one of read, publish, full, admin"},
		{"", `{"access":"full","account":"  "}`, "/params/account must not be blank"},
	},
	"listAccounts": {{"", `{"limit":0,"account":1}`, "/params/account is not a member this method knows; /params/limit must be at least 1"}},
	"listKeys":     {{"", `{"account":0}`, "/params/account must be at least 1"}},
	"createPortalLink": {
		{"", `{"access":"full","expiresIn":0}`, "/params/access must be read: the portal can only be looked at; /params/expiresIn must be at least 1"},
		{"", `["read",2592001]`, "/params/1 must be at most 2592000"},
	},
	"listAuditEntries": {{"", `{"account":-1,"since":"yesterday"}`, "/params/account must be at least 0; /params/since must be a time as RFC 3339 writes it, such as 2026-11-21T09:30:00Z"}},
	"exportWebhooks":   {{"", `{"state":"lost","secrets":1}`, "/params/secrets must be a boolean; /params/state must be one of active, stopped, failing"}},
	"importWebhook":    {{"", `{"webhook":{"dialect":"native","state":"active","endpoint":"u","events":["a"],"created":"2026-11-21T09:30:00Z","secret":"s"}}`, "/params/webhook/secret" + noMember + "; /params/webhook/updated is missing"}},
	"importKey":        {{"", `[{"access":"full","hash":"abc","created":"2026-11-21T09:30:00Z"}]`, "/params/0/hash must be the 64 hex digits of a SHA-256"}},
	"setWebhookState":  {{"", `{"id":1,"state":"failing"}`, "/params/state must be one of active, stopped"}},
	"createBackup":     {{"", `["elsewhere"]`, "/params/0" + oneTooMany}},
	"revokeKey":        {{"", `{"id":"1"}`, "/params/id must be an integer"}},
	"ping":             {{"", `[1]`, "/params/0" + oneTooMany}},
	"rpc.discover":     {{"", `{"x":1}`, "/params/x" + noMember}},
}

func TestEveryFaultIsNamed(t *testing.T) {
	t.Parallel()
	for _, method := range catalogue(t).Names() {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			if len(faultTests[method]) == 0 {
				t.Fatal("the table has no call of this method")
			}
			for _, tt := range faultTests[method] {
				_, _, err := catalogue(t).Bind(method, tt.form, json.RawMessage(tt.params))
				if got := strings.Join(faultsOf(err), "; "); got != tt.want {
					t.Errorf("%s(%s)\n got %s\nwant %s", method, tt.params, got, tt.want)
				}
			}
		})
	}
}

func TestNoFaultRepeatsAValue(t *testing.T) {
	t.Parallel()
	const secret = "S3CR3T-planted"
	for _, method := range catalogue(t).Names() {
		for _, tt := range faultTests[method] {
			// Every string of the call becomes the secret, and so does every value in turn.
			var v any
			if json.Unmarshal([]byte(tt.params), &v) != nil {
				continue
			}
			for _, planted := range []any{plant(v, secret), []any{secret, secret, secret}, secret, []any{[]any{secret}}, map[string]any{"id": secret + " "}} {
				text, _ := json.Marshal(planted)
				_, _, err := catalogue(t).Bind(method, tt.form, text)
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("%s(%s) says %v", method, text, err)
				}
			}
		}
	}
}

// plant replaces every scalar of v.
func plant(v any, secret string) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, part := range v {
			out[name] = plant(part, secret)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, part := range v {
			out[i] = plant(part, secret)
		}
		return out
	}
	return secret
}

func TestAnErrorListsAtMost16Faults(t *testing.T) {
	t.Parallel()
	params := `{"endpoint":"u","events":[` + strings.Repeat(`"a b",`, 40) + `"a"]}`
	_, _, err := catalogue(t).Bind("createSubscription", "native", json.RawMessage(params))
	faults := faultsOf(err)
	if len(faults) != 16 {
		t.Fatalf("%d faults, want 16", len(faults))
	}
	if !strings.HasPrefix(faults[2], "/params/events/2 ") || !strings.HasPrefix(faults[15], "/params/events/15 ") {
		t.Errorf("faults are not the first ones in order: %v", faults)
	}
}
