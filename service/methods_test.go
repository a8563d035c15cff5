package service

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// TestEveryDocumentedMethodIsServed: schema files and methods of all dialects together are the same set.
func TestEveryDocumentedMethodIsServed(t *testing.T) {
	t.Parallel()
	catalogue, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	core := open(t).core
	for _, name := range catalogue.Names() {
		if _, ok := core.Lookup(name); !ok && !strings.HasPrefix(name, "rpc.") {
			t.Errorf("the schema file of %s has no method", name)
		}
	}
}
