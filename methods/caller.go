package methods

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// AccountHeader names the account an admin's call is about, by number.
const AccountHeader = "Hookswitch-Account"

// identify finds out who calls. The credential comes before everything else: a caller without one learns nothing about
// its parameters.
func (c *Core) identify(m *Method, call *rpc.Call) (Caller, error) {
	key := ""
	if m.KeyFirst {
		key = firstKey(call.Params)
	}
	if key == "" {
		key = keyOf(call.Session.Credential())
	}
	if key == "" {
		return Caller{}, errUnauthorized
	}
	caller, err := c.whose(call.Session, key)
	if err != nil {
		return Caller{}, err
	}
	if !caller.Access.Allows(m.Access) {
		return Caller{}, schemas.Refuse(schemas.KindForbidden, "This needs a key with %s access", m.Access)
	}
	if call.Session.HasHeader(AccountHeader) {
		return c.actFor(caller, call.Session.Header(AccountHeader))
	}
	return caller, nil
}

// whose finds out whose key it is, unless too many calls come with it, or too many with wrong ones from where it came.
func (o *Operations) whose(session *rpc.Session, key string) (Caller, error) {
	caller, ok := o.directory.find(key)
	if !ok {
		return Caller{}, o.throttle.unknown(session.Address())
	}
	return caller, o.throttle.known(session.Address(), caller)
}

// Admit finds out who calls over HTTP outside the methods, and refuses a key of less than that access.
func (c *Core) Admit(session *rpc.Session, need schemas.Access) (Caller, error) {
	return c.identify(&Method{Access: need}, &rpc.Call{Session: session})
}

// actFor makes an admin's call one about another account.
func (c *Core) actFor(caller Caller, text string) (Caller, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return Caller{}, schemas.Refuse(schemas.KindInvalidParams, "The header %s must be the number of an account", AccountHeader)
	}
	account := schemas.AccountID(id)
	if account == caller.Account {
		return caller, nil
	}
	if !caller.Access.Allows(schemas.AccessAdmin) {
		return Caller{}, schemas.Refuse(schemas.KindForbidden, "Acting for another account needs a key with admin access")
	}
	if !c.directory.hasAccount(account) {
		return Caller{}, schemas.Refuse(schemas.KindInvalidParams, "The header %s names an account that does not exist", AccountHeader)
	}
	caller.Account = account
	return caller, nil
}

// keyOf reads the key out of an Authorization header, in any of the ways the vendors' clients send it: Bearer (native,
// Copernica, SuperOffice), Basic with the key as password and SOTicket (SuperOffice), or the bare key (Airstack).
func keyOf(authorization string) string {
	scheme, rest, found := strings.Cut(strings.TrimSpace(authorization), " ")
	if !found {
		return scheme
	}
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(scheme) {
	case "bearer", "soticket":
		return rest
	case "basic":
		plain, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return ""
		}
		_, password, _ := strings.Cut(string(plain), ":")
		return password
	}
	return ""
}

// firstKey is the key of a method that takes it as its first parameter, "" when there is none.
func firstKey(params json.RawMessage) string {
	if key, ok := plainFirst(params); ok {
		return key
	}
	var key string
	if len(params) > 0 && params[0] == '{' {
		var named struct {
			Key *string `json:"api_key"`
		}
		if json.Unmarshal(params, &named) == nil && named.Key != nil {
			key = *named.Key
		}
		return key
	}
	var list []json.RawMessage
	if json.Unmarshal(params, &list) == nil && len(list) > 0 {
		_ = json.Unmarshal(list[0], &key) // not a string: no key, and that is what is said
	}
	return key
}

// plainFirst is the first element of an array when that is a string without escapes, as every key is: the rest need not
// be read for it.
func plainFirst(params json.RawMessage) (text string, ok bool) {
	rest, ok := bytes.CutPrefix(params, []byte("["))
	if !ok {
		return "", false
	}
	rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(`"`))
	if !ok {
		return "", false
	}
	end := bytes.IndexAny(rest, `"\`)
	if end < 0 || rest[end] != '"' {
		return "", false
	}
	return string(rest[:end]), true
}
