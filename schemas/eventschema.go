package schemas

import (
	"encoding/json"
	"errors"
	"sync"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// MaxEventSchema is how long the JSON Schema of an event type may be, in bytes.
const MaxEventSchema = 64 << 10

// maxSentence is how much of a message about an event is said, in bytes: a schema's own values may be long.
const maxSentence = 200

// eventResource is where the schema of an event type lies while it is compiled.
const eventResource = "urn:hookswitch:event-type"

// EventSchema is the compiled JSON Schema that the data of a type's events must satisfy. It is safe for concurrent use;
// checks by one schema run one after another.
type EventSchema struct {
	mu     sync.Mutex
	schema *jsonschema.Schema // guarded by mu: it spends from meter
	meter  *meter             // guarded by mu
}

// CompileEventSchema compiles a JSON Schema: of the draft that its $schema names, draft-07 or 2020-12, else of 2020-12.
// It reads nothing but text: a reference to another document is refused, as are $dynamicRef, a text longer than
// [MaxEventSchema] or nested more than 100 levels deep, and regular expressions of too many states. What is wrong is an
// [Error] of [KindInvalidParams]; its pointers begin with prefix.
func CompileEventSchema(text json.RawMessage, prefix string) (s *EventSchema, err error) {
	if len(text) > MaxEventSchema {
		return nil, Invalid(Fault{prefix, "must have at most 64 KiB"})
	}
	doc, t := readAll(text)
	if t != nil {
		return nil, Invalid(Fault{appendPointer(prefix, t.tokens()...), t.message})
	}
	defer func() {
		if recover() != nil { // of the compiler: no schema may end the process
			s, err = nil, Invalid(Fault{prefix, "is not a schema that can be compiled"})
		}
	}()
	m := &meter{}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.UseLoader(offline{})
	compiler.UseRegexpEngine((&expressions{meter: m, known: map[string]jsonschema.Regexp{}}).compile)
	if err := compiler.AddResource(eventResource, doc); err != nil {
		return nil, uncompiled(err, prefix)
	}
	schema, err := compiler.Compile(eventResource)
	if err != nil {
		return nil, uncompiled(err, prefix)
	}
	if problem := m.attach(schema); problem != "" {
		return nil, Invalid(Fault{prefix, problem})
	}
	return &EventSchema{schema: schema, meter: m}, nil
}

// Check refuses data that does not satisfy the schema, or that costs more to check than one event may, with an [Error] of
// [KindSchemaRefused] that lists up to 16 faults; absent data counts as null. Pointers begin with prefix, the caller's
// own pointer to the data. No message quotes the data.
func (s *EventSchema) Check(data json.RawMessage, prefix string) error {
	var v any
	if data != nil {
		var t *trouble
		if v, t = readAll(data); t != nil {
			return refusedBySchema(Fault{appendPointer(prefix, t.tokens()...), t.message})
		}
	}
	finding, err := s.validate(v)
	if finding == nil {
		if errors.Is(err, errSpent) {
			return refusedBySchema(Fault{prefix, "takes too much work to check"})
		}
		return err
	}
	found := explained(finding, func(tokens []string) string { return appendPointer(prefix, tokens...) })
	return refusedBySchema(found.first()...)
}

// validate asks the validator. A panic of it is an error, not the end of the process.
func (s *EventSchema) validate(v any) (finding *jsonschema.ValidationError, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		switch recover() {
		case nil:
		case errSpent:
			err = errSpent
		default:
			err = errValidator
		}
	}()
	s.meter.left = maxWork
	err = s.schema.Validate(v)
	if err == nil {
		return nil, nil
	}
	finding, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return nil, errValidator
	}
	return finding, nil
}

func refusedBySchema(list ...Fault) error {
	return &Error{Kind: KindSchemaRefused, Message: "The data does not satisfy the schema of its event type", Faults: list}
}

// explained is what the validator found, in sentences that are not too long.
func explained(finding *jsonschema.ValidationError, at func(tokens []string) string) *faults {
	found := &faults{}
	explainer{unknown: "is not a member that the schema allows", at: at, faults: found}.explain(finding)
	for i, f := range found.list {
		found.list[i].Message = shortened(f.Message)
	}
	return found
}

func shortened(sentence string) string {
	if len(sentence) <= maxSentence {
		return sentence
	}
	end := maxSentence
	for !utf8.RuneStart(sentence[end]) {
		end--
	}
	return sentence[:end] + "…"
}

// uncompiled says why a schema does not compile, at the place in it where that is known.
func uncompiled(err error, prefix string) error {
	if broken, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		finding, ok := errors.AsType[*jsonschema.ValidationError](broken.Err)
		if ok && broken.URL == eventResource+"#" {
			return Invalid(explained(finding, func(tokens []string) string { return appendPointer(prefix, tokens...) }).first()...)
		}
	}
	message := "is not a schema that can be compiled"
	if _, remote := errors.AsType[*jsonschema.LoadURLError](err); remote {
		message = "refers to another document; a schema can refer only to parts of itself"
	}
	if _, ok := errors.AsType[*jsonschema.InvalidRegexError](err); ok {
		message = "holds a regular expression that is not one of Go's, or has too many states"
	}
	return Invalid(Fault{prefix, message})
}

var errOffline = errors.New("schemas are not fetched")

// offline is the loader of a compiler that may read nothing.
type offline struct{}

func (offline) Load(string) (any, error) { return nil, errOffline }
