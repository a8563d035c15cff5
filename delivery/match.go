package delivery

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// attribute stands for an event's attribute and its plain text. Others may have the same number, which costs a look: who is
// found by it checks its constraints in any case.
type attribute uint64

var attributeSeed = maphash.MakeSeed()

func attributeOf(name, value string) attribute {
	return attribute(maphash.String(attributeSeed, name)*31 ^ maphash.String(attributeSeed, value))
}

// postings are the webhooks that want one type or pattern. Those with a constraint stand under the values they demand,
// so that an event meets only the ones it has a chance with.
type postings struct {
	plain []*entry
	one   map[attribute]*entry   // those that nobody shares: most of them, where webhooks are for one list or customer
	many  map[attribute][]*entry // the others
}

// maxPosted is the most values a constraint may have to be posted under each of them.
const maxPosted = 16

// posted is the constraint an entry is posted under, nil for none.
func (e *entry) posted() *schemas.Constraint {
	for i := range e.constraints {
		if n := len(e.constraints[i].Values); n > 0 && n <= maxPosted {
			return &e.constraints[i]
		}
	}
	return nil
}

func (p *postings) add(e *entry) {
	c := e.posted()
	if c == nil {
		p.plain = append(p.plain, e)
		return
	}
	for _, value := range c.Values {
		p.post(attributeOf(c.Name, value), e)
	}
}

// post puts an entry under a value, once.
func (p *postings) post(at attribute, e *entry) {
	if list := p.many[at]; len(list) > 0 {
		if list[len(list)-1] != e { // a value may be listed twice
			p.many[at] = append(list, e)
		}
		return
	}
	switch first := p.one[at]; first {
	case nil:
		if p.one == nil {
			p.one = map[attribute]*entry{}
		}
		p.one[at] = e
	case e:
	default:
		if p.many == nil {
			p.many = map[attribute][]*entry{}
		}
		delete(p.one, at)
		p.many[at] = []*entry{first, e}
	}
}

func (p *postings) remove(e *entry) {
	c := e.posted()
	if c == nil {
		p.plain = without(p.plain, e)
		return
	}
	for _, value := range c.Values {
		at := attributeOf(c.Name, value)
		if p.one[at] == e {
			delete(p.one, at)
		}
		if list, listed := p.many[at]; listed {
			if p.many[at] = without(list, e); len(p.many[at]) == 0 {
				delete(p.many, at)
			}
		}
	}
}

// without removes e from a list whose order does not matter.
func without(list []*entry, e *entry) []*entry {
	i := slices.Index(list, e)
	if i < 0 {
		return list
	}
	last := len(list) - 1
	list[i], list[last] = list[last], nil
	return list[:last]
}

func (p *postings) empty() bool { return len(p.plain) == 0 && len(p.one) == 0 && len(p.many) == 0 }

// node is a place in the tree of patterns, one level for each segment.
type node struct {
	next map[string]*node // by segment; "*" for one of any
	end  *postings        // patterns that end here
	rest *postings        // patterns that end here with a last "*", for one or more segments
}

// list finds the postings of a pattern, making the way to it.
func (n *node) list(pattern []string) *postings {
	switch {
	case len(pattern) == 0:
		if n.end == nil {
			n.end = &postings{}
		}
		return n.end
	case len(pattern) == 1 && pattern[0] == "*":
		if n.rest == nil {
			n.rest = &postings{}
		}
		return n.rest
	}
	if n.next == nil {
		n.next = map[string]*node{}
	}
	if n.next[pattern[0]] == nil {
		n.next[pattern[0]] = &node{}
	}
	return n.next[pattern[0]].list(pattern[1:])
}

// prune takes away what is empty along a pattern.
func (n *node) prune(pattern []string) {
	if len(pattern) > 0 {
		if child := n.next[pattern[0]]; child != nil {
			child.prune(pattern[1:])
			if child.bare() {
				delete(n.next, pattern[0])
			}
		}
	}
	if n.end != nil && n.end.empty() {
		n.end = nil
	}
	if n.rest != nil && n.rest.empty() {
		n.rest = nil
	}
}

func (n *node) bare() bool { return n.end == nil && n.rest == nil && len(n.next) == 0 }

// match lists the active webhooks that want an event, by number.
func (x *index) match(e *schemas.Event) []schemas.WebhookID { return wanted(x.candidates(e), e) }

// wanted lists those of the candidates that want an event, by number.
func wanted(found []*entry, e *schemas.Event) []schemas.WebhookID {
	event, on := reading{event: e}, &subject{event: e}
	ids := make([]schemas.WebhookID, 0, len(found))
	for _, c := range found {
		if c.holds(&event) && (c.filter == nil || c.filter.match(on)) {
			ids = append(ids, c.id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids) // several patterns of one webhook may match
}

// candidates are the webhooks whose types match and whose posted constraint holds. The rest is checked without the lock:
// entries do not change, and a filter may take its time.
func (x *index) candidates(e *schemas.Event) []*entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	a := x.accounts[e.Account]
	if a == nil {
		return nil
	}
	return a.candidates(e)
}

func (a *accountIndex) candidates(e *schemas.Event) []*entry {
	s := search{event: e}
	s.take(a.exact[e.Type])
	s.walk(&a.wild, strings.Split(e.Type, "."), true)
	return s.found
}

// search collects the candidates for one event.
type search struct {
	event      *schemas.Event
	attributes []attribute // of event, made when the first posting asks
	found      []*entry
}

func (s *search) take(p *postings) {
	if p == nil {
		return
	}
	s.found = append(s.found, p.plain...)
	if len(p.one) == 0 && len(p.many) == 0 {
		return
	}
	if s.attributes == nil {
		for name, raw := range s.event.Attributes {
			s.attributes = append(s.attributes, attributeOf(name, schemas.PlainText(raw)))
		}
	}
	for _, at := range s.attributes {
		if e := p.one[at]; e != nil {
			s.found = append(s.found, e)
		}
		s.found = append(s.found, p.many[at]...)
	}
}

func (s *search) walk(n *node, segments []string, root bool) {
	if len(segments) == 0 {
		s.take(n.end)
		return
	}
	if next := n.next[segments[0]]; next != nil {
		s.walk(next, segments[1:], false)
	}
	if root && segments[0] == schemas.ReservedSegment {
		return // only patterns that name it
	}
	s.take(n.rest)
	if next := n.next["*"]; next != nil {
		s.walk(next, segments[1:], false)
	}
}

// wants reports whether an event matches a webhook, as match would find; false when it is not known or not active.
func (x *index) wants(l storage.Lane, event *schemas.Event) bool {
	x.mu.RLock()
	e := x.entry(l)
	x.mu.RUnlock()
	return e != nil && e.active && e.names(event.Type) && e.holds(&reading{event: event}) &&
		(e.filter == nil || e.filter.MatchEvent(event))
}

func (e *entry) names(eventType string) bool {
	return slices.ContainsFunc(e.types, func(pattern string) bool { return schemas.MatchEventType(pattern, eventType) })
}

// reading remembers the attribute of an event that was read last: those who want an event mostly ask for the same one.
type reading struct {
	event      *schemas.Event
	name, text string
	there      bool
}

func (r *reading) attribute(name string) (text string, ok bool) {
	if name != r.name {
		r.name = name
		r.text, r.there = r.event.Attribute(name)
	}
	return r.text, r.there
}

// holds checks every constraint.
func (e *entry) holds(event *reading) bool {
	for _, c := range e.constraints {
		text, ok := event.attribute(c.Name)
		if !ok || !slices.Contains(c.Values, text) {
			return false
		}
	}
	return true
}
