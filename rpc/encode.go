package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
)

// errRawInvalid is the error of raw JSON that is none.
var errRawInvalid = errors.New("encode the parameters: not valid JSON")

// appendParams appends the JSON of a call's parameters. A [Raw] or a json.RawMessage goes as it is, byte for byte, also as a
// member of a map or an item of a list of the types below: somebody signed or compares these bytes. encoding/json, which
// gets all else, would take the white space out of them.
func appendParams(out []byte, params any) ([]byte, error) {
	switch v := params.(type) {
	case json.RawMessage:
		return appendValid(out, v)
	case *json.RawMessage:
		if v != nil {
			return appendValid(out, *v)
		}
	case Raw:
		if len(v) > 0 {
			return appendValid(out, v)
		}
	case map[string]any:
		return appendMembers(out, v)
	case map[string]json.RawMessage:
		return appendMembers(out, v)
	case []any:
		return appendItems(out, v)
	case []json.RawMessage:
		return appendItems(out, v)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(params); err != nil {
		return out, err
	}
	return append(out, bytes.TrimSuffix(text.Bytes(), []byte{'\n'})...), nil
}

// appendValid appends raw JSON; nil is null.
func appendValid(out, raw []byte) ([]byte, error) {
	if raw != nil && !json.Valid(raw) {
		return out, errRawInvalid
	}
	return appendRaw(out, raw), nil
}

// appendMembers appends an object, its members in the order of their names, as encoding/json has them.
func appendMembers[T any](out []byte, members map[string]T) ([]byte, error) {
	if members == nil {
		return append(out, "null"...), nil
	}
	out = append(out, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendParams(out, name); err != nil {
			return out, err
		}
		if out, err = appendParams(append(out, ':'), members[name]); err != nil {
			return out, err
		}
	}
	return append(out, '}'), nil
}

func appendItems[T any](out []byte, items []T) ([]byte, error) {
	if items == nil {
		return append(out, "null"...), nil
	}
	out = append(out, '[')
	for i, item := range items {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendParams(out, item); err != nil {
			return out, err
		}
	}
	return append(out, ']'), nil
}

// appendRequest appends a request; id nil makes a notification.
func appendRequest(out []byte, id *uint64, method string, params any) ([]byte, error) {
	out = append(out, `{"jsonrpc":"2.0"`...)
	if id != nil {
		out = strconv.AppendUint(append(out, `,"id":`...), *id, 10)
	}
	out, err := appendParams(append(out, `,"method":`...), method)
	if err != nil || params == nil {
		return append(out, '}'), err
	}
	out, err = appendParams(append(out, `,"params":`...), params)
	return append(out, '}'), err
}

// appendBatch appends a batch of requests.
func appendBatch(out []byte, batch []message) ([]byte, error) {
	out = append(out, '[')
	for i, m := range batch {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendRequest(out, m.ID, m.Method, m.Params); err != nil {
			return out, err
		}
	}
	return append(out, ']'), nil
}
