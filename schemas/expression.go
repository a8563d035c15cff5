package schemas

import (
	"errors"
	"regexp"
	"regexp/syntax"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	workState = 10     // of one state of a regular expression on one byte
	maxStates = 20_000 // of all regular expressions of one schema; each takes some 50 bytes
)

// expressions compiles the regular expressions of one schema.
type expressions struct {
	meter  *meter
	known  map[string]jsonschema.Regexp
	states int // of all of them
}

var errStates = errors.New("too many states")

func (x *expressions) compile(text string) (jsonschema.Regexp, error) {
	if got, ok := x.known[text]; ok {
		return got, nil
	}
	if x.states > maxStates {
		return nil, errStates
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if x.states += len(program.Inst); x.states > maxStates {
		return nil, errStates
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	got := &expression{re, x.meter, len(program.Inst)}
	x.known[text] = got
	return got, nil
}

// expression is a regular expression that spends from the meter.
type expression struct {
	*regexp.Regexp
	meter  *meter
	states int
}

func (e *expression) MatchString(s string) bool {
	e.meter.spend(workState * e.states * (1 + len(s)))
	return e.Regexp.MatchString(s)
}
