package schemas

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// CheckEventID says what is wrong with an event's id, "" if nothing: it takes 1 to 64 of A-Z a-z 0-9 _ and -.
// Standard Webhooks forbids a dot in it, because the id is part of the dotted text that is signed.
func CheckEventID(id string) string {
	if id == "" || len(id) > 64 {
		return "must have 1 to 64 characters"
	}
	for i := range len(id) {
		c := id[i]
		if !isAlphanumeric(c) && c != '_' && c != '-' {
			return "may hold only letters, digits, _ and -"
		}
	}
	return ""
}

// CheckEventType says what is wrong with an event type, "" if nothing: 1 to 128 characters, segments of
// A-Z a-z 0-9 _ - joined by dots.
func CheckEventType(t string) string {
	if t == "" || len(t) > 128 {
		return "must have 1 to 128 characters"
	}
	start := true
	for i := range len(t) {
		switch c := t[i]; {
		case c == '.':
			if start {
				return "must be segments joined by single dots"
			}
			start = true
		case isAlphanumeric(c), c == '_', c == '-':
			start = false
		default:
			return "may hold only letters, digits, _, - and dots between them"
		}
	}
	if start {
		return "must not end with a dot"
	}
	return ""
}

// CheckEventPattern says what is wrong with an event type in which "*" may stand for whole segments, "" if nothing.
func CheckEventPattern(pattern string) string {
	segments := strings.Split(pattern, ".")
	for i, segment := range segments {
		if segment == "*" {
			segments[i] = "x"
		} else if strings.Contains(segment, "*") {
			return "may hold * only in place of a whole segment"
		}
	}
	return CheckEventType(strings.Join(segments, "."))
}

// ReservedSegment begins the operational events, which patterns match only when they name that segment.
const ReservedSegment = "webhook"

// MatchEventType reports whether a pattern matches an event type: "*" stands for one segment, a last "*" for the rest, and
// neither at the beginning for the reserved segment "webhook".
func MatchEventType(pattern, eventType string) bool {
	if pattern == eventType {
		return true
	}
	segments := strings.Split(eventType, ".")
	wanted := strings.Split(pattern, ".")
	if wanted[0] == "*" && segments[0] == ReservedSegment {
		return false
	}
	for i, w := range wanted {
		switch {
		case w == "*" && i == len(wanted)-1:
			return i < len(segments)
		case i >= len(segments), w != "*" && w != segments[i]:
			return false
		}
	}
	return len(wanted) == len(segments)
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// eventHead is the part of a stored event before its data.
type eventHead struct {
	ID         string                     `json:"id"`
	Type       string                     `json:"type"`
	Source     string                     `json:"source,omitempty"`
	Subject    string                     `json:"subject,omitempty"`
	Time       time.Time                  `json:"time"`
	Attributes map[string]json.RawMessage `json:"attributes,omitempty"`
	Trace      string                     `json:"traceparent,omitempty"`
	TraceState string                     `json:"tracestate,omitempty"`
}

// append appends the head as encoding/json would write it, by hand: every publish does this, and reflection took a tenth
// of its time.
func (h *eventHead) append(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = appendString(b, h.ID)
	b = append(b, `,"type":`...)
	b = appendString(b, h.Type)
	if h.Source != "" {
		b = append(b, `,"source":`...)
		b = appendString(b, h.Source)
	}
	if h.Subject != "" {
		b = append(b, `,"subject":`...)
		b = appendString(b, h.Subject)
	}
	b = append(b, `,"time":"`...)
	b = h.Time.AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	if len(h.Attributes) > 0 {
		b = append(b, `,"attributes":{`...)
		comma := false
		for name, value := range h.Attributes {
			if comma {
				b = append(b, ',')
			}
			comma = true
			b = appendString(b, name)
			b = append(b, ':')
			b = append(b, value...)
		}
		b = append(b, '}')
	}
	if h.Trace != "" {
		b = append(b, `,"traceparent":`...)
		b = appendString(b, h.Trace)
	}
	if h.TraceState != "" {
		b = append(b, `,"tracestate":`...)
		b = appendString(b, h.TraceState)
	}
	return append(b, '}')
}

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic(err) // a string can always be written
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// AppendEvent appends the stored form of e to b: the length of a JSON head, the head, then Data untouched.
// Account and Seq are not in it; the store keeps those in its keys.
func AppendEvent(b []byte, e *Event) ([]byte, error) {
	if y := e.Time.Year(); y < 0 || y > 9999 {
		return nil, errors.New("the time of the event is beyond RFC 3339")
	}
	var room [512]byte
	h := eventHead{e.ID, e.Type, e.Source, e.Subject, e.Time, e.Attributes, e.Traceparent, e.Tracestate}
	head := h.append(room[:0])
	b = slices.Grow(b, binary.MaxVarintLen64+len(head)+len(e.Data))
	b = binary.AppendUvarint(b, uint64(len(head)))
	b = append(b, head...)
	return append(b, e.Data...), nil
}

// DecodeEvent reads what [AppendEvent] wrote. Data keeps a reference to b.
func DecodeEvent(b []byte) (*Event, error) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) {
		return nil, errors.New("stored event is cut short")
	}
	var h eventHead
	if err := json.Unmarshal(b[w:w+int(n)], &h); err != nil {
		return nil, err
	}
	e := &Event{
		ID: h.ID, Type: h.Type, Source: h.Source, Subject: h.Subject, Time: h.Time, Attributes: h.Attributes,
		Traceparent: h.Trace, Tracestate: h.TraceState,
	}
	if data := b[w+int(n):]; len(data) > 0 {
		e.Data = data
	}
	return e, nil
}
