package schemas_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The members that specification 1.2.6 allows in each of its objects; all of them take x- members besides.
var (
	openrpcMembers    = []string{"openrpc", "info", "servers", "methods", "components", "externalDocs"}
	methodMembers     = []string{"name", "tags", "summary", "description", "externalDocs", "params", "result", "deprecated", "servers", "errors", "links", "paramStructure", "examples"}
	descriptorMembers = []string{"name", "summary", "description", "required", "schema", "deprecated"}
	pairingMembers    = []string{"name", "description", "summary", "params", "result"}
	exampleMembers    = []string{"name", "summary", "description", "value"}
	errorMembers      = []string{"code", "message", "data"}
)

type object = map[string]any

func discover(t *testing.T) object {
	t.Helper()
	var doc object
	if err := json.Unmarshal(catalogue(t).OpenRPC("1.2.3", "https://hooks.example.com/rpc"), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func onlyMembers(t *testing.T, where string, o object, allowed, needed []string) {
	t.Helper()
	for name := range o {
		if !slices.Contains(allowed, name) && !strings.HasPrefix(name, "x-") {
			t.Errorf("%s: member %q is not in the specification", where, name)
		}
	}
	for _, name := range needed {
		if o[name] == nil {
			t.Errorf("%s: member %q is missing", where, name)
		}
	}
}

func TestOpenRPCDocumentHasTheShapeOfTheSpecification(t *testing.T) {
	t.Parallel()
	doc := discover(t)
	onlyMembers(t, "document", doc, openrpcMembers, []string{"openrpc", "info", "servers", "methods", "components"})
	if doc["openrpc"] != "1.2.6" || doc["info"].(object)["version"] != "1.2.3" {
		t.Errorf("openrpc %v, info %v", doc["openrpc"], doc["info"])
	}
	if got := doc["servers"].([]any)[0].(object)["url"]; got != "https://hooks.example.com/rpc" {
		t.Errorf("server %v", got)
	}
	names := []string{}
	for _, m := range doc["methods"].([]any) {
		m := m.(object)
		name := m["name"].(string)
		names = append(names, name)
		onlyMembers(t, name, m, methodMembers, []string{"summary", "tags", "params", "result", "errors", "examples"})
		checkMethodObject(t, name, m)
	}
	if want := catalogue(t).Names(); !slices.Equal(names, want) {
		t.Errorf("methods %v, want %v", names, want)
	}
}

func checkMethodObject(t *testing.T, name string, m object) {
	t.Helper()
	optional := false
	params := m["params"].([]any)
	for _, p := range params {
		p := p.(object)
		onlyMembers(t, name+" parameter", p, descriptorMembers, []string{"name", "schema", "description"})
		required := p["required"] == true
		if required && optional {
			t.Errorf("%s: parameter %v is required, but stands after an optional one", name, p["name"])
		}
		optional = optional || !required
	}
	onlyMembers(t, name+" result", m["result"].(object), descriptorMembers, []string{"name", "schema"})
	for _, e := range m["examples"].([]any) {
		e := e.(object)
		onlyMembers(t, name+" example", e, pairingMembers, []string{"name", "params", "result"})
		for _, p := range append(e["params"].([]any), e["result"]) {
			onlyMembers(t, name+" example value", p.(object), exampleMembers, []string{"name", "value"})
		}
		if _, ok := e["result"].(object)["value"]; !ok {
			t.Errorf("%s: an example has no result", name)
		}
	}
	for _, e := range m["errors"].([]any) {
		onlyMembers(t, name+" error", e.(object), []string{"$ref"}, []string{"$ref"})
	}
	switch m["paramStructure"] {
	case nil, "either", "by-name", "by-position":
	default:
		t.Errorf("%s: paramStructure %v", name, m["paramStructure"])
	}
}

func TestEveryReferenceOfTheOpenRPCDocumentResolves(t *testing.T) {
	t.Parallel()
	doc := discover(t)
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			if ref, ok := v["$ref"].(string); ok {
				used[ref] = true
				var at any = doc
				for token := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
					o, _ := at.(object)
					at = o[token]
				}
				if at == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, part := range v {
				walk(part)
			}
		case []any:
			for _, part := range v {
				walk(part)
			}
		}
	}
	walk(doc)
	// EndpointRefused is what a method answers that calls the endpoint at once; none of this release's does.
	for kind, parts := range doc["components"].(object) {
		for name := range parts.(object) {
			if ref := "#/components/" + kind + "/" + name; !used[ref] && name != "EndpointRefused" {
				t.Errorf("nothing refers to %s", ref)
			}
		}
	}
}

func TestApplicationErrorsAreThoseOfTheDesign(t *testing.T) {
	t.Parallel()
	codes := map[int]string{}
	for name, e := range discover(t)["components"].(object)["errors"].(object) {
		e := e.(object)
		onlyMembers(t, name, e, errorMembers, []string{"code", "message"})
		codes[int(e["code"].(float64))] = e["message"].(string)
	}
	want := []int{300, 310, 351, 352, 353, 354, 355, 356, 357, 358, 359, 360, 361, 362, 399}
	if got := slices.Sorted(maps.Keys(codes)); !slices.Equal(got, want) {
		t.Errorf("codes %v, want %v", got, want)
	}
	if codes[310] != "Invalid Method Parameters" || codes[351] != "Duplicate Webhook details not allowed" {
		t.Errorf("Vision6's texts are %q and %q", codes[310], codes[351])
	}
}

func TestMethodsWithParametersCanAnswer310(t *testing.T) {
	t.Parallel()
	for _, m := range discover(t)["methods"].([]any) {
		m := m.(object)
		can := slices.ContainsFunc(m["errors"].([]any), func(e any) bool {
			return e.(object)["$ref"] == "#/components/errors/InvalidMethodParameters"
		})
		if has := len(m["params"].([]any)) > 0; can != has {
			t.Errorf("%v: parameters %v, 310 among its errors %v", m["name"], has, can)
		}
	}
}

// The items of publishEvents are described once more, because OpenRPC has no reference to a method's parameters.
func TestPublishEventsTakesTheEventsOfPublishEvent(t *testing.T) {
	t.Parallel()
	methods := map[string]object{}
	for _, m := range discover(t)["methods"].([]any) {
		methods[m.(object)["name"].(string)] = m.(object)
	}
	items := methods["publishEvents"]["params"].([]any)[0].(object)["schema"].(object)["items"].(object)
	properties, required := object{}, []any{}
	for _, p := range methods["publishEvent"]["params"].([]any) {
		p := p.(object)
		properties[p["name"].(string)] = p["schema"]
		if p["required"] == true {
			required = append(required, p["name"])
		}
	}
	want, _ := json.Marshal(object{"type": "object", "properties": properties, "required": required, "additionalProperties": false})
	got, _ := json.Marshal(items)
	if string(got) != string(want) {
		t.Errorf("items\n%s\nwant\n%s", got, want)
	}
}
