package methods

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// Document reads the members of a registration document one by one and collects what is wrong with them, so that a
// caller learns of all faults at once. A member that is absent or null leaves its variable as it was; that is how an
// update keeps what it does not name. Not safe for concurrent use.
type Document struct {
	members map[string]json.RawMessage
	fold    bool
	pointer func(member string) string // nil: pointers begin at the document
	faults  []schemas.Fault
}

// ReadDocument opens a document. With fold, names are found whatever their case (SuperOffice's clients differ in it).
// What is not an object is a fault of the whole document, and every member is absent.
func ReadDocument(doc json.RawMessage, fold bool) *Document {
	d := &Document{fold: fold}
	if json.Unmarshal(doc, &d.members) != nil || d.members == nil {
		d.Fault("must be an object")
	}
	return d
}

// Read opens the parameters of the call in the same way; its faults point at them in the caller's own form.
func (c *Call) Read() *Document {
	d := ReadDocument(c.Params, false)
	d.pointer = c.Pointer
	return d
}

// spelling is the caller's spelling of a member's name, the name itself when it is not there.
func (d *Document) spelling(name string) string {
	if _, exact := d.members[name]; exact || !d.fold {
		return name
	}
	for _, spelled := range slices.Sorted(maps.Keys(d.members)) {
		if strings.EqualFold(spelled, name) {
			return spelled
		}
	}
	return name
}

// Has reports whether the member is there, be it null.
func (d *Document) Has(name string) bool {
	_, ok := d.members[d.spelling(name)]
	return ok
}

// Raw is a member's JSON text, nil when it is absent or null.
func (d *Document) Raw(name string) json.RawMessage {
	if raw := d.members[d.spelling(name)]; string(raw) != "null" {
		return raw
	}
	return nil
}

// Decode reads a member into a variable of any type; message says what it must be.
func (d *Document) Decode(name string, into any, message string) {
	if raw := d.Raw(name); raw != nil && json.Unmarshal(raw, into) != nil {
		d.Fault(message, name)
	}
}

// Text reads a string.
func (d *Document) Text(name string, into *string) { d.Decode(name, into, "must be a string") }

// Endpoint reads the URL that events go to and checks its shape. A missing one is a fault.
func (d *Document) Endpoint(name string, into *string) {
	before := len(d.faults)
	d.Text(name, into)
	switch {
	case len(d.faults) > before:
	case *into == "":
		d.Fault("is required", name)
	default:
		if problem := delivery.CheckEndpoint(*into); problem != "" {
			d.Fault(problem, name)
		}
	}
}

// Number reads a whole number that is not negative, written as a number or as a string of digits: PHP clients send
// either.
func (d *Document) Number(name string, into *int64) {
	raw := d.Raw(name)
	if raw == nil {
		return
	}
	n, err := strconv.ParseUint(schemas.PlainText(raw), 10, 63)
	if err != nil {
		d.Fault("must be a whole number, not negative", name)
		return
	}
	*into = int64(n)
}

// Fault records what is wrong with a member, or, with more of a path, with something inside it; without a path, with
// the whole document. The message must not quote a value.
func (d *Document) Fault(message string, path ...string) {
	var pointer strings.Builder
	for i, part := range path {
		switch {
		case i > 0:
			pointer.WriteString("/" + pointerEscaper.Replace(part))
		case d.pointer != nil:
			pointer.WriteString(d.pointer(part))
		default:
			pointer.WriteString("/" + pointerEscaper.Replace(d.spelling(part)))
		}
	}
	d.faults = append(d.faults, schemas.Fault{Pointer: pointer.String(), Message: message})
}

// pointerEscaper writes a name as RFC 6901 wants it.
var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// Err is the refusal that lists every fault, nil without one.
func (d *Document) Err() error {
	if len(d.faults) == 0 {
		return nil
	}
	return schemas.Invalid(d.faults...)
}
