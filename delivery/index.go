package delivery

import (
	"slices"
	"strings"
	"sync"
	"unique"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// maxTombstones is how many removals the index remembers, so that a registration that arrives late does not bring a
// removed webhook back. Should it happen all the same, the webhook's lane finds no record and removes it again.
const maxTombstones = 8192

// index knows every webhook by what it wants: 200 to 400 bytes each, bodies stay in the store.
//
// Changes come from two sides, the calls that made them and the store's Follow, in any order; the revision decides.
type index struct {
	log zerolog.Logger

	mu       sync.RWMutex
	accounts map[schemas.AccountID]*accountIndex
	gone     map[storage.Lane]struct{} // ids are never reused: removed once is removed for ever
	order    []storage.Lane            // of gone, a ring
	oldest   int
	pulls    map[storage.Lane]struct{} // webhooks that are pulled
	uses     *uses                     // of those with an IdleTimeout; under no lock but its own
}

// accountIndex is one account's webhooks.
type accountIndex struct {
	byID   map[schemas.WebhookID]*entry
	byName map[string]*entry // by PublicID
	exact  map[string]*postings
	wild   node
	states States
}

func newAccountIndex() *accountIndex {
	return &accountIndex{byID: map[schemas.WebhookID]*entry{}, byName: map[string]*entry{}, exact: map[string]*postings{}}
}

// entry is one webhook. It does not change once it is in the index; a newer revision takes its place.
type entry struct {
	id          schemas.WebhookID
	revision    uint64
	round       uint32 // of Follow, when it was last seen there
	active      bool
	failing     bool
	ordered     bool
	pulled      bool // its deliveries are taken, not sent
	publicID    string
	types       []string
	constraints []schemas.Constraint
	filter      *Filter // nil: none
}

func newIndex(log zerolog.Logger) *index {
	return &index{log: log, accounts: map[schemas.AccountID]*accountIndex{}, gone: map[storage.Lane]struct{}{}, pulls: map[storage.Lane]struct{}{}, uses: newUses()}
}

// knows reports whether a webhook is known at a revision or a later one, and notes the round that listed it.
func (x *index) knows(l storage.Lane, revision uint64, round uint32) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.accounts[l.Account]
	if a == nil {
		return false
	}
	e := a.byID[l.Webhook]
	if e == nil || e.revision < revision {
		return false
	}
	e.round = max(e.round, round)
	return true
}

// put takes a webhook in and says whether the store must look at its lane anew: it became active, ordered or not, or it is
// pulled, or is no longer. An older revision than is known, or one of a removed webhook, changes nothing.
func (x *index) put(w *schemas.Webhook, round uint32) (anew bool) {
	e := compile(w, x.log)
	e.round = round
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, gone := x.gone[storage.Lane{Account: w.Account, Webhook: w.ID}]; gone {
		return false
	}
	a := x.accounts[w.Account]
	if a == nil {
		a = newAccountIndex()
		x.accounts[w.Account] = a
	}
	old := a.byID[e.id]
	if old != nil && old.revision >= e.revision {
		old.round = max(old.round, round)
		return false
	}
	if old != nil {
		a.unlink(old)
	}
	a.link(e)
	x.uses.note(storage.Lane{Account: w.Account, Webhook: w.ID}, idleTimeout(w))
	if e.pulled {
		x.pulls[storage.Lane{Account: w.Account, Webhook: w.ID}] = struct{}{}
	}
	if old == nil {
		return e.pulled
	}
	if old.pulled && !e.pulled {
		delete(x.pulls, storage.Lane{Account: w.Account, Webhook: w.ID})
	}
	return old.pulled != e.pulled || e.active && (!old.active || old.ordered != e.ordered)
}

// compile makes the entry of a webhook, sharing strings that many have in common.
func compile(w *schemas.Webhook, log zerolog.Logger) *entry {
	e := &entry{id: w.ID, revision: w.Revision, active: w.State == schemas.StateActive,
		failing: w.State == schemas.StateFailing, ordered: w.Ordered, pulled: Pulled(w.Endpoint), publicID: w.PublicID}
	if !e.active {
		return e
	}
	e.types = make([]string, 0, len(w.Match.Types))
	for _, t := range w.Match.Types {
		if t = unique.Make(t).Value(); !slices.Contains(e.types, t) {
			e.types = append(e.types, t)
		}
	}
	for _, c := range w.Match.Attributes {
		values := make([]string, len(c.Values))
		for i, value := range c.Values {
			values[i] = unique.Make(value).Value()
		}
		e.constraints = append(e.constraints, schemas.Constraint{Name: unique.Make(c.Name).Value(), Values: values})
	}
	if len(w.Match.Filter) > 0 {
		f, err := CompileEventFilter(w.Match.Filter)
		if err != nil { // registration compiles it too, so this record is from another version
			log.Error().Int64("account", int64(w.Account)).Str("webhook", w.Title()).Err(err).
				Msg("webhook matches nothing: its filter does not compile")
			e.types = nil
		} else if len(f.conditions) > 0 {
			e.filter = f
		}
	}
	return e
}

func (a *accountIndex) link(e *entry) {
	a.byID[e.id] = e
	*a.states.of(e)++
	if e.publicID != "" {
		a.byName[e.publicID] = e
	}
	for _, t := range e.types {
		a.list(t).add(e)
	}
}

func (a *accountIndex) unlink(e *entry) {
	delete(a.byID, e.id)
	*a.states.of(e)--
	if e.publicID != "" && a.byName[e.publicID] == e {
		delete(a.byName, e.publicID)
	}
	for _, t := range e.types {
		list := a.list(t)
		list.remove(e)
		if !list.empty() {
			continue
		}
		if strings.Contains(t, "*") {
			a.wild.prune(strings.Split(t, "."))
		} else {
			delete(a.exact, t)
		}
	}
}

// list is where webhooks that want a type or pattern stand; it is made when there is none.
func (a *accountIndex) list(t string) *postings {
	if strings.Contains(t, "*") {
		return a.wild.list(strings.Split(t, "."))
	}
	if a.exact[t] == nil {
		a.exact[t] = &postings{}
	}
	return a.exact[t]
}

// remove takes a webhook out for good and says whether that is news.
func (x *index) remove(l storage.Lane) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, gone := x.gone[l]; gone {
		return false
	}
	x.gone[l] = struct{}{}
	delete(x.pulls, l)
	x.uses.note(l, 0)
	if len(x.order) < maxTombstones {
		x.order = append(x.order, l)
	} else {
		delete(x.gone, x.order[x.oldest])
		x.order[x.oldest] = l
		x.oldest = (x.oldest + 1) % maxTombstones
	}
	if a := x.accounts[l.Account]; a != nil {
		if e := a.byID[l.Webhook]; e != nil {
			a.unlink(e)
		}
		if len(a.byID) == 0 {
			delete(x.accounts, l.Account)
		}
	}
	return true
}

// waits reports whether a webhook is known and its deliveries stay where they are: it is not active, or it is pulled.
func (x *index) waits(l storage.Lane) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.entry(l)
	return e != nil && (!e.active || e.pulled)
}

// atBirth reports whether this node may take deliveries of a webhook the moment they are accepted. Not where the store keeps
// their order, nor where they are pulled.
func (x *index) atBirth(l storage.Lane) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.entry(l)
	return e == nil || !e.ordered && !e.pulled
}

// standing reports whether a webhook is known, and whether it is active.
func (x *index) standing(l storage.Lane) (known, active bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.entry(l)
	return e != nil, e != nil && e.active
}

// ordered reports whether a webhook is delivered to in order.
func (x *index) ordered(l storage.Lane) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.entry(l)
	return e != nil && e.ordered
}

// activeSince reports whether a webhook is active at a later revision than the one given.
func (x *index) activeSince(l storage.Lane, revision uint64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.entry(l)
	return e != nil && e.active && e.revision > revision
}

func (x *index) entry(l storage.Lane) *entry {
	if a := x.accounts[l.Account]; a != nil {
		return a.byID[l.Webhook]
	}
	return nil
}

func (x *index) byPublicID(a schemas.AccountID, publicID string) (schemas.WebhookID, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if account := x.accounts[a]; account != nil {
		if e := account.byName[publicID]; e != nil {
			return e.id, true
		}
	}
	return 0, false
}

// title is a webhook's id as its callers see it; the number of one that is not known here.
func (x *index) title(l storage.Lane) string {
	w := schemas.Webhook{ID: l.Webhook, PublicID: x.publicIDs(l.Account, []schemas.WebhookID{l.Webhook})[0]}
	return w.Title()
}

// publicIDs are the string forms of webhooks' ids, "" of those that have none or are not known here.
func (x *index) publicIDs(a schemas.AccountID, ids []schemas.WebhookID) []string {
	out := make([]string, len(ids))
	x.mu.RLock()
	defer x.mu.RUnlock()
	account := x.accounts[a]
	for i, id := range ids {
		if account != nil && account.byID[id] != nil {
			out[i] = account.byID[id].publicID
		}
	}
	return out
}
