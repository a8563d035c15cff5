package service

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// answer is what an HTTP client saw.
type answer struct {
	status int
	header http.Header
	body   string
}

// airstack sends what an Airstack client sends: the raw key, no scheme word. key "" sends none.
func (s running) airstack(t *testing.T, key, verb, path, contentType, body string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), verb, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/json")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if key != "" {
		request.Header.Set("Authorization", key)
	}
	return do(t, request)
}

func do(t *testing.T, request *http.Request) answer {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

const guideDocument = `{"endpoint":"https://webhook.site","filter_config":{"event_type":"profile.updated","filter":{"userId":"3761"},"payload":{"userId":"3761","followerCount":108}}}`

// created is the vendor's answer to POST /webhooks, member by member.
var created = regexp.MustCompile(`^\{"webhook_id":"([0-9A-HJKMNP-TV-Z]{26})","portal_link":"(http://127\.0\.0\.1:\d+/portal\?token=[A-Za-z0-9_-]+)",` +
	`"authentication":\{"header_name":"x-airstack-webhook","header_value":"([A-Za-z0-9]{16})"\},"status":true,"message":"Successfully created subscription"\}$`)

// register registers a document and returns id, portal link and header value.
func (s running) register(t *testing.T, key, document string) (id, link, value string) {
	t.Helper()
	got := s.airstack(t, key, "POST", "/api/v1/webhooks", "application/json", document)
	parts := created.FindStringSubmatch(got.body)
	if got.status != http.StatusOK || parts == nil || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %v %s", got.status, got.header, got.body)
	}
	return parts[1], parts[2], parts[3]
}

func TestAirstackClientsCreateAndDelete(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "airstack")
	id, _, value := s.register(t, key, guideDocument)
	var shown json.RawMessage
	s.call(t, key, "getSubscription", map[string]any{"id": id}, &shown)
	if strings.Contains(string(shown), value) {
		t.Error("the header value is shown a second time")
	}
	for _, want := range []answer{
		{status: 200, body: `{"message":"Webhook deleted successfully","status":true}`},
		{status: 400, body: `{"message":"There is no webhook of that id","status":false,"authentication":{}}`},
	} {
		got := s.airstack(t, key, "DELETE", "/api/v1/webhooks/"+id, "application/json", `ignored`)
		if got.status != want.status || got.body != want.body {
			t.Errorf("got %d %s, want %d %s", got.status, got.body, want.status, want.body)
		}
	}
}

func TestAirstackTakesTheVariantsOfTheVendorsPapers(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "airstack")
	for _, document := range []string{
		`{"endpoint":"https://example.com/1","filter_config":{"event_type":"profile.created"}}`,
		`{"endpoint":"https://example.com/2","filter_config":{"event_type":"ProfileCreated"}}`,
		`{"endpoint":"https://example.com/3","filter_config":{"eventTypes":["follow.created","FollowDeleted"]}}`,
		`{"endpoint":"https://example.com/4","eventTypes":["ProfileUpdated"],"filter_config":{}}`,
		` { "endpoint" : "http://example.com/5", "event_type" : "follow.deleted" } `,
	} {
		s.register(t, key, document)
	}
	for _, test := range []struct{ body, want string }{
		{`{"event_type":"follow.deleted","filter":{"followerProfileId":"3761"},"payload":{"followerProfileId":"3761","followingProfileId":"326089"}}`, "200 {\"status\":true}"},
		{`{"eventTypes":["follow.deleted"],"filter":{"followerProfileId":"3761"},"payload":{"followerProfileId":"3761"}}`, "200 {\"status\":true}"},
		{`{"eventTypes":["FollowDeleted"],"filter":{"body":{"followerProfileId":"3761"}},"payload":{"followerProfileId":"3761"}}`, "200 {\"status\":true}"},
		{`{"event_type":"follow.deleted"}`, "200 {\"status\":true}"},
		{`{"event_type":"follow.deleted","filter":{"followerProfileId":"3761"},"payload":{"followerProfileId":"1"}}`, "400 {\"status\":false}"},
		{`{"event_type":"follow.deleted","filter":{"followerProfileId":3761},"payload":{"followerProfileId":"3761"}}`, "400 {\"status\":false}"},
		{`{"event_type":"follow.deleted","filter":{"a":"1"},"payload":{"b":"1"}}`, "400 {\"status\":false}"},
	} {
		got := s.airstack(t, key, "POST", "/api/v1/filters/test", "application/json; charset=utf-8", test.body)
		if text := strconv.Itoa(got.status) + " " + got.body; text != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.body, text, test.want)
		}
	}
}

// The request that `npm run create:webhook` of Airstack-xyz/airstack-webhooks-starter sends with axios 1.7.2, recorded; only
// the key and the host differ.
const starterRequest = "POST /api/v1/webhooks HTTP/1.1\r\n" +
	"Accept: application/json\r\n" +
	"Content-Type: application/json\r\n" +
	"Authorization: KEY\r\n" +
	"User-Agent: axios/1.7.2\r\n" +
	"Content-Length: 112\r\n" +
	"Accept-Encoding: gzip, compress, deflate, br\r\n" +
	"Host: HOST\r\n" +
	"Connection: keep-alive\r\n" +
	"\r\n" +
	`{"endpoint":"https://ab97-91-73-184-78.ngrok-free.app/webhook","filter_config":{"event_type":"profile.created"}}`

func TestAirstackStartersRequestByteForByte(t *testing.T) {
	t.Parallel()
	s := open(t)
	host := strings.TrimPrefix(s.url, "http://")
	conn, err := net.DialTimeout("tcp", host, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	request := strings.NewReplacer("KEY", s.fullKey(t, "starter"), "HOST", host).Replace(starterRequest)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !created.Match(body) {
		t.Errorf("got %d %v %s", response.StatusCode, err, body)
	}
}
