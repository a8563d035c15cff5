package copernica

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// kind is one of the vendor's sorts of call: the value of its field type and the fields of its table, in their order.
type kind struct {
	name   string
	fields []string
}

// kinds of the event types (the vendor's pages webhook-create, webhook-update, …; see the comment of the package).
var kinds = map[string]kind{
	"profile.created":      {"create", []string{"type", "parameters", "timestamp", "time", "profile", "database", "created", "modified", "fields", "interests"}},
	"profile.updated":      {"update", []string{"type", "parameters", "timestamp", "time", "profile", "database", "created", "modified", "fields", "interests"}},
	"profile.deleted":      {"delete", []string{"type", "timestamp", "time", "profile", "database", "fields"}},
	"subprofile.created":   {"create", []string{"type", "parameters", "timestamp", "time", "subprofile", "profile", "database", "collection", "created", "modified", "fields"}},
	"subprofile.updated":   {"update", []string{"type", "parameters", "timestamp", "time", "profile", "subprofile", "database", "collection", "created", "modified", "fields"}},
	"subprofile.deleted":   {"delete", []string{"type", "timestamp", "time", "profile", "subprofile", "database", "collection", "fields"}},
	"message.clicked":      {"click", []string{"id", "type", "timestamp", "time", "recipient", "ip", "original", "useragent", "referer", "tags", "profile", "mailing"}},
	"message.opened":       {"open", []string{"id", "type", "timestamp", "time", "recipient", "ip", "useragent", "referer", "tags", "profile", "mailing"}},
	"message.delivered":    {"delivery", []string{"id", "type", "timestamp", "time", "recipient", "tags"}},
	"message.bounced":      {"bounce", []string{"id", "type", "timestamp", "time", "recipient", "envelope", "mime", "tags"}},
	"message.failed":       {"failure", []string{"id", "type", "timestamp", "time", "recipient", "action", "state", "code", "extended", "description", "tags", "profile", "mailing"}},
	"message.complained":   {"abuse", []string{"id", "type", "emailfrom", "mime", "profile", "mailing"}},
	"profile.unsubscribed": {"unsubscribe", []string{"id", "type", "timestamp", "time", "database", "profile", "mailing"}},
}

// bodyOf is an event as a form.
func bodyOf(e *schemas.Event) []byte {
	fields := delivery.FieldsOf(e)
	k, known := kinds[e.Type]
	if !known {
		k = kind{e.Type, append([]string{"type", "timestamp", "time"}, memberNames(e.Data)...)}
	}
	var f form
	for _, name := range k.fields {
		raw := fields.Raw(name)
		switch {
		case name == "type":
			f.pair(name, k.name)
		case raw != nil:
			f.value(name, raw)
		case e.Time.IsZero():
		case name == "timestamp":
			f.pair(name, e.Time.UTC().Format("2006-01-02 15:04:05"))
		case name == "time":
			f.pair(name, strconv.FormatInt(e.Time.Unix(), 10))
		}
	}
	return f.text
}

// memberNames are the names of an object's members, in their order, but for those that every call has.
func memberNames(data json.RawMessage) []string {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	next(decoder) // the opening brace
	var names []string
	for decoder.More() {
		name, _ := next(decoder).(string)
		if name != "type" && name != "timestamp" && name != "time" {
			names = append(names, name)
		}
		var value json.RawMessage
		_ = decoder.Decode(&value) // valid, as Unmarshal found
	}
	return names
}

// form grows a body the way PHP's http_build_query writes it.
type form struct{ text []byte }

func (f *form) pair(name, value string) {
	if len(f.text) > 0 {
		f.text = append(f.text, '&')
	}
	f.text = append(f.text, phpEncode(name)...)
	f.text = append(f.text, '=')
	f.text = append(f.text, phpEncode(value)...)
}

// value writes a JSON value under a name: objects as name[key], lists as name[].
func (f *form) value(name string, raw json.RawMessage) {
	if !json.Valid(raw) {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	f.walk(decoder, name, next(decoder))
}

// walk writes the value that begins with first. In a list the brackets of a scalar stay empty, as in the vendor's prose;
// what is nested needs its index to stay in one piece.
func (f *form) walk(decoder *json.Decoder, name string, first json.Token) {
	switch t := first.(type) {
	case json.Delim:
		for i := 0; decoder.More(); i++ {
			key, element := strconv.Itoa(i), next(decoder)
			if t == '{' {
				key, _ = element.(string)
				element = next(decoder)
			} else if _, nested := element.(json.Delim); !nested {
				key = ""
			}
			f.walk(decoder, name+"["+key+"]", element)
		}
		next(decoder) // the closing bracket
	case string:
		f.pair(name, t)
	case json.Number:
		f.pair(name, t.String())
	case bool:
		text := "0"
		if t {
			text = "1"
		}
		f.pair(name, text)
	}
}

// next is the next token of valid JSON.
func next(decoder *json.Decoder) json.Token {
	t, _ := decoder.Token()
	return t
}

// phpEncode is PHP's urlencode: as a form wants it, and ~ is encoded too.
func phpEncode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "~", "%7E") }
