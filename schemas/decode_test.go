package schemas_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

const wholeEvent = `{"type":"contact.unsubscribed","id":"unsub-142-1","source":"crm","subject":"contact\/142",
	"time":"2026-11-21T10:30:00.5+01:00","data":{"b": 1.50,"a":"\u00e9","b":2},
	"attributes":{"list_id":1791,"caller":"ms","test":true}}`

func TestDecodeEventReadsEveryMember(t *testing.T) {
	t.Parallel()
	params := []byte(wholeEvent)
	got, err := catalogue(t).DecodeEvent(params, "/params")
	if err != nil {
		t.Fatal(err)
	}
	clear(params) // the result must not share memory with the parameters
	want := &schemas.Event{
		Type: "contact.unsubscribed", ID: "unsub-142-1", Source: "crm", Subject: "contact/142",
		Data: json.RawMessage(`{"b": 1.50,"a":"\u00e9","b":2}`),
		Attributes: map[string]json.RawMessage{
			"list_id": json.RawMessage(`1791`), "caller": json.RawMessage(`"ms"`), "test": json.RawMessage(`true`),
		},
	}
	if at := time.Date(2026, 11, 21, 9, 30, 0, 5e8, time.UTC); !got.Time.Equal(at) {
		t.Errorf("time %v, want %v", got.Time, at)
	}
	got.Time = time.Time{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("DecodeEvent\n got %+v\nwant %+v", got, want)
	}
}

func TestDecodeEventTakesEveryForm(t *testing.T) {
	t.Parallel()
	for _, params := range []string{
		`{"type":"a.b","data":5}`, `["a.b",5]`, `["a.b",5,null,null,null,null,null]`, ` { "data" : 5 , "\u0074ype" : "a\u002eb" } `,
	} {
		e, err := catalogue(t).DecodeEvent(json.RawMessage(params), "/params")
		if err != nil {
			t.Errorf("%s: %v", params, err)
			continue
		}
		if e.Type != "a.b" || string(e.Data) != "5" || e.ID != "" || !e.Time.IsZero() || e.Attributes != nil {
			t.Errorf("%s reads as %+v", params, e)
		}
	}
}

func TestDecodeEventPointsAtTheFault(t *testing.T) {
	t.Parallel()
	tests := []struct{ params, want string }{
		{`{}`, "/params/events/3/type is missing"},
		{`{"type":5,"id":"a.b","data":1}`, "/params/events/3/id must be 1 to 64 letters, digits, _ and -; /params/events/3/type must be a string"},
		{`["a b"]`, "/params/events/3/0 must be segments of letters, digits, _ and -, joined by single dots"},
		{`{"type":"a","type":"b"}`, "/params/events/3/type is there twice"},
		{`{"type":"a","attributes":{"a":1e999}}`, "/params/events/3/attributes/a must be a number with an exponent of at most 400"},
		{`{"type":"a","attributes":{"a":1,"a":2}}`, "/params/events/3/attributes/a is there twice"},
		{`{"type":"a","attributes":{"a":[]}}`, "/params/events/3/attributes/a must be a boolean, a number or a string"},
		{`{"type":"a"}x`, "/params/events/3 is not valid JSON"},
		{`5`, "/params/events/3 must be an object or an array"},
		{``, "/params/events/3/type is missing"},
	}
	for _, tt := range tests {
		_, err := catalogue(t).DecodeEvent(json.RawMessage(tt.params), "/params/events/3")
		if got := strings.Join(faultsOf(err), "; "); got != tt.want {
			t.Errorf("DecodeEvent(%s)\n got %s\nwant %s", tt.params, got, tt.want)
		}
	}
}

// The limits of the decoder stand in Go, those of the schema in JSON: both must draw the line at the same place.
func TestDecoderAndSchemaHaveTheSameLimits(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return `"` + strings.Repeat("é", n) + `"` }
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(`,"a` + strings.Repeat("b", i%60) + string(rune('A'+i/60)) + `":1`)
		}
		return `{` + b.String()[1:] + `}`
	}
	at := func(member, value string) string { return `{"type":"a","` + member + `":` + value + `}` }
	tests := []struct{ name, within, beyond string }{
		{"type", `{"type":"` + strings.Repeat("a", 128) + `"}`, `{"type":"` + strings.Repeat("a", 129) + `"}`},
		{"id", at("id", `"`+strings.Repeat("a", 64)+`"`), at("id", `"`+strings.Repeat("a", 65)+`"`)},
		{"empty id", at("id", `"a"`), at("id", `""`)},
		{"source", at("source", text(1024)), at("source", text(1025))},
		{"subject", at("subject", text(1024)), at("subject", text(1025))},
		{"attribute", at("attributes", `{"a":`+text(1024)+`}`), at("attributes", `{"a":`+text(1025)+`}`)},
		{"name of an attribute", at("attributes", `{`+text(64)+`:1}`), at("attributes", `{`+text(65)+`:1}`)},
		{"empty name", at("attributes", `{"a":1}`), at("attributes", `{"":1}`)},
		{"line break in a name", at("attributes", `{"a\nb":1}`), at("attributes", `{"\n":null}`)},
		{"attributes", at("attributes", attributes(64)), at("attributes", attributes(65))},
		{"time", at("time", `"2026-02-28T23:59:59.999999999-12:00"`), at("time", `"2026-02-29T00:00:00Z"`)},
		{"hour of one digit", at("time", `"2026-02-28T03:59:59Z"`), at("time", `"2026-02-28T3:59:599Z"`)},
		{"zone of a day", at("time", `"2026-02-28T03:59:59+23:59"`), at("time", `"2026-02-28T03:59:59+24:00"`)},
		{"zone without a colon", at("time", `"2026-02-28T03:59:59+01:00"`), at("time", `"2026-02-28T03:59:59+0100"`)},
		{"comma in a time", at("time", `"2026-02-28T23:59:59.5Z"`), at("time", `"2026-02-28T23:59:59,5Z"`)},
	}
	for _, tt := range tests {
		for _, c := range []struct {
			params string
			want   bool
		}{{tt.within, true}, {tt.beyond, false}} {
			_, decoded := catalogue(t).DecodeEvent(json.RawMessage(c.params), "/params")
			_, _, bound := catalogue(t).Bind("publishEvent", "", json.RawMessage(c.params))
			if (decoded == nil) != c.want || (bound == nil) != c.want {
				t.Errorf("%s, want %v: the decoder says %v, the schema %v", tt.name, c.want, decoded, bound)
			}
		}
	}
}

// FuzzDecodeEvent: the decoder and the schema take the same events, and the event is what encoding/json reads.
func FuzzDecodeEvent(f *testing.F) {
	c := catalogue(f)
	for _, seed := range []string{
		wholeEvent, `{"type":"a"}`, `["a.b",{"x":1}]`, `{"type":"a","attributes":{"":1}}`, `{"type":"a","time":"2026-11-21T09:30:00z"}`, ``, `null`,
		`{"type":"a","data":{"x":1e500}}`, `{"type":"a","id":"\ud800"}`, `{"typ\u0065":"a"}`, `{"type":"a","time":"2026-06-30T23:59:60Z"}`, `[]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, params string) {
		e, err := c.DecodeEvent(json.RawMessage(params), "/params")
		named, _, bound := c.Bind("publishEvent", "", json.RawMessage(params))
		if (err == nil) != (bound == nil) {
			t.Fatalf("%q: the decoder says %v, the schema %v", params, err, bound)
		}
		if err != nil {
			if err.Error() != bound.Error() {
				t.Fatalf("%q: %v, by the schema %v", params, err, bound)
			}
			return
		}
		var want struct {
			Type, ID, Source, Subject string
			Time                      time.Time
			Data                      json.RawMessage
			Attributes                map[string]json.RawMessage
		}
		if err := json.Unmarshal(named, &want); err != nil {
			t.Fatalf("%s: %v", named, err)
		}
		if len(want.Attributes) == 0 {
			want.Attributes = nil
		}
		got := want
		got.Type, got.ID, got.Source, got.Subject = e.Type, e.ID, e.Source, e.Subject
		got.Time, got.Data, got.Attributes = e.Time, e.Data, e.Attributes
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n got %+v\nwant %+v", named, got, want)
		}
	})
}

func BenchmarkDecodeEvent(b *testing.B) {
	c := catalogue(b)
	data := `{"text":"` + strings.Repeat("lorem ipsum ", 80) + `","n":[1,2.5,true,null]}`
	params := json.RawMessage(`{"type":"contact.unsubscribed","id":"unsub-142-1","data":` + data + `,"attributes":{"list_id":1791,"contact_id":142}}`)
	b.SetBytes(int64(len(params)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.DecodeEvent(params, "/params"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBind(b *testing.B) {
	c := catalogue(b)
	params := json.RawMessage(`["YOURAPIKEY",{"object":"contact","event":"unsubscribed","list_id":123,"url":"http://example.com/example.php"}]`)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.Bind("addWebhook", "", params); err != nil {
			b.Fatal(err)
		}
	}
}

// What SplitEvents finds is what encoding/json finds, and what it does not take the schema refuses.
func FuzzSplitEvents(f *testing.F) {
	c := catalogue(f)
	for _, text := range []string{
		`{"events":[{"type":"a"}]}`, ` { "events" : [ {"type":"a"} , {"data":[1,{"x":"]}"}]} ] } `, `{"events":[]}`, `{"events":[1]}`,
		`[[{"type":"a"}]]`, `{"events":[{}],"events":[{}]}`, `{"events":[{}],"more":1}`, `{"events":[{}`, `{"event\u0073":[{}]}`, `null`, ``,
		`{"events":[null,"a\"]",-1e999,true,[[1],{}],{"data":1}]}`, `{"events":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`,
		`[[{}],null]`, `[null]`, `{"events":null}`, `{"events":[1 2]}`, `{"events":[{]}`, `{"events":[,]}`, "{\"events\":[\"\xff\"]}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		params := json.RawMessage(text)
		docs, ok := schemas.SplitEvents(params)
		if !ok {
			if _, _, err := c.Bind("publishEvents", "", params); err == nil {
				t.Fatalf("%q is not split, and the schema takes it", text)
			}
			return
		}
		if !json.Valid(params) {
			return // that is found by who reads the documents
		}
		if list := []json.RawMessage(nil); params[0] == '[' && json.Unmarshal(params, &list) == nil {
			params = append(append([]byte(`{"events":`), list[0]...), '}')
		}
		var p struct {
			Events []json.RawMessage `json:"events"`
		}
		if err := json.Unmarshal(params, &p); err != nil || len(p.Events) != len(docs) {
			t.Fatalf("%q was split into %d, encoding/json finds %d, %v", text, len(docs), len(p.Events), err)
		}
		for i := range docs {
			if string(docs[i]) != string(p.Events[i]) {
				t.Errorf("%q: event %d is %q, want %q", text, i, docs[i], p.Events[i])
			}
		}
	})
}
