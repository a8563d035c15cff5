package superoffice

import (
	"bytes"
	"encoding/json"
)

// patchMerge takes over the members of an object. Names that are not the entity's are ignored, as in every document.
func patchMerge(entity, text json.RawMessage) (json.RawMessage, error) {
	var members, changes map[string]json.RawMessage
	if json.Unmarshal(text, &changes) != nil || changes == nil {
		return nil, faultAt("must be a list of operations or an object of new values")
	}
	if err := json.Unmarshal(entity, &members); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, spelling := range sortedNames(changes) {
		name, ok := memberOf(spelling)
		switch {
		case !ok:
			continue
		case seen[name]:
			return nil, faultAt("is there twice", spelling)
		}
		seen[name] = true
		value, err := merge(members[name], changes[spelling], name == "Events")
		if err != nil {
			return nil, err
		}
		members[name] = value
	}
	return encode(members)
}

// merge is RFC 7396 with the vendor's rule for lists: an object that meets a list is appended to it. So is, where any is
// set, everything else but a list.
func merge(target, change json.RawMessage, appendAny bool) (json.RawMessage, error) {
	target, change = bytes.TrimSpace(target), bytes.TrimSpace(change)
	listed := len(target) > 0 && target[0] == '['
	object := change[0] == '{'
	switch {
	case listed && (object || appendAny && change[0] != '[' && !isNull(change)):
		var items []json.RawMessage
		if err := json.Unmarshal(target, &items); err != nil {
			return nil, err
		}
		return encode(append(items, change))
	case !object:
		return change, nil
	}
	members, changes := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if len(target) > 0 && target[0] == '{' {
		if err := json.Unmarshal(target, &members); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(change, &changes); err != nil {
		return nil, err
	}
	for name, value := range changes {
		if isNull(value) {
			delete(members, name)
			continue
		}
		merged, err := merge(members[name], value, false)
		if err != nil {
			return nil, err
		}
		members[name] = merged
	}
	return encode(members)
}
