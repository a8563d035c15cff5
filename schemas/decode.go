package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// Limits of an event's parts, the same as in methods/publishEvent.json; a test compares the two.
const (
	maxEventText      = 1024 // characters of source, of subject and of an attribute's text
	maxAttributes     = 64
	maxAttributeName  = 64 // characters
	eventMembersCount = 7
)

// DecodeEvent reads the parameters of publishEvent, or one item of publishEvents: prefix is the pointer to it,
// "/params" or "/params/events/3". ID is "" and Time zero where the publisher gave none; Account and Seq are not set.
// Data is byte for byte what was published, and nothing of the result shares memory with params.
//
// This is the hot path: one pass by hand. The schema is asked only where that pass finds anything at all unusual, to
// explain the refusal; FuzzDecodeEvent proves that both take the same events.
func (c *Catalogue) DecodeEvent(params json.RawMessage, prefix string) (*Event, error) {
	if e, ok := readEvent(bytes.Clone(params)); ok {
		return e, nil
	}
	b := binding{form: c.event, prefix: prefix}
	named, err := b.bind(params, false)
	if err != nil {
		return nil, err
	}
	if e, ok := readEvent(bytes.Clone(named)); ok { // positional parameters
		return e, nil
	}
	return nil, errors.New("decode event: the schema takes what the decoder refuses")
}

// readEvent reads an event given by name; ok is false for anything the schema would refuse. The event's raw parts are
// parts of text.
func readEvent(text []byte) (e *Event, ok bool) {
	if !utf8.Valid(text) {
		return nil, false
	}
	r := reader{text: text}
	r.space()
	if r.peek() != '{' {
		return nil, false
	}
	e = &Event{}
	var seen [eventMembersCount]bool
	t := r.object(1, func(name []byte) *trouble {
		i, t := e.readMember(&r, memberName(name))
		if t != nil || seen[i] {
			return malformed
		}
		seen[i] = true
		return nil
	})
	return e, t == nil && r.end() && e.Type != ""
}

// maxEvents is how many events publishEvents takes, the same as in methods/publishEvents.json.
const maxEvents = 1000

// SplitEvents finds the documents of the events in the parameters of publishEvents, which they are parts of. Each may be
// any JSON value as yet, nested however deep: it is still to be read by [Catalogue.DecodeEvent], and its faults are its own.
// ok is false where the parameters around them are not as they should be; the schema tells in what.
func SplitEvents(params json.RawMessage) (docs []json.RawMessage, ok bool) {
	r := reader{text: params}
	lists := 0
	list := func() *trouble {
		if lists++; lists > 1 {
			return malformed
		}
		return r.array(2, func(i int) *trouble {
			if i >= maxEvents {
				return malformed
			}
			start := r.pos
			t := r.pass()
			docs = append(docs, json.RawMessage(r.text[start:r.pos:r.pos]))
			return t
		})
	}
	var t *trouble
	if r.space(); r.peek() == '[' {
		t = r.array(1, func(int) *trouble { return list() })
	} else {
		t = r.object(1, func(name []byte) *trouble {
			if string(memberName(name)) != "events" {
				return malformed
			}
			return list()
		})
	}
	return docs, t == nil && r.end() && len(docs) > 0
}

// memberName is a member's name without its quotes.
func memberName(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') >= 0 {
		return []byte(unquote(raw))
	}
	return raw[1 : len(raw)-1]
}

// readMember reads the value of one member into e and numbers the member.
func (e *Event) readMember(r *reader, name []byte) (member int, t *trouble) {
	switch string(name) {
	case "type":
		e.Type, t = r.checked(CheckEventType)
		return 0, t
	case "data":
		start := r.pos
		t = r.skip(2)
		e.Data = r.text[start:r.pos:r.pos]
		return 1, t
	case "id":
		e.ID, t = r.checked(CheckEventID)
		return 2, t
	case "source":
		e.Source, t = r.checked(checkEventText)
		return 3, t
	case "subject":
		e.Subject, t = r.checked(checkEventText)
		return 4, t
	case "time":
		_, t = r.checked(func(s string) string {
			var ok bool
			if e.Time, ok = parseTime(s); !ok {
				return "not a time"
			}
			return ""
		})
		return 5, t
	case "attributes":
		e.Attributes, t = r.attributes()
		return 6, t
	}
	return 0, malformed
}

// checked reads a string that a rule has nothing against.
func (r *reader) checked(rule func(string) string) (string, *trouble) {
	raw, t := r.quoted()
	if t != nil {
		return "", t
	}
	s := unquote(raw)
	if rule(s) != "" {
		return "", malformed
	}
	return s, nil
}

func checkEventText(s string) string {
	if len(s) > maxEventText && utf8.RuneCountInString(s) > maxEventText {
		return "too long"
	}
	return ""
}

// attributes reads the flat map of an event's attributes.
func (r *reader) attributes() (map[string]json.RawMessage, *trouble) {
	var out map[string]json.RawMessage
	t := r.object(2, func(raw []byte) *trouble {
		name := unquote(raw)
		if _, twice := out[name]; twice || len(out) == maxAttributes || name == "" ||
			utf8.RuneCountInString(name) > maxAttributeName {
			return malformed
		}
		start := r.pos
		if t := r.attribute(); t != nil {
			return t
		}
		if out == nil {
			out = make(map[string]json.RawMessage, 8)
		}
		out[name] = r.text[start:r.pos:r.pos]
		return nil
	})
	return out, t
}

// attribute moves over an attribute's value: a string, a number or a boolean.
func (r *reader) attribute() *trouble {
	switch c := r.peek(); {
	case c == '"':
		_, t := r.checked(checkEventText)
		return t
	case isNumberStart(c):
		_, t := r.compared()
		return t
	case c == 't' || c == 'f':
		_, t := r.literal()
		return t
	}
	return malformed
}
