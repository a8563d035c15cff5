package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch/schemas"
)

// CloudEvents 1.0.2: the specification's section numbers below are those of cloudevents/spec.md, of its JSON format and of
// its HTTP protocol binding.

// contextAttribute is one attribute of a CloudEvent, in the two ways of writing it.
type contextAttribute struct {
	name string
	json []byte // JSON format, section 2.2
	text string // canonical string form, section 3 "Type system"
}

// ofText makes an attribute of type String.
func ofText(name, text string) contextAttribute {
	quoted, _ := json.Marshal(text) // a string always can be
	return contextAttribute{name, quoted, text}
}

// contextOf lists what CloudEvents says of an event, without datacontenttype: the required attributes first, then the
// optional ones, then extensions by name.
func contextOf(e *schemas.Event) ([]contextAttribute, error) {
	at, err := e.Time.UTC().MarshalText()
	if err != nil {
		return nil, errors.New("the event's time cannot be written as RFC 3339")
	}
	list := []contextAttribute{
		ofText("specversion", "1.0"),
		ofText("id", e.ID),
		ofText("source", sourceOf(e)),
		ofText("type", e.Type),
	}
	if e.Subject != "" && isString(e.Subject) {
		list = append(list, ofText("subject", e.Subject))
	}
	list = append(list, ofText("time", string(at)))
	for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
		if isExtensionName(name) {
			if value, ok := extensionOf(name, e.Attributes[name]); ok {
				list = append(list, value)
			}
		}
	}
	return list, nil
}

// sourceOf is the event's source. CloudEvents requires one, unique together with the id, and a URI reference (section
// "source"): without one it names the account, and what is no URI reference is percent-encoded.
func sourceOf(e *schemas.Event) string {
	switch {
	case e.Source == "":
		return fmt.Sprintf("urn:hookswitch:account:%d", e.Account)
	case isURIReference(e.Source):
		return e.Source
	}
	return strings.ReplaceAll(url.QueryEscape(e.Source), "+", "%20")
}

// isURIReference reports whether text is a URI reference of RFC 3986. The brackets of IPv6 hosts are left out, which is
// cautious: encoded, they are a reference still.
func isURIReference(text string) bool {
	if strings.Trim(text, lowerAlphanumeric+"ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~:/?#@!$&'()*+,;=%") != "" {
		return false
	}
	u, err := url.Parse(text) // looks at the percent-encoding and at colons
	return err == nil && !strings.Contains(u.Fragment, "#")
}

// isExtensionName reports whether an attribute of ours can be an extension attribute: lower-case letters and digits, at
// most 20 of them, and no name of the specification's own (section "Attribute naming convention").
func isExtensionName(name string) bool {
	switch name {
	case "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data":
		return false
	}
	return 0 < len(name) && len(name) <= 20 && strings.Trim(name, lowerAlphanumeric) == ""
}

const lowerAlphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789"

// extensionOf writes the value of an extension. CloudEvents has integers of 32 bits and no fractions, so that other
// numbers become strings; a string with characters that it forbids has no form at all.
func extensionOf(name string, value json.RawMessage) (contextAttribute, bool) {
	text := schemas.PlainText(value)
	switch {
	case len(value) > 0 && value[0] == '"':
		return ofText(name, text), isString(text)
	case text == "true", text == "false":
		return contextAttribute{name, value, text}, true
	}
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		text = strconv.FormatInt(n, 10)
		return contextAttribute{name, []byte(text), text}, true
	}
	return ofText(name, text), json.Valid(value) && text != "null"
}

// isString reports whether text has only characters that CloudEvents allows in a String (section "Type system"): no
// control characters and no noncharacters.
func isString(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' || 0x7f <= r && r <= 0x9f || 0xfdd0 <= r && r <= 0xfdef || r&0xfffe == 0xfffe
	})
}

// contentType is that of every event's data.
const contentType = "application/json"

// structuredOf is the body of the structured content mode.
func structuredOf(e *schemas.Event) ([]byte, error) {
	list, err := contextOf(e)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(e.Data)+512)
	for i, a := range list {
		b = append(b, "{,"[min(i, 1)], '"')
		b = append(append(b, a.name...), `":`...)
		b = append(b, a.json...)
	}
	if len(e.Data) > 0 {
		b = append(b, `,"datacontenttype":"`+contentType+`","data":`...)
		b = append(b, e.Data...)
	}
	return append(b, '}'), nil
}

// binaryHeader is the header of the binary content mode, whose body is the data. datacontenttype is Content-Type there.
func binaryHeader(e *schemas.Event) (http.Header, error) {
	list, err := contextOf(e)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for _, a := range list {
		header["ce-"+a.name] = []string{percentEncode(a.text)}
	}
	if len(e.Data) > 0 {
		header["Content-Type"] = []string{contentType}
	}
	return header, nil
}

// percentEncode writes a header's value as the HTTP binding wants it (section 3.1.3.2): all but visible ASCII, and the
// double quote and percent sign, as the bytes of UTF-8.
func percentEncode(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c == '"' || c == '%' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
