package service

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// agentHead is what every request of @superoffice/webapi 12.4.1514 begins with, as recorded, for new WebhookAgent(
// "http://host/Cust1234", {auth: {username: "u", password: "p"}}).
const agentHead = `POST /Cust1234/api/v1/Agents/Webhook/%s HTTP/1.1
Accept: application/json
Content-Type: application/json
User-Agent: SO-TS-WebApi/1.0
SO-Browser-TZ-Offset: 0
Accept-Encoding: gzip, compress, deflate, br
Authorization: Basic dTpw
Host: host
Content-Length: %d

%s`

// The recorded entity: as a literal, and as it is sent back after it was fetched.
const (
	agentLiteral = `{"name":"A","events":["contact.created"],"type":"webhook","targetUrl":"https://e.com","state":1,"headers":{"X-A":"b"},"properties":{"p":1}}`
	agentFetched = `{"webhookId":3,"name":"My hook","events":["contact.created"],"targetUrl":"https://www.example.com/x","secret":"s3","state":"Active","type":"webhook","headers":{},"properties":{},"registered":"2018-04-24T07:50:50.000Z","registeredAssociate":null,"updated":"0001-01-01T00:00:00.000Z","updatedAssociate":null,"errorAssociates":[],"notifyVia":null,"notifyWhen":null}`
)

func TestSuperOfficesTypeScriptClientByteForByte(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.plant(t, "p")
	for _, other := range []string{"a.b", "c.d"} { // so that the recorded webhook gets its number, 3
		s.call(t, "p", "postWebhook", map[string]any{"TargetUrl": "https://e.com", "Events": []string{other}}, nil)
	}
	const times = `"Registered":"NOW","RegisteredAssociate":null,"Updated":"NOW","UpdatedAssociate":null}`
	const fetched = `{"WebhookId":3,"Name":"My hook","Events":["contact.created"],"TargetUrl":"https://www.example.com/x","Secret":"s3",` +
		`"State":"Active","Type":"webhook","Headers":{},"Properties":{},` + times
	for i, step := range []struct{ path, body, want string }{
		{"CreateDefaultWebhook", "null", soDefault},
		{"SaveWebhook", agentLiteral, `{"WebhookId":3,"Name":"A","Events":["contact.created"],"TargetUrl":"https://e.com","Secret":null,` +
			`"State":"Active","Type":"webhook","Headers":{"X-A":"b"},"Properties":{"p":1},` + times},
		{"SaveWebhook", agentFetched, fetched},
		{"GetWebhook?webhookId=3", "null", fetched},
		{"GetAllWebhooks", `{"nameFilter":null,"eventFilter":"contact.created","statusFilter":1}`, "[" + fetched + "]"},
		{"SignalEvent", `{"eventName":"foo.bar","primaryKey":123,"data":{"a":1}}`, ""},
		{"GetLastError", `{"webhookId":3}`, `""`},
		{"DeleteWebhook?WebhookId=3", "null", ""},
		{"GetWebhook?webhookId=3", "null", "null"},
	} {
		got := s.replay(t, fmt.Sprintf(agentHead, step.path, len(step.body), step.body))
		head, body, _ := strings.Cut(got, "\n\n")
		if body = timesIn.ReplaceAllString(body, "NOW"); body != step.want {
			t.Errorf("step %d, %s: got\n%s\nwant\n%s", i, step.path, body, step.want)
		}
		want := fmt.Sprintf("HTTP/1.1 200 OK\nCache-Control: no-store\nContent-Length: %d\n"+
			"Content-Type: application/json; charset=utf-8\nX-Content-Type-Options: nosniff", contentLength(got))
		if step.want == "" {
			want = "HTTP/1.1 204 No Content\nCache-Control: no-store\nX-Content-Type-Options: nosniff"
		}
		if head != want {
			t.Errorf("step %d, %s: got the head\n%s\nwant\n%s", i, step.path, head, want)
		}
	}
}

// contentLength is that of the body after an answer's head.
func contentLength(answer string) int {
	_, body, _ := strings.Cut(answer, "\n\n")
	return len(body)
}

// TestSuperOfficesAgentTests sends the recorded testWebhook, whose target must be one that is there.
func TestSuperOfficesAgentTests(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.plant(t, "p")
	in := receive(t, "/x")
	body := `{"webhook":` + strings.Replace(agentFetched, "https://www.example.com", in.url, 1) + `}`
	got := s.replay(t, fmt.Sprintf(agentHead, "TestWebhook", len(body), body))
	if !strings.HasPrefix(got, "HTTP/1.1 200 OK\n") || !strings.Contains(got, `{"Success":true,"Message":"HTTP 200 OK\n`) ||
		!strings.HasSuffix(got, `,"TableRight":null,"FieldProperties":{}}`) {
		t.Errorf("got %s", got)
	}
	test := in.next(t, "/x")
	if test.header.Get("X-SuperOffice-Event") != "test" || test.header.Get("X-Hook-Test") != "true" ||
		test.header.Get("X-SuperOffice-Signature") == "" || test.header.Get("X-SuperOffice-Retry") != "0" {
		t.Errorf("the receiver got %v", test.header)
	}
	if !strings.Contains(test.body, `"Changes":[],"Event":"test","PrimaryKey":0,"Entity":"test","ContextIdentifier":"Default","ChangedByAssociateId":0,"WebhookName":"My hook"}`) {
		t.Errorf("the receiver got %s", test.body)
	}
	if list := s.listed(t, "p"); list != `{"items":[]}` {
		t.Errorf("stored: %s", list)
	}
}

// TestSuperOfficesAgentAnswersNullForNothing: no 404 where the answer is a value.
func TestSuperOfficesAgentAnswersNullForNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	const agent = "/api/v1/Agents/Webhook/"
	gone := soError("SoNotFoundException", "Webhook id 7 not found")
	s.runs(t, s.fullKey(t, "superoffice"), []step{
		{verb: "POST", path: agent + "GetWebhook?WEBHOOKID=7", body: "null", status: 200, answer: "null"},
		{verb: "POST", path: "/Cust1/Api/v1/agents/webhook/getwebhook?webhookId=7", status: 200, answer: "null"},
		{verb: "POST", path: agent + "GetLastError", body: `{"WebhookId":"7"}`, status: 200, answer: "null"},
		{verb: "POST", path: agent + "DeleteWebhook?webhookId=7", body: "null", status: 404, answer: gone},
		{verb: "POST", path: agent + "SaveWebhook", body: `{"WebhookId":7,"TargetUrl":"https://e.com","Events":["a"]}`, status: 404, answer: soError("SoNotFoundException", "Webhook not found")},
		{verb: "POST", path: agent + "SaveWebhook", body: `{"WebhookId":0,"TargetUrl":"https://e.com","Events":["a"],"Name":null}`, status: http.StatusOK, answer: `{"WebhookId":1,"Name":null,"Events":["a"],"TargetUrl":"https://e.com","Secret":null,"State":"Active","Type":"webhook","Headers":null,"Properties":null,"Registered":"NOW","RegisteredAssociate":null,"Updated":"NOW","UpdatedAssociate":null}`},
	})
}
