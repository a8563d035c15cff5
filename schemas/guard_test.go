package schemas

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestGuardsRefuseBeforeTheValidatorSees(t *testing.T) {
	t.Parallel()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := []struct{ name, method, params, want string }{
		{"a number that makes the validator panic", "listEvents", `{"limit":1e3000000}`, "/params/limit: must be a number with an exponent of at most 400"},
		{"a number that costs it seconds", "listEvents", `{"limit":1e-999999999999999999999999}`, "/params/limit: must be a number with an exponent of at most 400"},
		{"a number just within", "listEvents", `{"limit":1e400}`, "/params/limit: must be a whole number"},
		{"a number just beyond", "listEvents", `{"limit":1e401}`, "/params/limit: must be a number with an exponent"},
		{"many digits", "listEvents", `{"limit":0.` + strings.Repeat("1", 40) + `}`, "/params/limit: must be a number of at most 40 digits"},
		{"digits just within", "listEvents", `{"limit":` + strings.Repeat("1", 40) + `}`, "/params/limit: must be a whole number"},
		{"a number in an attribute", "publishEvent", `["a",null,null,null,null,null,{"b":1e999}]`, "/params/6/b: must be a number with an exponent"},
		{"a number in an unknown member", "ping", `{"x":[1e999]}`, "/params/x: is not a member this method knows"},
		{"depth", "publishEvent", `["a",` + deep(100) + `]`, "/params/1: is nested too deep: at most 100 levels"},
		{"depth by name", "publishEvent", `{"type":"a","data":{"b":` + deep(99) + `}}`, "/params/data: is nested too deep: at most 100 levels"},
		{"a depth bomb", "putWebhook", `{"webhook":` + strings.Repeat(`{"a":`, 1_000_000), "/params/webhook: is nested too deep: at most 100 levels"},
		{"a depth bomb of arrays", "ping", strings.Repeat(`[`, 1_000_000), "/params/0: is nested too deep: at most 100 levels"},
		{"a long string", "getEvent", `{"id":"` + strings.Repeat("x", 100_000) + `"}`, "/params/id: must be 1 to 64 letters, digits, _ and -"},
		{"a long unknown name", "ping", `{"` + strings.Repeat("x", 100_000) + `":1}`, "/params: is not a member this method knows"},
		{"a long name further in", "addWebhook", `["k",{"object":"list","event":"created","url":"u","` + strings.Repeat("x", 100_000) + `":1}]`, "/params/1: is not a member this method knows"},
		{"many values", "putWebhook", `[1,{"a":[` + strings.Repeat("1,", 20_000) + `1]}]`, "/params: holds too many values"},
		{"many items", "publishEvents", `[[` + strings.Repeat("1,", 20_000) + `1]]`, "/params: holds too many values"},
		{"more events than a call may have", "publishEvents", `[[` + strings.Repeat("{},", 1000) + `{}]]`, "/params/0: must have at most 1000 items"},
		{"a member twice", "getEvent", `{"id":"a","\u0069d":"b"}`, "/params/id: is there twice"},
		{"a member twice further in", "createSubscription", `{"endpoint":"u","events":["a"],"headers":{"a":"1","a":"2"}}`, "/params/headers/a: is there twice"},
		{"bad UTF-8", "getEvent", "{\"id\":\"\xff\"}", "/params: is not valid UTF-8"},
		{"a control character", "getEvent", "{\"id\":\"\n\"}", "/params: is not valid JSON"},
		{"something after the end", "ping", `{} {}`, "/params: is not valid JSON"},
		{"a NUL", "ping", "{}\x00", "/params: is not valid JSON"},
		{"a byte order mark", "ping", "\ufeff{}", "/params: must be an object or an array"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			form := ""
			if tt.method == "createSubscription" {
				form = "native"
			}
			_, _, err := c.Bind(tt.method, form, json.RawMessage(tt.params))
			if err == nil || !strings.HasPrefix(err.Error(), "Invalid Method Parameters; "+tt.want) {
				t.Errorf("Bind = %.300v, want %q", err, tt.want)
			}
			if err != nil && len(err.Error()) > 400 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestDepthIsCountedFromTheParameters(t *testing.T) {
	t.Parallel()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	data := strings.Repeat("[", 99) + strings.Repeat("]", 99)
	if _, _, err := c.Bind("publishEvent", "", json.RawMessage(`["a",`+data+`]`)); err != nil {
		t.Errorf("100 levels by position: %v", err)
	}
	if _, err := c.DecodeEvent(json.RawMessage(`{"type":"a","data":`+data+`}`), "/params"); err != nil {
		t.Errorf("100 levels by name: %v", err)
	}
	_, err = c.DecodeEvent(json.RawMessage(`{"type":"a","data":[`+data+`]}`), "/params/events/3")
	if err == nil || !strings.Contains(err.Error(), "; /params/events/3/data: is nested too deep") {
		t.Errorf("101 levels: %v", err)
	}
}

// What nobody computes with is passed on whatever its size; the price of reading it is that of its bytes.
func TestNumbersThatAreOnlyPassedOnMayHaveAnySize(t *testing.T) {
	t.Parallel()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range []string{
		strings.Repeat("1", 50), "0." + strings.Repeat("1", 100_000), "1e999999999", "-1E-" + strings.Repeat("9", 100_000),
	} {
		data := `{"a":[` + number + `]}`
		e, err := c.DecodeEvent(json.RawMessage(`{"type":"a","data":`+data+`}`), "/params")
		if err != nil || string(e.Data) != data {
			t.Errorf("%.20s by name: %v", number, err)
		}
		if e, err = c.DecodeEvent(json.RawMessage(`["a",`+data+`]`), "/params"); err != nil || string(e.Data) != data {
			t.Errorf("%.20s by position: %v", number, err)
		}
	}
}

func TestReaderKeepsToTheGrammar(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`01`, `-`, `1.`, `.5`, `1e`, `+1`, `0x1`, `1e+`, `"\x"`, `"\u12g4"`, `"\u12`, `"`, `"a`, `"\`, `tru`, `nul`, `True`, `[1,]`, `[,1]`, `[1 2]`,
		`{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1 "b":2}`, `[`, `{`, `{"a":1`, `[1`, `'a'`, `NaN`, `--1`, `1-`, ``, ` `,
	} {
		r := reader{text: []byte(text)}
		r.space()
		if _, trouble := r.value(1, maxDepth); trouble == nil && r.end() {
			t.Errorf("%q passes", text)
		}
		if json.Valid([]byte(text)) {
			t.Errorf("%q is valid after all", text)
		}
	}
}

func TestPointersAreOrderedByToken(t *testing.T) {
	t.Parallel()
	pointers := []string{"/params/10/b", "/params/2", "/params/a", "/params/10", "/params", "/params/10/a/1"}
	slices.SortFunc(pointers, comparePointers)
	want := []string{"/params", "/params/2", "/params/10", "/params/10/a/1", "/params/10/b", "/params/a"}
	if !slices.Equal(pointers, want) {
		t.Errorf("%v, want %v", pointers, want)
	}
}

// FuzzReader: the reader agrees with encoding/json on what is JSON and what it means, but for what the guards refuse.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,"x\u00e9\n",true,false,null,{}]}`, `[]`, `"\ud800"`, `1e5`, `{"a":1,"a":2}`, `[1e999]`, ` [ 1 , 2 ] `, `"\"\\\/\b\f\n\r\t"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		skip, build := reader{text: text}, reader{text: text}
		skip.space()
		build.space()
		skipped := skip.skip(1)
		got, built := build.value(1, maxDepth)
		if guarded := built != nil && (strings.HasPrefix(built.message, "must be a number ") || built.message == "is there twice"); skipped == nil &&
			built != nil && !guarded && built != tooMany {
			t.Fatalf("skip takes %q, value says %q", text, built.message)
		}
		pass := reader{text: text}
		if pass.space(); skipped == nil && (pass.pass() != nil || pass.pos != skip.pos) {
			t.Fatalf("skip takes %q to %d, pass to %d", text, skip.pos, pass.pos)
		}
		if built != nil || !build.end() {
			refused := built == nil || built == malformed
			if refused && json.Valid(text) {
				t.Fatalf("valid JSON is refused: %q", text)
			}
			return
		}
		if skipped != nil || !skip.end() || !json.Valid(text) {
			t.Fatalf("%q passes: skip says %v, json.Valid %v", text, skipped, json.Valid(text))
		}
		var want any
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsRune(text, '\ufffd') || !bytes.Equal(text, bytes.ToValidUTF8(text, nil)) {
			return // binding refuses what is not UTF-8 before it comes to the reader
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q reads as %#v, want %#v", text, got, want)
		}
	})
}
