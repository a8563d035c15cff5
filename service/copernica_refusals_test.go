package service

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// copernicaRefusal is a bad request and what is said of it.
type copernicaRefusal struct{ token, verb, path, contentType, body, said string }

const (
	jsonType = "application/json"
	phpType  = "application/x-www-form-urlencoded"
)

// refusalsAt are the bad requests of one version. A webhook 1 is there, and one of another dialect, 2.
func refusalsAt(version, key, read, stranger string) map[string]copernicaRefusal {
	hooks, hook, odd := version+"/webhooks", version+"/webhook/1", version+"/webhook/2"
	huge := `{"handler":"https://my-webhook-url.com","trigger":"` + strings.Repeat("x", 10<<20) + `"}`
	const token, method, id = "Invalid access token", "Invalid method", "No entity with supplied ID"
	const noElement = "Invalid request, element 1 is missing in 'directory' path"
	const tooLarge = "Invalid data provided: the body is too large"
	const noType = "Invalid data provided: Content-Type must be application/json or application/x-www-form-urlencoded"
	const noJSON = "Invalid data provided: the body is not valid JSON"
	const brackets = "Invalid data provided: the form has a name with brackets that do not match"
	const encoding = "Invalid data provided: the form has a value that is not encoded UTF-8"
	const full = "This needs a key with full access"
	refusals := map[string]copernicaRefusal{
		"the version alone":  {key, "GET", version, "", "", method},
		"unknown path":       {key, "GET", version + "/webhook/1/fields", "", "", method},
		"other case":         {key, "POST", version + "/Webhooks", jsonType, copernicaDocument, method},
		"no list":            {key, "GET", hooks, "", "", method},
		"no id":              {key, "GET", version + "/webhook", "", "", noElement},
		"no id but slashes":  {key, "DELETE", version + "/webhook//", "", "", noElement},
		"wrong method":       {key, "PATCH", hook, jsonType, "{}", method},
		"post on identity":   {key, "POST", version + "/identity", jsonType, "{}", method},
		"delete of all":      {key, "DELETE", hooks, "", "", method},
		"identity, no token": {"", "GET", version + "/identity", "", "", token},
	}
	for _, c := range []struct{ verb, path string }{{"POST", hooks}, {"PUT", hook}} {
		name := c.verb + " "
		refusals[name+"without token"] = copernicaRefusal{"", c.verb, c.path, jsonType, copernicaDocument, token}
		refusals[name+"bad token"] = copernicaRefusal{"nobody", c.verb, c.path, jsonType, copernicaDocument, token}
		refusals[name+"weak token"] = copernicaRefusal{read, c.verb, c.path, jsonType, copernicaDocument, full}
		refusals[name+"no type"] = copernicaRefusal{key, c.verb, c.path, "", copernicaDocument, noType}
		refusals[name+"text"] = copernicaRefusal{key, c.verb, c.path, "text/plain", copernicaDocument, noType}
		refusals[name+"multipart"] = copernicaRefusal{key, c.verb, c.path, "multipart/form-data", copernicaDocument, noType}
		refusals[name+"cut short"] = copernicaRefusal{key, c.verb, c.path, jsonType, `{"handler":`, noJSON}
		refusals[name+"not UTF-8"] = copernicaRefusal{key, c.verb, c.path, jsonType, "{\"handler\":\"https://x.nl/\xff\"}", noJSON}
		refusals[name+"a list"] = copernicaRefusal{key, c.verb, c.path, jsonType, `[` + copernicaDocument + `]`, "Invalid data provided: the body must be a JSON object"}
		refusals[name+"a form that is JSON"] = copernicaRefusal{key, c.verb, c.path, phpType, `{"handler[`, brackets}
		refusals[name+"a broken form"] = copernicaRefusal{key, c.verb, c.path, phpType, `handler=https%3A%2`, encoding}
		refusals[name+"10 MiB"] = copernicaRefusal{key, c.verb, c.path, jsonType, huge, tooLarge}
		refusals[name+"10 MiB form"] = copernicaRefusal{key, c.verb, c.path, phpType, "handler=" + huge, tooLarge}
		refusals[name+"bad trigger"] = copernicaRefusal{key, c.verb, c.path, jsonType, `{"handler":"https://x.nl","trigger":"explode"}`,
			"Invalid data provided: trigger must be one of create, update, delete, click, delivery, open, bounce, failure, unsubscribe, abuse"}
		refusals[name+"bad handler"] = copernicaRefusal{key, c.verb, c.path, jsonType, `{"handler":"x.nl","trigger":"open"}`,
			"Invalid data provided: handler must be an absolute http or https URL"}
		refusals[name+"bad caller"] = copernicaRefusal{key, c.verb, c.path, jsonType, `{"handler":"https://x.nl","trigger":"open","callers":["ms","smtp"]}`,
			"Invalid data provided: callers/1 must be one of ms, publisher"}
		refusals[name+"bad database"] = copernicaRefusal{key, c.verb, c.path, phpType, `handler=https://x.nl&trigger=open&database=one&callers=ms`,
			"Invalid data provided: callers must be an array; database must be a number or a string of 1 to 18 digits"}
		refusals[name+"another vendor's"] = copernicaRefusal{key, c.verb, c.path, jsonType, `{"handler":"https://x.nl","trigger":"open","TargetUrl":"https://x.nl"}`,
			"Invalid data provided: TargetUrl is not a member this method knows"}
		refusals[name+"another dialect"] = copernicaRefusal{key, c.verb, c.path, jsonType, `{"dialect":"superoffice","TargetUrl":"https://x.nl","Events":["a"]}`, ""}
	}
	refusals["nothing"] = copernicaRefusal{key, "POST", hooks, "", "", "Invalid data provided: handler is missing; trigger is missing"}
	refusals["an empty list"] = copernicaRefusal{key, "POST", hooks, jsonType, " [ ] ", "Invalid data provided: handler is missing; trigger is missing"}
	refusals["SuperOffice's document"] = copernicaRefusal{key, "POST", hooks, jsonType, `{"TargetUrl":"https://x.nl","Events":["a"]}`, ""}
	refusals["a duplicate"] = copernicaRefusal{key, "POST", hooks, jsonType, copernicaDocument, "A webhook with exactly these details exists already: 1"}
	for _, verb := range []string{"GET", "PUT", "DELETE"} {
		refusals[verb+" an unknown id"] = copernicaRefusal{key, verb, version + "/webhook/77", jsonType, "{}", id}
		refusals[verb+" an id that is none"] = copernicaRefusal{key, verb, version + "/webhook/1%27%20OR%201", jsonType, "{}", id}
		refusals[verb+" a long id"] = copernicaRefusal{key, verb, version + "/webhook/" + strings.Repeat("9", 70), jsonType, "{}", id}
		refusals[verb+" another dialect's"] = copernicaRefusal{key, verb, odd, jsonType, "{}", id}
		refusals[verb+" a stranger's"] = copernicaRefusal{stranger, verb, hook, jsonType, "{}", id}
		refusals[verb+" one without token"] = copernicaRefusal{"", verb, hook, jsonType, "{}", token}
	}
	return refusals
}

func TestCopernicaRefusesInItsOwnShapeAndKeepsNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	key, stranger := s.fullKey(t, "copernica"), s.fullKey(t, "stranger")
	read := s.makeKey(t, "copernica", schemas.AccessRead)
	s.copernica(t, key, "POST", "/v4/webhooks", jsonType, copernicaDocument)
	s.call(t, key, "createSubscription", map[string]any{"endpoint": "https://example.com", "events": []string{"a"}}, nil)
	before := s.listed(t, key)
	t.Run("all", func(t *testing.T) {
		for _, version := range []string{"/v2", "/v3", "/v4"} {
			for name, r := range refusalsAt(version, key, read, stranger) {
				t.Run(version[1:]+" "+name, func(t *testing.T) {
					t.Parallel()
					s.mustRefuse(t, r)
				})
			}
		}
	})
	if after := s.listed(t, key); after != before {
		t.Errorf("stored afterwards:\n%s\nbefore:\n%s", after, before)
	}
	if other := s.listed(t, stranger); other != `{"items":[]}` {
		t.Errorf("stored for the stranger: %s", other)
	}
}

// listed is all webhooks of a key's account.
func (s running) listed(t *testing.T, key string) string {
	t.Helper()
	var list json.RawMessage
	s.call(t, key, "listWebhooks", nil, &list)
	return string(list)
}

// mustRefuse sends a bad request. Every refusal is a 400 with one message in the vendor's shape, which repeats no token.
func (s running) mustRefuse(t *testing.T, r copernicaRefusal) {
	t.Helper()
	got := s.copernica(t, r.token, r.verb, r.path, r.contentType, r.body)
	var shape struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	decoder := json.NewDecoder(strings.NewReader(got.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&shape); err != nil || got.status != http.StatusBadRequest || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %v %s (%v)", got.status, got.header, got.body, err)
	}
	if said := shape.Error.Message; said == "" || r.said != "" && said != r.said {
		t.Errorf("said %q, want %q", said, r.said)
	}
	if r.token != "" && strings.Contains(got.body, r.token) {
		t.Errorf("the token is repeated: %s", got.body)
	}
}
