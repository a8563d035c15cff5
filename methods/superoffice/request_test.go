package superoffice

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// same compares two JSON texts by what they mean.
func same(t *testing.T, got json.RawMessage, want string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(got, &x); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &y); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	return reflect.DeepEqual(x, y)
}

const instanceSpace = ` xmlns:i="http://www.w3.org/2001/XMLSchema-instance"`

func TestXMLIsReadByTheShapeOfItsPlace(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                            `null`,
		`<?xml version="1.0"?><Any/>`: `{}`,
		`<Any` + instanceSpace + ` i:nil="true"/>`:                                   `null`,
		"\uFEFF<W><name> a </name><STATE> 2 </STATE><webhookid>7</webhookid></W>":    `{"Name":" a ","State":"Stopped","WebhookId":7}`,
		`<W><State>Paused</State><WebhookId>x</WebhookId></W>`:                       `{"State":"Paused","WebhookId":"x"}`,
		`<W><!-- c --><Name>a<![CDATA[<b>]]>&lt;</Name><Other>1</Other></W>`:         `{"Name":"a<b><"}`,
		`<W><Events/><Headers/><Properties></Properties><Name/></W>`:                 `{"Events":[],"Headers":{},"Properties":{},"Name":""}`,
		`<W><Events>  <string>a</string> <string>b</string></Events></W>`:            `{"Events":["a","b"]}`,
		`<W><Events>a</Events><Events>b</Events></W>`:                                `{"Events":["a","b"]}`,
		`<W` + instanceSpace + `><Events i:nil="true"/><Headers i:nil="1"/></W>`:     `{"Events":null,"Headers":null}`,
		`<W><Headers><X-A>b</X-A><X-C/></Headers></W>`:                               `{"Headers":{"X-A":"b","X-C":""}}`,
		`<W><Headers>text</Headers></W>`:                                             `{"Headers":"text"}`,
		`<W><Properties><a><b>1</b></a><c><anyType>1</anyType></c></Properties></W>`: `{"Properties":{"a":{"b":"1"},"c":["1"]}}`,
		`<W` + instanceSpace + `><Properties><n i:type="q:int">5</n><d i:type="double">1e3</d><t i:type="boolean">true</t><s i:type="string">5</s><x i:type="int">five</x><z i:nil="true"/></Properties></W>`: `{"Properties":{"n":5,"d":1000,"t":true,"s":"5","x":"five","z":null}}`,
	} {
		got, err := webhookShape.readXML([]byte(body))
		if err != nil || !same(t, got, want) {
			t.Errorf("%s:\ngot  %s %v\nwant %s", body, got, err, want)
		}
	}
}

func TestFormsAreReadByTheShapeOfTheirPlace(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                                      `null`,
		`&&`:                                    `{}`,
		`name=a+b%26&secret=&STATE=1`:           `{"Name":"a b&","Secret":"","State":"Active"}`,
		`Events=a&Events=b`:                     `{"Events":["a","b"]}`,
		`Events[]=a&Events[]=b`:                 `{"Events":["a","b"]}`,
		`Events[0]=a&Name=x&Events[1]=b`:        `{"Events":["a","b"],"Name":"x"}`,
		`Headers[X-A]=b&headers%5BX-B%5D=c`:     `{"Headers":{"X-A":"b","X-B":"c"}}`,
		`Properties[p][q]=1&Properties[p][r]=2`: `{"Properties":{"p":{"q":"1","r":"2"}}}`,
		`Headers=x&Other=1&novalue`:             `{"Headers":"x"}`,
	} {
		got, err := webhookShape.readForm([]byte(body))
		if err != nil || !same(t, got, want) {
			t.Errorf("%s:\ngot  %s %v\nwant %s", body, got, err, want)
		}
	}
	nested, err := testShape.readForm([]byte(`Webhook[Name]=a&Webhook[Events][]=b&webhook[Headers][X]=y`))
	if want := `{"Webhook":{"Name":"a","Events":["b"],"Headers":{"X":"y"}}}`; err != nil || !same(t, nested, want) {
		t.Errorf("got %s %v, want %s", nested, err, want)
	}
}

func TestWhatIsTwiceOrOfAnotherKindIsRefused(t *testing.T) {
	t.Parallel()
	for body, pointer := range map[string]string{
		`Name=a&NAME=b`:                    "/Name",
		`Headers[X]=a&Name=b&Headers[X]=c`: "/Headers/X",
		`State=1&State=2`:                  "/State",
		`Events[0][a]=b`:                   "/Events",
	} {
		_, err := webhookShape.readForm([]byte(body))
		wantPointer(t, body, err, pointer)
	}
	for body, pointer := range map[string]string{
		`<W><Name>a</Name><name>b</name></W>`: "/Name",
		`<W><Events><a><b/></a></Events></W>`: "/Events",
		`text only`:                           "",
		`<W>text</W>`:                         "",
	} {
		_, err := webhookShape.readXML([]byte(body))
		wantPointer(t, body, err, pointer)
	}
	_, err := testShape.readXML([]byte(`<A><Webhook>text</Webhook></A>`))
	wantPointer(t, "a text for an entity", err, "/Webhook")
}

func wantPointer(t *testing.T, body string, err error, pointer string) {
	t.Helper()
	e, ok := err.(*schemas.Error)
	if !ok || e.Kind != schemas.KindInvalidParams || len(e.Faults) != 1 || e.Faults[0].Pointer != pointer {
		t.Errorf("%s: got %v, want a fault at %q", body, err, pointer)
	}
}

// TestXMLOfComments takes time in proportion to its size only.
func TestXMLOfComments(t *testing.T) {
	t.Parallel()
	const n = 200_000
	got, err := webhookShape.readXML([]byte(`<W><Name>` + strings.Repeat(`a<!---->`, n) + `</Name></W>`))
	if err != nil || len(got) != len(`{"Name":""}`)+n {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// FuzzXML: reading never panics, what it reads is JSON, and what is written of that is read as the same again.
func FuzzXML(f *testing.F) {
	for _, seed := range []string{
		`<W><Name>a</Name><Events><string>b</string></Events><Headers><KeyValueOfstringstring><Key>X</Key><Value>y</Value></KeyValueOfstringstring></Headers></W>`,
		`<W` + instanceSpace + `><Properties><n i:type="q:int">5</n><l i:type="ArrayOfanyType"/><o i:type="Dictionary"><a>b</a></o></Properties></W>`,
		`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, `<a><![CDATA[<]]></a>`, `<?xml version="1.0" encoding="x"?><a/>`, `<a b="c"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		read, err := webhookShape.readXML(body)
		if err != nil {
			if schemas.KindOf(err) != schemas.KindInvalidParams {
				t.Fatalf("error without a kind: %v", err)
			}
			return
		}
		if !json.Valid(read) {
			t.Fatalf("not JSON: %s", read)
		}
		again, err := webhookShape.readXML(writeXML("Webhook", read))
		if err != nil || !equalButUnwritable(read, again) {
			t.Fatalf("read  %s\nagain %s %v", read, again, err)
		}
	})
}

// FuzzXMLOfJSON: every value that Properties can have comes back from XML as it went in.
func FuzzXMLOfJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":null}],"c":1e5,"d":-0.5,"e":true,"":"x y"}`, `{}`, `{"a":[]}`, `{"a":{}}`, `{"a":" b "}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, properties []byte) {
		if !json.Valid(properties) || strings.TrimSpace(string(properties))[0] != '{' {
			return
		}
		in, err := webhookShape.readJSON([]byte(`{"Properties":` + string(properties) + `}`))
		if err != nil {
			return // not UTF-8
		}
		out, err := webhookShape.readXML(writeXML("Webhook", in))
		if err != nil && strings.Contains(err.Error(), "is there twice") {
			return // the same name twice, or names that differ in what XML can't write
		}
		if err != nil && strings.Contains(err.Error(), "too many elements") {
			return
		}
		if err != nil || !equalButUnwritable(in, out) {
			t.Fatalf("in  %s\nout %s %v", in, out, err)
		}
	})
}

// equalButUnwritable compares two JSON texts, leaving out of account the characters that XML can't write or carries
// otherwise.
func equalButUnwritable(a, b json.RawMessage) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return deepEqual(writable(x), writable(y))
}

func writable(v any) any {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < ' ' || r == '\uFFFD' || r == '\uFFFE' || r == '\uFFFF' {
				return -1
			}
			return r
		}, s)
	}
	switch x := v.(type) {
	case string:
		return plain(x)
	case []any:
		for i := range x {
			x[i] = writable(x[i])
		}
	case map[string]any:
		out := map[string]any{}
		for name, value := range x {
			out[plain(name)] = writable(value)
		}
		return out
	}
	return v
}

// FuzzForm: reading never panics, and what it reads is JSON that binds to itself.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{`Name=a&Events[]=b&Headers[X]=y&Properties[p][q]=1`, `a[=1`, `Events[a][b]=c`, `%`, `[]=&]=`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		read, err := testShape.readForm(body)
		if err != nil {
			if schemas.KindOf(err) != schemas.KindInvalidParams {
				t.Fatalf("error without a kind: %v", err)
			}
			return
		}
		again, err := testShape.readJSON(read)
		if err != nil || !sameJSON(read, again) {
			t.Fatalf("read %s, again %s, %v", read, again, err)
		}
	})
}

// FuzzJSON: what is bound binds to itself, and has no member but the shape's.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"webhook":{"NAME":"a","state":2,"webhookId":"3","x":1},"WEBHOOK":null}`, `{"Webhook":[]}`, ` null `, "\uFEFF{}", `{"Webhook":{"name":"a","Name":"b"}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		bound, err := testShape.readJSON(body)
		if err != nil {
			if schemas.KindOf(err) != schemas.KindInvalidParams {
				t.Fatalf("error without a kind: %v", err)
			}
			return
		}
		again, err := testShape.readJSON(bound)
		if err != nil || string(again) != string(bound) {
			t.Fatalf("bound %s, again %s, %v", bound, again, err)
		}
	})
}
