package methods

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// TestCodesAreTheDocumentedOnes compares the table with what rpc.discover tells callers.
func TestCodesAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	catalogue, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct {
			Errors map[string]struct {
				Code    int64  `json:"code"`
				Message string `json:"message"`
			} `json:"errors"`
		} `json:"components"`
	}
	if err := json.Unmarshal(catalogue.OpenRPC("test", ""), &document); err != nil {
		t.Fatal(err)
	}
	documented := map[code]bool{}
	for _, e := range document.Components.Errors {
		documented[code{e.Code, e.Message}] = true
	}
	for kind, c := range codes {
		if !documented[c] {
			t.Errorf("%s: code %d %q is not documented", kind, c.number, c.message)
		}
		delete(documented, c)
	}
	for c := range documented {
		if c.number > 0 {
			t.Errorf("code %d %q is documented and never answered", c.number, c.message)
		}
	}
}

// TestOperatorsFindEveryCode compares the table with that of the page for operators.
func TestOperatorsFindEveryCode(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d{3}) \|`).FindAllStringSubmatch(string(page), -1) {
		listed[m[1]] = true
	}
	for kind, c := range codes {
		number := strconv.FormatInt(c.number, 10)
		if !listed[number] {
			t.Errorf("%s: code %s is not in docs/operating.md", kind, number)
		}
		delete(listed, number)
	}
	for number := range listed {
		t.Errorf("docs/operating.md lists %s, which is never answered", number)
	}
}

func TestErrorOfTellsRefusalsOnly(t *testing.T) {
	t.Parallel()
	if got := ErrorOf(errors.New("disk on fire")); got != nil {
		t.Errorf("an internal error is told: %v", got)
	}
	got := ErrorOf(schemas.Invalid(schemas.Fault{Pointer: "/params/url", Message: "is missing"}))
	if got == nil || got.Code != 310 || got.Data == nil {
		t.Fatalf("got %v, want code 310 with data", got)
	}
	const want = `{"kind":"invalid_params","message":"Invalid Method Parameters","faults":[{"pointer":"/params/url","message":"is missing"}]}`
	if string(*got.Data) != want {
		t.Errorf("got  %s\nwant %s", *got.Data, want)
	}
}
