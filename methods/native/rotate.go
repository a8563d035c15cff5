package native

import (
	"context"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// rows are the methods that only this dialect has.
func rows(d *methods.Dialect) []methods.Method {
	return []methods.Method{
		{Name: "rotateSecret", Access: schemas.AccessFull, Run: func(ctx context.Context, c *methods.Call) (any, error) {
			return rotateSecret(ctx, c, d)
		}},
	}
}

const (
	defaultOverlap = 24 * time.Hour
	// maxFormer bounds the former secrets that still sign: each makes the header of every delivery longer.
	maxFormer = 4
)

// rotation is what rotateSecret is asked for.
type rotation struct {
	Secret    string             `json:"secret"`
	Overlap   *schemas.Seconds   `json:"overlap"`
	Signature delivery.Signature `json:"signature"`
}

// rotateSecret gives a subscription a new secret and shows it. The one before signs too until the overlap ends, so that
// the receiver can change over at any moment of it.
func rotateSecret(ctx context.Context, c *methods.Call, d *methods.Dialect) (any, error) {
	var asked rotation
	if err := c.Decode(&asked); err != nil {
		return nil, err
	}
	if err := asked.check(c); err != nil {
		return nil, err
	}
	present, err := c.Named(ctx, c)
	if err != nil {
		return nil, err
	}
	if present.Dialect != d.Name {
		return nil, schemas.Refuse(schemas.KindWrongState, "A webhook of the dialect %s has no secret that can be rotated", present.Dialect)
	}
	w, err := c.Change(ctx, c, d, present.ID, func(old *schemas.Webhook) (*schemas.Webhook, error) {
		return asked.apply(c, old, time.Now())
	})
	if err != nil {
		return nil, err
	}
	view, err := c.View(ctx, c, w)
	if err != nil {
		return nil, err
	}
	return created(w, view), nil
}

// check looks at what can be wrong whatever the subscription is.
func (r *rotation) check(c *methods.Call) error {
	in := c.Read()
	if r.Secret != "" {
		if err := delivery.CheckSecret(r.Secret); err != nil {
			in.Fault(err.Error(), "secret")
		} else if r.Signature != "" && r.Signature != delivery.SignatureOf(r.Secret) {
			in.Fault("does not fit the secret", "signature")
		}
	}
	return in.Err()
}

// apply makes old's successor.
func (r *rotation) apply(c *methods.Call, old *schemas.Webhook, now time.Time) (*schemas.Webhook, error) {
	w := *old
	fresh := r.Secret
	if fresh == "" {
		scheme := r.Signature
		if scheme == "" {
			scheme = delivery.SignatureOf(old.CurrentSecret())
		}
		fresh = delivery.NewSecretFor(scheme)
	}
	in := c.Read()
	for _, s := range old.Secrets {
		if delivery.EqualSecret(s.Value, fresh) {
			in.Fault("is a secret of the subscription already", "secret")
			return nil, in.Err()
		}
	}
	w.Secrets = append([]schemas.Secret{{Value: fresh}}, r.former(old.Secrets, now)...)
	if len(w.Secrets)-1 > maxFormer {
		return nil, schemas.Refuse(schemas.KindWrongState, "%d former secrets still sign: wait until one expires, or end them all at once with an overlap of 0", maxFormer)
	}
	return &w, nil
}

// former are the secrets that go on signing for a while: the current one until the overlap ends, those before it until
// then at most. An overlap of 0 ends all of them, which is what a leak needs.
func (r *rotation) former(secrets []schemas.Secret, now time.Time) []schemas.Secret {
	overlap := defaultOverlap
	if r.Overlap != nil {
		overlap = r.Overlap.Duration()
	}
	if overlap <= 0 {
		return nil
	}
	end := now.Add(overlap).UTC().Truncate(time.Millisecond)
	kept := slices.Clone(secrets)
	for i := range kept {
		if kept[i].Expires.IsZero() || kept[i].Expires.After(end) {
			kept[i].Expires = end
		}
	}
	return slices.DeleteFunc(kept, func(s schemas.Secret) bool { return !s.Expires.After(now) })
}
