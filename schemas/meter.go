package schemas

import (
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// What checking one event may cost. Customers write the schemas, and a short one can ask for an exponential number of
// evaluations (allOf of references to allOf of references), each of which may leave a finding of about 400 bytes. The
// units are rough nanoseconds; the whole is some tenths of a second.
const (
	maxWork        = 200_000_000
	workEvaluation = 1000 // one schema on one value
	workComparison = 20   // with one value of an enum or const; a number counts for ten
)

var errSpent = errors.New("the work of one check is spent")

// meter counts the work of one check at a time. The validator has no hook for that, but asks the format of every schema
// before anything that leads to further schemas: attach puts the meter there.
type meter struct{ left int }

// spend panics with errSpent when nothing is left: the validator knows no other way out.
func (m *meter) spend(work int) {
	if m.left -= work; m.left < 0 {
		panic(errSpent)
	}
}

// attach makes a schema, and all that can be reached from it, spend. It says what is wrong with a schema that cannot be
// metered or is of another draft, "" if nothing.
func (m *meter) attach(root *jsonschema.Schema) (problem string) {
	met := map[*jsonschema.Schema]bool{root: true}
	for waiting := []*jsonschema.Schema{root}; len(waiting) > 0; {
		s := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		switch {
		case s.DraftVersion != 7 && s.DraftVersion != 2020:
			return "must be of draft-07 or draft 2020-12"
		case !strings.HasPrefix(s.Location, eventResource+"#"):
			return "refers to another document; a schema can refer only to parts of itself"
		case s.DynamicRef != nil || s.RecursiveRef != nil:
			return "must not use $dynamicRef"
		}
		p := partsOf(s)
		for part := range p.all() {
			if !met[part] {
				met[part] = true
				waiting = append(waiting, part)
			}
		}
		s.Format = m.format(s.Format, p)
	}
	return ""
}

// format is the schema's own format, with the price of the schema on it. The format regex is not checked: compiling what
// an event holds may cost anything.
func (m *meter) format(own *jsonschema.Format, p parts) *jsonschema.Format {
	metered := &jsonschema.Format{Name: "any"}
	check := func(any) error { return nil }
	if own != nil {
		metered.Name = own.Name
		if own.Name != "regex" {
			check = own.Validate
		}
	}
	once, each, first := workEvaluation+sum(p.once), sum(p.each), sum(p.first)
	named := make(map[string]int, len(p.named))
	for name, part := range p.named {
		named[name] = price(part)
	}
	metered.Validate = func(v any) error {
		work := once
		switch v := v.(type) {
		case map[string]any:
			work += len(v) * each
			for name := range v {
				work += named[name]
			}
		case []any:
			work += len(v)*each + first
		}
		m.spend(work)
		return check(v)
	}
	return metered
}

// price is what one evaluation of a schema costs its caller: what happens before the schema's own format is asked.
func price(s *jsonschema.Schema) int {
	values := 0
	if s.Enum != nil {
		values += size(s.Enum.Values)
	}
	if s.Const != nil {
		values += size(*s.Const)
	}
	return workEvaluation + workComparison*values
}

func sum(list []*jsonschema.Schema) int {
	total := 0
	for _, s := range list {
		total += price(s)
	}
	return total
}

// size counts the values in v, v included. Numbers are compared as fractions, which takes ten times as long.
func size(v any) int {
	n := 1
	switch v := v.(type) {
	case json.Number:
		return 10
	case map[string]any:
		for _, member := range v {
			n += size(member)
		}
	case []any:
		for _, item := range v {
			n += size(item)
		}
	}
	return n
}

// parts are the schemas that a schema leads to, by what they are evaluated on.
type parts struct {
	once  []*jsonschema.Schema          // the value itself
	named map[string]*jsonschema.Schema // one member each
	first []*jsonschema.Schema          // one item each
	each  []*jsonschema.Schema          // every member or item
}

func (p parts) all() iter.Seq[*jsonschema.Schema] {
	return func(yield func(*jsonschema.Schema) bool) {
		for _, list := range [][]*jsonschema.Schema{p.once, slices.Collect(maps.Values(p.named)), p.first, p.each} {
			for _, part := range list {
				if !yield(part) {
					return
				}
			}
		}
	}
}

func partsOf(s *jsonschema.Schema) parts {
	p := parts{named: s.Properties, first: slices.Clone(s.PrefixItems)}
	for _, part := range []*jsonschema.Schema{s.Ref, s.Not, s.If, s.Then, s.Else} {
		add(&p.once, part)
	}
	for _, list := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		p.once = append(p.once, list...)
	}
	for _, part := range s.DependentSchemas {
		add(&p.once, part)
	}
	for _, part := range s.Dependencies {
		add(&p.once, part)
	}
	if list, ok := s.Items.([]*jsonschema.Schema); ok {
		p.first = append(p.first, list...)
	}
	for _, part := range s.PatternProperties {
		add(&p.each, part)
	}
	for _, part := range []any{
		s.PropertyNames, s.AdditionalProperties, s.UnevaluatedProperties,
		s.Contains, s.Items, s.AdditionalItems, s.Items2020, s.UnevaluatedItems,
	} {
		add(&p.each, part)
	}
	return p
}

// add appends what is a schema: several members of [jsonschema.Schema] may be that or something else.
func add(list *[]*jsonschema.Schema, part any) {
	if s, ok := part.(*jsonschema.Schema); ok && s != nil {
		*list = append(*list, s)
	}
}
