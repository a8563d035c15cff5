package schemas

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

const (
	maxFaults = 16  // that one error lists
	maxToken  = 100 // characters of a member's name that a pointer repeats; a longer one ends the pointer before it
)

// faults collects what is wrong with parameters, one fault for each pointer: the last one, which comes from the rule
// that looks closest.
type faults struct {
	list  []Fault
	index map[string]int // by pointer
}

func (f *faults) add(pointer, message string) {
	if i, ok := f.index[pointer]; ok {
		f.list[i].Message = message
		return
	}
	if f.index == nil {
		f.index = map[string]int{}
	}
	f.index[pointer] = len(f.list)
	f.list = append(f.list, Fault{pointer, message})
}

// err is the error for the faults, in the order of their pointers; nil without any.
func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return Invalid(f.first()...)
}

// first is as many faults as one error lists, in the order of their pointers.
func (f *faults) first() []Fault {
	slices.SortFunc(f.list, func(a, b Fault) int { return comparePointers(a.Pointer, b.Pointer) })
	return f.list[:min(len(f.list), maxFaults)]
}

// comparePointers orders by token, numbers by size.
func comparePointers(a, b string) int {
	for a != "" && b != "" {
		var s, t string
		s, a, _ = strings.Cut(a, "/")
		t, b, _ = strings.Cut(b, "/")
		m, err1 := strconv.Atoi(s)
		n, err2 := strconv.Atoi(t)
		order := cmp.Compare(s, t)
		if err1 == nil && err2 == nil {
			order = cmp.Compare(m, n)
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(len(a), len(b))
}

// pointerToken is a member's name as RFC 6901 writes it in a pointer.
func pointerToken(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// appendPointer leads a pointer on. A name too long to repeat ends it.
func appendPointer(pointer string, names ...string) string {
	for _, name := range names {
		if len(name) > maxToken {
			break
		}
		pointer += "/" + pointerToken(name)
	}
	return pointer
}

var errValidator = errors.New("the validator failed on parameters that had passed the guards")

// check runs the validator on v and adds its findings to found; at gives the caller's pointer to a place in v. It
// returns the error for all that was found, nil for nothing. A panic of the validator is an error, not the end of the
// process.
func (w words) check(schema *jsonschema.Schema, v any, found *faults, at func(tokens []string) string) (err error) {
	defer func() {
		if recover() != nil {
			err = errValidator
		}
	}()
	if err := schema.Validate(v); err != nil {
		e, ok := errors.AsType[*jsonschema.ValidationError](err)
		if !ok {
			return errValidator
		}
		explainer{words: w, unknown: unknownMember, at: at, faults: found}.explain(e)
	}
	return found.err()
}

// explainer turns what the validator found into faults. Nothing of a value gets into a message: only names and limits
// that stand in the schema.
type explainer struct {
	words   words
	unknown string // said of a member too many, where words says nothing
	at      func(tokens []string) string
	faults  *faults
}

func (x explainer) explain(e *jsonschema.ValidationError) {
	at := func(name string) string { return x.at(slices.Concat(e.InstanceLocation, []string{name})) }
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, cause := range e.Causes {
			x.explain(cause)
		}
	case *kind.AnyOf:
		x.alternatives(e)
	case *kind.OneOf:
		x.alternatives(e)
	case *kind.Required:
		for _, name := range k.Missing {
			x.faults.add(at(name), "is missing")
		}
	case *kind.Dependency:
		for _, name := range k.Missing {
			x.faults.add(at(name), "is missing")
		}
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			x.faults.add(at(name), "is missing")
		}
	case *kind.PropertyNames: // its place, by the validator, is a wrong one
		x.faults.add(x.at(nil), "has a member of a name that is not allowed")
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			x.faults.add(at(name), x.sentence(e))
		}
	default:
		x.faults.add(x.at(e.InstanceLocation), x.sentence(e))
	}
}

// sentence is the schema's own message where the keyword is one that cannot explain itself, else ours.
func (x explainer) sentence(e *jsonschema.ValidationError) string {
	switch e.ErrorKind.(type) {
	case *kind.Pattern, *kind.Not, *kind.AdditionalProperties:
		if said, ok := x.words[e.SchemaURL]; ok {
			return said
		}
	}
	if _, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
		return x.unknown
	}
	return sentence(e.ErrorKind)
}

// alternatives explains a value that fits none of several schemas: by the schema's own message, else by the first
// alternative that is of the value's type, else by the types there are.
func (x explainer) alternatives(e *jsonschema.ValidationError) {
	if said, ok := x.words[e.SchemaURL]; ok {
		x.faults.add(x.at(e.InstanceLocation), said)
		return
	}
	var types []string
	for _, cause := range e.Causes {
		wrong := cause
		for len(wrong.Causes) == 1 { // through references
			wrong = wrong.Causes[0]
		}
		k, ok := wrong.ErrorKind.(*kind.Type)
		if !ok || len(wrong.InstanceLocation) != len(e.InstanceLocation) {
			x.explain(cause)
			return
		}
		for _, want := range k.Want {
			if !slices.Contains(types, want) {
				types = append(types, want)
			}
		}
	}
	message := "fits more than one of its alternatives"
	if len(types) > 0 {
		message = sentence(&kind.Type{Want: types})
	}
	x.faults.add(x.at(e.InstanceLocation), message)
}
