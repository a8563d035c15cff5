package service

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSuperOfficePatches(t *testing.T) {
	t.Parallel()
	s := open(t)
	const jsonPatch, mergePatch = "application/json-patch+json", "application/merge-patch+json"
	for name, c := range map[string]struct{ media, body, from, to string }{
		"replace":                   {jsonPatch, `[{"op":"replace","path":"/state","value":1}]`, `"Stopped"`, `"Active"`},
		"without slash":             {jsonPatch, `[{"op":"replace","path":"Name","value":"Sold"}]`, `"Sales"`, `"Sold"`},
		"by its content alone":      {"application/json", `[{"op":"add","path":"/NAME","value":"Sold"}]`, `"Sales"`, `"Sold"`},
		"add to the list":           {"text/json", `[{"op":"add","path":"/Events/-","value":"x.y"}]`, `"sale.sold"]`, `"sale.sold","x.y"]`},
		"add at a place":            {jsonPatch, `[{"op":"add","path":"/events/0","value":"x.y"}]`, `["contact`, `["x.y","contact`},
		"replace in the list":       {jsonPatch, `[{"op":"replace","path":"/events/1","value":"x.y"}]`, `"sale.sold"]`, `"x.y"]`},
		"remove from the list":      {jsonPatch, `[{"op":"remove","path":"/Events/0"}]`, `"contact.created",`, ``},
		"add a header":              {jsonPatch, `[{"op":"add","path":"/Headers/X-B","value":"c"}]`, `"X-A":"b"`, `"X-A":"b","X-B":"c"`},
		"another case of a header":  {jsonPatch, `[{"op":"replace","path":"/headers/x-a","value":"c"}]`, `"X-A":"b"`, `"X-A":"c"`},
		"deep in the properties":    {jsonPatch, `[{"op":"add","path":"/properties/p/q/0","value":{"~":"/"}},{"op":"test","path":"/Properties/p/q/0/~0","value":"/"}]`, `[1]`, `[{"~":"/"},1]`},
		"remove the properties":     {jsonPatch, `[{"op":"remove","path":"/Properties"}]`, `{"p":{"q":[1]}}`, `null`},
		"properties from nothing":   {jsonPatch, `[{"op":"remove","path":"/Properties"},{"op":"add","path":"/Properties/z","value":2}]`, `{"p":{"q":[1]}}`, `{"z":2}`},
		"remove the secret":         {jsonPatch, `[{"op":"remove","path":"/Secret"}]`, `"Secret":"s3"`, `"Secret":null`},
		"tests that hold":           {jsonPatch, `[{"op":"test","path":"/WebhookId","value":1.0},{"op":"test","path":"/State","value":"stopped"},{"op":"test","path":"/Properties","value":{"p":{"q":[1]}}},{"op":"test","path":"/UpdatedAssociate","value":null},{"op":"remove","path":"/name"}]`, `"Name":"Sales"`, `"Name":null`},
		"the server's own stay":     {jsonPatch, `[{"op":"replace","path":"/WebhookId","value":9},{"op":"remove","path":"/Registered"}]`, ``, ``},
		"nothing":                   {jsonPatch, `[]`, ``, ``},
		"merge":                     {mergePatch, `{"name":"Sold","nosuch":1,"_Links":null}`, `"Sales"`, `"Sold"`},
		"merge, the list anew":      {mergePatch, `{"Events":["x.y"]}`, `["contact.created","sale.sold"]`, `["x.y"]`},
		"merge, appended":           {mergePatch, `{"Events":"x.y"}`, `"sale.sold"]`, `"sale.sold","x.y"]`},
		"merge, an object appended": {mergePatch, `{"Properties":{"p":{"q":{"z":2}}}}`, `[1]`, `[1,{"z":2}]`},
		"merge headers":             {mergePatch, `{"headers":{"X-A":null,"X-B":"c"}}`, `{"X-A":"b"}`, `{"X-B":"c"}`},
		"merge nulls":               {"application/json; charset=utf-8", `{"Name":null,"State":null,"Type":null,"Secret":null,"Headers":null}`, `"Sales"`, `null`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := s.fullKey(t, name) // an account of its own, whose first webhook is 1
			s.superoffice(t, key, "POST", "/api/v1/Webhook", salesBody)
			want := "{" + salesFields + salesLinks
			if name == "merge nulls" {
				want = strings.NewReplacer(`"Stopped"`, `"Active"`, `"s3"`, `null`, `{"X-A":"b"}`, `null`).Replace(want)
			}
			want = strings.Replace(want, c.from, c.to, 1)
			s.runs(t, key, []step{
				{verb: "PATCH", path: "/api/v1/Webhook/1", body: c.body, header: []string{"Content-Type", c.media}, status: 200, answer: want},
				{verb: "GET", path: "/api/v1/Webhook/1", status: 200, answer: want},
			})
		})
	}
}

func TestSuperOfficeRefusesPatches(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "superoffice")
	s.superoffice(t, key, "POST", "/api/v1/Webhook", salesBody)
	invalid := func(message string) string { return soError("ArgumentException", message) }
	const unequal = "A test of the patch does not hold"
	for body, want := range map[string]struct {
		status int
		body   string
	}{
		`[{"op":"test","path":"/State","value":"Active"}]`:                                           {409, soError("InvalidOperationException", unequal)},
		`[{"op":"replace","path":"/Name","value":"x"},{"op":"test","path":"/Name","value":"Sales"}]`: {409, soError("InvalidOperationException", unequal)},
		`[{"op":"test","path":"/Events","value":["sale.sold","contact.created"]}]`:                   {409, soError("InvalidOperationException", unequal)},
		`[{"op":"move","path":"/Name","from":"/Type"}]`:                                              {400, invalid("0/op must be add, replace, remove or test")},
		`[{"op":"replace","path":"/Name"}]`:                                                          {400, invalid("0/value is missing")},
		`[{"op":"add","path":"/Nosuch","value":1}]`:                                                  {400, invalid("0/path must name a member of the webhook")},
		`[{"op":"add","path":"","value":{}}]`:                                                        {400, invalid("0/path must name a member of the webhook")},
		`[{"op":"remove","path":"/Headers/X-B"}]`:                                                    {400, invalid("0/path is not there")},
		`[{"op":"add","path":"/Events/9","value":"a"}]`:                                              {400, invalid("0/path is not there")},
		`[{"op":"remove","path":"/Events/-"}]`:                                                       {400, invalid("0/path is not there")},
		`[{"op":"add","path":"/Name/x","value":"a"}]`:                                                {400, invalid("0/path is not there")},
		`[{"op":"test","path":"/Name","value":"Sales"},{"op":"remove","path":"/Properties/x/y"}]`:    {400, invalid("1/path is not there")},
		`[{"op":"remove","path":"/TargetUrl"}]`:                                                      {400, invalid("Webhook TargetUrl must be a string")},
		`[{"op":"replace","path":"/TargetUrl","value":"nonsense"}]`:                                  {400, invalid("Webhook TargetUrl must be an absolute http or https URL")},
		`[1]`:                     {400, invalid("The request body must be a list of operations with op, path and value")},
		`["x"]`:                   {400, invalid("The request body must be a list of operations with op, path and value")},
		`{"Events":{"a":1}}`:      {400, invalid("Webhook Events/2 must be a string")},
		`{"Events":null}`:         {400, invalid("Webhook Events must be an array")},
		`{"Name":"a","name":"b"}`: {400, invalid("Webhook name is there twice")},
		`{"State":"Paused"}`:      {400, invalid("Webhook State must be one of Unknown, Active, Stopped, TooManyErrors")},
		`null`:                    {400, invalid("Bad request. Entity to save is not in request body.")},
		``:                        {400, invalid("Bad request. Entity to save is not in request body.")},
		`5`:                       {400, invalid("The request body must be an array or an object")},
		`[` + strings.Repeat(`{"op":"remove","path":"/Name"},`, 100) + `{"op":"remove","path":"/Name"}]`: {400, invalid("The request body must have at most 100 items")},
		`{"Properties":{"p":"` + strings.Repeat("x", 200<<10) + `"}}`:                                    {400, invalid("The request body must not be longer than 131072 bytes")},
		`{"Properties":{"p":"` + strings.Repeat("x", 70<<10) + `"}}`:                                     {400, invalid("Webhook Properties must not be longer than 65536 bytes")},
	} {
		got := s.superoffice(t, key, "PATCH", "/api/v1/Webhook/1", body)
		if got.status != want.status || got.body != want.body {
			t.Errorf("%.90s:\ngot  %d %s\nwant %d %s", body, got.status, got.body, want.status, want.body)
		}
	}
	s.runs(t, key, []step{
		{verb: "GET", path: "/api/v1/Webhook/1", status: 200, answer: "{" + salesFields + salesLinks},
		{verb: "PATCH", path: "/api/v1/Webhook/2", body: `{}`, status: 404, answer: soError("SoNotFoundException", "Webhook with given id does not exist in the db.")},
	})
}

func TestSuperOfficePatchesOnlyWhatIsUnmodified(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "superoffice")
	s.superoffice(t, key, "POST", "/api/v1/Webhook", salesBody)
	for since, want := range map[string]int{
		time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat): 412,
		time.Now().UTC().Format(http.TimeFormat):                 200,
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat):  200,
		"yesterday": 200, // RFC 9110 wants it ignored
	} {
		got := s.superoffice(t, key, "PATCH", "/api/v1/Webhook/1", `{}`, "If-Unmodified-Since", since)
		if got.status != want {
			t.Errorf("%s: got %d %s, want %d", since, got.status, got.body, want)
		}
		if said := soError("InvalidOperationException", "The webhook has been changed since"); want == 412 && got.body != said {
			t.Errorf("got %s, want %s", got.body, said)
		}
	}
}
