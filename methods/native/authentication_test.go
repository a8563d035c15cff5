package native_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/methods/methodstest"
	"github.com/hookswitch/hookswitch/methods/native"
	"github.com/hookswitch/hookswitch/schemas"
)

// clientPair is a client certificate of Ann's and its key.
func clientPair(t testing.TB, until time.Time) (certificate, privateKey string) {
	t.Helper()
	pair := methodstest.ClientPair(t, "ann", until)
	return pair.Certificate, pair.PrivateKey
}

// certified is the minimal document with a client certificate.
func certified(t testing.TB, certificate, privateKey string) string {
	t.Helper()
	text, err := json.Marshal(schemas.ClientCertificate{Certificate: certificate, PrivateKey: privateKey})
	if err != nil {
		t.Fatal(err)
	}
	return with(`"clientCertificate":` + string(text))
}

func TestParsePointsAtEveryFaultOfCredentials(t *testing.T) {
	t.Parallel()
	in := time.Now().Add(time.Hour)
	certificate, key := clientPair(t, in)
	other, otherKey := clientPair(t, in)
	old, oldKey := clientPair(t, time.Now().Add(-time.Hour))
	long := strings.Repeat("x", 5000)
	auth := func(members string) string { return with(`"authentication":{` + members + `}`) }
	oauth2 := func(members string) string {
		return auth(`"type":"oauth2","tokenUrl":"https://example.com/token","clientId":"a","clientSecret":"b",` + members)
	}
	for name, test := range map[string]struct{ doc, pointers string }{
		"no object":          {with(`"authentication":"basic"`), "/authentication"},
		"a number":           {auth(`"type":"basic","username":1,"password":"b"`), "/authentication"},
		"no type":            {auth(`"username":"a"`), "/authentication/type"},
		"unknown type":       {auth(`"type":"digest"`), "/authentication/type"},
		"basic":              {auth(`"type":"basic","password":"b"`), "/authentication/username"},
		"colon":              {auth(`"type":"basic","username":"a:b","password":"c:d"`), "/authentication/username"},
		"control":            {auth(`"type":"basic","username":"a\u0000","password":"b\n"`), "/authentication/username /authentication/password"},
		"masked password":    {auth(`"type":"basic","username":"a","password":"***"`), "/authentication/password"},
		"long password":      {auth(`"type":"basic","username":"a","password":"` + long + `"`), "/authentication/password"},
		"bearer":             {auth(`"type":"bearer"`), "/authentication/token"},
		"spaces":             {auth(`"type":"bearer","token":"a b"`), "/authentication/token"},
		"long token":         {auth(`"type":"bearer","token":"` + long + `"`), "/authentication/token"},
		"masked token":       {auth(`"type":"bearer","token":"***"`), "/authentication/token"},
		"of another type":    {auth(`"type":"bearer","token":"a","username":"b","scopes":["c"]`), "/authentication/username /authentication/scopes"},
		"oauth2":             {auth(`"type":"oauth2"`), "/authentication/tokenUrl /authentication/clientId /authentication/clientSecret"},
		"token URL":          {auth(`"type":"oauth2","tokenUrl":"https://a:b@example.com","clientId":"a","clientSecret":"***"`), "/authentication/tokenUrl /authentication/clientSecret"},
		"scopes":             {oauth2(`"scopes":["a","","b c","d\"","é"]`), "/authentication/scopes/1 /authentication/scopes/2 /authentication/scopes/3 /authentication/scopes/4"},
		"many scopes":        {oauth2(`"scopes":` + many(33, func(int) string { return `"a"` }, "[", "]")), "/authentication/scopes"},
		"long audience":      {oauth2(`"audience":"` + long + `"`), "/authentication/audience"},
		"twice":              {with(`"headers":{"authorization":"x"},"authentication":{"type":"bearer","token":"a"}`), "/headers/authorization"},
		"certificate string": {with(`"clientCertificate":"x"`), "/clientCertificate"},
		"no PEM":             {certified(t, "x", "y"), "/clientCertificate/certificate /clientCertificate/privateKey"},
		"without key":        {certified(t, certificate, ""), "/clientCertificate/privateKey"},
		"masked key":         {certified(t, certificate, "***"), "/clientCertificate/privateKey"},
		"another's key":      {certified(t, certificate, otherKey), "/clientCertificate/privateKey"},
		"wrong order":        {certified(t, other+certificate, key), "/clientCertificate/privateKey"},
		"key as certificate": {certified(t, key, key), "/clientCertificate/certificate"},
		"certificate as key": {certified(t, certificate, certificate), "/clientCertificate/privateKey"},
		"encrypted key":      {certified(t, certificate, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n"), "/clientCertificate/privateKey"},
		"expired":            {certified(t, old, oldKey), "/clientCertificate/certificate"},
		"broken":             {certified(t, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key), "/clientCertificate/certificate"},
		"huge":               {certified(t, strings.Repeat(certificate, 100), strings.Repeat(key, 100)), "/clientCertificate/certificate /clientCertificate/privateKey"},
		"in the clear":       {strings.Replace(certified(t, certificate, key), "https:", "http:", 1), "/clientCertificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := native.Parse(json.RawMessage(test.doc), nil)
			methodstest.Faults(t, err, strings.Fields(test.pointers)...)
		})
	}
}

func TestCredentialsAreReplacedWholeAndNeverShown(t *testing.T) {
	t.Parallel()
	certificate, key := clientPair(t, time.Date(2050, 1, 2, 3, 4, 5, 0, time.UTC))
	w := parse(t, certified(t, certificate, key), nil)
	w = parse(t, `{"authentication":{"type":"basic","username":"ann","password":"sesame"}}`, w)
	show := func(want string) {
		t.Helper()
		for _, document := range []any{
			native.New().Show(w, methods.View{Secrets: true}), native.New().Created(w, methods.View{}),
		} {
			if got := encode(t, document); !strings.Contains(got, want) || strings.Contains(got, "sesame") || strings.Contains(got, "PRIVATE") {
				t.Errorf("shown as %s, want %s", got, want)
			}
		}
	}
	quoted, err := json.Marshal(certificate)
	if err != nil {
		t.Fatal(err)
	}
	shown := `"clientCertificate":{"certificate":` + string(quoted) + `,"privateKey":"***","subject":"CN=ann","expires":"2050-01-02T03:04:05Z"}`
	show(`"authentication":{"type":"basic","username":"ann","password":"***"},` + shown)
	w = parse(t, `{"authentication":{"type":"bearer","token":"sesame"}}`, w)
	show(`"authentication":{"type":"bearer","token":"***"},` + shown)
	w = parse(t, `{"authentication":{"type":"oauth2","tokenUrl":"https://example.com/token","clientId":"c","clientSecret":"sesame","scopes":["a","b"],"audience":"d"},"clientCertificate":null}`, w)
	show(`"authentication":{"type":"oauth2","tokenUrl":"https://example.com/token","clientId":"c","clientSecret":"***","scopes":["a","b"],"audience":"d"},"stats"`)
	w = parse(t, `{"name":"other"}`, w)
	if w.Authentication == nil || w.Authentication.ClientSecret != "sesame" {
		t.Error("an update of something else changed the credentials")
	}
	if w = parse(t, `{"authentication":null}`, w); w.Authentication != nil || w.ClientCertificate != nil {
		t.Error("null does not take the credentials away")
	}
	w = parse(t, with(`"authentication":{"type":"basic","username":"api-key","password":""}`), nil) // as some receivers want it
	show(`"authentication":{"type":"basic","username":"api-key"},"stats"`)
	if _, err := native.Parse(json.RawMessage(`{"endpoint":"http://example.com"}`), parse(t, certified(t, certificate, key), nil)); err == nil {
		t.Error("an endpoint in the clear is taken beside a client certificate")
	}
}
