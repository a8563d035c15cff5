package schemas

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func FuzzStoredEvent(f *testing.F) {
	f.Add("id-1", "a.b", "source", "subject", "name", `"text"`, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=1,b=2", []byte(`{"a":1}`), int64(1763683200), int64(5))
	f.Add("id-1", "a.b", "quote\" \\ <&>", "\x00\u2028é", "näme", `1.50`, "", "", []byte(nil), int64(0), int64(0))
	f.Fuzz(func(t *testing.T, id, eventType, source, subject, name, value, trace, state string, data []byte, seconds, nanos int64) {
		if !json.Valid([]byte(value)) || seconds < 0 || seconds > 1<<37 {
			return
		}
		in := &Event{
			ID: id, Type: eventType, Source: source, Subject: subject, Data: data,
			Time:        time.Unix(seconds, nanos%1e9).UTC(),
			Attributes:  map[string]json.RawMessage{name: json.RawMessage(value)},
			Traceparent: trace, Tracestate: state,
		}
		stored, err := AppendEvent([]byte("prefix"), in)
		if err != nil {
			return
		}
		got, err := DecodeEvent(stored[len("prefix"):])
		if err != nil {
			t.Fatalf("%v: %s", err, stored)
		}
		// encoding/json is what the stored form must agree with.
		head, err := json.Marshal(eventHead{in.ID, in.Type, in.Source, in.Subject, in.Time, in.Attributes, in.Traceparent, in.Tracestate})
		if err != nil {
			t.Fatal(err)
		}
		var want eventHead
		if err := json.Unmarshal(head, &want); err != nil {
			t.Fatal(err)
		}
		have := eventHead{got.ID, got.Type, got.Source, got.Subject, got.Time, got.Attributes, got.Traceparent, got.Tracestate}
		for _, h := range []*eventHead{&want, &have} {
			for name, value := range h.Attributes {
				var v any
				_ = json.Unmarshal(value, &v)
				h.Attributes[name], _ = json.Marshal(v)
			}
		}
		if !reflect.DeepEqual(have, want) || string(got.Data) != string(data) {
			t.Errorf("got %+v %q, want %+v %q", have, got.Data, want, data)
		}
	})
}
