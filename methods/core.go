package methods

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Options is what a Core works with. Store, Engine, Catalogue, Dialects and PortalLink are needed.
type Options struct {
	Store     storage.Store
	Engine    *delivery.Engine
	Catalogue *schemas.Catalogue
	Dialects  []Dialect
	// Keys encrypt what is secret in webhooks' records, as delivery.Options.Keys; nil: nothing is encrypted.
	Keys *schemas.Keyring
	// PublicURL is the base of the links given out; "" takes the address each caller used.
	PublicURL string
	// Window is how long a repeated event id is answered with the first result; 0 means 24 hours.
	Window time.Duration
	// RateLimits are the rates callers are held to; the zero value sets none.
	RateLimits RateLimits
	// PortalLink makes a link to the page of an account, below publicURL, that works until expires. It must be safe for
	// concurrent use.
	PortalLink func(a schemas.AccountID, publicURL string, expires time.Time) string
	// Log takes what goes wrong while no call is there to be told, such as an audit entry that could not be written.
	Log zerolog.Logger
	// Backup makes a backup of the store where the operator wants it, or refuses. begun is called when nothing stands in its
	// way any more.
	Backup func(ctx context.Context, begun func()) (Backup, error)
}

// Core is the RPC methods of one server.
type Core struct {
	*Operations
	directory *directory
	publicURL string
	handlers  map[string]rpc.Handler
}

// New makes the table of methods. It fails when a dialect or a method has no schema file: a fault of the program.
func New(o Options) (*Core, error) {
	if o.Window == 0 {
		o.Window = 24 * time.Hour
	}
	c := &Core{
		directory: newDirectory(),
		publicURL: strings.TrimSuffix(o.PublicURL, "/"),
		handlers:  map[string]rpc.Handler{},
	}
	c.Operations = &Operations{
		store: o.Store, keys: o.Keys, engine: o.Engine, catalogue: o.Catalogue, window: o.Window, trials: make(chan struct{}, maxTrials), polls: make(chan struct{}, maxPolls),
		dialects: map[string]*Dialect{}, directory: c.directory, types: newTypeDirectory(),
		portalLink: o.PortalLink, backup: o.Backup, log: o.Log,
	}
	c.throttle.set(o.RateLimits)
	rows := slices.Concat(accountMethods, webhookMethods, subscriptionMethods, eventMethods, eventTypeMethods, deliveryMethods, replayMethods, backupMethods, exportMethods, auditMethods, liveMethods, pullMethods, statsMethods)
	for _, d := range o.Dialects {
		if c.dialects[d.Name] != nil {
			return nil, fmt.Errorf("dialect %s is there twice", d.Name)
		}
		c.dialects[d.Name] = &d
		rows = slices.Concat(d.Methods, rows) // a dialect's own form of a shared name is asked first
	}
	return c, c.fill(rows)
}

// fill makes the handlers. Every method must have its schema file; that every file has a method, once all dialects are
// there, is a test of service.
func (c *Core) fill(rows []Method) error {
	table := map[string][]*Method{} // the methods of a name; more than one where dialects share it
	for _, m := range rows {
		if !c.catalogue.Has(m.Name) {
			return fmt.Errorf("method %s has no schema file", m.Name)
		}
		table[m.Name] = append(table[m.Name], &m)
	}
	for name, candidates := range table {
		c.handlers[name] = func(ctx context.Context, call *rpc.Call) (any, error) { return c.serve(ctx, candidates, call) }
	}
	return nil
}

// Run keeps accounts, keys and event types up to date until ctx ends. ready is closed when all that are stored are known; no
// call may be served before.
func (c *Core) Run(ctx context.Context, ready chan<- struct{}) error {
	for change, err := range c.store.Follow(ctx, storage.KindAccount, storage.KindKey, storage.KindEventType) {
		if err != nil {
			return err
		}
		if change.CaughtUp {
			if ready != nil {
				close(ready)
				ready = nil
			}
			continue
		}
		apply := c.directory.apply
		if change.Record.Kind == storage.KindEventType {
			apply = c.types.apply
		}
		if err := apply(change); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Lookup finds the handler of a method, as rpc.Options wants it.
func (c *Core) Lookup(name string) (rpc.Handler, bool) {
	h, ok := c.handlers[name]
	return h, ok
}

// serve lets a call in and carries it out: which form of the method, who calls, are the parameters right, go.
func (c *Core) serve(ctx context.Context, candidates []*Method, in *rpc.Call) (any, error) {
	m, form := choose(candidates, in.Params)
	call := &Call{Operations: c.Operations, Method: m.Name, Form: form, Params: in.Params, session: in.Session, inBatch: in.InBatch()}
	if m.Access != "" {
		caller, err := c.identify(m, in)
		if err != nil {
			return nil, err
		}
		call.Caller = caller
	}
	if call.PublicURL = c.publicURL; call.PublicURL == "" {
		call.PublicURL = in.Session.BaseURL()
	}
	if !m.Raw {
		// A copy, because the caller's bytes are gone when the call ends, and webhooks keep parts of them.
		named, pointer, err := c.catalogue.Bind(m.Name, form, bytes.Clone(in.Params))
		if err != nil {
			return nil, err
		}
		call.Params, call.Pointer = named, pointer
	}
	out, err := m.Run(ctx, call)
	if errors.Is(err, storage.ErrNoRoom) {
		c.log.Error().Str("request", in.Session.RequestID()).Str("method", m.Name).Err(err).Msg("no room for what a call brought")
	}
	return out, refusal(err)
}

// choose takes the first candidate whose Form claims the parameters; the last one stands for the rest.
func choose(candidates []*Method, params json.RawMessage) (*Method, string) {
	for _, m := range candidates[:len(candidates)-1] {
		if form := m.Form(params); form != "" {
			return m, form
		}
	}
	last := candidates[len(candidates)-1]
	if last.Form == nil {
		return last, ""
	}
	return last, last.Form(params)
}
