package copernica

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// johny was created at the time of the vendor's examples.
var johny = time.Date(1979, 2, 12, 12, 49, 23, 0, time.UTC)

// The bodies are built from the vendor's decoded examples in the order of its tables.
func TestBodyOfEveryKind(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ kind, data, want string }{
		{
			"profile.created",
			`{"interests":{"blue":1,"red":0},"fields":{"name":"Johny","mail":"johny@example.com"},"modified":"1979-02-12 12:49:23",
			  "created":"1979-02-12 12:49:23","database":1,"profile":123,"id":123,
			  "parameters":{"name":"Johny","mail":"johny@example.com","blue":1,"red":0}}`,
			`type=create&parameters%5Bname%5D=Johny&parameters%5Bmail%5D=johny%40example.com&parameters%5Bblue%5D=1&parameters%5Bred%5D=0&timestamp=1979-02-12+12%3A49%3A23&time=287671763&profile=123&database=1&created=1979-02-12+12%3A49%3A23&modified=1979-02-12+12%3A49%3A23&fields%5Bname%5D=Johny&fields%5Bmail%5D=johny%40example.com&interests%5Bblue%5D=1&interests%5Bred%5D=0`,
		},
		{
			"subprofile.created",
			`{"subprofile":12,"profile":123,"database":1,"collection":2,"parameters":{"name":"Johny"},"fields":{"name":"Johny"},
			  "created":"1979-02-12 12:49:23","modified":"1979-02-12 12:49:23"}`,
			`type=create&parameters%5Bname%5D=Johny&timestamp=1979-02-12+12%3A49%3A23&time=287671763&subprofile=12&profile=123&database=1&collection=2&created=1979-02-12+12%3A49%3A23&modified=1979-02-12+12%3A49%3A23&fields%5Bname%5D=Johny`,
		},
		{
			"profile.updated",
			`{"profile":123,"database":1,"parameters":{"mail":"johny+newemail@example.com"},"interests":{"blue":1,"red":0},
			  "fields":{"name":"Johny","mail":"johny+newemail@example.com"},"created":"1979-02-12 12:49:23","modified":"1979-02-12 12:49:23"}`,
			`type=update&parameters%5Bmail%5D=johny%2Bnewemail%40example.com&timestamp=1979-02-12+12%3A49%3A23&time=287671763&profile=123&database=1&created=1979-02-12+12%3A49%3A23&modified=1979-02-12+12%3A49%3A23&fields%5Bname%5D=Johny&fields%5Bmail%5D=johny%2Bnewemail%40example.com&interests%5Bblue%5D=1&interests%5Bred%5D=0`,
		},
		{
			"subprofile.updated",
			`{"subprofile":12,"profile":123,"database":1,"collection":2,"fields":{"name":"Johny"}}`,
			`type=update&timestamp=1979-02-12+12%3A49%3A23&time=287671763&profile=123&subprofile=12&database=1&collection=2&fields%5Bname%5D=Johny`,
		},
		{
			"profile.deleted",
			`{"profile":123,"database":1,"fields":{"name":"Johny"}}`,
			`type=delete&timestamp=1979-02-12+12%3A49%3A23&time=287671763&profile=123&database=1&fields%5Bname%5D=Johny`,
		},
		{
			"subprofile.deleted",
			`{"subprofile":456,"profile":123,"collection":2}`,
			`type=delete&timestamp=1979-02-12+12%3A49%3A23&time=287671763&profile=123&subprofile=456&collection=2`,
		},
		{
			"message.clicked",
			`{"id":"abc123","recipient":"johny@example.com","ip":"203.0.113.7","original":"https://www.example.com/page?a=1",
			  "useragent":"Mozilla/5.0","referer":"https://example.com/","tags":["tag1","tag2"]}`,
			`id=abc123&type=click&timestamp=1979-02-12+12%3A49%3A23&time=287671763&recipient=johny%40example.com&ip=203.0.113.7&original=https%3A%2F%2Fwww.example.com%2Fpage%3Fa%3D1&useragent=Mozilla%2F5.0&referer=https%3A%2F%2Fexample.com%2F&tags%5B%5D=tag1&tags%5B%5D=tag2`,
		},
		{
			"message.opened",
			`{"id":"abc123","recipient":"johny@example.com","ip":"203.0.113.7","useragent":"Mozilla/5.0","referer":"https://example.com/",
			  "tags":["tag1","tag2"],"profile":123,"mailing":456}`,
			`id=abc123&type=open&timestamp=1979-02-12+12%3A49%3A23&time=287671763&recipient=johny%40example.com&ip=203.0.113.7&useragent=Mozilla%2F5.0&referer=https%3A%2F%2Fexample.com%2F&tags%5B%5D=tag1&tags%5B%5D=tag2&profile=123&mailing=456`,
		},
		{
			"message.delivered",
			`{"id":"abc123","recipient":"johny@example.com","tags":["tag1","tag2"]}`,
			`id=abc123&type=delivery&timestamp=1979-02-12+12%3A49%3A23&time=287671763&recipient=johny%40example.com&tags%5B%5D=tag1&tags%5B%5D=tag2`,
		},
		{
			"message.bounced",
			`{"id":"abc123","recipient":"johny@example.com","envelope":"bounces@example.net","mime":"From: x\r\n\r\nbody","tags":["tag1","tag2"]}`,
			`id=abc123&type=bounce&timestamp=1979-02-12+12%3A49%3A23&time=287671763&recipient=johny%40example.com&envelope=bounces%40example.net&mime=From%3A+x%0D%0A%0D%0Abody&tags%5B%5D=tag1&tags%5B%5D=tag2`,
		},
		{
			"message.failed",
			`{"id":"abc123","recipient":"johny@example.com","action":"failed","state":"rcpt","code":550,"extended":"5.1.1",
			  "description":"User unknown","tags":["tag1","tag2"]}`,
			`id=abc123&type=failure&timestamp=1979-02-12+12%3A49%3A23&time=287671763&recipient=johny%40example.com&action=failed&state=rcpt&code=550&extended=5.1.1&description=User+unknown&tags%5B%5D=tag1&tags%5B%5D=tag2`,
		},
		{
			"webhook.test",
			`{"b":1,"type":"x","a":[2]}`,
			`type=webhook.test&timestamp=1979-02-12+12%3A49%3A23&time=287671763&b=1&a%5B%5D=2`,
		},
	} {
		e := &schemas.Event{Type: test.kind, Time: johny, Data: json.RawMessage(test.data)}
		if got := string(bodyOf(e)); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.kind, got, test.want)
		}
	}
}

func TestFieldsAreReadAndNeverInvented(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		event schemas.Event
		want  string
	}{
		{"nothing known", schemas.Event{Type: "profile.deleted"}, `type=delete`},
		{"data that is no object", schemas.Event{Type: "profile.deleted", Time: johny, Data: json.RawMessage(`"x"`)}, `type=delete&timestamp=1979-02-12+12%3A49%3A23&time=287671763`},
		{"attributes before data", schemas.Event{
			Type: "profile.deleted", Data: json.RawMessage(`{"profile":1,"database":2}`),
			Attributes: map[string]json.RawMessage{"profile": json.RawMessage(`"9"`)},
		}, `type=delete&profile=9&database=2`},
		{"its own time", schemas.Event{
			Type: "profile.deleted", Time: johny, Data: json.RawMessage(`{"time":5,"timestamp":"then","type":"x"}`),
		}, `type=delete&timestamp=then&time=5`},
	} {
		if got := string(bodyOf(&test.event)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// The wanted texts are what PHP 8 prints for http_build_query(["f" => …]), but for lists of scalars: see the package.
func TestValuesAreWrittenAsPHPDoes(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`"a b~c_d-e.f*g"`:           `f=a+b%7Ec_d-e.f%2Ag`,
		`"é€"`:                      `f=%C3%A9%E2%82%AC`,
		`1.50`:                      `f=1.50`,
		`true`:                      `f=1`,
		`false`:                     `f=0`,
		`null`:                      ``,
		`""`:                        `f=`,
		`[]`:                        ``,
		`{}`:                        ``,
		`[1,null,"x"]`:              `f%5B%5D=1&f%5B%5D=x`,
		`{"a":{"b c":[1,2]}}`:       `f%5Ba%5D%5Bb+c%5D%5B%5D=1&f%5Ba%5D%5Bb+c%5D%5B%5D=2`,
		`[{"n":1,"m":2},{"n":3}]`:   `f%5B0%5D%5Bn%5D=1&f%5B0%5D%5Bm%5D=2&f%5B1%5D%5Bn%5D=3`,
		`{"z":1,"a":2,"n":null}`:    `f%5Bz%5D=1&f%5Ba%5D=2`,
		` { "z" : [ 1 , [ 2 ] ] } `: `f%5Bz%5D%5B%5D=1&f%5Bz%5D%5B1%5D%5B%5D=2`,
	} {
		var f form
		f.value("f", json.RawMessage(value))
		if got := string(f.text); got != want {
			t.Errorf("%s is written %s, want %s", value, got, want)
		}
	}
}

// FuzzBody: any data makes a body that a receiver can decode, and the body names its type once.
func FuzzBody(f *testing.F) {
	f.Add("profile.created", `{"parameters":{"a":[1,{"b":null}]},"interests":["x"]}`)
	f.Add("other", `{"a":{"":""}}`)
	f.Fuzz(func(t *testing.T, kind, data string) {
		body := string(bodyOf(&schemas.Event{Type: kind, Time: johny, Data: json.RawMessage(data)}))
		values, err := url.ParseQuery(body)
		if err != nil || len(values["type"]) != 1 {
			t.Fatalf("%q: %v, %d types", body, err, len(values["type"]))
		}
		if strings.ContainsAny(body, " \r\n[]~") {
			t.Fatalf("%q is not encoded", body)
		}
	})
}
