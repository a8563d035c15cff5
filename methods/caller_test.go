package methods

import (
	"encoding/json"
	"testing"
)

func TestKeyOfReadsEveryVendorsWay(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Bearer abc":          "abc",
		"bearer  abc ":        "abc",
		"SOTicket 7T:abc":     "7T:abc",
		"SOTICKET abc":        "abc",
		"Basic dTpw":          "p", // u:p
		"Basic dTpwOng=":      "p:x",
		"Basic bm9jb2xvbg==":  "", // no colon
		"Basic !":             "",
		"abc":                 "abc", // Airstack's clients send the bare key
		"Digest username=abc": "",
		"":                    "",
	} {
		if got := keyOf(header); got != want {
			t.Errorf("keyOf(%q): got %q, want %q", header, got, want)
		}
	}
}

func TestFirstKeyIsAStringOrNothing(t *testing.T) {
	t.Parallel()
	for params, want := range map[string]string{
		`["abc",{}]`:      "abc",
		`[ "a\u0062c" ]`:  "abc",
		" [ \"abc\"]":     "abc",
		`{"api_key":"k"}`: "k",
		`{"api_key":7}`:   "",
		`[7]`:             "",
		`[{"a":1},"abc"]`: "",
		`[]`:              "",
		`{}`:              "",
		``:                "",
	} {
		if got := firstKey(json.RawMessage(params)); got != want {
			t.Errorf("firstKey(%s): got %q, want %q", params, got, want)
		}
	}
}

func TestNewKeyIsWhatAVision6ClientInsistsOn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		key := newKey()
		if len(key) != 64 || seen[key] {
			t.Fatalf("got %d characters, new: %v", len(key), !seen[key])
		}
		for _, c := range key {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
				t.Fatalf("%q is not of [a-z0-9]", c)
			}
		}
		seen[key] = true
	}
}

func TestMemberNamesOfEitherForm(t *testing.T) {
	t.Parallel()
	for params, want := range map[string]int{
		`{"a":1,"b":{"c":2}}`:   2,
		`[{"a":1,"b":2,"c":3}]`: 3,
		`[1]`:                   0,
		`[]`:                    0,
		``:                      0,
		`{"a":1,`:               0,
	} {
		if got := memberNames(json.RawMessage(params)); len(got) != want {
			t.Errorf("memberNames(%s): got %q, want %d names", params, got, want)
		}
	}
}

func FuzzCredentials(f *testing.F) {
	f.Add("Basic dTpw", []byte(`["abc",{}]`))
	f.Fuzz(func(_ *testing.T, header string, params []byte) {
		keyOf(header)
		firstKey(params)
		memberNames(params)
	})
}
