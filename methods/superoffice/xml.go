package superoffice

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// Bounds of an XML or form body.
const (
	maxLevels = 64
	maxNodes  = 20_000
)

// The names by which .NET's data contracts write a dictionary's entries and a list's items, and, of types that XML Schema
// has no name for, our own.
const (
	pairName   = "KeyValueOf" // and the names of both types
	itemName   = "anyType"
	listType   = "ArrayOf" // and the name of its items' type
	objectType = "Dictionary"
	schemaURL  = "http://www.w3.org/2001/XMLSchema"
	instance   = schemaURL + "-instance"
)

// readXML binds an XML body. Its root may have any name, and namespaces do not count. There are no document types, so
// that no entity can be declared, and nothing outside the body is read.
func (s *shape) readXML(body []byte) (json.RawMessage, error) {
	body = bytes.TrimPrefix(body, []byte(byteOrderMark))
	if len(bytes.TrimSpace(body)) == 0 {
		return null, nil
	}
	root, err := parseXML(body)
	if err != nil {
		return nil, err
	}
	return s.read(root)
}

// parseXML reads the one element of a document.
func parseXML(body []byte) (*node, error) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	top := &node{}
	open := []*node{top} // from the document down to the present element
	for count := 0; ; {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && len(top.children) == 1:
			return top.children[0], nil
		case err != nil:
			return nil, faultAt("is not valid XML")
		}
		here := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if count++; count > maxNodes || len(open) > maxLevels {
				return nil, faultAt("holds too many elements, or nests them too deep")
			}
			if len(open) == 1 && len(top.children) == 1 {
				return nil, faultAt("is not valid XML")
			}
			child := element(t)
			here.add(child)
			open = append(open, child)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 1 && len(bytes.TrimSpace(t)) > 0 {
				return nil, faultAt("is not valid XML")
			}
			here.text = append(here.text, t...)
		case xml.Directive:
			return nil, faultAt("must not have a document type")
		}
	}
}

// element is a node for an element, without what it holds.
func element(t xml.StartElement) *node {
	n := &node{name: t.Name.Local}
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == instance && a.Name.Local == "nil":
			n.null = a.Value == "true" || a.Value == "1"
		case a.Name.Space == instance && a.Name.Local == "type":
			n.typeName = a.Value[strings.LastIndexByte(a.Value, ':')+1:]
		}
	}
	return n
}

// writeXML is a JSON document of ours as XML: an element for each member, in their order.
func writeXML(name string, doc json.RawMessage) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header[:len(xml.Header)-1])
	b.WriteString(`<` + name + ` xmlns:i="` + instance + `" xmlns:x="` + schemaURL + `"`)
	writeBody(&b, name, bytes.TrimSpace(doc))
	return b.Bytes()
}

// dictionaries are the members whose objects are written as entries, with the type of their values.
var dictionaries = []struct{ member, value string }{
	{"Headers", "string"}, {"_Links", "string"}, {"Properties", itemName}, {"FieldProperties", itemName},
}

// writeBody writes the rest of an element after its name: what it holds, and its end.
func writeBody(b *bytes.Buffer, name string, value json.RawMessage) {
	if isNull(value) {
		b.WriteString(` i:nil="true"/>`)
		return
	}
	b.WriteByte('>')
	switch value[0] {
	case '{':
		dictionary := slices.IndexFunc(dictionaries, func(d struct{ member, value string }) bool { return d.member == name })
		_ = eachMember(value, func(member string, value json.RawMessage) error { // our own documents are objects
			if dictionary >= 0 {
				writePair(b, member, value, dictionaries[dictionary].value)
				return nil
			}
			b.WriteString("<" + member)
			writeBody(b, member, value)
			return nil
		})
	case '[':
		item := "string"
		if whole, ok := strings.CutPrefix(name, listType); ok {
			item = whole
		}
		for _, v := range items(value) {
			b.WriteString("<" + item)
			writeBody(b, item, v)
		}
	default:
		escape(b, value)
	}
	b.WriteString("</" + name + ">")
}

// writePair writes an entry of a dictionary.
func writePair(b *bytes.Buffer, key string, value json.RawMessage, valueType string) {
	entry := pairName + "string" + valueType
	b.WriteString("<" + entry + "><Key>")
	escape(b, quoted(key))
	b.WriteString("</Key><Value")
	if valueType == itemName {
		writeAny(b, "Value", value)
	} else {
		writeBody(b, "Value", value)
	}
	b.WriteString("</" + entry + ">")
}

// writeAny writes the rest of an element whose value says itself what it is.
func writeAny(b *bytes.Buffer, name string, value json.RawMessage) {
	value = bytes.TrimSpace(value)
	switch {
	case isNull(value):
		b.WriteString(` i:nil="true"/>`)
		return
	case value[0] == '{':
		b.WriteString(` i:type="` + objectType + `">`)
		_ = eachMember(value, func(member string, value json.RawMessage) error { // it was valid JSON when it came in
			writePair(b, member, value, itemName)
			return nil
		})
	case value[0] == '[':
		b.WriteString(` i:type="` + listType + itemName + `">`)
		for _, v := range items(value) {
			b.WriteString("<" + itemName)
			writeAny(b, itemName, v)
		}
	default:
		b.WriteString(` i:type="x:` + typeOf(value) + `">`)
		escape(b, value)
	}
	b.WriteString("</" + name + ">")
}

// typeOf is XML Schema's name of the type of a JSON scalar.
func typeOf(value json.RawMessage) string {
	switch {
	case value[0] == '"':
		return "string"
	case value[0] == 't' || value[0] == 'f':
		return "boolean"
	case bytes.ContainsAny(value, "eE"):
		return "double"
	}
	return "decimal"
}

// items are the items of a JSON array of ours.
func items(value json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	_ = json.Unmarshal(value, &list) // it was valid JSON when it came in
	return list
}

// escape writes a JSON scalar as text. What XML can't hold becomes U+FFFD.
func escape(b *bytes.Buffer, value json.RawMessage) {
	plain := string(value)
	if value[0] == '"' {
		_ = json.Unmarshal(value, &plain)
	}
	_ = xml.EscapeText(b, []byte(plain)) // a bytes.Buffer takes everything
}
