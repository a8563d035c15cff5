package vision6

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// search is what searchWebhooks was asked for.
type search struct {
	wanted        condition
	limit, offset int64
	sortBy, order string
}

// condition says whether a search finds a webhook.
type condition func(*Webhook) bool

func (s *search) read(in *methods.Document) {
	s.wanted = readCriteria(in)
	in.Number("limit", &s.limit)
	in.Number("offset", &s.offset)
	in.Text("sort_by", &s.sortBy)
	in.Text("sort_order", &s.order)
	if s.limit < 1 || s.limit > maxLimit {
		in.Fault("must be 1 to 10000", "limit")
	}
	if member(&Webhook{}, s.sortBy) == nil {
		in.Fault("must be id, object, event, list_id or url", "sort_by")
	}
	if s.order = strings.ToUpper(s.order); s.order != "ASC" && s.order != "DESC" {
		in.Fault("must be ASC or DESC", "sort_order")
	}
}

// page sorts what was found, which is in the order of ids, and cuts the wanted part out of it.
func (s *search) page(found []Webhook) []Webhook {
	slices.SortStableFunc(found, func(a, b Webhook) int {
		order := compare(member(&a, s.sortBy), member(&b, s.sortBy))
		if s.order == "DESC" {
			return -order
		}
		return order
	})
	found = found[min(s.offset, int64(len(found))):]
	return found[:min(s.limit, int64(len(found)))]
}

// member is the value of one of a webhook's members, an int64 or a string, nil for a name it does not have.
func member(w *Webhook, name string) any {
	switch name {
	case "id":
		return int64(w.ID)
	case "object":
		return w.Object
	case "event":
		return w.Event
	case listID:
		return w.ListID
	case "url":
		return w.URL
	}
	return nil
}

// compare orders two values of the same member.
func compare(a, b any) int {
	if n, ok := a.(int64); ok {
		m, _ := b.(int64)
		return cmp.Compare(n, m)
	}
	s, _ := a.(string)
	t, _ := b.(string)
	return cmp.Compare(s, t)
}

// textOperators compare a member's text with the criterion's, both in lower case.
var textOperators = map[string]func(have, want string) bool{
	"exactly":      func(have, want string) bool { return have == want },
	"not_exactly":  func(have, want string) bool { return have != want },
	"contains":     strings.Contains,
	"not_contains": func(have, want string) bool { return !strings.Contains(have, want) },
	"starts_with":  strings.HasPrefix,
	"ends_with":    strings.HasSuffix,
}

// numberOperators compare id or list_id with the criterion's number.
var numberOperators = map[string]func(have, want int64) bool{
	"greater_than": func(have, want int64) bool { return have > want },
	"less_than":    func(have, want int64) bool { return have < want },
}

// readCriteria reads search_criteria; none wants everything.
func readCriteria(in *methods.Document) condition {
	raw := in.Raw(paramCriteria)
	if raw == nil {
		return everything
	}
	return (&criteria{in: in}).group(raw, nil)
}

func everything(*Webhook) bool { return true }

// criteria reads a tree of criteria:
//
//	group     = "[" [ element { [ "AND" | "OR" ] element } ] "]"
//	element   = group | criterion
//	criterion = "[" name "," operator "," value "]"
type criteria struct{ in *methods.Document }

func (r *criteria) fault(message string, path []string) condition {
	r.in.Fault(message, append([]string{paramCriteria}, path...)...)
	return everything
}

// group reads elements and what joins them. A criterion in the place of a group is a group of one.
func (r *criteria) group(raw json.RawMessage, path []string) condition {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil || elements == nil { // nil: a null in the place of a criterion
		return r.fault("must be a list of criteria", path)
	}
	if len(elements) > 0 && isText(elements[0]) {
		return r.criterion(elements, path)
	}
	// One list for each side of an OR; all conditions of a list must hold.
	sides := [][]condition{nil}
	joined := true // a joiner stands between two elements only
	for i, e := range elements {
		at := append(slices.Clone(path), strconv.Itoa(i))
		if !isText(e) {
			last := len(sides) - 1
			sides[last] = append(sides[last], r.group(e, at))
			joined = false
			continue
		}
		joiner := strings.ToUpper(schemas.PlainText(e))
		if joined || i == len(elements)-1 || joiner != "AND" && joiner != "OR" {
			return r.fault("must be a criterion, or AND or OR between two of them", at)
		}
		if joiner == "OR" {
			sides = append(sides, nil)
		}
		joined = true
	}
	return func(w *Webhook) bool {
		return slices.ContainsFunc(sides, func(all []condition) bool {
			return !slices.ContainsFunc(all, func(c condition) bool { return !c(w) })
		})
	}
}

// criterion reads one [name, operator, value].
func (r *criteria) criterion(parts []json.RawMessage, path []string) condition {
	if len(parts) != 3 {
		return r.fault("must be a name, an operator and a value", path)
	}
	name, operator := schemas.PlainText(parts[0]), schemas.PlainText(parts[1])
	kind := member(&Webhook{}, name)
	if kind == nil {
		return r.fault("must be id, object, event, list_id or url", append(path, "0"))
	}
	if parts[2][0] == '[' || parts[2][0] == '{' {
		return r.fault("must be a text or a number", append(path, "2"))
	}
	value := schemas.PlainText(parts[2])
	if holds := numberOperators[operator]; holds != nil {
		want, err := strconv.ParseInt(value, 10, 64)
		if _, isNumber := kind.(int64); !isNumber || err != nil {
			return r.fault("must be an operator that fits the member and the value", append(path, "1"))
		}
		return func(w *Webhook) bool {
			have, _ := member(w, name).(int64)
			return holds(have, want)
		}
	}
	holds := textOperators[operator]
	if holds == nil {
		return r.fault("is not an operator of a search", append(path, "1"))
	}
	value = strings.ToLower(value)
	return func(w *Webhook) bool { return holds(textOf(member(w, name)), value) }
}

func isText(raw json.RawMessage) bool { return raw[0] == '"' }

// textOf is a member's value in lower case.
func textOf(value any) string {
	if n, ok := value.(int64); ok {
		return strconv.FormatInt(n, 10)
	}
	s, _ := value.(string)
	return strings.ToLower(s)
}
