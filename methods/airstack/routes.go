package airstack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/rest"
	"github.com/hookswitch/hookswitch/schemas"
)

// base is the path below which the vendor's API lies. SuperOffice's lies there too, at other paths.
const base = "/api/v1"

// Face is the vendor's HTTP face: its three operations, as routes onto the RPC methods. The key travels raw in the
// Authorization header, where methods finds it.
func Face() *rest.Face {
	return &rest.Face{
		Below: below, Whose: "getAccount",
		Routes: []rest.Route{
			{Verb: http.MethodPost, Path: "/webhooks", Call: create, Reply: asItIs},
			{Verb: http.MethodDelete, Path: "/webhooks/{webhook_id}", Call: remove, Reply: removed},
			{Verb: http.MethodPost, Path: "/filters/test", Call: testFilter, Reply: tested},
		},
		Fault: fault,
	}
}

// below claims what lies at and below /api/v1/webhooks and /api/v1/filters, and nothing else of /api/v1.
func below(path string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, base)
	for _, own := range []string{"/webhooks", "/filters"} {
		if after, found := strings.CutPrefix(rest, own); ok && found && (after == "" || after[0] == '/') {
			return rest, true
		}
	}
	return "", false
}

// create says in the document whose it is, so that no document sent here becomes another dialect's webhook.
func create(r *rest.Request) (rest.Call, error) {
	members, err := bodyOf(r)
	if err != nil {
		return rest.Call{}, err
	}
	for name := range members {
		if strings.EqualFold(name, "dialect") {
			return rest.Call{}, schemas.Invalid(schemas.Fault{Pointer: "/" + name, Message: "is not a member of this document"})
		}
	}
	object := bytes.TrimLeft(r.Body, " \t\r\n")
	doc := fmt.Appendf(nil, `{"dialect":%q`, Name)
	if len(members) > 0 {
		doc = append(doc, ',')
	}
	return rest.Call{Method: "createSubscription", Params: json.RawMessage(append(doc, object[1:]...))}, nil
}

func remove(r *rest.Request) (rest.Call, error) {
	return rest.Call{Method: "deleteSubscription", Params: map[string]string{"id": r.Value("webhook_id"), "dialect": Name}}, nil
}

// testFilter takes the three forms of the body that the vendor's papers give: the guide's, the reference's with the filter
// in a member body, and the swagger's with eventTypes. The types decide nothing, but a wrong one is a fault as it is at
// a registration.
func testFilter(r *rest.Request) (rest.Call, error) {
	members, err := bodyOf(r)
	if err != nil {
		return rest.Call{}, err
	}
	d := draft{Document: methods.ReadDocument(r.Body, false), webhook: &schemas.Webhook{}}
	if !d.addTypesBeside() {
		d.Fault("is required", "event_type")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains([]string{"event_type", "eventTypes", "filter", "payload"}, name) {
			d.Fault("is not a member this address knows", name)
		}
	}
	filter, payload := unwrapped(members["filter"]), members["payload"]
	if !absent(filter) && !isObject(filter) {
		d.Fault("must be an object", "filter")
	}
	if absent(payload) && !absent(filter) && !isEmptyObject(filter) {
		d.Fault("is required together with a filter", "payload")
	} else if !absent(payload) && !isObject(payload) {
		d.Fault("must be an object", "payload")
	}
	if err := d.Err(); err != nil {
		return rest.Call{}, err
	}
	return rest.Call{Method: "testFilter", Params: map[string]json.RawMessage{"filter": filter, "data": payload}}, nil
}

// unwrapped is the filter in {"body": filter}, where the reference's table puts it; any other filter as it is.
func unwrapped(filter json.RawMessage) json.RawMessage {
	var wrapper map[string]json.RawMessage
	if json.Unmarshal(filter, &wrapper) != nil || len(wrapper) != 1 || !isObject(wrapper["body"]) {
		return filter
	}
	return wrapper["body"]
}

// The ways a body can be unreadable.
var (
	errContentType = errors.New("the body must be application/json")
	errMalformed   = errors.New("the body is not valid JSON")
	errNoObject    = errors.New("the body must be a JSON object")
)

// bodyOf reads the members of a body, which a caller sends as application/json or without saying what it is.
func bodyOf(r *rest.Request) (map[string]json.RawMessage, error) {
	if given := r.Header.Get("Content-Type"); given != "" {
		if kind, _, err := mime.ParseMediaType(given); err != nil || kind != "application/json" {
			return nil, errContentType
		}
	}
	if !json.Valid(r.Body) {
		return nil, errMalformed
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(r.Body, &members) != nil || members == nil {
		return nil, errNoObject
	}
	return members, nil
}

// asItIs answers with the method's result, whose members have the vendor's order already.
func asItIs(_ *rest.Request, result json.RawMessage) (rest.Reply, error) {
	return reply(http.StatusOK, result), nil
}

func removed(*rest.Request, json.RawMessage) (rest.Reply, error) {
	return reply(http.StatusOK, []byte(`{"message":"Webhook deleted successfully","status":true}`)), nil
}

// tested answers 400 when the filter does not match, as the vendor does: such a filter "fails validation".
func tested(_ *rest.Request, result json.RawMessage) (rest.Reply, error) {
	var test struct {
		Matches bool `json:"matches"`
	}
	if err := json.Unmarshal(result, &test); err != nil {
		return rest.Reply{}, fmt.Errorf("read the result of testFilter: %w", err)
	}
	if !test.Matches {
		return reply(http.StatusBadRequest, []byte(`{"status":false}`)), nil
	}
	return reply(http.StatusOK, []byte(`{"status":true}`)), nil
}

func reply(status int, body []byte) rest.Reply {
	return rest.Reply{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}
