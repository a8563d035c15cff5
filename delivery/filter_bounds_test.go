package delivery

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// worstCases are filters that cost as much as is allowed, each with data to match, of the size an event may have, that makes
// it dear. Without the bounds each would take from seconds to hours, or all memory.
func worstCases() map[string]struct{ filter, data string } {
	const size = 1 << 20
	members := func(n int, f func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = f(i)
		}
		return strings.Join(parts, ",")
	}
	anyOf := func(n int, condition string) string {
		return `{"$or":[` + members(n, func(int) string { return condition }) + `]}`
	}
	text := `{"a":"` + strings.Repeat("a", maxRegexText-1) + `b"}`
	return map[string]struct{ filter, data string }{
		"a large program":        {`{"a":{"$regex":"(a?){200}(a*)*(a|aa)+$"}}`, text},
		"the largest program":    {`{"a":{"$regex":"^(a{0,500})*c"}}`, text},
		"many programs":          {anyOf(40, `{"a":{"$regex":"(a|a)*(a|a)*c$"}}`), text},
		"a long text":            {`{"a":{"$regex":"(a?){200}c"}}`, `{"a":"` + strings.Repeat("a", size) + `"}`},
		"a large array":          {anyOf(250, `{"a":"x"}`), `{"a":[` + strings.Repeat(`"y",`, size/4) + `1]}`},
		"arrays in arrays":       {anyOf(250, `{"a":[["y"]]}`), `{"a":[` + strings.Repeat(`[["x"]],`, size/8) + `1]}`},
		"a long outer key":       {`{"a":1}`, `{"` + strings.Repeat("k", size/2) + `":{` + members(50_000, func(i int) string { return `"` + strconv.Itoa(i) + `":1` }) + `}}`},
		"deep keys":              {`{"a":1}`, strings.Repeat(`{"`+strings.Repeat("k", 100)+`":`, 99) + `{` + members(50_000, func(i int) string { return `"` + strconv.Itoa(i) + `":1` }) + `}` + strings.Repeat(`}`, 99)},
		"many members":           {`{"a":1}`, `{` + members(80_000, func(i int) string { return `"` + strconv.Itoa(i) + `":1` }) + `}`},
		"many objects in arrays": {`{"a.$.b.$.c.$.d":1}`, `{"a":[` + strings.Repeat(`{"b":[{"c":[{"d":2}]}]},`, size/25) + `1]}`},
		"all wildcards":          {`{"$and":[` + members(3, func(i int) string { return fmt.Sprintf(`{"a%d.$.b.$.c.$.d":1}`, i) }) + `]}`, `{"a0":[]}`},
		"numbers beyond floats":  {`{"a":{"$gt":1}}`, `{"a":[` + strings.Repeat(`1e999999999,`, size/12) + `1]}`},
		"a number of a million":  {`{"a":{"$gt":1}}`, `{"a":` + strings.Repeat("1", size) + `}`},
		"a long list":            {anyOf(12, `{"a":{"$in":[`+strings.Repeat("1,", 250)+`2]}}`), `{"a":3}`},
	}
}

// TestTheWorstFilterOnTheWorstDataEnds is no measurement: what a limit bounds takes a fraction of a second, what none does
// would not end before the test gives up.
func TestTheWorstFilterOnTheWorstDataEnds(t *testing.T) {
	t.Parallel()
	for name, c := range worstCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan error, 1)
			go func() {
				f, err := CompileFilter(json.RawMessage(c.filter))
				if err == nil {
					f.Match(json.RawMessage(c.data))
				}
				done <- err
			}()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("the filter is refused, so that this tests nothing: %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Error("the filter is still being evaluated")
			}
		})
	}
}

func TestAFilterPastALimitIsRefused(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		`{"` + strings.Repeat("k", maxFilterKey+1) + `":1}`:                                           "a key of the filter is too long, at most 256 bytes are allowed",
		`{"` + strings.Repeat("k", 200) + `":{"` + strings.Repeat("k", 100) + `":1}}`:                 "a key of the filter is too long, at most 256 bytes are allowed",
		`{"a.$.b.$.c.$.d":1,"b.$.b.$.c.$.d":1,"c.$.b.$.c.$.d":1,"d.$.b.$.c.$.d":1,"e.$.b.$.c.$.d":1}`: "the filter has too many conditions",
		`{"$or":[{"a":{"$regex":"a{600}"}},{"b":{"$regex":"b{600}"}}]}`:                               "the filter's $regex are too complex",
		`{"$or":[{"$or":[{"$or":[{"$and":[{"a":1}]}]}]}]}`:                                            "the filter is nested too deeply, at most 3 levels are allowed",
		`{"a":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`:                         "the filter is too large",
		`{"a":{"$in":[` + strings.Repeat("1,", 4500) + `1]}}`:                                         "the filter has too many conditions",
		`{"$or":[` + strings.Repeat(`{"a":1},`, 300) + `{"a":1}]}`:                                    "the filter has too many conditions",
	} {
		if _, err := CompileFilter(json.RawMessage(filter)); err == nil || err.Error() != want {
			t.Errorf("%.60s: got %v, want %q", filter, err, want)
		}
	}
}

func TestWhatLiesBeyondABoundDoesNotMatch(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", maxFilterKey)
	elements := strings.Repeat("0,", maxSearched-1)
	for _, c := range []struct {
		filter, data string
		want         bool
	}{
		{`{"` + long + `":1}`, `{"` + long + `":1}`, true},
		{`{"a":1}`, `{"` + long + `k":1,"a":1}`, true},
		{`{"a":{"$regex":"b$"}}`, `{"a":"` + strings.Repeat("a", maxRegexText-1) + `b"}`, true},
		{`{"a":{"$regex":"b$"}}`, `{"a":"` + strings.Repeat("a", maxRegexText) + `b"}`, false},
		{`{"a":7}`, `{"a":[` + elements + `7]}`, true},
		{`{"a":7}`, `{"a":[0,` + elements + `7]}`, false},
	} {
		f, err := CompileFilter(json.RawMessage(c.filter))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(json.RawMessage(c.data)); got != c.want {
			t.Errorf("%.40s on %.40s…: %v, want %v", c.filter, c.data, got, c.want)
		}
	}
}
