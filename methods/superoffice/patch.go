package superoffice

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// Bounds of a patch, with the 100 operations of patchWebhook's schema. They keep one call's work small: every operation
// reads what lies on its way anew.
const (
	maxPatch = 128 << 10 // bytes
	maxPath  = 32        // names in a path
)

// patch makes the entity that a webhook becomes. A list is a JSON Patch (RFC 6902) of add, replace, remove and test; an
// object is a merge patch (RFC 7396). Members that only the server sets can be tested, and are not changed.
func patch(w *schemas.Webhook, text json.RawMessage) (json.RawMessage, error) {
	if len(text) > maxPatch {
		return nil, schemas.Invalid(schemas.Fault{Message: "must not be longer than " + strconv.Itoa(maxPatch) + " bytes"})
	}
	entity, err := encode(Show(w, methods.View{Secrets: true}))
	if err != nil {
		return nil, err
	}
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '[' {
		entity, err = patchJSON(entity, text)
	} else {
		entity, err = patchMerge(entity, text)
	}
	if err != nil {
		return nil, err
	}
	return settled(entity)
}

// settled is the document of a patched entity: a member that was taken away is named with what it is without.
func settled(entity json.RawMessage) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(entity, &members); err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for _, f := range webhookShape.fields {
		value := members[f.name]
		if value == nil {
			value = null
		}
		out[f.name] = value
	}
	delete(out, "WebhookId")
	for name, without := range map[string]string{"Secret": `""`, "State": `"Active"`, "Type": `"webhook"`} {
		if isNull(out[name]) {
			out[name] = json.RawMessage(without)
		}
	}
	out["State"] = stateText(out["State"])
	return encode(out)
}

// operation is one step of a JSON Patch. Value is nil when there is none.
type operation struct {
	Op    string
	Path  string
	Value json.RawMessage
}

// patchJSON carries out a list of operations.
func patchJSON(entity, text json.RawMessage) (json.RawMessage, error) {
	var list []operation
	if json.Unmarshal(text, &list) != nil {
		return nil, faultAt("must be a list of operations with op, path and value")
	}
	for i, o := range list {
		place := strconv.Itoa(i)
		switch o.Op {
		case "add", "replace", "test":
			if o.Value == nil {
				return nil, faultAt("is missing", place, "value")
			}
		case "remove":
		default:
			return nil, faultAt("must be add, replace, remove or test", place, "op")
		}
		path, ok := pathOf(o.Path)
		if !ok {
			return nil, faultAt("must name a member of the webhook", place, "path")
		}
		if path[0] == "State" && len(path) == 1 && o.Value != nil {
			o.Value = stateText(o.Value)
		}
		var problem error
		if entity, problem = o.apply(entity, path, true); problem != nil {
			return nil, at(problem, place)
		}
	}
	return entity, nil
}

// pathOf splits a path (RFC 6901); the slash before its first name may be missing, as the vendor has it.
func pathOf(text string) (path []string, ok bool) {
	path = strings.Split(strings.TrimPrefix(text, "/"), "/")
	if len(path) > maxPath {
		return nil, false
	}
	for i, name := range path {
		path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	}
	name, ok := memberOf(path[0])
	path[0] = name
	return path, ok
}

// memberOf finds a member of the entity by its name in any case.
func memberOf(name string) (string, bool) {
	i := slices.IndexFunc(entityMembers[:], func(m string) bool { return strings.EqualFold(m, name) })
	if i < 0 {
		return "", false
	}
	return entityMembers[i], true
}

// entityMembers are the members of the documented entity.
var entityMembers = [...]string{
	"WebhookId", "Name", "Events", "TargetUrl", "Secret", "State", "Type", "Headers", "Properties",
	"Registered", "RegisteredAssociate", "Updated", "UpdatedAssociate",
}

// The ways an operation can fail.
var (
	errNoPlace  = faultAt("is not there", "path")
	errNotEqual = &schemas.Error{
		Kind: schemas.KindWrongState, Message: "A test of the patch does not hold",
		Faults: []schemas.Fault{{Pointer: "/path", Message: "does not have that value"}},
	}
)

// apply carries the operation out on what lies at path below node. top says that node is the entity, whose members are
// always there.
func (o operation) apply(node json.RawMessage, path []string, top bool) (json.RawMessage, error) {
	node = bytes.TrimSpace(node)
	if isNull(node) && o.Op == "add" {
		node = json.RawMessage("{}") // Headers and Properties of a webhook that has none
	}
	if len(node) == 0 {
		return nil, errNoPlace
	}
	switch node[0] {
	case '{':
		return o.applyObject(node, path, top)
	case '[':
		return o.applyList(node, path)
	}
	return nil, errNoPlace
}

func (o operation) applyObject(node json.RawMessage, path []string, top bool) (json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(node, &members); err != nil {
		return nil, err
	}
	name := spelled(members, path[0])
	value, there := members[name]
	switch {
	case len(path) > 1 && !there, !there && o.Op != "add" && !top:
		return nil, errNoPlace
	case len(path) > 1:
		child, err := o.apply(value, path[1:], false)
		if err != nil {
			return nil, err
		}
		members[name] = child
	case o.Op == "test":
		return node, o.test(value)
	case o.Op == "remove" && top:
		members[name] = null
	case o.Op == "remove":
		delete(members, name)
	default:
		members[name] = o.Value
	}
	return encode(members)
}

func (o operation) applyList(node json.RawMessage, path []string) (json.RawMessage, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(node, &items); err != nil {
		return nil, err
	}
	last := len(path) == 1
	i, err := strconv.Atoi(path[0])
	if path[0] == "-" && last && o.Op == "add" {
		i, err = len(items), nil
	}
	if err != nil || i < 0 || i > len(items) || i == len(items) && (o.Op != "add" || !last) {
		return nil, errNoPlace
	}
	switch {
	case !last:
		child, err := o.apply(items[i], path[1:], false)
		if err != nil {
			return nil, err
		}
		items[i] = child
	case o.Op == "test":
		return node, o.test(items[i])
	case o.Op == "add":
		items = slices.Insert(items, i, o.Value)
	case o.Op == "remove":
		items = slices.Delete(items, i, i+1)
	default:
		items[i] = o.Value
	}
	return encode(items)
}

func (o operation) test(value json.RawMessage) error {
	if value == nil {
		value = null
	}
	if !sameJSON(value, o.Value) {
		return errNotEqual
	}
	return nil
}

// spelled is the spelling of a name in an object: itself, or the same in another case.
func spelled(members map[string]json.RawMessage, name string) string {
	if _, ok := members[name]; ok {
		return name
	}
	for _, other := range sortedNames(members) {
		if strings.EqualFold(other, name) {
			return other
		}
	}
	return name
}
