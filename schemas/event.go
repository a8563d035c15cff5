package schemas

import (
	"encoding/binary"
	"encoding/json"
	"errors"
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
}

// AppendEvent appends the stored form of e to b: the length of a JSON head, the head, then Data untouched.
// Account and Seq are not in it; the store keeps those in its keys.
func AppendEvent(b []byte, e *Event) ([]byte, error) {
	head, err := json.Marshal(eventHead{e.ID, e.Type, e.Source, e.Subject, e.Time, e.Attributes})
	if err != nil {
		return nil, err
	}
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
	e := &Event{ID: h.ID, Type: h.Type, Source: h.Source, Subject: h.Subject, Time: h.Time, Attributes: h.Attributes}
	if data := b[w+int(n):]; len(data) > 0 {
		e.Data = data
	}
	return e, nil
}
