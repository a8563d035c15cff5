package methods

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// exportMethods show and take records as they are kept, whatever their dialect: for operators, who move and compare them.
var exportMethods = []Method{
	{Name: "exportWebhooks", Access: schemas.AccessRead, Run: exportWebhooks},
	{Name: "importWebhook", Access: schemas.AccessAdmin, Run: importWebhook},
	{Name: "importKey", Access: schemas.AccessAdmin, Run: importKey},
	{Name: "setWebhookState", Access: schemas.AccessFull, Run: setWebhookState},
}

// WebhookRecord is all that is kept of a webhook, in no dialect's form.
type WebhookRecord struct {
	ID                any                        `json:"id"`                 // as its dialect shows it
	PublicID          string                     `json:"publicId,omitempty"` // of exports whose id was always the number
	Dialect           string                     `json:"dialect"`
	State             schemas.State              `json:"state"`
	Name              string                     `json:"name,omitempty"`
	Endpoint          string                     `json:"endpoint"`
	Format            string                     `json:"format,omitempty"`
	Events            []string                   `json:"events"`
	Attributes        []schemas.Constraint       `json:"attributes,omitempty"`
	Filter            json.RawMessage            `json:"filter,omitempty"`
	Secrets           []schemas.Secret           `json:"secrets,omitempty"`
	Headers           map[string]string          `json:"headers,omitempty"`
	Authentication    *schemas.Authentication    `json:"authentication,omitempty"`
	ClientCertificate *schemas.ClientCertificate `json:"clientCertificate,omitempty"`
	Properties        map[string]json.RawMessage `json:"properties,omitempty"`
	Metadata          map[string]string          `json:"metadata,omitempty"`
	MaxInFlight       int                        `json:"maxInFlight,omitempty"`
	Ordered           bool                       `json:"ordered,omitempty"`
	RateLimit         float64                    `json:"rateLimit,omitempty"` // deliveries a second
	Timeout           schemas.Seconds            `json:"timeout,omitempty"`
	IdleTimeout       schemas.Seconds            `json:"idleTimeout,omitempty"`
	Retry             []schemas.Seconds          `json:"retry,omitzero"`
	Document          json.RawMessage            `json:"document,omitempty"`
	Created           time.Time                  `json:"created"`
	Updated           time.Time                  `json:"updated"`
	// Withheld names the members that the webhook has and that are not shown; of the endpoint, the values of its query.
	Withheld []string `json:"withheld,omitempty"`
}

func recordOf(w *schemas.Webhook) WebhookRecord {
	return WebhookRecord{
		ID: shownID(w), Dialect: w.Dialect, State: w.State, Name: w.Name,
		Endpoint: w.Endpoint, Format: w.Format, Events: w.Match.Types, Attributes: w.Match.Attributes, Filter: w.Match.Filter,
		Secrets: w.Secrets, Headers: w.Headers, Properties: w.Properties, Metadata: w.Metadata,
		Authentication: w.Authentication, ClientCertificate: w.ClientCertificate,
		MaxInFlight: w.MaxInFlight, Ordered: w.Ordered, RateLimit: w.RateLimit,
		Timeout: schemas.Seconds(w.Timeout.Seconds()), IdleTimeout: schemas.Seconds(w.IdleTimeout.Seconds()), Retry: w.Retry, Document: w.Document,
		Created: w.Created.UTC(), Updated: w.Updated.UTC(),
	}
}

// withhold takes out what not everybody may see; changes says that the caller may change webhooks, and so see whole endpoints.
// The vendor's document may repeat headers and endpoint.
func (r *WebhookRecord) withhold(changes bool) {
	if len(r.Secrets) > 0 {
		r.Secrets, r.Withheld = nil, append(r.Withheld, "secrets")
	}
	if r.Authentication != nil {
		r.Authentication, r.Withheld = nil, append(r.Withheld, "authentication")
	}
	if r.ClientCertificate != nil {
		r.ClientCertificate, r.Withheld = nil, append(r.Withheld, "clientCertificate")
	}
	before := len(r.Withheld)
	if len(r.Headers) > 0 {
		r.Headers, r.Withheld = nil, append(r.Withheld, "headers")
	}
	if shown := schemas.MaskQuery(r.Endpoint); !changes && shown != r.Endpoint {
		r.Endpoint, r.Withheld = shown, append(r.Withheld, "endpoint")
	}
	if len(r.Withheld) > before && len(r.Document) > 0 {
		r.Document, r.Withheld = nil, append(r.Withheld, "document")
	}
}

// publicID is the string form of the id, "" without one. A number is that of the server that exported the webhook.
func (r *WebhookRecord) publicID() string {
	id, isText := r.ID.(string)
	if _, err := strconv.ParseInt(id, 10, 64); isText && err != nil {
		return id
	}
	return r.PublicID
}

func (r *WebhookRecord) webhook() *schemas.Webhook {
	return &schemas.Webhook{
		PublicID: r.publicID(), Dialect: r.Dialect, State: r.State, Name: r.Name, Endpoint: r.Endpoint, Format: r.Format,
		Match:   schemas.Match{Types: r.Events, Attributes: r.Attributes, Filter: r.Filter},
		Secrets: r.Secrets, Headers: r.Headers, Properties: r.Properties, Metadata: r.Metadata,
		Authentication: r.Authentication, ClientCertificate: r.ClientCertificate,
		MaxInFlight: r.MaxInFlight, Ordered: r.Ordered, RateLimit: r.RateLimit, Timeout: r.Timeout.Duration(),
		IdleTimeout: r.IdleTimeout.Duration(), Retry: r.Retry, Document: r.Document, Created: r.Created, Updated: r.Updated,
	}
}

func exportWebhooks(ctx context.Context, c *Call) (any, error) {
	var p struct {
		page
		Dialect string        `json:"dialect"`
		State   schemas.State `json:"state"`
		Secrets bool          `json:"secrets"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	if p.Secrets && !c.Caller.Access.Allows(schemas.AccessAdmin) {
		return nil, schemas.Refuse(schemas.KindForbidden, "Secrets are exported with a key of %s access", schemas.AccessAdmin)
	}
	if err := c.checkDialect(p.Dialect); err != nil {
		return nil, err
	}
	wanted := func(w *schemas.Webhook) bool {
		return (p.Dialect == "" || w.Dialect == p.Dialect) && (p.State == "" || w.State == p.State)
	}
	return c.pageOfWebhooks(ctx, c, p.page, wanted, func(w *schemas.Webhook) (any, error) {
		r := recordOf(w)
		if !p.Secrets {
			r.withhold(c.Caller.Access.Allows(schemas.AccessFull))
		}
		return r, nil
	})
}

// imported says which record an imported one has become.
type imported struct {
	ID      any  `json:"id"`
	Created bool `json:"created"` // false: an equal one was there, and was left as it is
}

func importWebhook(ctx context.Context, c *Call) (any, error) {
	var p struct {
		Webhook WebhookRecord `json:"webhook"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	d, err := c.importable(&p.Webhook)
	if err != nil {
		return nil, err
	}
	w := p.Webhook.webhook()
	w.Account, w.CreatedBy, w.UpdatedBy = c.Caller.Account, c.Caller.Key, c.Caller.Key
	if _, taken := c.engine.ByPublicID(w.Account, w.PublicID); taken && w.PublicID != "" {
		return imported{w.PublicID, false}, nil
	}
	record, err := c.record(d, w)
	if err != nil {
		return nil, err
	}
	entry := c.entryOf(titleOf(w), "webhook.imported", webhookChanges(nil, w)...)
	got, created, err := c.store.Register(ctx, record, entry)
	if err != nil {
		return nil, fmt.Errorf("import webhook: %w", err)
	}
	if w, err = c.decode(got); err != nil {
		return nil, err
	}
	c.engine.Apply(w)
	if created && d.Prepare != nil {
		d.Prepare()
	}
	return imported{shownID(w), created}, nil
}

// importKey takes a key as listKeys with hashes shows it: the key itself is known to nobody here.
func importKey(ctx context.Context, c *Call) (any, error) {
	var p struct {
		Key struct {
			Hash    string         `json:"hash"`
			Access  schemas.Access `json:"access"`
			Name    string         `json:"name"`
			Created time.Time      `json:"created"`
		} `json:"key"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	k := schemas.Key{Account: c.Caller.Account, Hash: p.Key.Hash, Access: p.Key.Access, Name: p.Key.Name, Created: p.Key.Created}
	if owner, known := c.directory.owner(k.Hash); known && owner.account != k.Account {
		return nil, invalid(c.Pointer("key")+"/hash", "is that of a key of another account")
	}
	r, created, err := c.store.Register(ctx, storage.Record{
		Kind: storage.KindKey, Account: k.Account, Fingerprint: k.Hash, Body: raw(k),
	}, c.entryOf(number, "key.imported", keyChanges(k)...))
	if err != nil {
		return nil, fmt.Errorf("import key: %w", err)
	}
	return imported{ID: r.ID, Created: created}, c.directory.apply(storage.Change{Record: r})
}

// setWebhookState starts or stops a webhook of any dialect, also of one whose documents have no state.
func setWebhookState(ctx context.Context, c *Call) (any, error) {
	present, err := c.Named(ctx, c)
	if err != nil {
		return nil, err
	}
	var p struct {
		State schemas.State `json:"state"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	d, err := c.dialectOf(present)
	if err != nil {
		return nil, err
	}
	if present.State != p.State {
		present, err = c.Change(ctx, c, d, present.ID, func(old *schemas.Webhook) (*schemas.Webhook, error) {
			w := *old
			w.State = p.State
			return &w, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return struct {
		ID    any           `json:"id"`
		State schemas.State `json:"state"`
	}{shownID(present), present.State}, nil
}
