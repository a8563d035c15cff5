package delivery

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"
)

// operator is what a test does.
type operator uint8

const (
	opPlain operator = iota // equal, or contained in an array
	opEq
	opNeq
	opGt
	opGte
	opLt
	opLte
	opIn
	opNin
	opRegex
	opExist
)

// operatorOf names the operators that stand inside a key's object.
func operatorOf(name string) (operator, bool) {
	names := [...]string{
		opEq: "$eq", opNeq: "$neq", opGt: "$gt", opGte: "$gte", opLt: "$lt", opLte: "$lte",
		opIn: "$in", opNin: "$nin", opRegex: "$regex", opExist: "$exist",
	}
	i := slices.Index(names[:], name)
	return operator(max(i, 0)), i > 0
}

// Limits of one comparison. Regular expressions take a time that grows with the instructions of the compiled program
// (maxFilterProgram) times the length of the text.
const (
	maxRegexBytes = 256     // of an expression
	maxRegexText  = 4 << 10 // bytes of a string that one is tried on
	maxSearched   = 1 << 10 // elements of an array
)

// test is one comparison with the value at a key.
type test struct {
	op    operator
	value any // a list for opIn and opNin, a number for the orders, a bool for opExist
	regex *regexp.Regexp
}

// test checks and compiles an operand.
func (c *compiler) test(op operator, operand any) (test, error) {
	ok := true
	switch op {
	case opGt, opGte, opLt, opLte:
		_, ok = operand.(float64)
	case opIn, opNin:
		_, ok = operand.([]any)
	case opExist:
		_, ok = operand.(bool)
	case opRegex:
		text, isText := operand.(string)
		if !isText {
			return test{}, errors.New("the value of $regex must be a string")
		}
		regex, err := c.regex(text)
		return test{op: op, regex: regex}, err
	}
	if !ok {
		return test{}, errors.New("the value of $gt, $gte, $lt and $lte must be a number, of $in and $nin a list, " +
			"of $exist true or false")
	}
	return test{op: op, value: operand}, nil
}

// regex compiles an expression. The program's size is what counts: "(a{1000}){…" is short to write and large to keep.
func (c *compiler) regex(text string) (*regexp.Regexp, error) {
	if len(text) > maxRegexBytes {
		return nil, errors.New("a $regex is too long")
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, errors.New("a $regex is not a regular expression (RE2 syntax)")
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, errors.New("a $regex is not a regular expression (RE2 syntax)")
	}
	if c.program -= len(program.Inst); c.program < 0 {
		return nil, errors.New("the filter's $regex are too complex")
	}
	regex, err := regexp.Compile(text)
	if err != nil {
		return nil, errors.New("a $regex is not a regular expression (RE2 syntax)")
	}
	return regex, nil
}

// passes compares the value at a key; there is false only for opExist.
func (t *test) passes(value any, there bool) bool {
	switch t.op {
	case opPlain:
		list, isList := value.([]any)
		return reflect.DeepEqual(value, t.value) || isList && contains(list[:min(len(list), maxSearched)], t.value)
	case opEq:
		return reflect.DeepEqual(value, t.value)
	case opNeq:
		return !reflect.DeepEqual(value, t.value)
	case opIn:
		return contains(t.value.([]any), value)
	case opNin:
		return !contains(t.value.([]any), value)
	case opRegex:
		text, isText := value.(string)
		return isText && len(text) <= maxRegexText && t.regex.MatchString(text)
	case opExist:
		return there == t.value.(bool)
	}
	return t.ordered(value)
}

func (t *test) ordered(value any) bool {
	number, ok := value.(float64)
	if !ok {
		return false
	}
	limit := t.value.(float64)
	switch t.op {
	case opGt:
		return number > limit
	case opGte:
		return number >= limit
	case opLt:
		return number < limit
	}
	return number <= limit
}

func contains(list []any, value any) bool {
	return slices.ContainsFunc(list, func(element any) bool { return reflect.DeepEqual(element, value) })
}

// decodeFilter reads a filter document into a JSON object, nil for an absent or empty one.
func decodeFilter(doc json.RawMessage) (map[string]any, error) {
	if len(doc) > maxFilterBytes {
		return nil, errors.New("the filter is too large")
	}
	var value any
	err := json.Unmarshal(doc, &value)
	if _, large := errors.AsType[*json.UnmarshalTypeError](err); large {
		return nil, errors.New("a number of the filter is larger than any that is compared, which are those of 64-bit floating point")
	}
	if err != nil {
		return nil, errors.New("the filter is not JSON")
	}
	object, ok := value.(map[string]any)
	if !ok && value != nil {
		return nil, errors.New("the filter must be an object")
	}
	return object, nil
}
