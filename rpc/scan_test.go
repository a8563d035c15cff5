package rpc

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// parsed runs the parser with generous limits.
func parsed(text []byte) (*parse, fault) {
	limits := Limits{Batch: 1 << 30}.withDefaults()
	p := &parse{limits: &limits}
	f := p.run(text)
	return p, f
}

// seeds are texts at the borders of what is JSON and what is a request.
func seeds() []string {
	return []string{
		``, ` `, `{}`, `[]`, `[{}]`, `[1,2]`, `null`, `truex`, `"\ud800"`, `"\u12"`, `-`, `-0`, `01`, `1.`, `1.5e`, `1e+5`,
		`{"jsonrpc":"2.0","method":"m","params":{"a":[1,-2.5e-3,"\"\\\/\b\f\n\r\t\u00e4"],"b":null},"id":"x"}`,
		`{"\u006dethod":"m","id":1e400}`, `{"id":1,"id":2,"method":"m"}`, `{"a":1,}`, `{"a" 1}`, `[1,]`, `{"a":[}]}`,
		"\xef\xbb\xbf{}", "{}\x00", "\"\xff\"", "\"\x1f\"", "\t{\r\n} ", strings.Repeat("[", 2000) + strings.Repeat("]", 2000),
		strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		strings.Repeat(`{"a":`, 150) + "1" + strings.Repeat("}", 150), `[{"id":null,"method":"m"},{"jsonrpc":"2.0"}]`,
	}
}

// FuzzScan checks that the scanner and encoding/json agree on what is JSON and on what an envelope says.
func FuzzScan(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, found := parsed(text)
		if valid := json.Valid(text) && utf8.Valid(text); valid == slices.Contains([]fault{notJSON, notUTF8, marked, tooDeepToRead}, found) {
			t.Fatalf("encoding/json says %v, the scanner %v", valid, found)
		}
		if found != noFault {
			return
		}
		for i := range p.items {
			checkEnvelope(t, text, &p.items[i])
		}
	})
}

// checkEnvelope compares an envelope that may run with what encoding/json reads in the same text.
func checkEnvelope(t *testing.T, text []byte, e *envelope) {
	if e.fault != noFault {
		return
	}
	if e.method.to == 0 || !json.Valid(e.method.of(text)) || e.id.to > 0 && !json.Valid(e.id.of(text)) {
		t.Fatalf("method %s, id %s", e.method.of(text), e.id.of(text))
	}
	if e.params.to > 0 {
		if raw := e.params.of(text); !json.Valid(raw) || raw[0] != '[' && raw[0] != '{' {
			t.Fatalf("params %s", raw)
		}
	}
	var method string
	if err := json.Unmarshal(e.method.of(text), &method); err != nil || method != unquote(e.method.of(text)) {
		t.Fatalf("method %q, not %q: %v", unquote(e.method.of(text)), method, err)
	}
}

func TestScannerNotesOnlyWhatBelongsToTheRequest(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	p, f := parsed([]byte(`[{"method":"a","params":` + deep + `},{"method":"b"},{"method":"c","x":1e999}]`))
	if f != noFault || len(p.items) != 3 {
		t.Fatalf("fault %d, %d requests", f, len(p.items))
	}
	for i, want := range []fault{tooDeep, noFault, noFault} {
		if got := p.items[i].fault; got != want {
			t.Errorf("request %d: fault %d, expected %d", i, got, want)
		}
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	text := []byte(`{"jsonrpc":"2.0","method":"publishEvent","params":{"type":"a.b","n":[1.5e3,true,null,"\u00e4"]},"id":17}`)
	limits := Limits{}.withDefaults()
	p := &parse{limits: &limits}
	if n := testing.AllocsPerRun(100, func() {
		if f := p.run(text); f != noFault || p.items[0].fault != noFault {
			t.Error("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
