package methods

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

var accountMethods = []Method{
	{Name: "ping", Run: func(context.Context, *Call) (any, error) { return pong, nil }},
	{Name: "authenticate", Run: authenticate},
	{Name: "getAccount", Access: schemas.AccessRead, Run: getAccount},
	{Name: "createKey", Access: schemas.AccessAdmin, Run: createKey},
	{Name: "listKeys", Access: schemas.AccessAdmin, Run: listKeys},
	{Name: "revokeKey", Access: schemas.AccessAdmin, Run: revokeKey},
	{Name: "createPortalLink", Access: schemas.AccessFull, Run: createPortalLink},
}

// pong answers ping.
var pong = rpc.Raw(`"pong"`)

// keyDocument shows a key. The key itself is in it only in the answer that creates it.
type keyDocument struct {
	ID      schemas.KeyID     `json:"id"`
	Account schemas.AccountID `json:"account"`
	Access  schemas.Access    `json:"access"`
	Name    string            `json:"name,omitempty"`
	Created *time.Time        `json:"created,omitempty"`
	Key     string            `json:"key,omitempty"`
	Hash    string            `json:"hash,omitempty"`
}

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

func createKey(ctx context.Context, c *Call) (any, error) {
	var p struct {
		Account jsonText       `json:"account"`
		Access  schemas.Access `json:"access"`
		Name    string         `json:"name"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	for member, text := range map[string]string{"name": p.Name, "account": string(p.Account)} {
		if strings.ContainsFunc(text, unicode.IsControl) {
			return nil, invalid(c.Pointer(member), "must not hold control characters")
		}
	}
	account := c.Caller.Account
	if p.Account != "" {
		var err error
		if account, err = c.accountNamed(ctx, string(p.Account), c.Pointer("account")); err != nil {
			return nil, err
		}
	}
	key := newKey()
	k, err := c.addKey(ctx, account, key, p.Access, p.Name, c.entry(account, keyCreated))
	if err != nil {
		return nil, err
	}
	return keyDocument{ID: k.ID, Account: account, Access: k.Access, Name: k.Name, Created: &k.Created, Key: key}, nil
}

// keyCreated is the action of a new key.
const keyCreated = "key.created"

func keyChanges(k schemas.Key) []AuditChange {
	changes := []AuditChange{{Member: "access", After: raw(k.Access)}}
	if k.Name != "" {
		changes = append(changes, AuditChange{Member: "name", After: raw(k.Name)})
	}
	return changes
}

// newKey makes a key: 64 characters of [a-z0-9], which is what a Vision6 client insists on.
func newKey() string { return RandomText(64, "abcdefghijklmnopqrstuvwxyz0123456789") }

// addKey stores a key, and what it is with the entry. The same key again, in the same account, is the one that is there.
func (o *Operations) addKey(
	ctx context.Context, a schemas.AccountID, key string, access schemas.Access, name string, e AuditEntry,
) (schemas.Key, error) {
	k := schemas.Key{Account: a, Hash: hashKey(key), Access: access, Name: name, Created: time.Now().UTC()}
	e.Changes = keyChanges(k)
	r, _, err := o.store.Register(ctx, storage.Record{
		Kind: storage.KindKey, Account: a, Fingerprint: k.Hash, Body: raw(k),
	}, e.companion(number))
	if err != nil {
		return k, fmt.Errorf("store key: %w", err)
	}
	k.ID = schemas.KeyID(r.ID)
	return k, o.directory.apply(storage.Change{Record: r})
}

// accountNamed finds the account a parameter names, by number or by name; a new name makes a new account.
func (c *Call) accountNamed(ctx context.Context, text, pointer string) (schemas.AccountID, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if !c.directory.hasAccount(schemas.AccountID(n)) {
			return 0, invalid(pointer, "is not the number of an account; a name makes a new one")
		}
		return schemas.AccountID(n), nil
	}
	name := strings.TrimSpace(text)
	return c.addAccount(ctx, name, func(id int64) storage.Record {
		e := c.entry(schemas.AccountID(id), "account.created", AuditChange{Member: "name", After: raw(name)})
		return e.companion(number)(id)
	})
}

// addAccount stores an account, unless there is one of that name.
func (o *Operations) addAccount(ctx context.Context, name string, with ...storage.Companion) (schemas.AccountID, error) {
	r, _, err := o.store.Register(ctx, storage.Record{
		Kind: storage.KindAccount, Fingerprint: name, Body: raw(schemas.Account{Name: name, Created: time.Now().UTC()}),
	}, with...)
	if err != nil {
		return 0, fmt.Errorf("store account: %w", err)
	}
	o.directory.putAccount(schemas.AccountID(r.ID), name)
	return schemas.AccountID(r.ID), nil
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

func listKeys(ctx context.Context, c *Call) (any, error) {
	var p struct {
		page
		Account schemas.AccountID `json:"account"`
		Hashes  bool              `json:"hashes"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	account, err := c.ofAccount(p.Account)
	if err != nil {
		return nil, err
	}
	records, cursor, err := c.records(ctx, c, storage.KindKey, account, p.page)
	if err != nil {
		return nil, err
	}
	out := list{Items: []any{}, Cursor: cursor}
	for _, r := range records {
		var k schemas.Key
		if err := json.Unmarshal(r.Body, &k); err != nil {
			return nil, fmt.Errorf("decode key %d: %w", r.ID, err)
		}
		item := keyDocument{ID: schemas.KeyID(r.ID), Account: account, Access: k.Access, Name: k.Name, Created: &k.Created}
		if p.Hashes {
			item.Hash = k.Hash
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

func revokeKey(ctx context.Context, c *Call) (any, error) {
	var p struct {
		ID      schemas.KeyID     `json:"id"`
		Account schemas.AccountID `json:"account"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	account, err := c.ofAccount(p.Account)
	if err != nil {
		return nil, err
	}
	if account == c.Caller.Account && p.ID == c.Caller.Key {
		return nil, schemas.Refuse(schemas.KindWrongState, "A key can't revoke itself: use another admin key")
	}
	revision, err := c.store.Remove(ctx, storage.KindKey, account, int64(p.ID), 0,
		c.entry(account, "key.revoked").companion(number))
	if errors.Is(err, storage.ErrAbsent) {
		return nil, invalid(c.Pointer("id"), "is not the number of a key")
	}
	if err != nil {
		return nil, fmt.Errorf("remove key: %w", err)
	}
	c.directory.removeKey(keyRef{account, p.ID}, revision)
	return true, nil
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
	account, err := c.addAccount(ctx, "main")
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
