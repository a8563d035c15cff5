package service

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// soRefusal is a bad request to SuperOffice's face and what is said of it.
type soRefusal struct {
	key, verb, path, contentType, body string
	status                             int
	exception, said                    string
}

// soRoutes are the addresses that take a body, each with one that is right.
var soRoutes = []struct{ verb, path, body string }{
	{"POST", "/api/v1/Webhook", soDocument},
	{"PUT", "/api/v1/Webhook/1", soDocument},
	{"PATCH", "/api/v1/Webhook/1", soDocument},
	{"POST", "/api/v1/Webhook/Test", soDocument},
	{"POST", "/api/v1/Webhook/foo.bar/1", `{"a":1}`},
	{"POST", "/Cust1/api/v1/Agents/Webhook/SaveWebhook", soDocument},
	{"POST", "/api/v1/Agents/Webhook/TestWebhook", `{"Webhook":` + soDocument + `}`},
	{"POST", "/api/v1/Agents/Webhook/SignalEvent", `{"EventName":"foo.bar","PrimaryKey":1}`},
	{"POST", "/api/v1/Agents/Webhook/GetAllWebhooks", `{}`},
	{"POST", "/api/v1/Agents/Webhook/GetLastError", `{"WebhookId":1}`},
}

const (
	soDocument = `{"Name":"Refused","Events":["a.b"],"TargetUrl":"https://e.com/refused"}`
	soForm     = "application/x-www-form-urlencoded"
	soArgument = "ArgumentException"
	soNowhere  = "No HTTP resource was found at this address."
	soNoEntity = "Bad request. Entity to save is not in request body."
)

// soBodies are bodies that no address takes.
func soBodies(key string) map[string]soRefusal {
	huge := strings.Repeat("x", 10<<20)
	const notJSON, notXML, notForm = "The request body is not valid JSON", "The request body is not valid XML", "The request body is not a valid form"
	const tooDeep = "The request body holds too many elements, or nests them too deep"
	bad := func(contentType, body string, status int, exception, said string) soRefusal {
		return soRefusal{key, "", "", contentType, body, status, exception, said}
	}
	noType := func(contentType string) soRefusal {
		return bad(contentType, soDocument, 415, "NotSupportedException", "The request body's Content-Type or charset is not supported.")
	}
	return map[string]soRefusal{
		"plain text":       noType("text/plain"),
		"multipart":        noType("multipart/form-data; boundary=x"),
		"no media type":    noType("json"),
		"another charset":  noType("application/json; charset=iso-8859-1"),
		"JSON cut short":   bad(jsonType, `{"Name":`, 400, soArgument, notJSON),
		"two values":       bad(jsonType, `{} {}`, 400, soArgument, notJSON),
		"not UTF-8":        bad(jsonType, "{\"Name\":\"\xff\"}", 400, soArgument, "The request body is not valid UTF-8"),
		"XML cut short":    bad("text/xml", `<W><Name>a</Name>`, 400, soArgument, notXML),
		"no XML":           bad("application/xml", soDocument, 400, soArgument, notXML),
		"two roots":        bad("text/xml", `<W/><W/>`, 400, soArgument, notXML),
		"a document type":  bad("text/xml", `<!DOCTYPE W [<!ENTITY a "b">]><W><Name>&a;</Name></W>`, 400, soArgument, "The request body must not have a document type"),
		"an entity":        bad("text/xml", `<W><Name>&a;</Name></W>`, 400, soArgument, notXML),
		"another encoding": bad("text/xml", `<?xml version="1.0" encoding="utf-16"?><W/>`, 400, soArgument, notXML),
		"deep XML":         bad("text/xml", strings.Repeat("<a>", 100)+strings.Repeat("</a>", 100), 400, soArgument, tooDeep),
		"long XML":         bad("text/xml", "<W>"+strings.Repeat("<a/>", 20_001)+"</W>", 400, soArgument, tooDeep),
		"bad escapes":      bad(soForm, `Name=%zz`, 400, soArgument, notForm),
		"bad brackets":     bad(soForm, `Headers[X-A=b`, 400, soArgument, notForm),
		"deep form":        bad(soForm, "a"+strings.Repeat("[a]", 20)+"=b", 400, soArgument, notForm),
		"long form":        bad(soForm, strings.Repeat("a=b&", 20_001), 400, soArgument, "The request body holds too many values"),
		"10 MiB of JSON":   bad(jsonType, `{"Name":"`+huge+`"}`, 413, soArgument, "The request body is too large."),
	}
}

// soDocuments are entities that cannot be saved, and what is said of them. All addresses that take one say the same.
var soDocuments = map[string]string{
	`null`:                    soNoEntity,
	``:                        soNoEntity,
	`[]`:                      "The request body must be an object",
	`{}`:                      "Webhook Events is missing; Webhook TargetUrl is missing",
	`{"Name":"a","NAME":"b"}`: "Webhook Name is there twice",
	`{"TargetUrl":"nonsense","Events":["a"]}`:                                 "Webhook TargetUrl must be an absolute http or https URL",
	`{"TargetUrl":"https://e.com","Events":["a b"]}`:                          "Webhook Events/0 must be segments of letters, digits, _ and -, joined by single dots",
	`{"TargetUrl":"https://e.com","Events":["a"],"State":"Paused"}`:           "Webhook State must be one of Unknown, Active, Stopped, TooManyErrors",
	`{"TargetUrl":"https://e.com","Events":["a"],"Type":"crmscript"}`:         "Webhook Type must not be crmscript: scripts are not run here",
	`{"TargetUrl":"https://e.com","Events":["a"],"Headers":{"Host":"x"}}`:     "Webhook Headers/Host is a header that the sender sets itself",
	`{"TargetUrl":"https://e.com","Events":["a"],"Headers":["x"]}`:            "Webhook Headers must be an object or null",
	`{"TargetUrl":"https://e.com","Events":["a"],"Secret":5,"Properties":[]}`: "Webhook Properties must be an object or null; Webhook Secret must be a string or null",
}

func soRefusals(key, read, stranger string) map[string]soRefusal {
	out := map[string]soRefusal{}
	unauthorized := "Authentication failed: the key is missing, unknown or revoked."
	bodies := soBodies(key)
	for _, route := range soRoutes {
		name := route.verb + " " + route.path + ", "
		out[name+"no credential"] = soRefusal{"", route.verb, route.path, jsonType, route.body, 401, "AuthenticationException", unauthorized}
		out[name+"no credential and no JSON"] = soRefusal{"", route.verb, route.path, jsonType, "{", 401, "AuthenticationException", unauthorized}
		out[name+"unknown key"] = soRefusal{"nobody", route.verb, route.path, jsonType, route.body, 401, "AuthenticationException", unauthorized}
		for what, r := range bodies {
			r.verb, r.path = route.verb, route.path
			out[name+what] = r
		}
		switch access := accessTo(route.path); access {
		case schemas.AccessRead:
		default:
			out[name+"weak key"] = soRefusal{read, route.verb, route.path, jsonType, route.body, 403, "UnauthorizedAccessException", "This needs a key with " + string(access) + " access"}
		}
	}
	for doc, said := range soDocuments {
		for _, route := range soRoutes[:2] {
			out[route.verb+" "+doc] = soRefusal{key, route.verb, route.path, jsonType, doc, 400, soArgument, said}
		}
		out["save "+doc] = soRefusal{key, "POST", "/api/v1/Agents/Webhook/SaveWebhook", jsonType, doc, 400, soArgument, said}
	}
	huge := strings.Repeat("x", 10<<20)
	out["10 MiB of XML"] = soRefusal{key, "POST", "/api/v1/Webhook", "text/xml", `<W><Name>` + huge + `</Name></W>`, 413, soArgument, "The request body is too large."}
	out["10 MiB of a form"] = soRefusal{key, "POST", "/api/v1/Webhook", soForm, "Name=" + huge, 413, soArgument, "The request body is too large."}
	maps.Copy(out, soAddresses(key, read, stranger))
	return out
}

// accessTo is what a key needs at an address that takes a body.
func accessTo(path string) schemas.Access {
	switch {
	case strings.Contains(path, "Get"):
		return schemas.AccessRead
	case strings.Contains(path, "Signal"), strings.Contains(path, "foo.bar"):
		return schemas.AccessPublish
	}
	return schemas.AccessFull
}

// soAddresses are wrong paths, verbs and ids. Webhook 1 is the key's, 2 another dialect's.
func soAddresses(key, read, stranger string) map[string]soRefusal {
	const notFound, notAllowed = "SoNotFoundException", "NotSupportedException"
	const noVerb = "The requested resource does not support this HTTP method."
	const agent = "/api/v1/Agents/Webhook/"
	out := map[string]soRefusal{
		"unknown path":        {key, "GET", "/api/v1/Webhook/1/2/3", "", "", 404, notFound, soNowhere},
		"unknown agent":       {key, "POST", "/api/v1/Agents/Contact/GetContact", "", "", 404, notFound, soNowhere},
		"unknown agent call":  {key, "POST", agent + "Nosuch", "", "", 404, notFound, soNowhere},
		"agent alone":         {key, "POST", "/Cust1/api/v1/Agents", "", "", 404, notFound, soNowhere},
		"agent by GET":        {key, "GET", agent + "GetWebhook?webhookId=1", "", "", 405, notAllowed, noVerb},
		"DELETE of all":       {key, "DELETE", "/api/v1/Webhook", "", "", 405, notAllowed, noVerb},
		"POST to an id":       {key, "POST", "/api/v1/Webhook/1", jsonType, soDocument, 405, notAllowed, noVerb},
		"OPTIONS":             {key, "OPTIONS", "/api/v1/Webhook/1", "", "", 405, notAllowed, noVerb},
		"PUT of LastError":    {key, "PUT", "/api/v1/Webhook/1/LastError", "", "", 405, notAllowed, noVerb},
		"bad status":          {key, "GET", "/api/v1/Webhook?statusFilter=Paused", "", "", 400, soArgument, "statusFilter must be Unknown, Active, Stopped or TooManyErrors"},
		"bad event":           {key, "GET", "/api/v1/Webhook?eventFilter=a%20b", "", "", 400, soArgument, "event must be an event type, with * only in place of a whole segment"},
		"bad filter":          {key, "POST", agent + "GetAllWebhooks", jsonType, `{"NameFilter":5}`, 400, soArgument, "NameFilter must be a text"},
		"no id to get":        {key, "POST", agent + "GetWebhook", "", "", 400, soArgument, "Webhook webhookId is missing"},
		"no id to delete":     {key, "POST", agent + "DeleteWebhook?webhookId=", "", "", 400, soArgument, "Webhook webhookId is missing"},
		"no id of the error":  {key, "POST", agent + "GetLastError", jsonType, `{}`, 400, soArgument, "Webhook WebhookId is missing"},
		"null of the error":   {key, "POST", agent + "GetLastError", jsonType, `null`, 400, soArgument, "Webhook WebhookId is missing"},
		"no entity to test":   {key, "POST", agent + "TestWebhook", jsonType, `{}`, 400, soArgument, soNoEntity},
		"null to test":        {key, "POST", agent + "TestWebhook", jsonType, `null`, 400, soArgument, soNoEntity},
		"test of nothing":     {key, "POST", "/api/v1/Webhook/Test", jsonType, `{}`, 400, soArgument, "Webhook TargetUrl is missing"},
		"signal of nothing":   {key, "POST", agent + "SignalEvent", jsonType, `{}`, 400, soArgument, "event is missing"},
		"signal of odd names": {key, "POST", "/api/v1/Webhook/a%20b/1", "", "", 400, soArgument, "event must be segments of letters, digits, _ and -, joined by single dots"},
		"signal of our own":   {key, "POST", "/api/v1/Webhook/webhook.stopped/1", "", "", 400, soArgument, `event must not begin with "webhook.", nor with a number between: those types are the server's own`},
		"signal, odd key":     {key, "POST", "/api/v1/Webhook/foo.bar/one", "", "", 400, soArgument, "primaryKey must be an integer or null"},
		"signal, negative":    {key, "POST", "/api/v1/Webhook/foo.bar/-1", "", "", 400, soArgument, "primaryKey must be at least 0"},
		"signal, odd data":    {key, "POST", "/api/v1/Webhook/foo.bar/1", jsonType, `[1]`, 400, soArgument, "data must be an object or null"},
		"the same again":      {key, "POST", "/api/v1/Webhook", jsonType, `{"Name":"There","Events":["a.b"],"TargetUrl":"https://e.com"}`, 409, soArgument, "A webhook with exactly these details exists already: 1"},
		"save an odd id":      {key, "POST", agent + "SaveWebhook", jsonType, `{"WebhookId":true,"TargetUrl":"https://e.com","Events":["a"]}`, 400, soArgument, "id must be an integer or a string"},
		"DELETE by a reader":  {read, "DELETE", "/api/v1/Webhook/1", "", "", 403, "UnauthorizedAccessException", "This needs a key with full access"},
		"an id like a script": {key, "GET", "/api/v1/Webhook/1%27%20OR%201", "", "", 400, soArgument, "id must be a webhook's number or its string id"},
	}
	for _, verb := range []string{"GET", "PUT", "PATCH", "DELETE"} {
		said := map[string]string{"77": "Webhook id 77 not found", "2": "Webhook id 2 not found", "0": "Webhook id 0 not found",
			"1": "Webhook id 1 not found", "Test": "Webhook not found", strings.Repeat("9", 40): "Webhook not found"}
		for id, text := range said {
			who := key
			if id == "1" {
				who = stranger
			}
			if verb == "PATCH" {
				text = "Webhook with given id does not exist in the db."
			}
			out[verb+" of "+id] = soRefusal{who, verb, "/api/v1/Webhook/" + id, jsonType, soDocument, 404, notFound, text}
		}
	}
	out["LastError of a stranger's"] = soRefusal{stranger, "GET", "/api/v1/Webhook/1/LastError", "", "", 404, notFound, "Webhook id 1 not found"}
	out["delete a stranger's"] = soRefusal{stranger, "POST", agent + "DeleteWebhook?webhookId=1", "", "", 404, notFound, "Webhook id 1 not found"}
	out["save a stranger's"] = soRefusal{stranger, "POST", agent + "SaveWebhook", jsonType, `{"WebhookId":1,"TargetUrl":"https://e.com","Events":["a"]}`, 404, notFound, "Webhook not found"}
	return out
}

func TestSuperOfficeRefusesInItsOwnShapeAndKeepsNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	key, stranger := s.fullKey(t, "superoffice"), s.fullKey(t, "stranger")
	read := s.makeKey(t, "superoffice", schemas.AccessRead)
	s.call(t, key, "postWebhook", map[string]any{"Name": "There", "Events": []string{"a.b"}, "TargetUrl": "https://e.com"}, nil)
	s.call(t, key, "createSubscription", map[string]any{"endpoint": "https://example.com", "events": []string{"a"}}, nil)
	before := s.listed(t, key)
	t.Run("all", func(t *testing.T) {
		for name, r := range soRefusals(key, read, stranger) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s.mustRefuseSO(t, r)
			})
		}
	})
	if after := s.listed(t, key); after != before {
		t.Errorf("stored afterwards:\n%s\nbefore:\n%s", after, before)
	}
	if other := s.listed(t, stranger); other != `{"items":[]}` {
		t.Errorf("stored for the stranger: %s", other)
	}
	var events json.RawMessage
	if s.call(t, key, "listEvents", nil, &events); string(events) != `{"items":[]}` {
		t.Errorf("published: %s", events)
	}
}

// mustRefuseSO sends a bad request. Every refusal has the vendor's shape, and repeats no key.
func (s running) mustRefuseSO(t *testing.T, r soRefusal) {
	t.Helper()
	got := s.superoffice(t, r.key, r.verb, r.path, r.body, "Content-Type", r.contentType)
	if want := soError(r.exception, r.said); got.status != r.status || got.body != want {
		t.Errorf("got  %d %.500s\nwant %d %s", got.status, got.body, r.status, want)
	}
	if got.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("Content-Type: %q", got.header.Get("Content-Type"))
	}
	if allow := got.header.Get("Allow"); (allow != "") != (r.status == http.StatusMethodNotAllowed) {
		t.Errorf("%d with Allow: %q", got.status, allow)
	}
}
