package superoffice

import (
	"encoding/json"
	"strconv"
	"strings"
)

// node is a part of an XML or form body: a name with a text, or with nodes of its own.
type node struct {
	name     string
	text     []byte
	null     bool   // xsi:nil
	typeName string // xsi:type without its prefix; "" without one
	children []*node
}

// add gives a node a child.
func (n *node) add(child *node) { n.children = append(n.children, child) }

// trimmed is the text without the spaces around it.
func (n *node) trimmed() string { return strings.TrimSpace(string(n.text)) }

// read is the JSON of what stands at a place of the shape: one node, or, in forms, several of one name.
func (s *shape) read(nodes ...*node) (json.RawMessage, error) {
	if s.kind == kindList {
		return readList(nodes)
	}
	if len(nodes) > 1 && s.kind != kindObject && s.kind != kindAny {
		return nil, faultAt("is there twice")
	}
	n := nodes[0]
	for _, more := range nodes[1:] { // a form names an object once for each of its members
		n.children = append(n.children, more.children...)
	}
	if n.null {
		return null, nil
	}
	switch s.kind {
	case kindNumber:
		return numberText(quoted(n.trimmed())), nil
	case kindState:
		return stateText(quoted(n.trimmed())), nil
	case kindText:
		return quoted(string(n.text)), nil
	case kindObject:
		return s.readFields(n)
	}
	return readMap(n)
}

func (s *shape) readFields(n *node) (json.RawMessage, error) {
	if len(n.children) == 0 && n.trimmed() != "" {
		return nil, faultAt("must be an object")
	}
	groups := map[string][]*node{}
	for _, child := range n.children {
		if f := s.field(child.name); f != nil {
			groups[f.name] = append(groups[f.name], child)
		}
	}
	out := document{}
	for i := range s.fields {
		f := &s.fields[i]
		if len(groups[f.name]) == 0 {
			continue
		}
		value, err := f.read(groups[f.name]...)
		if err != nil {
			return nil, at(err, f.name)
		}
		out[f.name] = value
	}
	return encode(out)
}

// readList takes <Events><string>a</string></Events> as well as Events=a&Events=b and Events[]=a.
func readList(nodes []*node) (json.RawMessage, error) {
	items := []string{}
	for _, n := range nodes {
		switch {
		case n.null && len(nodes) == 1:
			return null, nil
		case len(n.children) == 0 && n.trimmed() != "":
			items = append(items, string(n.text))
		}
		for _, child := range n.children {
			if len(child.children) > 0 {
				return nil, faultAt("must be a list of strings")
			}
			items = append(items, string(child.text))
		}
	}
	return encode(items)
}

// readMap takes an object of values. A text in its place stays one: the method says what is wrong with it.
func readMap(n *node) (json.RawMessage, error) {
	if len(n.children) == 0 {
		if plain := n.trimmed(); plain != "" {
			return quoted(plain), nil
		}
		return json.RawMessage("{}"), nil
	}
	out := document{}
	for _, child := range n.children {
		name, value := child.name, child
		if key, v, ok := child.pair(); ok {
			name, value = key, v
		}
		if _, twice := out[name]; twice {
			return nil, faultAt("is there twice", name)
		}
		read, err := value.value()
		if err != nil {
			return nil, at(err, name)
		}
		out[name] = read
	}
	return encode(out)
}

// pair reads the vendor's form of an entry of a dictionary: <KeyValueOf…><Key>a</Key><Value>b</Value></KeyValueOf…>.
func (n *node) pair() (key string, value *node, ok bool) {
	if len(n.children) != 2 || !strings.HasPrefix(n.name, pairName) {
		return "", nil, false
	}
	k, v := n.children[0], n.children[1]
	return string(k.text), v, k.name == "Key" && v.name == "Value" && len(k.children) == 0
}

// value is the JSON of a value whose kind no shape knows: by its own type, else by what it holds.
func (n *node) value() (json.RawMessage, error) {
	switch {
	case n.null:
		return null, nil
	case strings.HasPrefix(n.typeName, listType) || len(n.children) > 0 && n.children[0].name == itemName:
		items := make([]json.RawMessage, len(n.children))
		for i, child := range n.children {
			var err error
			if items[i], err = child.value(); err != nil {
				return nil, at(err, strconv.Itoa(i))
			}
		}
		return encode(items)
	case len(n.children) > 0 || n.typeName == objectType:
		return readMap(n)
	}
	plain := n.trimmed()
	switch n.typeName {
	case "boolean":
		if plain == "true" || plain == "false" {
			return json.RawMessage(plain), nil
		}
	case "decimal", "double", "float", "int", "long", "short", "integer", "byte", "unsignedInt", "unsignedLong":
		if json.Valid([]byte(plain)) && strings.Trim(plain, "0123456789+-.eE") == "" {
			return json.RawMessage(plain), nil
		}
	}
	return quoted(string(n.text)), nil
}

// quoted is a text as JSON.
func quoted(s string) json.RawMessage {
	b, err := encode(s)
	if err != nil {
		return null // a string always encodes
	}
	return b
}
