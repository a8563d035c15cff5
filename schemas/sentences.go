package schemas

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

const unknownMember = "is not a member this method knows"

// sentence says what a keyword of a schema demands. The library's own texts quote the value, which may be a secret or
// very long.
func sentence(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "must be " + typeNames(k.Want)
	case *kind.Enum:
		return "must be one of " + valueNames(k.Want)
	case *kind.Const:
		return "must be " + valueNames([]any{k.Want})
	case *kind.Format:
		return formatSentence(k.Want)
	case *kind.Pattern:
		return "must match " + k.Want
	case *kind.MinLength:
		return least(k.Want, "character")
	case *kind.MaxLength:
		return most(k.Want, "character")
	case *kind.MinItems:
		return least(k.Want, "item")
	case *kind.MaxItems:
		return most(k.Want, "item")
	case *kind.MinProperties:
		return least(k.Want, "member")
	case *kind.MaxProperties:
		return most(k.Want, "member")
	case *kind.UniqueItems:
		return "must not hold the same item twice"
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be greater than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + number(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + number(k.Want)
	case *kind.FalseSchema, *kind.Not:
		return "is not allowed"
	}
	return "is not valid"
}

func formatSentence(format string) string {
	switch format {
	case formatInt64:
		return "must be a whole number of at most 64 bits, written without fraction and exponent"
	case formatDateTime:
		return "must be a time as RFC 3339 writes it, such as 2026-11-21T09:30:00Z"
	}
	return "must be of the format " + format
}

func least(n int, of string) string {
	if n == 1 {
		return "must not be empty"
	}
	return fmt.Sprintf("must have at least %d %ss", n, of)
}

func most(n int, of string) string {
	if n == 1 {
		return "must have at most 1 " + of
	}
	return fmt.Sprintf("must have at most %d %ss", n, of)
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// typeNames is "an integer, a string or null".
func typeNames(types []string) string {
	types = slices.Clone(types)
	slices.SortStableFunc(types, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	names := make([]string, len(types))
	for i, t := range types {
		switch t {
		case "object", "array", "integer":
			names[i] = "an " + t
		case "null":
			names[i] = t
		default:
			names[i] = "a " + t
		}
	}
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " or " + names[last]
	}
	return names[0]
}

// rank puts null last.
func rank(t string) int {
	if t == "null" {
		return 1
	}
	return 0
}

// valueNames lists the values a schema allows.
func valueNames(values []any) string {
	var names []string
	for _, v := range values {
		switch v.(type) {
		case nil, map[string]any, []any:
		default:
			names = append(names, fmt.Sprint(v))
		}
	}
	if len(names) == 0 {
		return "the values of its schema"
	}
	return strings.Join(names, ", ")
}
