package superoffice

import (
	"encoding/json"
	"net/url"
	"strings"
)

// readForm binds a form: Name=a&Events=b&Events=c&Headers[X-A]=d. Lists may be written Events[]=b or Events[0]=b; all
// values are texts.
func (s *shape) readForm(body []byte) (json.RawMessage, error) {
	if len(body) == 0 {
		return null, nil
	}
	root, count := &node{}, 0
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}
		if count++; count > maxNodes {
			return nil, faultAt("holds too many values")
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		path, ok := pathOfForm(name)
		if err1 != nil || err2 != nil || !ok {
			return nil, faultAt("is not a valid form")
		}
		root.place(path, value)
	}
	return s.read(root)
}

// place adds a value at a path. Neighbours share the nodes on their way.
func (n *node) place(path []string, value string) {
	for _, name := range path[:len(path)-1] {
		child := n.last()
		if child == nil || child.name != name || len(child.children) == 0 {
			child = &node{name: name}
			n.add(child)
		}
		n = child
	}
	n.add(&node{name: path[len(path)-1], text: []byte(value)})
}

// last is the child added last, nil without one.
func (n *node) last() *node {
	if len(n.children) == 0 {
		return nil
	}
	return n.children[len(n.children)-1]
}

// maxFormLevels is how deep a form's names may nest.
const maxFormLevels = 8

// pathOfForm splits a[b][c].
func pathOfForm(name string) (path []string, ok bool) {
	head, rest, nested := strings.Cut(name, "[")
	path = []string{head}
	if !nested {
		return path, true
	}
	if !strings.HasSuffix(rest, "]") {
		return nil, false
	}
	path = append(path, strings.Split(rest[:len(rest)-1], "][")...)
	return path, len(path) <= maxFormLevels
}
