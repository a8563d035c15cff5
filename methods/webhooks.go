package methods

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/schemas"
)

// webhookMethods are the methods that all dialects' webhooks share, under the names of the REST vendors' documents.
var webhookMethods = []Method{
	{Name: "postWebhook", Access: schemas.AccessFull, Raw: true, Run: register},
	{Name: "getWebhook", Access: schemas.AccessRead, Run: getWebhook},
	{Name: "putWebhook", Access: schemas.AccessFull, Run: putWebhook},
	{Name: "listWebhooks", Access: schemas.AccessRead, Run: listWebhooks},
	{Name: "deleteWebhook", Access: schemas.AccessFull, Form: func(json.RawMessage) string { return "rest" }, Run: deleteWebhook},
}

// subscriptionMethods are the same verbs under the names of Airstack's document and the native dialect.
var subscriptionMethods = []Method{
	{Name: "createSubscription", Access: schemas.AccessFull, Raw: true, Run: register},
	{Name: "getSubscription", Access: schemas.AccessRead, Run: getWebhook},
	{Name: "listSubscriptions", Access: schemas.AccessRead, Run: listSubscriptions},
	{Name: "updateSubscription", Access: schemas.AccessFull, Run: updateSubscription},
	{Name: "deleteSubscription", Access: schemas.AccessFull, Run: deleteWebhook},
}

// register takes a registration document of any dialect that registers by the called method.
func register(ctx context.Context, c *Call) (any, error) {
	c.Params = bytes.Clone(c.Params) // the webhook keeps parts of it
	d, err := c.claim(c.Method, c.Params)
	if err != nil {
		return nil, err
	}
	doc, pointer, err := c.catalogue.Bind(c.Method, d.Form, c.Params)
	if err != nil {
		return nil, err
	}
	prefix := "/params"
	if positional(c.Params) {
		prefix = "/params/0"
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

func positional(params json.RawMessage) bool { return len(params) > 0 && params[0] == '[' }

// claim finds the dialect whose document this is, by the members that only its documents have.
func (o *Operations) claim(method string, params json.RawMessage) (*Dialect, error) {
	members := memberNames(params)
	var rest *Dialect
	var marks []string
	for _, d := range o.dialects {
		if d.Registers != method {
			continue
		}
		if len(d.Marks) == 0 {
			rest = d
			continue
		}
		marks = append(marks, d.Marks[0])
		for _, mark := range d.Marks {
			if slices.ContainsFunc(members, func(m string) bool { return strings.EqualFold(m, mark) }) {
				return d, nil
			}
		}
	}
	if rest != nil {
		return rest, nil
	}
	slices.Sort(marks)
	return nil, invalid("/params", "must be a document with "+strings.Join(marks, " or "))
}

// memberNames are the names of the members of a document, given by name or as the one positional parameter.
func memberNames(params json.RawMessage) []string {
	doc := params
	if positional(params) {
		var list []json.RawMessage
		if json.Unmarshal(params, &list) != nil || len(list) == 0 {
			return nil
		}
		doc = list[0]
	}
	decoder := json.NewDecoder(bytes.NewReader(doc))
	if t, err := decoder.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	var names []string
	for decoder.More() {
		t, err := decoder.Token()
		if err != nil {
			return nil
		}
		names = append(names, t.(string)) // the token before a value is always the member's name
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return nil
		}
	}
	return names
}

func getWebhook(ctx context.Context, c *Call) (any, error) {
	w, err := c.named(ctx, c)
	if err != nil {
		return nil, err
	}
	return c.show(ctx, c, w)
}

func putWebhook(ctx context.Context, c *Call) (any, error) {
	w, err := c.named(ctx, c)
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
	w, err := c.named(ctx, c)
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

// replace amends w by a whole document of its dialect.
func (o *Operations) replace(ctx context.Context, c *Call, w *schemas.Webhook, doc json.RawMessage, prefix string) (any, error) {
	d, err := o.dialectOf(w)
	if err != nil {
		return nil, err
	}
	if doc, err = o.catalogue.CheckDocument(d.Registers, d.Form, doc, prefix); err != nil {
		return nil, err
	}
	got, err := o.Amend(ctx, c, d, w.ID, doc, prefix)
	if err != nil {
		return nil, err
	}
	return o.show(ctx, c, got)
}

func deleteWebhook(ctx context.Context, c *Call) (any, error) {
	w, err := c.named(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := c.Remove(ctx, c, w.ID); err != nil {
		return nil, err
	}
	return true, nil
}

// named reads the webhook that the parameter id names: by number, as a number or as digits, or by its string form.
func (o *Operations) named(ctx context.Context, c *Call) (*schemas.Webhook, error) {
	var p struct {
		ID json.RawMessage `json:"id"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	id, err := o.webhookID(c, schemas.PlainText(p.ID))
	if err != nil {
		return nil, err
	}
	return o.Webhook(ctx, c, id)
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

func listWebhooks(ctx context.Context, c *Call) (any, error) {
	var p struct {
		page
		Dialect string `json:"dialect"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	return c.listWebhooks(ctx, c, p.page, func(w *schemas.Webhook) bool { return p.Dialect == "" || w.Dialect == p.Dialect })
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
	var after int64
	if p.Cursor != "" {
		n, err := strconv.ParseInt(p.Cursor, 10, 64)
		if err != nil || n < 0 {
			return nil, invalid(c.Pointer("cursor"), "is not a cursor of this list")
		}
		after = n
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
		document, err := o.show(ctx, c, w)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, document)
	}
	return out, nil
}
