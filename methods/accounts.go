package methods

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

var accountMethods = []Method{
	{Name: "ping", Run: func(context.Context, *Call) (any, error) { return pong, nil }},
	{Name: "authenticate", Run: authenticate},
	{Name: "getAccount", Access: schemas.AccessRead, Run: getAccount},
	{Name: "listAccounts", Access: schemas.AccessAdmin, Run: listAccounts},
	{Name: "createKey", Access: schemas.AccessAdmin, Run: createKey},
	{Name: "listKeys", Access: schemas.AccessAdmin, Run: listKeys},
	{Name: "revokeKey", Access: schemas.AccessAdmin, Run: revokeKey},
	{Name: "createPortalLink", Access: schemas.AccessFull, Run: createPortalLink},
}

// pong answers ping.
var pong = rpc.Raw(`"pong"`)

// authenticate makes a key the credential of the calls that follow on the same socket.
func authenticate(_ context.Context, c *Call) (any, error) {
	var p struct {
		Key string `json:"key"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	caller, err := c.whose(c.session, p.Key)
	if err != nil {
		return nil, err
	}
	c.session.SetCredential("Bearer " + p.Key)
	return keyDocument{ID: caller.Key, Account: caller.Account, Access: caller.Access}, nil
}

// accountDocument shows an account.
type accountDocument struct {
	ID      schemas.AccountID `json:"id"`
	Name    string            `json:"name"`
	Created time.Time         `json:"created"`
}

func getAccount(ctx context.Context, c *Call) (any, error) {
	r, err := c.store.Get(ctx, storage.KindAccount, 0, int64(c.Caller.Account))
	if err != nil {
		return nil, fmt.Errorf("read account %d: %w", c.Caller.Account, err)
	}
	var a schemas.Account
	if err := json.Unmarshal(r.Body, &a); err != nil {
		return nil, fmt.Errorf("decode account %d: %w", c.Caller.Account, err)
	}
	return accountDocument{c.Caller.Account, a.Name, a.Created}, nil
}

// countedAccount is an account with what the memory knows of it.
type countedAccount struct {
	accountDocument
	Webhooks delivery.States `json:"webhooks"`
	Keys     int             `json:"keys"`
}

func listAccounts(ctx context.Context, c *Call) (any, error) {
	var p page
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	records, cursor, err := c.records(ctx, c, storage.KindAccount, 0, p)
	if err != nil {
		return nil, err
	}
	out := list{Items: []any{}, Cursor: cursor}
	for _, r := range records {
		var a schemas.Account
		if err := json.Unmarshal(r.Body, &a); err != nil {
			return nil, fmt.Errorf("decode account %d: %w", r.ID, err)
		}
		id := schemas.AccountID(r.ID)
		out.Items = append(out.Items, countedAccount{
			accountDocument{id, a.Name, a.Created}, c.engine.States(id), c.directory.keysOf(id),
		})
	}
	return out, nil
}

// accountNamed finds the account a parameter names, by number or by name; a new name makes a new account, as
// created says.
func (c *Call) accountNamed(ctx context.Context, text, pointer string) (id schemas.AccountID, created bool, err error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if !c.directory.hasAccount(schemas.AccountID(n)) {
			return 0, false, invalid(pointer, "is not the number of an account; a name makes a new one")
		}
		return schemas.AccountID(n), false, nil
	}
	name := strings.TrimSpace(text)
	return c.addAccount(ctx, name, func(id int64) storage.Record {
		e := c.entry(schemas.AccountID(id), "account.created", AuditChange{Member: "name", After: raw(name)})
		return e.companion(number)(id)
	})
}

// addAccount stores an account, unless there is one of that name.
func (o *Operations) addAccount(ctx context.Context, name string, with ...storage.Companion) (id schemas.AccountID, created bool, err error) {
	r, created, err := o.store.Register(ctx, storage.Record{
		Kind: storage.KindAccount, Fingerprint: name, Body: raw(schemas.Account{Name: name, Created: time.Now().UTC()}),
	}, with...)
	if err != nil {
		return 0, false, fmt.Errorf("store account: %w", err)
	}
	o.directory.putAccount(schemas.AccountID(r.ID), name)
	return schemas.AccountID(r.ID), created, nil
}

// ofAccount is the account an admin's call names, else the caller's own.
func (c *Call) ofAccount(n schemas.AccountID) (schemas.AccountID, error) {
	if n == 0 {
		return c.Caller.Account, nil
	}
	if !c.directory.hasAccount(n) {
		return 0, invalid(c.Pointer("account"), "is not the number of an account")
	}
	return n, nil
}

// defaultLinkLife is how long a link to the portal works unless its maker says otherwise.
const defaultLinkLife = 24 * time.Hour

// createPortalLink makes a link that lets whoever has it look at the account. It outlives the key that made it, which is
// why it needs more than read access.
func createPortalLink(ctx context.Context, c *Call) (any, error) {
	p := struct {
		ExpiresIn schemas.Seconds `json:"expiresIn"`
	}{schemas.Seconds(defaultLinkLife.Seconds())}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	expires := time.Now().Add(p.ExpiresIn.Duration()).UTC().Truncate(time.Second)
	c.audit(ctx, c.Caller.Account, "portalLink.created", "", AuditChange{Member: "expires", After: raw(expires)})
	return struct {
		URL     string    `json:"url"`
		Expires time.Time `json:"expires"`
	}{c.portalLink(c.Caller.Account, c.PublicURL, expires), expires}, nil
}

// Bootstrap makes account 1 and its admin key at first start. adminKey "" generates one, which is returned this once;
// a given key that the store does not know is added, and added says so. Call it before Run.
func (c *Core) Bootstrap(ctx context.Context, adminKey string) (generated string, added bool, err error) {
	account, _, err := c.addAccount(ctx, "main")
	if err != nil {
		return "", false, err
	}
	keys, err := c.store.List(ctx, storage.KindKey, account, 0, 1000)
	if err != nil {
		return "", false, fmt.Errorf("list keys: %w", err)
	}
	if adminKey == "" {
		if len(keys) > 0 {
			return "", false, nil
		}
		generated = newKey()
		adminKey = generated
	}
	hash := hashKey(adminKey)
	for _, r := range keys {
		if r.Fingerprint == hash {
			return "", false, nil
		}
	}
	_, err = c.addKey(ctx, account, adminKey, schemas.AccessAdmin, "admin",
		AuditEntry{Action: keyCreated, Account: account, Reason: "start of the service"})
	return generated, true, err
}

// LocalKey makes a key that is never stored: it works in this process until it ends, for the program that embeds the
// service and for the portal.
func (c *Core) LocalKey(a schemas.AccountID, access schemas.Access) string {
	key := newKey()
	c.directory.putLocal(key, Caller{Account: a, Home: a, Access: access})
	return key
}
