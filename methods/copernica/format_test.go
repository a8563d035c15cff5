package copernica_test

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/delivery/formattest"
	"github.com/hookswitch/hookswitch/methods/copernica"
	"github.com/hookswitch/hookswitch/schemas"
)

var now = time.Date(2026, 11, 21, 10, 0, 5, 0, time.UTC)

// testKey is the key of the goldens; it signs nothing else.
func testKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile("testdata/key.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// format is a Format whose requests are the same every time.
func format(t testing.TB) delivery.Format {
	t.Helper()
	return copernica.New(copernica.Options{Keys: testKeys(t), Nonce: func() string { return "fsd9f2" }}).Format
}

// testKeys are the keys of a service whose only one is testKey.
func testKeys(t testing.TB) *copernica.Keys {
	t.Helper()
	ring, err := json.Marshal(map[string]any{"keys": []map[string]any{{
		"number": 1, "from": "2026-11-01T00:00:00Z", "pkcs1": x509.MarshalPKCS1PrivateKey(testKey(t)),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	keys := copernica.NewKeys((&vault{text: ring}).change, "")
	if err := keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return keys
}

func webhook(endpoint string) *schemas.Webhook {
	return &schemas.Webhook{ID: 1894, Account: 1234, Endpoint: endpoint}
}

func job(w *schemas.Webhook, e *schemas.Event) delivery.Job {
	return delivery.Job{Webhook: w, Due: []delivery.Due{{Event: e, Attempt: 1}}, Now: now}
}

func event(kind, data string) *schemas.Event {
	return &schemas.Event{ID: "e1", Type: kind, Time: time.Unix(287671763, 0), Data: json.RawMessage(data)}
}

func build(t testing.TB, f delivery.Format, j delivery.Job) delivery.Request {
	t.Helper()
	request, err := f.Build(j)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return request
}

func TestEveryEventOnTheWire(t *testing.T) {
	t.Parallel()
	const message = `{"id":"abc123","recipient":"johny@example.com","tags":["tag1","tag2"],"ip":"203.0.113.7",
		"original":"https://www.example.com/","envelope":"bounces@example.net","mime":"From: x","action":"failed","state":"rcpt",
		"code":550,"extended":"5.1.1","description":"User unknown","emailfrom":"abuse@example.net"}`
	const unsubscribed = `{"id":77,"database":1,"profile":123,"mailing":456}`
	const profile = `{"profile":123,"subprofile":12,"database":1,"collection":2,"parameters":{"name":"Johny"},
		"fields":{"name":"Johny","mail":"johny@example.com"},"interests":{"blue":1,"red":0},
		"created":"1979-02-12 12:49:23","modified":"1979-02-12 12:49:23"}`
	for kind, data := range map[string]string{
		"profile.created": profile, "profile.updated": profile, "profile.deleted": profile,
		"subprofile.created": profile, "subprofile.updated": profile, "subprofile.deleted": profile,
		"message.clicked": message, "message.opened": message, "message.delivered": message, "message.bounced": message,
		"message.failed": message, "message.complained": message, "profile.unsubscribed": unsubscribed,
	} {
		w := webhook("https://yourserver.yourdomain.com/path/to/your/script?a=b")
		request := build(t, format(t), job(w, event(kind, data)))
		formattest.Golden(t, "testdata/"+kind+".http", w.Endpoint, request)
		if err := verify(received(t, w.Endpoint, request), &testKey(t).PublicKey, "account-1234"); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// received is a request as a receiver reads it off the wire.
func received(t testing.TB, endpoint string, request delivery.Request) *http.Request {
	t.Helper()
	sent, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, bytes.NewReader(request.Body))
	if err != nil {
		t.Fatal(err)
	}
	sent.Header = request.Header
	var wire bytes.Buffer
	if err := sent.Write(&wire); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFormatKeepsTheContract(t *testing.T) {
	t.Parallel()
	formattest.Run(t, format(t), func() delivery.Job {
		w := webhook("https://example.com/hook?token=hidden")
		w.Headers = map[string]string{"Authorization": "Bearer hidden"}
		w.Secrets = []schemas.Secret{{Value: "unused-secret"}}
		return job(w, event("profile.created", `{"profile":1,"fields":{"b":1,"a":[true,null]}}`))
	})
}

// The vector of reference file dialects/copernica.md, section "Headers and signature".
func TestDigestVector(t *testing.T) {
	t.Parallel()
	request := build(t, format(t), job(webhook("https://example.com"), event("profile.deleted", `{"profile":123,"database":1}`)))
	const body = "type=delete&timestamp=1979-02-12+12%3A49%3A23&time=287671763&profile=123&database=1"
	if string(request.Body) != body {
		t.Fatalf("body = %s, want %s", request.Body, body)
	}
	const digest = "sha-256=H6R7gx/IJA71pQgNDFnZbNQZHyBlLQ+tuSXze45cLZo="
	if got := request.Header.Get("Digest"); got != digest {
		t.Errorf("Digest = %s, want %s", got, digest)
	}
}

var parameter = regexp.MustCompile(`([a-zA-Z]*)="(.*?)"`)

// verify does what the vendor's PHP verifier does (copernica/http-signatures): its strictness is the reference's table.
func verify(r *http.Request, key *rsa.PublicKey, customer string) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	algorithm, digest, _ := strings.Cut(r.Header.Get("Digest"), "=")
	if sum := sha256.Sum256(body); algorithm != "sha-256" || digest != base64.StdEncoding.EncodeToString(sum[:]) {
		return errors.New("Digest header does not match body data")
	}
	if r.Header.Get("X-Copernica-Id") != customer {
		return errors.New("another customer")
	}
	parts := map[string]string{}
	for _, found := range parameter.FindAllStringSubmatch(r.Header.Get("Signature"), -1) {
		parts[found[1]] = found[2]
	}
	if !strings.HasSuffix(parts["keyId"], ".copernica.com") || parts["algorithm"] != "rsa-sha256" {
		return errors.New("call is not signed by copernica.com")
	}
	signed := strings.Split(parts["headers"], " ")
	lines := make([]string, 0, len(signed))
	for _, name := range signed {
		value := r.Header.Get(name)
		switch name {
		case "(request-target)":
			value = strings.ToLower(r.Method) + " " + r.RequestURI
		case "host":
			value = r.Host
		}
		if name != strings.ToLower(name) {
			value = "" // the verifier looks names up as they are listed, among lower-case ones
		}
		lines = append(lines, name+": "+strings.TrimSpace(value))
	}
	for _, needed := range []string{"host", "date", "x-copernica-id", "digest", "x-nonce"} {
		if !strings.Contains(" "+parts["headers"]+" ", " "+needed+" ") {
			return errors.New("the " + needed + " header is not included")
		}
	}
	signature, err := base64.StdEncoding.DecodeString(parts["signature"])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
}

func TestSignatureCoversWhatTheReceiverSees(t *testing.T) {
	t.Parallel()
	public := &testKey(t).PublicKey
	for _, endpoint := range []string{
		"https://example.com", "http://example.com:8080/a%20b?c=d&e", "https://EXAMPLE.com/x", "https://bücher.example/ü?q=é",
		"http://[::1]:80/", "https://example.com:443?x",
	} {
		request := build(t, format(t), job(webhook(endpoint), event("profile.created", `{"profile":1}`)))
		if err := verify(received(t, endpoint, request), public, "account-1234"); err != nil {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

func TestSignatureHoldsOverARealConnection(t *testing.T) {
	t.Parallel()
	answers := make(chan error, 1)
	public := &testKey(t).PublicKey
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		answers <- verify(r, public, "account-1234")
	}))
	defer receiver.Close()
	endpoint := receiver.URL + "/hook?x=1"
	request := build(t, format(t), job(webhook(endpoint), event("message.opened", `{"id":"m1"}`)))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, bytes.NewReader(request.Body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = request.Header
	response, err := receiver.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if err := <-answers; err != nil {
		t.Error(err)
	}
}

func TestAnyTamperingBreaksTheSignature(t *testing.T) {
	t.Parallel()
	const endpoint = "https://example.com/hook"
	key := &testKey(t).PublicKey
	for name, tamper := range map[string]func(r *http.Request){
		"nothing":  func(*http.Request) {},
		"body":     func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("type=create")) },
		"target":   func(r *http.Request) { r.RequestURI = "/other" },
		"method":   func(r *http.Request) { r.Method = http.MethodPut },
		"host":     func(r *http.Request) { r.Host = "example.org" },
		"date":     func(r *http.Request) { r.Header.Set("Date", "Sun, 05 Jan 2014 21:31:40 GMT") },
		"nonce":    func(r *http.Request) { r.Header.Set("X-Nonce", "fsd9f3") },
		"type":     func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		"length":   func(r *http.Request) { r.Header.Set("Content-Length", "1") },
		"customer": func(r *http.Request) { r.Header.Set("X-Copernica-Id", "account-1235") },
		"digest case": func(r *http.Request) {
			r.Header.Set("Digest", strings.Replace(r.Header.Get("Digest"), "sha", "SHA", 1))
		},
		"names case": func(r *http.Request) {
			r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), " host ", " Host ", 1))
		},
	} {
		r := received(t, endpoint, build(t, format(t), job(webhook(endpoint), event("profile.deleted", `{"profile":1}`))))
		tamper(r)
		if err := verify(r, key, "account-1234"); (err == nil) != (name == "nothing") {
			t.Errorf("%s tampered with: %v", name, err)
		}
	}
}

func TestNothingIsSentUnsigned(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]*copernica.Keys{
		"no keys": nil, "no key yet": copernica.NewKeys((&vault{}).change, ""),
	} {
		_, err := copernica.New(copernica.Options{Keys: keys}).Format.Build(job(webhook("https://example.com"), event("profile.created", `{}`)))
		if err == nil {
			t.Errorf("%s: a request is built", name)
		}
	}
}

func TestNonceDiffersEachTime(t *testing.T) {
	t.Parallel()
	f := copernica.New(copernica.Options{Keys: testKeys(t)}).Format
	j := job(webhook("https://example.com"), event("profile.created", `{}`))
	first, second := build(t, f, j), build(t, f, j)
	if a, b := first.Header["X-Nonce"], second.Header["X-Nonce"]; a[0] == "" || a[0] == b[0] {
		t.Errorf("nonces %q and %q", a, b)
	}
}

func TestOwnHeadersAreAddedButReplaceNothing(t *testing.T) {
	t.Parallel()
	w := webhook("https://example.com")
	w.Headers = map[string]string{"X-Own": "1", "digest": "x", "x-copernica-id": "account-1"}
	request := build(t, format(t), job(w, event("profile.created", `{}`)))
	for name, want := range map[string]bool{"X-Own": true, "Digest": true, "digest": false, "x-copernica-id": false} {
		if _, got := request.Header[name]; got != want {
			t.Errorf("%s is there: %v, want %v", name, got, want)
		}
	}
}

func TestJudgeAndPolicy(t *testing.T) {
	t.Parallel()
	f := format(t)
	for status, want := range map[int]delivery.Verdict{
		200: {OK: true}, 204: {OK: true}, 303: {}, 400: {}, 410: {Gone: true}, 500: {}, 0: {},
	} {
		if got := f.Judge(delivery.Answer{Status: status}); got != want {
			t.Errorf("%d: %+v, want %+v", status, got, want)
		}
	}
	if p := f.Policy(); p.Batch > 1 || p.OnDead != delivery.EffectNone || p.FailFor == 0 || len(p.Waits) == 0 {
		t.Errorf("policy = %+v", p)
	}
}
