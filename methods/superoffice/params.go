package superoffice

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// Lengths of the vendor's columns, in characters.
const (
	maxName   = 400
	maxEvents = 4000 // joined by commas
	maxSecret = 400
	maxType   = 100
)

// maxProperties is the most bytes of JSON that Properties may take: they are part of every delivery. The limit is ours.
const maxProperties = 64 << 10

// registration is what a client says of a webhook, but for its secret and state. It is also what is stored.
type registration struct {
	Name       string
	Events     []string
	TargetURL  string `json:"TargetUrl"`
	Type       string
	Headers    map[string]string
	Properties map[string]json.RawMessage
}

// stateOf is a state in the vendor's words and in ours.
type stateOf struct {
	name  string
	state schemas.State
}

// states of a webhook; the position is the vendor's number of the state.
var states = [...]stateOf{
	{"Unknown", ""},
	{"Active", schemas.StateActive},
	{"Stopped", schemas.StateStopped},
	{"TooManyErrors", schemas.StateFailing},
}

// parse turns the entity into a webhook. With old, members that doc does not name stay as they were.
func (o Options) parse(doc json.RawMessage, old *schemas.Webhook) (*schemas.Webhook, error) {
	in := methods.ReadDocument(doc, true)
	r := registration{Type: "webhook"}
	w := &schemas.Webhook{State: schemas.StateActive}
	if old != nil {
		*w = *old
		if len(old.Document) > 0 { // a PUT brings a whole new one
			r = registrationOf(old)
		}
	}
	r.read(in)
	if o.RequireHTTPS && r.TargetURL != "" && !strings.HasPrefix(strings.ToLower(r.TargetURL), "https:") {
		in.Fault("must be secure: 'HTTPS:' not found", "TargetUrl")
	}
	w.Secrets = readSecret(in, w.Secrets)
	w.State = readState(in, w.State)
	if err := in.Err(); err != nil {
		return nil, err
	}
	stored, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	w.Document = stored
	w.Name, w.Endpoint = r.Name, r.TargetURL
	w.Headers, w.Properties = r.Headers, r.Properties
	w.Match = schemas.Match{Types: r.Events}
	return w, nil
}

// read takes over what the document names.
func (r *registration) read(in *methods.Document) {
	if in.Has("Name") {
		r.Name = ""
	}
	in.Text("Name", &r.Name)
	limit(in, "Name", r.Name, maxName)
	in.Endpoint("TargetUrl", &r.TargetURL)
	in.Text("Type", &r.Type)
	limit(in, "Type", r.Type, maxType)
	if strings.EqualFold(r.Type, "crmscript") {
		in.Fault("must not be crmscript: scripts are not run here", "Type")
	}
	r.readEvents(in)
	r.readHeaders(in)
	if in.Has("Properties") {
		r.Properties = nil
	}
	in.Decode("Properties", &r.Properties, "must be an object")
	if len(in.Raw("Properties")) > maxProperties {
		in.Fault("must not be longer than "+strconv.Itoa(maxProperties)+" bytes", "Properties")
	}
}

func (r *registration) readEvents(in *methods.Document) {
	if in.Raw("Events") != nil {
		r.Events = nil
	}
	in.Decode("Events", &r.Events, "must be a list of strings")
	if len(r.Events) == 0 {
		in.Fault("must name at least one event", "Events")
	}
	for i, name := range r.Events {
		if problem := schemas.CheckEventType(name); problem != "" {
			in.Fault(problem, "Events", strconv.Itoa(i))
		}
	}
	limit(in, "Events", strings.Join(r.Events, ","), maxEvents)
}

func (r *registration) readHeaders(in *methods.Document) {
	if in.Has("Headers") {
		r.Headers = nil
	}
	in.Decode("Headers", &r.Headers, "must be an object of strings")
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		if problem := delivery.CheckHeader(name, r.Headers[name]); problem != "" {
			in.Fault(problem, "Headers", name)
		}
	}
}

// readSecret keeps the present secrets unless the document names another one.
func readSecret(in *methods.Document, present []schemas.Secret) []schemas.Secret {
	if in.Raw("Secret") == nil {
		return present
	}
	var secret string
	in.Text("Secret", &secret)
	limit(in, "Secret", secret, maxSecret)
	switch {
	case secret == "":
		return nil
	case len(present) > 0 && present[0].Value == secret:
		return present
	}
	return []schemas.Secret{{Value: secret}}
}

// readState takes a state by its name or its number.
func readState(in *methods.Document, present schemas.State) schemas.State {
	raw := in.Raw("State")
	if raw == nil {
		return present
	}
	s, ok := findState(schemas.PlainText(raw))
	switch {
	case !ok:
		in.Fault("must be Unknown, Active, Stopped or TooManyErrors, or its number", "State")
		return present
	case s.state == "":
		return present
	}
	return s.state
}

// findState finds a state by its name, in any case, or by its number.
func findState(text string) (s stateOf, ok bool) {
	for number, s := range states {
		if strings.EqualFold(text, s.name) || text == strconv.Itoa(number) {
			return s, true
		}
	}
	return stateOf{}, false
}

func limit(in *methods.Document, name, text string, most int) {
	if utf8.RuneCountInString(text) > most {
		in.Fault("must not be longer than "+strconv.Itoa(most)+" characters", name)
	}
}

// registrationOf reads back what was registered.
func registrationOf(w *schemas.Webhook) registration {
	var r registration
	_ = json.Unmarshal(w.Document, &r) // our own Marshal; a webhook without a document shows an empty one
	return r
}
