package methods

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// patchWebhook changes parts of a webhook. The patch is applied to the webhook as it is at that moment: when somebody else
// changes it meanwhile, the patch, its tests included, is applied again.
func patchWebhook(ctx context.Context, c *Call) (any, error) {
	w, err := c.Named(ctx, c)
	if err != nil {
		return nil, err
	}
	d, err := c.dialectOf(w)
	if err != nil {
		return nil, err
	}
	if d.Patch == nil {
		return nil, schemas.Refuse(schemas.KindWrongState, "A webhook of the dialect %s can't be patched; replace its document", d.Name)
	}
	var p struct {
		Patch           json.RawMessage `json:"patch"`
		UnmodifiedSince *time.Time      `json:"unmodifiedSince"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	prefix := c.Pointer("patch")
	got, err := c.Change(ctx, c, d, w.ID, func(old *schemas.Webhook) (*schemas.Webhook, error) {
		if p.UnmodifiedSince != nil && old.Updated.After(*p.UnmodifiedSince) {
			return nil, c.changedMeanwhile()
		}
		doc, err := d.Patch(old, p.Patch)
		if err != nil {
			return nil, prefixed(err, prefix)
		}
		if doc, err = c.catalogue.CheckDocument(d.Registers, d.Form, doc, prefix); err != nil {
			return nil, err
		}
		w, err := d.Parse(doc, old)
		return w, prefixed(err, prefix)
	})
	if err != nil {
		return nil, err
	}
	return c.show(ctx, c, got)
}

// changedMeanwhile refuses a patch made for an older state of the webhook. Its fault at unmodifiedSince is what tells it
// from a test of the patch that does not hold.
func (c *Call) changedMeanwhile() error {
	return &schemas.Error{
		Kind: schemas.KindWrongState, Message: "The webhook has been changed since",
		Faults: []schemas.Fault{{Pointer: c.Pointer("unmodifiedSince"), Message: "is before the last change"}},
	}
}
