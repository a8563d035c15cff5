package service

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// superoffice sends a request to SuperOffice's face, with the key as Basic's password unless it is "". The headers come in
// pairs of name and value; a JSON body is said to be one unless they say otherwise.
func (s running) superoffice(t *testing.T, key, verb, path, body string, header ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), verb, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if key != "" {
		request.SetBasicAuth("u", key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return do(t, request)
}

// timesIn finds the parts of an answer that no test can know.
var timesIn = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z`)

// step is one request and the answer it must have; times are written NOW, and HOST stands for the service's address.
type step struct {
	verb, path, body string
	status           int
	answer           string
	header           []string // of the request
}

func (s running) runs(t *testing.T, key string, steps []step) {
	t.Helper()
	for i, step := range steps {
		got := s.superoffice(t, key, step.verb, step.path, strings.ReplaceAll(step.body, "HOST", s.url), step.header...)
		body := strings.ReplaceAll(timesIn.ReplaceAllString(got.body, "NOW"), s.url, "HOST")
		if got.status != step.status || body != step.answer {
			t.Fatalf("step %d, %s %s:\ngot  %d %s\nwant %d %s", i, step.verb, step.path, got.status, body, step.status, step.answer)
		}
		want := "application/json; charset=utf-8"
		if step.status == http.StatusNoContent {
			want = ""
		}
		if len(step.header) == 0 && got.header.Get("Content-Type") != want {
			t.Errorf("step %d, %s %s: Content-Type %q, want %q", i, step.verb, step.path, got.header.Get("Content-Type"), want)
		}
	}
}

// Parts of the goldens.
const (
	salesBody = `{"name":"Sales","EVENTS":["contact.created","sale.sold"],"targetUrl":"https://example.com/so?a=1","secret":"s3",` +
		`"state":2,"headers":{"X-A":"b"},"properties":{"p":{"q":[1]}},"errorEmails":["a@b.c"],"notifyVia":null,"nosuch":5}`
	salesFields = `"WebhookId":1,"Name":"Sales","Events":["contact.created","sale.sold"],"TargetUrl":"https://example.com/so?a=1",` +
		`"Secret":"s3","State":"Stopped","Type":"webhook","Headers":{"X-A":"b"},"Properties":{"p":{"q":[1]}},` +
		`"Registered":"NOW","RegisteredAssociate":null,"Updated":"NOW","UpdatedAssociate":null`
	salesLinks = `,"_Links":{"Self":"HOST/api/v1/Webhook/1","Archive":"HOST/api/v1/Webhook"}}`
	soDefault  = `{"WebhookId":0,"Name":null,"Events":["contact.created","contact.deleted"],"ErrorsEmail":null,"TargetUrl":null,` +
		`"Secret":null,"State":"Active","Type":"webhook","Headers":null,"Properties":null,"Registered":"0001-01-01T00:00:00",` +
		`"RegisteredAssociate":null,"Updated":"0001-01-01T00:00:00","UpdatedAssociate":null}`
)

// soError is the vendor's shape of an error.
func soError(exception, message string) string {
	quoted, _ := json.Marshal(message) // a string always can be
	text := string(quoted)
	return `{"Error":true,"ErrorType":"` + exception + `","Message":` + text + `,"ErrorMessage":` + text +
		`,"ErrorSource":"SuperOffice.Services.Implementation"}`
}

func TestSuperOfficesRESTAnswers(t *testing.T) {
	t.Parallel()
	s := open(t)
	const hook = "/api/v1/Webhook/1"
	sales := "{" + salesFields + salesLinks
	changed := strings.NewReplacer(`"Stopped"`, `"Active"`, `"Sales"`, `"Sold"`).Replace(sales)
	s.runs(t, s.fullKey(t, "superoffice"), []step{
		{verb: "GET", path: "/api/v1/Webhook/default", status: 200, answer: soDefault},
		{verb: "GET", path: "/api/v1/Webhook", status: 200, answer: `[]`},
		{verb: "GET", path: hook, status: 404, answer: soError("SoNotFoundException", "Webhook id 1 not found")},
		{verb: "POST", path: "/api/v1/Webhook", body: salesBody, status: 200, answer: sales},
		{verb: "GET", path: hook, status: 200, answer: sales},
		{verb: "HEAD", path: hook, status: 200},
		{verb: "GET", path: "/Cust12345/API/V1/webhook/1/?x=y", status: 200, answer: sales},
		{verb: "GET", path: "/api/v1/Webhook", status: 200, answer: "[{" + salesFields + "}]"},
		{verb: "PUT", path: hook, body: strings.NewReplacer(`"Sales"`, `"Sold"`, `"state":2`, `"state":"active"`).Replace(salesBody), status: 200, answer: changed},
		{verb: "GET", path: hook + "/LastError", status: 200, answer: `""`},
		{verb: "POST", path: "/api/v1/Webhook/foo.bar/123", body: `{"a":1}`, status: 204},
		{verb: "POST", path: "/api/v1/Webhook/foo.bar/0", status: 204},
		{verb: "DELETE", path: hook, status: 204},
		{verb: "DELETE", path: hook, status: 404, answer: soError("SoNotFoundException", "Webhook id 1 not found")},
		{verb: "GET", path: "/api/v1/Webhook", status: 200, answer: `[]`},
	})
}

func TestSuperOfficeSelectsMembers(t *testing.T) {
	t.Parallel()
	s := open(t)
	const rest = `"Registered":null,"RegisteredAssociate":null,"Updated":null,"UpdatedAssociate":null`
	selected := `{"WebhookId":null,"Name":"Sales","Events":null,"TargetUrl":null,"Secret":null,"State":"Stopped","Type":null,"Headers":null,"Properties":null,` + rest
	s.runs(t, s.fullKey(t, "superoffice"), []step{
		{verb: "POST", path: "/api/v1/Webhook?$select=name,STATE,category/id", body: salesBody, status: 200, answer: selected + salesLinks},
		{verb: "GET", path: "/api/v1/Webhook/1?%24Select=%20state%20,name", status: 200, answer: selected + salesLinks},
		{verb: "PUT", path: "/api/v1/Webhook/1?$select=name,state", body: salesBody, status: 200, answer: selected + salesLinks},
		{verb: "PATCH", path: "/api/v1/Webhook/1?$select=name,state", body: `{}`, status: 200, answer: selected + salesLinks},
		{verb: "POST", path: "/api/v1/Agents/Webhook/GetWebhook?webhookId=1&$select=Name,State", status: 200, answer: selected + "}"},
		{verb: "GET", path: "/api/v1/Webhook/1?$select=", status: 200, answer: "{" + salesFields + salesLinks},
	})
}

func TestSuperOfficeListsByNameEventAndStatus(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "superoffice")
	for _, doc := range []string{
		`{"Name":"A","Events":["contact.created"],"TargetUrl":"https://e.com/1"}`,
		`{"Name":"A","Events":["sale.sold","contact.created"],"TargetUrl":"https://e.com/2","State":"Stopped"}`,
		`{"Name":"B","Events":["sale.sold"],"TargetUrl":"https://e.com/3","State":3}`,
	} {
		if got := s.superoffice(t, key, "POST", "/api/v1/Webhook", doc); got.status != http.StatusOK {
			t.Fatalf("%+v", got)
		}
	}
	s.call(t, key, "createSubscription", map[string]any{"endpoint": "https://example.com", "events": []string{"sale.sold"}}, nil)
	for _, c := range []struct{ query, body, want string }{
		{"", `null`, "1 2 3"},
		{"nameFilter=A", `{"nameFilter":"A","eventFilter":null,"statusFilter":null}`, "1 2"},
		{"NAMEFILTER=a", `{"NameFilter":"a"}`, ""},
		{"eventFilter=sale.sold", `{"eventFilter":"sale.sold"}`, "2 3"},
		{"eventFilter=sale.*", `{"eventFilter":"sale.*"}`, ""},
		{"statusFilter=Unknown", `{"statusFilter":0}`, "1 2 3"},
		{"statusFilter=active", `{"statusFilter":1}`, "1"},
		{"statusFilter=2", `{"statusFilter":"Stopped"}`, "2"},
		{"statusfilter=TooManyErrors&nameFilter=B&eventFilter=sale.sold", `{"nameFilter":"B","eventFilter":"sale.sold","statusFilter":3}`, "3"},
	} {
		for _, got := range []answer{
			s.superoffice(t, key, "GET", "/api/v1/Webhook?"+c.query, ""),
			s.superoffice(t, key, "POST", "/api/v1/Agents/Webhook/GetAllWebhooks", c.body),
		} {
			var list []struct{ WebhookId int }
			if err := json.Unmarshal([]byte(got.body), &list); err != nil {
				t.Fatalf("%s: %v", got.body, err)
			}
			var ids []string
			for _, w := range list {
				ids = append(ids, strconv.Itoa(w.WebhookId))
			}
			if all := strings.Join(ids, " "); all != c.want {
				t.Errorf("%s, %s: got %q, want %q", c.query, c.body, all, c.want)
			}
		}
	}
}

func TestSuperOfficeListsMoreThanAPage(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "superoffice")
	const many, workers = 1001, 60 // listWebhooks gives 1000 at a time
	client := s.Client(t.Context(), key)
	defer client.Close()
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := worker; i < many; i += workers {
				doc := map[string]any{"Events": []string{"a.b"}, "TargetUrl": "https://e.com/" + strconv.Itoa(i)}
				if err := client.Call(t.Context(), "postWebhook", doc, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got := s.superoffice(t, key, "GET", "/api/v1/Webhook?nameFilter=&eventFilter=a.b", "")
	if n := strings.Count(got.body, `"WebhookId":`); n != many || strings.Contains(got.body, "_Links") {
		t.Errorf("listed %d, want %d without links", n, many)
	}
}

// TestSuperOfficeTakesEveryCredential: the password of Basic, a ticket, a token, and the XSRF form.
func TestSuperOfficeTakesEveryCredential(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "superoffice")
	for _, header := range [][]string{
		{"Authorization", "SOTicket " + key}, {"Authorization", "soticket " + key}, {"Authorization", "BEARER " + key},
		{"X-XSRF-TOKEN", key}, {"X-Xsrf-Token", key, "SO-AppToken", "app", "Accept-Language", "sv"},
	} {
		if got := s.superoffice(t, "", "GET", "/api/v1/Webhook", "", header...); got.status != http.StatusOK {
			t.Errorf("%v: %d %s", header[0], got.status, got.body)
		}
	}
	for _, header := range [][]string{
		{}, {"Authorization", "Basic !"}, {"Authorization", "Bearer nobody"}, {"Authorization", "Bearer nobody", "X-XSRF-TOKEN", key},
		{"X-XSRF-TOKEN", "nobody"},
	} {
		got := s.superoffice(t, "", "GET", "/api/v1/Webhook", "", header...)
		want := soError("AuthenticationException", "Authentication failed: the key is missing, unknown or revoked.")
		if got.status != http.StatusUnauthorized || got.body != want || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%v: got %d %s", header, got.status, got.body)
		}
	}
}

func TestSuperOfficeSpeaksXMLAndForms(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "superoffice")
	const xmlBody = `<?xml version="1.0" encoding="utf-8"?>
<WebhookEntity xmlns="http://schemas.datacontract.org/2004/07/SuperOffice" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:d="http://www.w3.org/2001/XMLSchema">
  <Name>Sales &amp; more</Name>
  <Events><string>contact.created</string><string>sale.sold</string></Events>
  <TargetUrl>https://example.com/so</TargetUrl>
  <Secret i:nil="true"/>
  <State>1</State>
  <Headers><KeyValueOfstringstring><Key>X-A</Key><Value>b</Value></KeyValueOfstringstring></Headers>
  <Properties><KeyValueOfstringanyType><Key>p</Key><Value i:type="d:int">1</Value></KeyValueOfstringanyType></Properties>
</WebhookEntity>`
	const answerXML = `<?xml version="1.0" encoding="UTF-8"?>` +
		`<Webhook xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="http://www.w3.org/2001/XMLSchema"><WebhookId>1</WebhookId>` +
		`<Name>Sales &amp; more</Name><Events><string>contact.created</string><string>sale.sold</string></Events>` +
		`<TargetUrl>https://example.com/so</TargetUrl><Secret i:nil="true"/><State>Active</State><Type>webhook</Type>` +
		`<Headers><KeyValueOfstringstring><Key>X-A</Key><Value>b</Value></KeyValueOfstringstring></Headers>` +
		`<Properties><KeyValueOfstringanyType><Key>p</Key><Value i:type="x:decimal">1</Value></KeyValueOfstringanyType></Properties>` +
		`<Registered>NOW</Registered><RegisteredAssociate i:nil="true"/><Updated>NOW</Updated><UpdatedAssociate i:nil="true"/>` +
		`<_Links><KeyValueOfstringstring><Key>Self</Key><Value>HOST/api/v1/Webhook/1</Value></KeyValueOfstringstring>` +
		`<KeyValueOfstringstring><Key>Archive</Key><Value>HOST/api/v1/Webhook</Value></KeyValueOfstringstring></_Links></Webhook>`
	const formBody = `name=Form&Events=contact.created&events=sale.sold&targeturl=https%3A%2F%2Fexample.com%2Fform&State=Stopped&Headers[X-A]=b&Properties[p]=1`
	const formFields = `"WebhookId":2,"Name":"Form","Events":["contact.created","sale.sold"],"TargetUrl":"https://example.com/form",` +
		`"Secret":null,"State":"Stopped","Type":"webhook","Headers":{"X-A":"b"},"Properties":{"p":"1"},` +
		`"Registered":"NOW","RegisteredAssociate":null,"Updated":"NOW","UpdatedAssociate":null`
	const form = "application/x-www-form-urlencoded"
	s.runs(t, key, []step{
		{verb: "POST", path: "/api/v1/Webhook", body: xmlBody, header: []string{"Content-Type", "text/xml; charset=utf-8", "Accept", "application/xml"}, status: 200, answer: answerXML},
		{verb: "PUT", path: "/api/v1/Webhook/1", body: strings.ReplaceAll(answerXML, "NOW", "2026-11-21T09:30:00Z"), header: []string{"Content-Type", "application/xml", "Accept", "text/html;q=1, application/json;q=0.1, text/xml;q=0.9"}, status: 200, answer: answerXML},
		{verb: "POST", path: "/api/v1/Webhook", body: formBody, header: []string{"Content-Type", form}, status: 200, answer: "{" + formFields + strings.ReplaceAll(salesLinks, "/1\"", "/2\"")},
		{verb: "POST", path: "/api/v1/Agents/Webhook/SaveWebhook", body: formBody + "&WebhookId=2", header: []string{"Content-Type", form}, status: 200, answer: "{" + formFields + "}"},
		{verb: "PATCH", path: "/api/v1/Webhook/2", body: `<W><Name>Form</Name></W>`, header: []string{"Content-Type", "text/xml"}, status: 200, answer: "{" + formFields + strings.ReplaceAll(salesLinks, "/1\"", "/2\"")},
		{verb: "POST", path: "/api/v1/Agents/Webhook/GetAllWebhooks", body: `<A><NameFilter>Form</NameFilter><EventFilter i:nil="true" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"/></A>`, header: []string{"Content-Type", "application/xml"}, status: 200, answer: `[{` + formFields + `}]`},
		{verb: "POST", path: "/api/v1/Agents/Webhook/GetLastError", body: "webhookid=2", header: []string{"Content-Type", form, "Accept", "text/xml"}, status: 200, answer: `<?xml version="1.0" encoding="UTF-8"?><string xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="http://www.w3.org/2001/XMLSchema"></string>`},
		{verb: "POST", path: "/api/v1/Agents/Webhook/SignalEvent", body: `<S><EventName>foo.bar</EventName><PrimaryKey>5</PrimaryKey><Data><a>1</a></Data></S>`, header: []string{"Content-Type", "text/xml"}, status: 204},
		{verb: "POST", path: "/api/v1/Webhook/foo.bar/7", body: "a=1&b[c]=2", header: []string{"Content-Type", form}, status: 204},
		{verb: "GET", path: "/api/v1/Webhook/77", header: []string{"Accept", "text/xml"}, status: 404, answer: `<?xml version="1.0" encoding="UTF-8"?><Error xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="http://www.w3.org/2001/XMLSchema"><Error>true</Error><ErrorType>SoNotFoundException</ErrorType><Message>Webhook id 77 not found</Message><ErrorMessage>Webhook id 77 not found</ErrorMessage><ErrorSource>SuperOffice.Services.Implementation</ErrorSource></Error>`},
	})
	var events struct {
		Items []struct {
			Data       json.RawMessage
			Attributes json.RawMessage
		}
	}
	s.call(t, key, "listEvents", map[string]any{"type": "foo.bar"}, &events)
	if len(events.Items) != 2 || string(events.Items[0].Attributes) != `{"primaryKey":7}` || string(events.Items[1].Attributes) != `{"primaryKey":5}` {
		t.Errorf("signalled: %+v", events)
	}
}

func TestSuperOfficeAnswersInTheTypeThatAcceptLikesBest(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "superoffice")
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "text/html": "application/json", "text/*": "text/json",
		"text/json": "text/json", "application/xml": "application/xml", "TEXT/XML": "text/xml",
		"application/json;q=0.5, text/xml": "text/xml", "application/json, text/xml": "application/json",
		"text/xml;q=0, application/json;q=0.1": "application/json", "application/merge-patch+json": "application/merge-patch+json",
		"application/xml;q=2, ;;": "application/json",
	} {
		got := s.superoffice(t, key, "GET", "/api/v1/Webhook", "", "Accept", accept)
		if media := got.header.Get("Content-Type"); media != want+"; charset=utf-8" {
			t.Errorf("Accept %q: got %q, want %q", accept, media, want)
		}
	}
}
