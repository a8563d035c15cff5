package methods

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// webhookMethods are the methods that all dialects' webhooks share, under the names of the REST vendors' documents.
var webhookMethods = []Method{
	{Name: "postWebhook", Access: schemas.AccessFull, Raw: true, Run: register},
	{Name: "getWebhook", Access: schemas.AccessRead, Run: getWebhook},
	{Name: "putWebhook", Access: schemas.AccessFull, Run: putWebhook},
	{Name: "patchWebhook", Access: schemas.AccessFull, Run: patchWebhook},
	{Name: "listWebhooks", Access: schemas.AccessRead, Run: listWebhooks},
	{Name: "testWebhook", Access: schemas.AccessFull, Run: testWebhook},
	{Name: "getLastError", Access: schemas.AccessRead, Run: getLastError},
	{Name: "deleteWebhook", Access: schemas.AccessFull, Form: func(json.RawMessage) string { return "rest" }, Run: deleteWebhook},
}

// subscriptionMethods are the same verbs under the names of Airstack's document and the native dialect.
var subscriptionMethods = []Method{
	{Name: "createSubscription", Access: schemas.AccessFull, Raw: true, Run: register},
	{Name: "getSubscription", Access: schemas.AccessRead, Run: getWebhook},
	{Name: "listSubscriptions", Access: schemas.AccessRead, Run: listSubscriptions},
	{Name: "updateSubscription", Access: schemas.AccessFull, Run: updateSubscription},
	{Name: "deleteSubscription", Access: schemas.AccessFull, Run: deleteWebhook},
	{Name: "testSubscription", Access: schemas.AccessFull, Run: testWebhook},
	{Name: "testFilter", Access: schemas.AccessRead, Run: testFilter},
}

// register takes a registration document of any dialect that registers by the called method.
func register(ctx context.Context, c *Call) (any, error) {
	c.Params = bytes.Clone(c.Params) // the webhook keeps parts of it
	d, err := c.claim(c.Method, c.Params)
	if err != nil {
		return nil, err
	}
	prefix := "/params"
	if positional(c.Params) {
		prefix = "/params/0"
	}
	doc, pointer, err := c.catalogue.Bind(c.Method, d.Form, c.Params)
	if err != nil {
		_, more := d.Parse(documentIn(c.Params), nil)
		return nil, withFaults(err, prefixed(more, prefix))
	}
	c.Params, c.Pointer = doc, pointer
	w, err := c.Register(ctx, c, d, doc, prefix)
	if err != nil {
		return nil, err
	}
	view := View{Secrets: true, PublicURL: c.PublicURL}
	if d.Created != nil {
		return d.Created(w, view), nil
	}
	return d.Show(w, view), nil
}

func getWebhook(ctx context.Context, c *Call) (any, error) {
	w, err := c.Named(ctx, c)
	if err != nil {
		return nil, err
	}
	return c.show(ctx, c, w)
}

func putWebhook(ctx context.Context, c *Call) (any, error) {
	w, err := c.Named(ctx, c)
	if err != nil {
		return nil, err
	}
	var p struct {
		Webhook json.RawMessage `json:"webhook"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	return c.replace(ctx, c, w, p.Webhook, c.Pointer("webhook"))
}

func updateSubscription(ctx context.Context, c *Call) (any, error) {
	w, err := c.Named(ctx, c)
	if err != nil {
		return nil, err
	}
	if d := c.dialects[w.Dialect]; d != nil && len(d.Marks) > 0 {
		return nil, schemas.Refuse(schemas.KindWrongState, "A webhook of the dialect %s can't be updated by this method; use putWebhook, or delete it and create it anew", w.Dialect)
	}
	members := map[string]json.RawMessage{}
	if err := c.Decode(&members); err != nil {
		return nil, err
	}
	delete(members, "id")
	prefix := strings.TrimSuffix(c.Pointer(""), "/")
	got, err := c.Amend(ctx, c, c.dialects[w.Dialect], w.ID, raw(members), prefix)
	if err != nil {
		return nil, err
	}
	return c.show(ctx, c, got)
}

// replace amends w by a document of its dialect: a whole one, unless the vendor's own PUT takes parts.
func (o *Operations) replace(ctx context.Context, c *Call, w *schemas.Webhook, doc json.RawMessage, prefix string) (any, error) {
	d, err := o.dialectOf(w)
	if err != nil {
		return nil, err
	}
	check := o.catalogue.CheckDocument
	if d.PartialPut {
		check = o.catalogue.CheckUpdate
	}
	if doc, err = check(d.Registers, d.Form, doc, prefix); err != nil {
		return nil, err
	}
	got, err := o.Change(ctx, c, d, w.ID, func(old *schemas.Webhook) (*schemas.Webhook, error) {
		if !d.PutMerges {
			old = undocumented(old)
		}
		w, err := d.Parse(doc, old)
		return w, prefixed(err, prefix)
	})
	if err != nil {
		return nil, err
	}
	return o.show(ctx, c, got)
}

// undocumented is what a whole new document leaves of a webhook: secrets and state, unless it names them.
func undocumented(old *schemas.Webhook) *schemas.Webhook {
	return &schemas.Webhook{
		ID: old.ID, Account: old.Account, PublicID: old.PublicID, Dialect: old.Dialect,
		State: old.State, Secrets: old.Secrets, Created: old.Created, Updated: old.Updated,
	}
}

func deleteWebhook(ctx context.Context, c *Call) (any, error) {
	w, err := c.Named(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := c.Remove(ctx, c, w.ID); err != nil {
		return nil, err
	}
	return true, nil
}

// Named reads the webhook that the parameter id names: by number, as a number or as digits, or by its string form. With
// the parameter dialect, webhooks of other dialects are not there.
func (o *Operations) Named(ctx context.Context, c *Call) (*schemas.Webhook, error) {
	var p struct {
		ID      json.RawMessage `json:"id"`
		Dialect string          `json:"dialect"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	id, err := o.webhookID(c, schemas.PlainText(p.ID))
	if err != nil {
		return nil, err
	}
	w, err := o.Webhook(ctx, c, id)
	if err == nil && p.Dialect != "" && w.Dialect != p.Dialect {
		return nil, errNoWebhook
	}
	return w, err
}

func (o *Operations) webhookID(c *Call, text string) (schemas.WebhookID, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return schemas.WebhookID(n), nil
	}
	if id, ok := o.engine.ByPublicID(c.Caller.Account, text); ok {
		return id, nil
	}
	return 0, errNoWebhook
}

// list is the shape of every list.
type list struct {
	Items  []any  `json:"items"`
	Cursor string `json:"cursor,omitempty"`
}

// page is what every list takes.
type page struct {
	Limit  int    `json:"limit"`
	Cursor string `json:"cursor"`
}

func (p page) size() int {
	if p.Limit == 0 {
		return 100
	}
	return p.Limit
}

// after is the number that the page before ended with, 0 for the first: the cursor of lists by increasing number.
func (p page) after(c *Call) (int64, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(p.Cursor, 10, 64)
	if err != nil || n < 0 {
		return 0, invalid(c.Pointer("cursor"), "is not a cursor of this list")
	}
	return n, nil
}

func listWebhooks(ctx context.Context, c *Call) (any, error) {
	var p struct {
		page
		Dialect string        `json:"dialect"`
		Name    string        `json:"name"`
		Event   string        `json:"event"`
		State   schemas.State `json:"state"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	if err := c.checkDialect(p.Dialect); err != nil {
		return nil, err
	}
	return c.listWebhooks(ctx, c, p.page, func(w *schemas.Webhook) bool {
		return (p.Dialect == "" || w.Dialect == p.Dialect) && (p.Name == "" || w.Name == p.Name) &&
			(p.Event == "" || slices.Contains(w.Match.Types, p.Event)) && (p.State == "" || w.State == p.State)
	})
}

func listSubscriptions(ctx context.Context, c *Call) (any, error) {
	var p page
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	return c.listWebhooks(ctx, c, p, func(w *schemas.Webhook) bool {
		d := c.dialects[w.Dialect]
		return d != nil && d.Registers == "createSubscription"
	})
}

func (o *Operations) listWebhooks(ctx context.Context, c *Call, p page, wanted func(*schemas.Webhook) bool) (any, error) {
	return o.pageOfWebhooks(ctx, c, p, wanted, func(w *schemas.Webhook) (any, error) { return o.show(ctx, c, w) })
}

// pageOfWebhooks is a page of the webhooks that are wanted, each as show makes it.
func (o *Operations) pageOfWebhooks(
	ctx context.Context, c *Call, p page, wanted func(*schemas.Webhook) bool, show func(*schemas.Webhook) (any, error),
) (any, error) {
	after, err := p.after(c)
	if err != nil {
		return nil, err
	}
	got, err := o.webhooks(ctx, c, schemas.WebhookID(after), p.size()+1, wanted)
	if err != nil {
		return nil, err
	}
	out := list{Items: []any{}}
	if len(got) > p.size() {
		got = got[:p.size()]
		out.Cursor = strconv.FormatInt(int64(got[len(got)-1].ID), 10)
	}
	for _, w := range got {
		document, err := show(w)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, document)
	}
	return out, nil
}

// records is one page of the records of a kind, oldest first.
func (o *Operations) records(ctx context.Context, c *Call, k storage.Kind, a schemas.AccountID, p page) (got []storage.Record, cursor string, err error) {
	after, err := p.after(c)
	if err != nil {
		return nil, "", err
	}
	got, err = o.store.List(ctx, k, a, after, p.size()+1)
	if err != nil {
		return nil, "", fmt.Errorf("list records of kind %d: %w", k, err)
	}
	if len(got) > p.size() {
		got = got[:p.size()]
		cursor = strconv.FormatInt(got[len(got)-1].ID, 10)
	}
	return got, cursor, nil
}
