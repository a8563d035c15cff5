package service

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// refusal is a request with something wrong, and the answer to it.
type refusal struct {
	key, verb, path, contentType, body string
	status                             int
	message                            string
}

const (
	typeJSON     = "application/json"
	typeForm     = "application/x-www-form-urlencoded"
	noKey        = "The key is missing, unknown or revoked"
	tooWeak      = "This needs a key with full access"
	notThere     = "There is no webhook of that id"
	noVerb       = "this address does not have that method"
	noAddress    = "no such address"
	noJSON       = "the body is not valid JSON"
	otherType    = "the body must be application/json"
	tooLarge     = "the body is too large"
	typesByName  = "profile.created, profile.updated, follow.created, follow.deleted, ProfileCreated, ProfileUpdated, FollowCreated, FollowDeleted"
	hooks        = "/api/v1/webhooks"
	filterTests  = "/api/v1/filters/test"
	goodDocument = `{"endpoint":"https://example.com/g","filter_config":{"event_type":"profile.created"}}`
	noDocument   = `{"endpoint":"https://example.com","filter_config":{`
)

// tenants are two accounts with a webhook of the same document each; the first has a native one besides.
type tenants struct {
	running
	key, read            string // of the first
	mine, theirs, native string // webhooks
	huge                 string // a body of 10 MiB
}

func twoTenants(t *testing.T) tenants {
	t.Helper()
	s := tenants{running: open(t)}
	s.key = s.fullKey(t, "airstack")
	s.read = s.makeKey(t, "airstack", schemas.AccessRead)
	s.mine, _, _ = s.register(t, s.key, guideDocument)
	s.theirs, _, _ = s.register(t, s.fullKey(t, "stranger"), guideDocument)
	var native struct {
		ID string `json:"id"`
	}
	s.call(t, s.key, "createSubscription", map[string]any{"endpoint": "https://example.com", "events": []string{"a"}}, &native)
	s.native = native.ID
	s.huge = noDocument + `"event_type":"profile.created"},"x":"` + strings.Repeat("x", 10<<20) + `"}`
	return s
}

// refuses sends what is wrong. Nothing may be stored or deleted by it.
func (s tenants) refuses(t *testing.T, requests map[string]refusal, shape func(message string) string) {
	t.Helper()
	t.Run("all", func(t *testing.T) {
		for name, c := range requests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got := s.airstack(t, c.key, c.verb, c.path, c.contentType, c.body)
				if want := shape(c.message); got.status != c.status || got.body != want {
					t.Errorf("got %d %s\nwant %d %s", got.status, got.body, c.status, want)
				}
				if allow := got.header.Get("Allow"); (allow != "") != (c.status == http.StatusMethodNotAllowed) {
					t.Errorf("the answer says Allow: %q", allow)
				}
			})
		}
	})
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if s.call(t, s.key, "listWebhooks", nil, &list); len(list.Items) != 2 {
		t.Errorf("%d webhooks are stored, want 2", len(list.Items))
	}
}

// quoted is a message as JSON writes it.
func quoted(message string) string {
	text, _ := json.Marshal(message) // a string always can be
	return string(text)
}

func notCreated(message string) string {
	return `{"authentication":{},"status":false,"message":` + quoted(message) + `}`
}

func notRemoved(message string) string {
	return `{"message":` + quoted(message) + `,"status":false,"authentication":{}}`
}

func notTested(message string) string { return `{"status":false,"message":` + quoted(message) + `}` }

func TestAirstackRefusesAFaultyRegistration(t *testing.T) {
	t.Parallel()
	s := twoTenants(t)
	post := func(body string, status int, message string) refusal {
		return refusal{s.key, "POST", hooks, typeJSON, body, status, message}
	}
	s.refuses(t, map[string]refusal{
		"no key":            {"", "POST", hooks, typeJSON, goodDocument, 401, noKey},
		"unknown key":       {"nobody", "POST", hooks, typeJSON, goodDocument, 401, noKey},
		"weak key":          {s.read, "POST", hooks, typeJSON, goodDocument, 403, tooWeak},
		"a form":            {s.key, "POST", hooks, typeForm, goodDocument, 415, otherType},
		"XML":               {s.key, "POST", hooks, "text/xml", "<a/>", 415, otherType},
		"no type at all":    {s.key, "POST", hooks, ";", goodDocument, 415, otherType},
		"wrong verb":        {s.key, "GET", hooks, "", "", 405, noVerb},
		"put":               {s.key, "PUT", hooks, typeJSON, goodDocument, 405, noVerb},
		"a brace too many":  post(guideDocument+"}", 400, noJSON), // as two curl snippets of the guides have it
		"nothing":           post("", 400, noJSON),
		"a list":            post("["+goodDocument+"]", 400, "the body must be a JSON object"),
		"null":              post("null", 400, "the body must be a JSON object"),
		"huge":              post(s.huge, 413, tooLarge),
		"nothing named":     post("{}", 400, "endpoint: is missing; filter_config: is missing"),
		"no type":           post(noDocument+`}}`, 400, "filter_config.event_type: is missing"),
		"unknown type":      post(noDocument+`"event_type":"profile.deleted"}}`, 400, "filter_config.event_type: must be one of "+typesByName),
		"no URL":            post(strings.Replace(goodDocument, "https", "ftp", 1), 400, "endpoint: must be an absolute http or https URL"),
		"filter, no sample": post(noDocument+`"event_type":"profile.created","filter":{"a":1}}}`, 400, "filter_config.payload: is required together with a filter"),
		"sample differs":    post(noDocument+`"event_type":"profile.created","filter":{"a":1},"payload":{"a":2}}}`, 400, "The filter does not match the payload"),
		"bad operator":      post(noDocument+`"event_type":"profile.created","filter":{"a":{"$foo":1}},"payload":{"a":2}}}`, 400, "$foo starts with a $ and is not a valid operator"),
		"duplicate":         post(guideDocument, 400, "A webhook with exactly these details exists already: "+s.mine),
		"native document":   post(`{"endpoint":"https://example.com","events":["b"]}`, 400, "events: is not a member this method knows; filter_config: is missing"),
		"dialect named":     post(`{"dialect":"native","endpoint":"https://example.com","events":["b"]}`, 400, "dialect: is not a member of this document"),
		"member twice":      post(`{"endpoint":"https://example.com","endpoint":"https://example.com","event_type":"profile.created"}`, 400, "endpoint: is there twice"),
		"not UTF-8":         post("{\"endpoint\":\"https://example.com/\xff\"}", 400, "is not valid UTF-8"),
	}, notCreated)
}

func TestAirstackRefusesAFaultyDeletion(t *testing.T) {
	t.Parallel()
	s := twoTenants(t)
	remove := func(id string, status int, message string) refusal {
		return refusal{s.key, "DELETE", hooks + "/" + id, "", "", status, message}
	}
	s.refuses(t, map[string]refusal{
		"no key":            {"", "DELETE", hooks + "/" + s.mine, "", "", 401, noKey},
		"weak key":          {s.read, "DELETE", hooks + "/" + s.mine, "", "", 403, tooWeak},
		"huge":              {s.key, "DELETE", hooks + "/" + s.mine, typeJSON, s.huge, 413, tooLarge},
		"update":            {s.key, "PATCH", hooks + "/" + s.mine, typeJSON, goodDocument, 405, noVerb},
		"read":              {s.key, "GET", hooks + "/" + s.mine, "", "", 405, noVerb},
		"slash at the end":  {s.key, "POST", hooks + "/", typeJSON, goodDocument, 404, noAddress},
		"unknown":           remove("01HYDYEBHMANSVJ0JKSVK9W3VY", 400, notThere),
		"lower case":        remove(strings.ToLower(s.mine), 400, notThere),
		"no id":             remove("a%20b", 400, "id: must be a webhook's number or its string id"),
		"a stranger's":      remove(s.theirs, 400, notThere),
		"another dialect's": remove(s.native, 400, notThere),
		"deeper":            remove(s.mine+"/x", 404, noAddress),
	}, notRemoved)
}

func TestAirstackRefusesAFaultyFilterTest(t *testing.T) {
	t.Parallel()
	s := twoTenants(t)
	post := func(body string, status int, message string) refusal {
		return refusal{s.key, "POST", filterTests, typeJSON, body, status, message}
	}
	s.refuses(t, map[string]refusal{
		"no key":           {"", "POST", filterTests, typeJSON, `{"event_type":"follow.deleted"}`, 401, noKey},
		"a form":           {s.key, "POST", filterTests, typeForm, "a=b", 415, otherType},
		"wrong verb":       {s.key, "GET", filterTests, "", "", 405, noVerb},
		"elsewhere":        {s.key, "POST", "/api/v1/filters", typeJSON, `{}`, 404, noAddress},
		"farther":          {s.key, "POST", filterTests + "/x", typeJSON, `{}`, 404, noAddress},
		"a brace too many": post(`{"event_type":"follow.deleted"}}`, 400, noJSON),
		"huge":             post(s.huge, 413, tooLarge),
		"nothing named":    post(`{}`, 400, "event_type: is required"),
		"unknown type":     post(`{"eventTypes":["x"]}`, 400, "eventTypes.0: must be profile.created, profile.updated, follow.created or follow.deleted"),
		"no objects":       post(`{"event_type":"follow.deleted","filter":1,"payload":[]}`, 400, "filter: must be an object; payload: must be an object"),
		"no sample":        post(`{"event_type":"follow.deleted","filter":{"a":1}}`, 400, "payload: is required together with a filter"),
		"bad operator":     post(`{"event_type":"follow.deleted","filter":{"$or":1},"payload":{}}`, 400, "the value of $or and $and must be an array"),
		"too deep":         post(`{"event_type":"follow.deleted","filter":{"a":{"b":{"c":{"d":1}}}},"payload":{}}`, 400, "the filter is nested too deeply, at most 3 levels are allowed"),
	}, notTested)
}

func TestAirstacksAddressesAreItsOwnOnly(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "airstack")
	for _, path := range []string{"/api/v1/Webhooks", "/api/v1/webhooksX", "/api/v1/filtersX/test", "/API/v1/webhooks", "/api/v1/other"} {
		if got := s.airstack(t, key, "POST", path, typeJSON, goodDocument); strings.Contains(got.body, `"authentication"`) || got.status == 200 {
			t.Errorf("%s is answered as Airstack's: %d %s", path, got.status, got.body)
		}
	}
}
