package methods

import (
	"context"
	"encoding/json"

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// Method is one row of a table of RPC methods. Its schema file in schemas has the same name.
type Method struct {
	Name string
	// Access is the least level a key needs; "" needs no key at all.
	Access schemas.Access
	// KeyFirst says that the caller's key travels as the first parameter (Vision6); it beats the header.
	KeyFirst bool
	// Form chooses among the forms of a method whose name several documents share, by a look at the raw parameters;
	// nil when the method has one form. "" as result: no form fits, and the error names the members that tell them apart.
	Form func(params json.RawMessage) string
	// Raw says that Run checks its parameters itself: Call.Params are the caller's, as they came.
	Raw bool
	// Run carries the call out. Its parameters have passed the schema, unless Raw.
	Run func(ctx context.Context, c *Call) (any, error)
}

// Call is one call that was let in: the caller is known and the parameters are valid.
type Call struct {
	*Operations
	Method string
	Caller Caller
	Form   string          // what Method.Form chose
	Params json.RawMessage // an object, by name, whatever form the caller used
	// Pointer is the JSON pointer of a member of Params in the caller's own form: "/params/url", "/params/1".
	Pointer func(member string) string
	// PublicURL is the base of links given out, without a slash at the end.
	PublicURL string
	session   *rpc.Session
	inBatch   bool // it came with others in one text
}

// Caller is who calls.
type Caller struct {
	Account schemas.AccountID // whose records the call is about
	Home    schemas.AccountID // whose key it is
	Key     schemas.KeyID
	Access  schemas.Access
}

// Decode reads the parameters into v.
func (c *Call) Decode(v any) error { return json.Unmarshal(c.Params, v) }
