package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// shell is the OpenRPC document (specification 1.2.6) without its methods, as openrpc.json holds it.
type shell struct {
	OpenRPC    string          `json:"openrpc"`
	Info       info            `json:"info"`
	Servers    []server        `json:"servers,omitempty"`
	Methods    []*methodFile   `json:"methods,omitempty"`
	Components components      `json:"components"`
	Docs       json.RawMessage `json:"externalDocs,omitempty"`
}

type info struct {
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Version     string          `json:"version"`
	License     json.RawMessage `json:"license,omitempty"`
}

type server struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

type components struct {
	Errors  map[string]errorObject     `json:"errors"`
	Schemas map[string]json.RawMessage `json:"schemas"`
	Tags    map[string]json.RawMessage `json:"tags"`
}

type errorObject struct {
	Code    int64           `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// methodFile is an OpenRPC method object. Members that begin with "x-" are ours; OpenRPC allows them everywhere.
type methodFile struct {
	Name           string               `json:"name"`
	Summary        string               `json:"summary"`
	Description    string               `json:"description,omitempty"`
	Tags           []reference          `json:"tags"`
	ParamStructure string               `json:"paramStructure,omitempty"`
	Params         []descriptor         `json:"params"`
	Result         descriptor           `json:"result"`
	Errors         []reference          `json:"errors"`
	Examples       []pairing            `json:"examples"`
	Forms          map[string]*formFile `json:"x-forms,omitempty"`
}

type reference struct {
	Ref string `json:"$ref"`
}

// descriptor is an OpenRPC content descriptor: one parameter, or the result.
type descriptor struct {
	Name        string          `json:"name"`
	Summary     string          `json:"summary,omitempty"`
	Description string          `json:"description,omitempty"`
	Required    bool            `json:"required,omitempty"`
	Schema      json.RawMessage `json:"schema"`
	// Document says that this parameter is the registration document that CheckDocument checks.
	Document bool `json:"x-document,omitempty"`
	// ItemsApart says that Bind looks at the array, and leaves its items to the method: one bad item, of whatever type,
	// does not refuse the others.
	ItemsApart bool `json:"x-items-apart,omitempty"`
}

// pairing is an example: a call and its answer.
type pairing struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Params      []example `json:"params"`
	Result      example   `json:"result"`
	Form        string    `json:"x-form,omitempty"` // the form it shows
}

type example struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// OpenRPC is the whole OpenRPC document, rpc.discover among its methods. version is the program's, serverURL where it
// takes calls; "" when that is not known: OpenRPC takes absolute URLs only, so that no server is named then. The work is
// done anew at each call: keep the result.
func (c *Catalogue) OpenRPC(version, serverURL string) []byte {
	doc := c.shell
	doc.Info.Version = version
	if serverURL != "" {
		doc.Servers = []server{{Name: "Hookswitch", URL: serverURL}}
	}
	doc.Methods = make([]*methodFile, 0, len(c.files))
	for _, name := range c.Names() {
		doc.Methods = append(doc.Methods, c.files[name])
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(doc); err != nil {
		panic(fmt.Sprintf("encode the OpenRPC document: %v", err)) // every raw part was decoded from JSON by Load
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// settle checks what decoding alone does not, and gives a method of several forms its served params: their union, by
// name, where only what every form requires is required.
func (m *methodFile) settle() error {
	switch {
	case m.Summary == "" || len(m.Tags) == 0 || len(m.Examples) == 0 || m.Result.Name == "":
		return errors.New("lacks a summary, a tag, a result or an example")
	case (m.Params == nil) == (m.Forms == nil):
		return errors.New("must have either params or x-forms")
	case m.Forms == nil:
		return nil
	}
	forms := slices.Sorted(maps.Keys(m.Forms))
	var union []descriptor
	for _, name := range forms {
		for _, d := range m.Forms[name].Params {
			i := slices.IndexFunc(union, func(u descriptor) bool { return u.Name == d.Name })
			if i < 0 {
				d.Required = m.requiredByAll(d.Name)
				union = append(union, d)
				continue
			}
			union[i].Schema = eitherSchema(union[i].Schema, d.Schema)
		}
	}
	slices.SortStableFunc(union, func(a, b descriptor) int { // OpenRPC wants the required ones first
		switch {
		case a.Required == b.Required:
			return 0
		case a.Required:
			return -1
		}
		return 1
	})
	m.Params = union
	return nil
}

func (m *methodFile) requiredByAll(param string) bool {
	for _, f := range m.Forms {
		if !slices.ContainsFunc(f.Params, func(d descriptor) bool { return d.Name == param && d.Required }) {
			return false
		}
	}
	return true
}

// eitherSchema takes what one of two schemas takes.
func eitherSchema(a, b json.RawMessage) json.RawMessage {
	if bytes.Equal(compact(a), compact(b)) {
		return a
	}
	return slices.Concat(json.RawMessage(`{"anyOf":[`), a, json.RawMessage(`,`), b, json.RawMessage(`]}`))
}

func compact(text []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, text) != nil {
		return text
	}
	return out.Bytes()
}
