package methods

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Operations are the dialect-neutral verbs on webhooks. Every dialect's method, over whatever address, comes down to
// these.
type Operations struct {
	store     storage.Store
	keys      *schemas.Keyring
	engine    *delivery.Engine
	catalogue *schemas.Catalogue
	dialects  map[string]*Dialect
	directory *directory
	throttle  throttle
	types     *typeDirectory
	window    time.Duration
	live      live
	polls     chan struct{} // holds a place for each pullEvents that waits
	trials    chan struct{} // holds a place for each test event under way
	replaying sync.Mutex    // held while the number of an account's replays is looked at and changed
	// portalLink is Options.PortalLink.
	portalLink func(a schemas.AccountID, publicURL string, expires time.Time) string
	backup     func(ctx context.Context, begun func()) (Backup, error) // Options.Backup
	log        zerolog.Logger
}

// Register stores a new webhook; from its return on, events match it. Details that equal those of another webhook of
// the account and dialect are refused with KindDuplicate. Faults point below prefix.
func (o *Operations) Register(ctx context.Context, c *Call, d *Dialect, doc json.RawMessage, prefix string) (*schemas.Webhook, error) {
	w, err := d.Parse(doc, nil)
	if err != nil {
		return nil, prefixed(err, prefix)
	}
	w.Dialect, w.Account = d.Name, c.Caller.Account
	if w.State == "" {
		w.State = schemas.StateActive
	}
	w.Created = time.Now().UTC()
	w.CreatedBy = c.Caller.Key
	w.Updated, w.UpdatedBy = w.Created, w.CreatedBy
	if err := o.mustAnswer(ctx, d, w); err != nil {
		return nil, err
	}
	record, err := o.record(d, w)
	if err != nil {
		return nil, err
	}
	entry := c.entryOf(titleOf(w), "webhook.created", webhookChanges(nil, w)...)
	got, created, err := o.store.Register(ctx, record, entry)
	if err != nil {
		return nil, fmt.Errorf("register webhook: %w", err)
	}
	if !created {
		return nil, duplicateOf(got)
	}
	w.ID, w.Revision = schemas.WebhookID(got.ID), got.Revision
	o.engine.Apply(w)
	if d.Prepare != nil {
		d.Prepare()
	}
	return w, nil
}

// duplicateOf refuses a webhook whose details are those of a record of the same account, and names that.
func duplicateOf(r storage.Record) error {
	var other any = r.ID
	if w, err := schemas.OutlineWebhook(r.Body, r.Account, schemas.WebhookID(r.ID), r.Revision); err == nil {
		other = shownID(w)
	} // else it has its number
	e := schemas.Refuse(schemas.KindDuplicate, "A webhook with exactly these details exists already: %v", other)
	e.Webhook = other
	return e
}

// shownID is a webhook's id in the form its dialect shows: a number or a string.
func shownID(w *schemas.Webhook) any {
	if w.PublicID != "" {
		return w.PublicID
	}
	return w.ID
}

// Amend replaces the details of a webhook by a document of its dialect.
func (o *Operations) Amend(ctx context.Context, c *Call, d *Dialect, id schemas.WebhookID, doc json.RawMessage, prefix string) (*schemas.Webhook, error) {
	return o.Change(ctx, c, d, id, func(old *schemas.Webhook) (*schemas.Webhook, error) {
		w, err := d.Parse(doc, old)
		return w, prefixed(err, prefix)
	})
}

// Change replaces a webhook of the dialect by what change makes of it. change gets the present webhook, which it must not
// alter, and is called again when somebody else changed it meanwhile.
func (o *Operations) Change(ctx context.Context, c *Call, d *Dialect, id schemas.WebhookID, change func(old *schemas.Webhook) (*schemas.Webhook, error)) (*schemas.Webhook, error) {
	for {
		old, err := o.Webhook(ctx, c, id)
		if err != nil {
			return nil, err
		}
		if old.Dialect != d.Name {
			return nil, errNoWebhook
		}
		w, err := change(old)
		if err != nil {
			return nil, err
		}
		w.Dialect, w.Account, w.ID, w.Revision, w.PublicID = old.Dialect, old.Account, old.ID, old.Revision, old.PublicID
		w.Created, w.CreatedBy = old.Created, old.CreatedBy
		if err := o.mustAnswer(ctx, d, w); err != nil {
			return nil, err
		}
		w.Updated, w.UpdatedBy = time.Now().UTC(), c.Caller.Key
		record, err := o.record(d, w)
		if err != nil {
			return nil, err
		}
		entry := c.entryOf(titleOf(w), "webhook.changed", webhookChanges(old, w)...)
		switch got, err := o.store.Amend(ctx, record, entry); {
		case errors.Is(err, storage.ErrConflict):
			continue // somebody was quicker: read again and decide again
		case errors.Is(err, storage.ErrExists):
			return nil, duplicateOf(got)
		case errors.Is(err, storage.ErrAbsent):
			return nil, errNoWebhook
		case err != nil:
			return nil, fmt.Errorf("amend webhook %d: %w", id, err)
		default:
			w.Revision = got.Revision
			o.engine.Apply(w)
			if w.State != old.State {
				o.engine.Announce(w)
			}
			return w, nil
		}
	}
}

func (o *Operations) record(d *Dialect, w *schemas.Webhook) (storage.Record, error) {
	body, err := o.keys.EncodeWebhook(w)
	if err != nil {
		return storage.Record{}, fmt.Errorf("encode webhook: %w", err)
	}
	return storage.Record{
		Kind: storage.KindWebhook, Account: w.Account, ID: int64(w.ID), Revision: w.Revision,
		Fingerprint: fingerprint(d, w), Body: body,
	}, nil
}

// fingerprint is equal for two webhooks of an account exactly when they are duplicates.
func fingerprint(d *Dialect, w *schemas.Webhook) string {
	return string(raw(append([]string{d.Name}, d.Identity(w)...)))
}

var errNoWebhook = schemas.Refuse(schemas.KindNoWebhook, "There is no webhook of that id")

// Webhook reads one webhook of the caller's account.
func (o *Operations) Webhook(ctx context.Context, c *Call, id schemas.WebhookID) (*schemas.Webhook, error) {
	r, err := o.store.Get(ctx, storage.KindWebhook, c.Caller.Account, int64(id))
	if errors.Is(err, storage.ErrAbsent) {
		return nil, errNoWebhook
	}
	if err != nil {
		return nil, fmt.Errorf("read webhook %d: %w", id, err)
	}
	return o.decode(r)
}

func (o *Operations) decode(r storage.Record) (*schemas.Webhook, error) {
	w, err := o.keys.DecodeWebhook(r.Body, r.Account, schemas.WebhookID(r.ID), r.Revision)
	if err != nil {
		return nil, fmt.Errorf("decode webhook %d of account %d: %w", r.ID, r.Account, err)
	}
	return w, nil
}

// Webhooks lists up to n of the caller's webhooks with a number above after, by increasing number, of one dialect or, with
// "", of all.
func (o *Operations) Webhooks(ctx context.Context, c *Call, dialect string, after schemas.WebhookID, n int) ([]*schemas.Webhook, error) {
	return o.webhooks(ctx, c, after, n, func(w *schemas.Webhook) bool { return dialect == "" || w.Dialect == dialect })
}

func (o *Operations) webhooks(ctx context.Context, c *Call, after schemas.WebhookID, n int, wanted func(*schemas.Webhook) bool) ([]*schemas.Webhook, error) {
	const step = 256
	var out []*schemas.Webhook
	for len(out) < n {
		records, err := o.store.List(ctx, storage.KindWebhook, c.Caller.Account, int64(after), step)
		if err != nil {
			return nil, fmt.Errorf("list webhooks: %w", err)
		}
		for _, r := range records {
			w, err := o.decode(r)
			if err != nil {
				return nil, err
			}
			after = w.ID
			if wanted(w) {
				if out = append(out, w); len(out) == n {
					return out, nil
				}
			}
		}
		if len(records) < step {
			break
		}
	}
	return out, nil
}

// Remove deletes a webhook. No attempt of it begins after the return; what it was still owed is discarded.
func (o *Operations) Remove(ctx context.Context, c *Call, id schemas.WebhookID) error {
	was, _ := o.Webhook(ctx, c, id) // for the audit log: one that can't be read can be removed
	title := number
	if was != nil {
		title = titleOf(was)
	}
	entry := c.entryOf(title, "webhook.removed", webhookChanges(was, nil)...)
	revision, err := o.store.Remove(ctx, storage.KindWebhook, c.Caller.Account, int64(id), 0, entry)
	if errors.Is(err, storage.ErrAbsent) {
		return errNoWebhook
	}
	if err != nil {
		return fmt.Errorf("remove webhook %d: %w", id, err)
	}
	o.engine.Forget(c.Caller.Account, id, revision)
	return nil
}

// View says how the caller sees a webhook.
func (o *Operations) View(ctx context.Context, c *Call, w *schemas.Webhook) (View, error) {
	tally, err := o.store.Tally(ctx, storage.Lane{Account: w.Account, Webhook: w.ID})
	if err != nil {
		return View{}, fmt.Errorf("read tally of webhook %d: %w", w.ID, err)
	}
	return View{Secrets: c.Caller.Access.Allows(schemas.AccessFull), Tally: tally, PublicURL: c.PublicURL}, nil
}

// show is the document of a webhook in its own dialect.
func (o *Operations) show(ctx context.Context, c *Call, w *schemas.Webhook) (any, error) {
	d, err := o.dialectOf(w)
	if err != nil {
		return nil, err
	}
	view, err := o.View(ctx, c, w)
	if err != nil {
		return nil, err
	}
	return d.Show(w, view), nil
}

func (o *Operations) dialectOf(w *schemas.Webhook) (*Dialect, error) {
	if d := o.dialects[w.Dialect]; d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("webhook %d is of dialect %q, which this build lacks", w.ID, w.Dialect)
}
