package delivery

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
)

func attributes(t *testing.T, object string) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEventFilterAsksForTypeAndAttributes(t *testing.T) {
	t.Parallel()
	event := &schemas.Event{
		Type:       "contact.created",
		Attributes: attributes(t, `{"list_id":7,"caller":"form","vip":true,"a.b":"dotted","vast":1e400}`),
		Data:       json.RawMessage(`{"type":"mine","attributes":{"list_id":1},"n":3}`),
	}
	for filter, want := range map[string]bool{
		`{"$type":"contact.created"}`:                                 true,
		`{"$type":"contact"}`:                                         false,
		`{"$type":{"$in":["a.b","contact.created"]}}`:                 true,
		`{"$type":{"$nin":["contact.created"]}}`:                      false,
		`{"$type":{"$neq":"contact.removed"}}`:                        true,
		`{"$type":{"$regex":"^contact\\."}}`:                          true,
		`{"$type":{"$gt":1}}`:                                         false,
		`{"$attributes":{"list_id":7}}`:                               true,
		`{"$attributes":{"list_id":"7"}}`:                             false,
		`{"$attributes":{"list_id":{"$gt":5,"$lt":8}}}`:               true,
		`{"$attributes":{"list_id":{"$gt":7}}}`:                       false,
		`{"$attributes":{"caller":"form","vip":true}}`:                true,
		`{"$attributes":{"caller":"form","vip":false}}`:               false,
		`{"$attributes":{"a.b":"dotted"}}`:                            true,
		`{"$attributes":{"absent":1}}`:                                false,
		`{"$attributes":{"vast":{"$gt":1e308}}}`:                      true,
		`{"$attributes":{"absent":{"$neq":1}},"n":3}`:                 false, // not passed over
		`{"$attributes":{"absent":{"$exist":false}}}`:                 true,
		`{"$attributes":{"list_id":{"$exist":true}}}`:                 true,
		`{"$attributes":{"list_id":{"$exist":false}}}`:                false,
		`{"$attributes":{},"n":3}`:                                    true,
		`{"type":"mine","attributes":{"list_id":1}}`:                  true, // members of the data
		`{"type":"contact.created"}`:                                  false,
		`{"$type":"contact.created","n":3}`:                           true,
		`{"$type":"contact.created","n":4}`:                           false,
		`{"$type":"contact.created","absent":4}`:                      true, // data that is lacking is passed over
		`{"$or":[{"$type":"x.y"},{"$attributes":{"list_id":7}}]}`:     true,
		`{"$and":[{"$type":"x.y"},{"$attributes":{"list_id":7}}]}`:    false,
		`{"$or":[{"$and":[{"$type":"contact.created"},{"n":3}]}]}`:    true,
		`{"$or":[{"$type":"x.y"},{"n":{"$lt":3}}],"$type":"x.y"}`:     false,
		`{"$attributes":{"list_id":{"$in":[1,7]}},"$type":"other.x"}`: false,
	} {
		f, err := CompileEventFilter(json.RawMessage(filter))
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if got := f.MatchEvent(event); got != want {
			t.Errorf("%s matches: %v, want %v", filter, got, want)
		}
		x := newIndex(zerolog.Nop())
		w := wants(1, "contact.*")
		w.Match.Filter = json.RawMessage(filter)
		x.put(w, 0)
		published := *event
		published.Account = 1
		if got := len(x.match(&published)) == 1; got != want {
			t.Errorf("%s matches in the index: %v, want %v", filter, got, want)
		}
	}
}

func TestEventFilterIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		`{"$type":"contact.*"}`:                        "a pattern such as contact.* belongs among the events",
		`{"$type":["a.b"]}`:                            "write $in",
		`{"$type":null}`:                               "null is none",
		`{"$type":{}}`:                                 "$type needs a value or an operator",
		`{"$type":{"$foo":1}}`:                         "$foo is not a valid operator of $type",
		`{"$type":{"a":1}}`:                            "a is not a valid operator of $type",
		`{"$type":{"$in":"a"}}`:                        "$in and $nin a list",
		`{"$attributes":"x"}`:                          "must be an object",
		`{"$attributes":{"$gt":1}}`:                    "$gt must stand under the name of an attribute",
		`{"$attributes":{"a":{"b":1}}}`:                "b is not a valid operator of $attributes",
		`{"a":{"$type":"x"}}`:                          "$type must not stand under a key",
		`{"a":{"$attributes":{"b":1}}}`:                "$attributes must not stand under a key",
		`{"$data":{"a":1}}`:                            "$data starts with a $ and is not a valid operator",
		`{"$attributes":{"a":{"$regex":"("}}}`:         "not a regular expression",
		`{"$attributes":{` + manyMembers(257) + `}}`:   "too many conditions",
		`{"$type":{"$in":[` + manyValues(4100) + `]}}`: "too many conditions",
	} {
		_, err := CompileEventFilter(json.RawMessage(filter))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %q", filter, err, want)
		}
	}
	// The grammar that Airstack publishes has neither.
	for _, filter := range []string{`{"$type":"a.b"}`, `{"$attributes":{"a":1}}`, `{"$or":[{"$type":"a.b"}]}`, `{"a":{"$type":1}}`} {
		if _, err := CompileFilter(json.RawMessage(filter)); err == nil || !strings.Contains(err.Error(), "is not a valid operator") {
			t.Errorf("%s over data: %v", filter, err)
		}
	}
}

func manyMembers(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = `"k` + strconv.Itoa(i) + `":1`
	}
	return strings.Join(members, ",")
}

func manyValues(n int) string { return strings.Repeat("1,", n) + "1" }

func TestFilterOverTheDataMeansTheSameInBothGrammars(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{`{}`, `{"userId":"3761"}`, `{"absent":1}`, `{"$or":[{"userId":"1"},{"followerCount":108}]}`} {
		data, err := CompileFilter(json.RawMessage(filter))
		if err != nil {
			t.Fatal(err)
		}
		event, err := CompileEventFilter(json.RawMessage(filter))
		if err != nil || data.Match(json.RawMessage(profile)) != event.MatchEvent(&schemas.Event{Data: json.RawMessage(profile)}) ||
			event.AsksEvent() {
			t.Errorf("%s: %v", filter, err)
		}
	}
}

func FuzzEventFilter(f *testing.F) {
	f.Add([]byte(`{"$type":{"$in":["a.b"]},"$attributes":{"a":{"$gt":1},"b":"x"},"$or":[{"$type":"a.b"},{"c":1}]}`), "a.b", []byte(`{"a":2,"b":"x"}`), []byte(`{"c":1}`))
	f.Add([]byte(`{"a":{"$exist":false}}`), "", []byte(`{}`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, filter []byte, eventType string, attributes, data []byte) {
		compiled, err := CompileEventFilter(filter)
		if plain, failed := CompileFilter(filter); failed == nil {
			if err != nil || compiled.AsksEvent() || plain.Match(data) != compiled.Match(data) {
				t.Fatalf("a filter over data means something else over events: %v", err)
			}
		}
		if err != nil {
			return
		}
		event := &schemas.Event{Type: eventType, Data: data}
		_ = json.Unmarshal(attributes, &event.Attributes)
		got := compiled.MatchEvent(event)
		if !compiled.AsksEvent() && got != compiled.Match(data) {
			t.Error("type or attributes decide though nobody asks for them")
		}
		both, err := CompileEventFilter([]byte(`{"$and":[` + string(filter) + `,` + string(filter) + `]}`))
		if err == nil && len(compiled.conditions) > 0 && both.MatchEvent(event) != got {
			t.Error("a filter and itself twice answer differently")
		}
	})
}
