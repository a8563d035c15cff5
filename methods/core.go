package methods

import (
	"context"
	"encoding/json"
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

// Options is what a Core works with. Store, Engine, Catalogue and Dialects are needed.
type Options struct {
	Store     storage.Store
	Engine    *delivery.Engine
	Catalogue *schemas.Catalogue
	Dialects  []Dialect
	// PublicURL is the base of the links given out; "" takes the address each caller used.
	PublicURL string
	// Window is how long a repeated event id is answered with the first result; 0 means 24 hours.
	Window time.Duration
	Log    zerolog.Logger
}

// Core is the RPC methods of one server.
type Core struct {
	*Operations
	directory *directory
	publicURL string
	table     map[string][]*Method // the methods of a name; more than one where dialects share it
	log       zerolog.Logger
}

// New makes the table of methods. It fails when a dialect or a method has no schema file: a fault of the program.
func New(o Options) (*Core, error) {
	if o.Window == 0 {
		o.Window = 24 * time.Hour
	}
	c := &Core{
		directory: newDirectory(),
		publicURL: strings.TrimSuffix(o.PublicURL, "/"),
		table:     map[string][]*Method{},
		log:       o.Log,
	}
	c.Operations = &Operations{
		store: o.Store, engine: o.Engine, catalogue: o.Catalogue, window: o.Window,
		dialects: map[string]*Dialect{}, directory: c.directory,
	}
	rows := slices.Concat(accountMethods, webhookMethods, subscriptionMethods, eventMethods, deliveryMethods)
	for _, d := range o.Dialects {
		if c.dialects[d.Name] != nil {
			return nil, fmt.Errorf("dialect %s is there twice", d.Name)
		}
		c.dialects[d.Name] = &d
		rows = slices.Concat(d.Methods, rows) // a dialect's own form of a shared name is asked first
	}
	for _, m := range rows {
		if !o.Catalogue.Has(m.Name) {
			return nil, fmt.Errorf("method %s has no schema file", m.Name)
		}
		c.table[m.Name] = append(c.table[m.Name], &m)
	}
	for _, name := range o.Catalogue.Names() {
		if c.table[name] == nil && !strings.HasPrefix(name, "rpc.") {
			return nil, fmt.Errorf("schema file of %s has no method", name)
		}
	}
	return c, nil
}

// Run keeps accounts and keys up to date until ctx ends. ready is closed when all that are stored are known; no call may
// be served before.
func (c *Core) Run(ctx context.Context, ready chan<- struct{}) error {
	return c.directory.follow(ctx, c.store, ready)
}

// Lookup finds the handler of a method, as rpc.Options wants it.
func (c *Core) Lookup(name string) (rpc.Handler, bool) {
	candidates, ok := c.table[name]
	if !ok {
		return nil, false
	}
	return func(ctx context.Context, call *rpc.Call) (any, error) { return c.serve(ctx, candidates, call) }, true
}

// serve lets a call in and carries it out: which form of the method, who calls, are the parameters right, go.
func (c *Core) serve(ctx context.Context, candidates []*Method, in *rpc.Call) (any, error) {
	m, form := choose(candidates, in.Params)
	call := &Call{Operations: c.Operations, Method: m.Name, Form: form, Params: in.Params, session: in.Session}
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
		named, pointer, err := c.catalogue.Bind(m.Name, form, in.Params)
		if err != nil {
			return nil, err
		}
		call.Params, call.Pointer = named, pointer
	}
	return m.Run(ctx, call)
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
