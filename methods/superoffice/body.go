package superoffice

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// body is a delivery, with the members of the vendor's samples in their order.
type body struct {
	EventID            string          `json:"EventId"`
	Timestamp          string          `json:"Timestamp"`
	Changes            json.RawMessage `json:"Changes"`
	Values             json.RawMessage `json:"Values,omitempty"`
	Event              string          `json:"Event"`
	PrimaryKey         int64           `json:"PrimaryKey"`
	Entity             string          `json:"Entity,omitempty"`
	ContextIdentifier  string          `json:"ContextIdentifier"`
	ChangedByAssociate int64           `json:"ChangedByAssociateId"`
	WebhookName        string          `json:"WebhookName"`
	FieldValues        json.RawMessage `json:"FieldValues,omitempty"`
}

// members are the names of what every or some body has of its own.
var members = [...]string{
	"EventId", "Timestamp", "Changes", "Values", "Event", "PrimaryKey", "Entity", "ContextIdentifier",
	"ChangedByAssociateId", "WebhookName", "FieldValues",
}

// isMember reports whether a name is one of members. Case does not count: a .NET receiver's JSON does not mind it.
func isMember(name string, _ json.RawMessage) bool {
	return slices.ContainsFunc(members[:], func(m string) bool { return strings.EqualFold(m, name) })
}

// Where a member is read from: the names in attributes or data, in the spelling of events and of the vendor.
var (
	fromChanges     = []string{"changes", "Changes"}
	fromValues      = []string{"values", "Values"}
	fromFieldValues = []string{"fieldValues", "FieldValues"}
	fromPrimaryKey  = []string{"primaryKey", "PrimaryKey"}
	fromEntity      = []string{"entity", "Entity"}
	fromContext     = []string{"contextIdentifier", "ContextIdentifier"}
	fromAssociate   = []string{"associateId", "changedByAssociateId", "ChangedByAssociateId"}

	known = slices.Concat(fromChanges, fromValues, fromFieldValues, fromPrimaryKey, fromEntity, fromContext, fromAssociate)
)

// bodyOf is the JSON of an event for a webhook.
func bodyOf(w *schemas.Webhook, e *schemas.Event) ([]byte, error) {
	fields := delivery.FieldsOf(e)
	b := body{
		EventID:           eventID(w.Account, e.ID),
		Timestamp:         timestamp(e.Time),
		Changes:           json.RawMessage("[]"),
		Values:            values(e, fields),
		ContextIdentifier: fields.Text(fromContext...),
		WebhookName:       w.Name,
		FieldValues:       container('{', fields.Raw(fromFieldValues...)),
	}
	if changes := container('[', fields.Raw(fromChanges...)); changes != nil {
		b.Changes = changes
	}
	if b.ContextIdentifier == "" {
		b.ContextIdentifier = "Default"
	}
	b.PrimaryKey, _ = fields.Int(fromPrimaryKey...)
	b.ChangedByAssociate, _ = fields.Int(fromAssociate...)
	b.Event, b.Entity = names(e.Type)
	if given := fields.Text(fromEntity...); given != "" && b.Entity != "" {
		b.Entity = given
	}
	text, err := encode(b)
	if err != nil {
		return nil, err
	}
	return withProperties(text, w.Properties)
}

// names are Event and Entity for an event type. A webhook's own events lose their number and have no entity.
func names(eventType string) (event, entity string) {
	dot := strings.LastIndexByte(eventType, '.')
	if dot < 0 {
		return eventType, eventType
	}
	entity, verb := eventType[:dot], eventType[dot+1:]
	number, own := strings.CutPrefix(entity, "webhook")
	if own && strings.Trim(number, "0123456789") == "" && (verb == "started" || verb == "stopped" || verb == "errors") {
		return "webhook." + verb, ""
	}
	return eventType, entity
}

// values are the Values an event names, or, when its data is in no way made for this dialect, the data.
func values(e *schemas.Event, fields delivery.Fields) json.RawMessage {
	if given := container('{', fields.Raw(fromValues...)); given != nil {
		return given
	}
	for name := range fields.Members() {
		if slices.Contains(known, name) {
			return nil
		}
	}
	return container('{', e.Data)
}

// container is raw if it is an object or list as wanted, nil otherwise.
func container(first byte, raw json.RawMessage) json.RawMessage {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != first {
		return nil
	}
	return raw
}

// withProperties puts a webhook's properties at the end of a body.
func withProperties(text []byte, properties map[string]json.RawMessage) ([]byte, error) {
	own := maps.Clone(properties)
	maps.DeleteFunc(own, isMember)
	if len(own) == 0 {
		return text, nil
	}
	more, err := encode(own)
	if err != nil {
		return nil, err
	}
	text[len(text)-1] = ','
	return append(text, more[1:]...), nil
}

// encode is compact JSON that leaves <, > and & alone, as .NET does.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// namespace of the GUIDs made from event ids: a random UUID of ours. It must never change, or receivers would see an
// event that is tried again under another EventId.
const namespace = "9d0c4f5e-0e1b-4f3a-9a52-6b8f7a1d2c34"

// eventID is a lower-case GUID that stands for an event in all its attempts: its id if that is one, else a UUID of
// version 5 (RFC 9562 section 5.5) of account and id.
func eventID(account schemas.AccountID, id string) string {
	if _, ok := parseGUID(id); ok {
		return strings.ToLower(id)
	}
	space, _ := parseGUID(namespace)
	sum := sha1.Sum([]byte(string(space) + strconv.FormatInt(int64(account), 10) + "/" + id))
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// parseGUID reads the 36-character form.
func parseGUID(text string) (guid []byte, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return nil, false
	}
	guid, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	return guid, err == nil && len(guid) == 16
}
