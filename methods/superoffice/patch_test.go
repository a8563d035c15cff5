package superoffice

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// patchable is a webhook with something at every place.
func patchable(t testing.TB) *schemas.Webhook {
	t.Helper()
	w, err := Options{}.parse(json.RawMessage(`{"Name":"N","Events":["a","b"],"TargetUrl":"https://e.com","Secret":"s","State":2,"Type":"t","Headers":{"X-A":"b"},"Properties":{"p":[1,{"q":null}],"P":2}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestAPatchNamesEveryMember, so that what it took away does not stay in the update that follows.
func TestAPatchNamesEveryMember(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`: `{"Name":"N","Events":["a","b"],"TargetUrl":"https://e.com","Secret":"s","State":"Stopped","Type":"t","Headers":{"X-A":"b"},"Properties":{"p":[1,{"q":null}],"P":2}}`,
		`{"Name":null,"Secret":null,"State":null,"Type":null,"Headers":null,"Properties":null,"Events":null,"TargetUrl":null}`: `{"Name":null,"Events":null,"TargetUrl":null,"Secret":"","State":"Active","Type":"webhook","Headers":null,"Properties":null}`,
	} {
		got, err := patch(patchable(t), json.RawMessage(text))
		if err != nil || !same(t, got, want) {
			t.Errorf("%s: got\n%s %v, want\n%s", text, got, err, want)
		}
	}
}

func TestNamesInAPathCountExactlyBeforeTheyCountInAnyCase(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/Properties/p": `{"P":2}`, "/properties/P": `{"p":[1,{"q":null}]}`, "PROPERTIES/p/1/Q": `{"p":[1,{}],"P":2}`,
	} {
		got, err := patch(patchable(t), json.RawMessage(`[{"op":"remove","path":"`+path+`"}]`))
		var doc struct{ Properties json.RawMessage }
		if err != nil || json.Unmarshal(got, &doc) != nil || !same(t, doc.Properties, want) {
			t.Errorf("%s: got %s %v, want %s", path, got, err, want)
		}
	}
}

func TestNumbersAreTestedByTheirValue(t *testing.T) {
	t.Parallel()
	for value, equal := range map[string]bool{`1`: true, `1.0`: true, `10e-1`: true, `"1"`: false, `2`: false, `null`: false, `[1]`: false, `{}`: false} {
		_, err := patch(patchable(t), json.RawMessage(`[{"op":"test","path":"/Properties/p/0","value":`+value+`}]`))
		if equal != (err == nil) || err != nil && schemas.KindOf(err) != schemas.KindWrongState {
			t.Errorf("1 tested for %s: %v", value, err)
		}
	}
}

// FuzzPatch: patching never panics nor changes the webhook, and gives a document of the members that can be set.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`[{"op":"add","path":"/Properties/p/1/q","value":[{}]},{"op":"test","path":"state","value":2},{"op":"remove","path":"/Headers/x-a"}]`,
		`[{"op":"replace","path":"/Events/1","value":null},{"op":"add","path":"Events/-","value":"c"}]`, `[{"op":"remove","path":"~1/~0"}]`,
		`{"Events":{"a":1},"properties":{"p":{"z":[]},"P":null},"Name":5}`, `[]`, `null`, `5`, `[null]`, `{"Headers":[{}]}`,
	} {
		f.Add([]byte(seed))
	}
	w := patchable(f)
	before := string(w.Document)
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return // the call's parameters are JSON
		}
		doc, err := patch(w, text)
		if string(w.Document) != before {
			t.Fatal("the webhook was changed")
		}
		if err != nil {
			if kind := schemas.KindOf(err); kind != schemas.KindInvalidParams && kind != schemas.KindWrongState {
				t.Fatalf("error without a kind: %v", err)
			}
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(doc, &members); err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		if names := sortedNames(members); !slices.Equal(names, []string{"Events", "Headers", "Name", "Properties", "Secret", "State", "TargetUrl", "Type"}) {
			t.Fatalf("names %v", names)
		}
	})
}
