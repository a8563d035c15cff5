package methods

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

var eventTypeMethods = []Method{
	{Name: "putEventType", Access: schemas.AccessFull, Run: putEventType},
	{Name: "listEventTypes", Access: schemas.AccessRead, Run: listEventTypes},
	{Name: "deleteEventType", Access: schemas.AccessFull, Run: deleteEventType},
}

// putEventType says what an account's events of one type are, in place of what it said before.
func putEventType(ctx context.Context, c *Call) (any, error) {
	var t schemas.EventType
	in := c.Read()
	in.Text("type", &t.Type)
	in.Text("description", &t.Description)
	if reservedType(t.Type) {
		in.Fault(reservedMessage, "type")
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if t.Schema = in.Raw("schema"); t.Schema != nil {
		if _, err := schemas.CompileEventSchema(t.Schema, c.Pointer("schema")); err != nil {
			return nil, err
		}
	}
	return c.putType(ctx, c.Caller.Account, t, c.entryOf(always(t.Type), "eventType.put"))
}

// putType stores an event type: as a new record, or in the place of the one that there is.
func (o *Operations) putType(
	ctx context.Context, a schemas.AccountID, t schemas.EventType, entry storage.Companion,
) (schemas.EventType, error) {
	t.Updated = time.Now().UTC()
	for {
		t.Created = t.Updated
		r := storage.Record{Kind: storage.KindEventType, Account: a, Fingerprint: t.Type, Body: raw(t)}
		got, created, err := o.store.Register(ctx, r, entry)
		if err != nil {
			return t, fmt.Errorf("register event type: %w", err)
		}
		if !created {
			old, err := decodeType(got)
			if err != nil {
				return t, err
			}
			t.Created = old.Created
			r.ID, r.Revision, r.Body = got.ID, got.Revision, raw(t)
			got, err = o.store.Amend(ctx, r, entry)
			if errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrAbsent) {
				continue // somebody was quicker
			}
			if err != nil {
				return t, fmt.Errorf("amend event type %d: %w", r.ID, err)
			}
		}
		o.types.put(typeRef{a, got.ID}, got.Revision, t)
		return t, nil
	}
}

func decodeType(r storage.Record) (t schemas.EventType, err error) {
	if err := json.Unmarshal(r.Body, &t); err != nil {
		return t, fmt.Errorf("decode event type %d of account %d: %w", r.ID, r.Account, err)
	}
	return t, nil
}

func listEventTypes(ctx context.Context, c *Call) (any, error) {
	var p page
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	records, cursor, err := c.records(ctx, c, storage.KindEventType, c.Caller.Account, p)
	if err != nil {
		return nil, err
	}
	out := list{Items: make([]any, len(records)), Cursor: cursor}
	for i, r := range records {
		if out.Items[i], err = decodeType(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// deleteEventType forgets a type, schema and all; its events are taken as they are from then on.
func deleteEventType(ctx context.Context, c *Call) (any, error) {
	var p struct {
		Type string `json:"type"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	absent := invalid(c.Pointer("type"), "is not a type that putEventType has made")
	known := c.types.find(c.Caller.Account, p.Type)
	if known == nil {
		return nil, absent
	}
	revision, err := c.store.Remove(ctx, storage.KindEventType, c.Caller.Account, known.id, 0,
		c.entryOf(always(p.Type), "eventType.removed"))
	if errors.Is(err, storage.ErrAbsent) {
		return nil, absent
	}
	if err != nil {
		return nil, fmt.Errorf("remove event type %d: %w", known.id, err)
	}
	c.types.remove(typeRef{c.Caller.Account, known.id}, revision)
	return true, nil
}
