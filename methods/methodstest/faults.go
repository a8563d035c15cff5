// Package methodstest checks what a dialect's functions answer. It is for tests.
package methodstest

import (
	"errors"
	"slices"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// Faults checks that err is a refusal of parameters with faults at exactly these pointers, in their order.
func Faults(t testing.TB, err error, pointers ...string) {
	t.Helper()
	e, ok := errors.AsType[*schemas.Error](err)
	if !ok || e.Kind != schemas.KindInvalidParams {
		t.Errorf("error = %v, want invalid parameters", err)
		return
	}
	var got []string
	for _, f := range e.Faults {
		got = append(got, f.Pointer)
	}
	if !slices.Equal(got, pointers) {
		t.Errorf("faults at %q, want %q (%v)", got, pointers, err)
	}
}
