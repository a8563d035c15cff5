package methods

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// keyDocument shows a key. The key itself is in it only in the answer that creates it.
type keyDocument struct {
	ID      schemas.KeyID     `json:"id"`
	Account schemas.AccountID `json:"account"`
	Access  schemas.Access    `json:"access"`
	Name    string            `json:"name,omitempty"`
	Created *time.Time        `json:"created,omitempty"`
	Key     string            `json:"key,omitempty"`
	Hash    string            `json:"hash,omitempty"`
	// AccountCreated is in the answer that creates the key: its account is new too.
	AccountCreated bool `json:"accountCreated,omitempty"`
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
	account, created := c.Caller.Account, false
	if p.Account != "" {
		var err error
		if account, created, err = c.accountNamed(ctx, string(p.Account), c.Pointer("account")); err != nil {
			return nil, err
		}
	}
	key := newKey()
	k, err := c.addKey(ctx, account, key, p.Access, p.Name, c.entry(account, keyCreated))
	if err != nil {
		return nil, err
	}
	return keyDocument{ID: k.ID, Account: account, Access: k.Access, Name: k.Name, Created: &k.Created, Key: key, AccountCreated: created}, nil
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
		return nil, invalid(c.Pointer("id"), fmt.Sprintf("is not the number of a key of account %d", account))
	}
	if err != nil {
		return nil, fmt.Errorf("remove key: %w", err)
	}
	c.directory.removeKey(keyRef{account, p.ID}, revision)
	return true, nil
}
