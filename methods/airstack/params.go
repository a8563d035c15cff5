package airstack

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// typeNames are the vendor's event types and, from its first documents (May 2024), their older names.
var typeNames = map[string]string{
	"profile.created": "profile.created", "ProfileCreated": "profile.created",
	"profile.updated": "profile.updated", "ProfileUpdated": "profile.updated",
	"follow.created": "follow.created", "FollowCreated": "follow.created",
	"follow.deleted": "follow.deleted", "FollowDeleted": "follow.deleted",
}

const typeRule = "must be profile.created, profile.updated, follow.created or follow.deleted"

// maxTypes bounds eventTypes: every documented type under both of its names.
const maxTypes = 8

// Parse turns the document of POST /webhooks into a webhook, as methods.Dialect asks. It lists every fault it finds; a
// filter that cannot be compiled or does not match its payload, and nothing else wrong, is KindFilterRefused.
//
// For a new webhook (old is nil) the id and the constant header value are made; for an update they stay and the rest is
// the document's.
func Parse(doc json.RawMessage, old *schemas.Webhook) (*schemas.Webhook, error) {
	d := draft{Document: methods.ReadDocument(doc, false), webhook: begin(old)}
	d.Endpoint("endpoint", &d.webhook.Endpoint)
	var config map[string]json.RawMessage
	d.Decode("filter_config", &config, "must be an object")
	d.setTypes(config)
	d.setFilter(config["filter"], config["payload"])
	if err := d.refusal(); err != nil {
		return nil, err
	}
	d.webhook.Document = slices.Clone(doc)
	return d.webhook, nil
}

// begin is what the document is put into: a fresh webhook with its id and header value, or old without what the document
// names anew.
func begin(old *schemas.Webhook) *schemas.Webhook {
	if old != nil {
		w := *old
		w.Endpoint, w.Match = "", schemas.Match{}
		return &w
	}
	return &schemas.Webhook{
		PublicID: methods.NewPublicID(""),
		State:    schemas.StateActive,
		Secrets:  []schemas.Secret{{Value: methods.RandomText(headerValueLength, headerValueAlphabet)}},
	}
}

// The header value has the length and the characters of the vendor's examples.
const (
	headerValueLength   = 16
	headerValueAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// draft is a webhook in the making, and the document it is made from.
type draft struct {
	*methods.Document
	webhook       *schemas.Webhook
	filterRefused string // why, when one of the faults is the filter's
}

// refusal is the error for the faults, nil without one: a filter that is the only one has its own kind.
func (d *draft) refusal() error {
	err := d.Err()
	if e, ok := errors.AsType[*schemas.Error](err); ok && d.filterRefused != "" && len(e.Faults) == 1 {
		return &schemas.Error{Kind: schemas.KindFilterRefused, Message: d.filterRefused, Faults: e.Faults}
	}
	return err
}

// setTypes gathers the types from all places where the vendor's papers put them.
func (d *draft) setTypes(config map[string]json.RawMessage) {
	named := d.addType(config["event_type"], "filter_config", "event_type")
	named = d.addTypes(config["eventTypes"], "filter_config", "eventTypes") || named
	if beside := d.addTypesBeside(); !named && !beside {
		d.Fault("is required", "filter_config", "event_type")
	}
}

// addTypesBeside adds the types named at the top of the document and reports whether there are any.
func (d *draft) addTypesBeside() bool {
	named := d.addType(d.Raw("event_type"), "event_type")
	return d.addTypes(d.Raw("eventTypes"), "eventTypes") || named
}

// addType adds the type of the member at path and reports whether it is there, be it faulty.
func (d *draft) addType(raw json.RawMessage, path ...string) bool {
	if absent(raw) {
		return false
	}
	var name string
	if json.Unmarshal(raw, &name) != nil {
		d.Fault("must be a string", path...)
		return true
	}
	t, ok := typeNames[name]
	if !ok {
		d.Fault(typeRule, path...)
		return true
	}
	if !slices.Contains(d.webhook.Match.Types, t) {
		d.webhook.Match.Types = append(d.webhook.Match.Types, t)
	}
	return true
}

// addTypes does the same for a list of types; an empty one names nothing.
func (d *draft) addTypes(raw json.RawMessage, path ...string) bool {
	if absent(raw) {
		return false
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) > maxTypes {
		d.Fault("must be an array of at most 8 strings", path...)
		return true
	}
	for i, raw := range list {
		element := append(slices.Clone(path), strconv.Itoa(i))
		if !d.addType(raw, element...) {
			d.Fault("must be a string", element...)
		}
	}
	return len(list) > 0
}

// setFilter checks the filter against its sample payload, as the vendor does at registration.
func (d *draft) setFilter(filter, payload json.RawMessage) {
	switch {
	case !absent(payload) && !isObject(payload):
		d.Fault("must be an object", "filter_config", "payload")
	case absent(filter):
	case !isObject(filter):
		d.Fault("must be an object", "filter_config", "filter")
	case isEmptyObject(filter):
	case absent(payload):
		d.Fault("is required together with a filter", "filter_config", "payload")
	default:
		d.compileFilter(filter, payload)
	}
}

func (d *draft) compileFilter(filter, payload json.RawMessage) {
	compiled, err := delivery.CompileFilter(filter)
	switch {
	case err != nil:
		d.refuseFilter(err.Error())
	case !compiled.Match(payload):
		d.refuseFilter("The filter does not match the payload")
	default:
		d.webhook.Match.Filter = slices.Clone(filter)
	}
}

func (d *draft) refuseFilter(why string) {
	d.filterRefused = why
	d.Fault(why, "filter_config", "filter")
}

// absent reports whether a member is not there, or null.
func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// isObject reports whether a valid JSON value is an object.
func isObject(raw json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{"))
}

// isEmptyObject reports whether a valid JSON object has no members.
func isEmptyObject(raw json.RawMessage) bool {
	return len(bytes.Trim(raw, "{} \t\r\n")) == 0
}
