package delivery_test

import (
	"encoding/json"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

func TestFieldsComeFromAttributesThenData(t *testing.T) {
	t.Parallel()
	f := delivery.FieldsOf(&schemas.Event{
		Data: json.RawMessage(`{"a":1,"b":"2","c":null,"d":[3],"e":"\u00e9"}`),
		Attributes: map[string]json.RawMessage{
			"a": json.RawMessage(`"9"`), "b": json.RawMessage(`null`), "z": json.RawMessage(`true`),
		},
	})
	for name, want := range map[string]string{"a": "9", "b": "2", "c": "", "d": "", "e": "é", "z": "true", "none": ""} {
		if got := f.Text(name); got != want {
			t.Errorf("Text(%s) = %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]int64{"a": 9, "b": 2} {
		if got, ok := f.Int(name); !ok || got != want {
			t.Errorf("Int(%s) = %d, %v, want %d", name, got, ok, want)
		}
	}
	for _, name := range []string{"c", "d", "e", "z", "none"} {
		if got, ok := f.Int(name); ok {
			t.Errorf("Int(%s) = %d, want none", name, got)
		}
	}
	if got := f.Raw("none", "c", "d", "a"); string(got) != "[3]" {
		t.Errorf("the first of several names that is there is %s, want [3]", got)
	}
	if got := len(f.Members()); got != 5 {
		t.Errorf("%d members of the data, want 5", got)
	}
}

func TestFieldsIntNeitherClampsNorRounds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64, `"9223372036854775807"`: math.MaxInt64,
		"9007199254740993": 9007199254740993, "0": 0,
	} {
		if got, ok := fieldsWith(text).Int("n"); !ok || got != want {
			t.Errorf("Int of %s = %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"9223372036854775808", "-9223372036854775809", `"9223372036854775808"`, "1e400", "1.5", "1e-1", `" 1"`, `""`, "true", "[1]",
	} {
		if got, ok := fieldsWith(text).Int("n"); ok || got != 0 {
			t.Errorf("Int of %s = %d, %v, want none", text, got, ok)
		}
	}
}

func fieldsWith(n string) delivery.Fields {
	return delivery.FieldsOf(&schemas.Event{Attributes: map[string]json.RawMessage{"n": json.RawMessage(n)}})
}

func TestFieldsOfDataThatIsNoObject(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, `null`, `[1]`, `"a"`, `{"a":`} {
		f := delivery.FieldsOf(&schemas.Event{Data: json.RawMessage(data)})
		if f.Raw("a") != nil || len(f.Members()) != 0 {
			t.Errorf("%q has members", data)
		}
	}
}

func TestCheckHeader(t *testing.T) {
	t.Parallel()
	for _, fine := range [][2]string{{"X-Own", "a b\tc"}, {"Authorization", "Bearer x"}, {"x_y~z", ""}} {
		if problem := delivery.CheckHeader(fine[0], fine[1]); problem != "" {
			t.Errorf("%q: %s", fine, problem)
		}
	}
	for _, bad := range [][2]string{
		{"", "a"}, {"X Own", "a"}, {"X-Ö", "a"}, {"X:", "a"}, {"host", "a"}, {"Content-Length", "1"}, {"USER-AGENT", "x"},
		{"X-A", "a\r\nX-B: c"}, {"X-A", " a"}, {"X-A", "é"}, {"X-A", strings.Repeat("a", 4097)}, {strings.Repeat("a", 129), "a"},
	} {
		if delivery.CheckHeader(bad[0], bad[1]) == "" {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestAddHeadersReplacesNothing(t *testing.T) {
	t.Parallel()
	header := http.Header{"Content-Type": {"application/json"}}
	delivery.AddHeaders(header, map[string]string{"content-type": "text/plain", "x-own": "1"})
	if want := (http.Header{"Content-Type": {"application/json"}, "x-own": {"1"}}); !reflect.DeepEqual(header, want) {
		t.Errorf("header = %v, want %v", header, want)
	}
}
