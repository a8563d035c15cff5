package methods

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Pushing names the methods whose answers a push must not overtake, as rpc.Options wants it.
func Pushing() []string { return []string{"subscribeEvents"} }

var liveMethods = []Method{
	{Name: "subscribeEvents", Access: schemas.AccessRead, Run: subscribeEvents},
	{Name: "unsubscribeEvents", Access: schemas.AccessRead, Run: unsubscribeEvents},
}

// Bounds of live subscriptions: each has a goroutine.
const (
	maxLive          = 4096 // in all
	maxLiveOfSession = 32   // of one connection
)

// live is the live subscriptions of all connections.
type live struct {
	mu       sync.Mutex
	sessions map[*rpc.Session]*audience // guarded by mu
	count    int                        // guarded by mu; of listeners
}

// audience is the live subscriptions of one connection.
type audience struct {
	turn      chan struct{} // holds one while a listener pushes: what one waits for, room for one push, is not several's
	listeners map[string]*listener
}

// add takes a listener in.
func (v *live) add(l *listener) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	a := v.sessions[l.session]
	if a == nil {
		a = &audience{make(chan struct{}, 1), map[string]*listener{}}
	}
	if v.count >= maxLive {
		return schemas.Refuse(schemas.KindTooMany, "The server has as many live subscriptions as it can; try again later")
	}
	if len(a.listeners) >= maxLiveOfSession {
		return schemas.Refuse(schemas.KindTooMany, "One connection may have %d live subscriptions", maxLiveOfSession)
	}
	if v.sessions == nil {
		v.sessions = map[*rpc.Session]*audience{}
	}
	l.turn, a.listeners[l.id], v.sessions[l.session] = a.turn, l, a
	v.count++
	return nil
}

// remove lets a listener go that has ended.
func (v *live) remove(l *listener) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a := v.sessions[l.session]
	delete(a.listeners, l.id)
	if len(a.listeners) == 0 {
		delete(v.sessions, l.session)
	}
	v.count--
}

// find is a connection's listener of that name, nil if there is none.
func (v *live) find(s *rpc.Session, id string) *listener {
	v.mu.Lock()
	defer v.mu.Unlock()
	if a := v.sessions[s]; a != nil {
		return a.listeners[id]
	}
	return nil
}

// subscribeEvents begins to push the account's events, new ones or all since a known one, to the caller's connection.
func subscribeEvents(ctx context.Context, c *Call) (any, error) {
	if !c.session.CanPush() {
		return nil, schemas.Refuse(schemas.KindWrongState, "Events can be pushed over a WebSocket only; pullEvents works over any connection")
	}
	matcher, err := c.liveMatcher()
	if err != nil {
		return nil, err
	}
	after, err := c.livePosition(ctx)
	if err != nil {
		return nil, err
	}
	l := newListener(c, matcher, after)
	if err := c.live.add(l); err != nil {
		return nil, err
	}
	begins := l.cursor()
	go l.run() // until the connection ends, or unsubscribeEvents
	return map[string]any{"subscription": l.id, "cursor": begins}, nil
}

// liveMatcher is what a live subscription wants.
func (c *Call) liveMatcher() (*delivery.Matcher, error) {
	var p struct {
		Events []string        `json:"events"`
		Filter json.RawMessage `json:"filter"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	if p.Events == nil {
		p.Events = []string{"*"}
	}
	matcher, err := delivery.NewMatcher(schemas.Match{Types: p.Events, Filter: p.Filter})
	if err != nil {
		return nil, filterRefused(c, err)
	}
	return matcher, nil
}

// livePosition is the number after which a live subscription begins: an event's, a cursor's, else the newest event's.
func (c *Call) livePosition(ctx context.Context) (uint64, error) {
	var p struct {
		After  string `json:"after"`
		Cursor string `json:"cursor"`
	}
	if err := c.Decode(&p); err != nil {
		return 0, err
	}
	switch {
	case p.After != "" && p.Cursor != "":
		return 0, invalid(c.Pointer("cursor"), "must not be there beside after")
	case p.After != "":
		e, err := c.eventNamed(ctx, p.After)
		return e.Seq, err
	case p.Cursor != "":
		return c.placeOf(p.Cursor)
	}
	return c.newest(ctx, c.Caller.Account)
}

// eventCursor is the place after an event, in an epoch of the store's numbers.
func eventCursor(seq, epoch uint64) string {
	return strconv.FormatUint(seq, 10) + "-" + strconv.FormatUint(epoch, 36)
}

// placeOf reads a cursor. One of another epoch is of events that this store never had, or has under other numbers: to go on
// from there would pass over events without a word.
func (c *Call) placeOf(cursor string) (uint64, error) {
	place, of, _ := strings.Cut(cursor, "-")
	after, err := strconv.ParseUint(place, 10, 64)
	theirs, wrong := strconv.ParseUint(of, 36, 64)
	if err != nil || wrong != nil || eventCursor(after, theirs) != cursor {
		return 0, invalid(c.Pointer("cursor"), "is not a cursor of events")
	}
	if newest, epoch := c.store.Numbering(); theirs != epoch || after > newest {
		return 0, schemas.Refuse(schemas.KindNoEvent,
			"The cursor is of another store, or of before a backup was restored: begin after an event, or with what is new")
	}
	return after, nil
}

// newest is the number of an account's newest event, 0 without any.
func (o *Operations) newest(ctx context.Context, a schemas.AccountID) (uint64, error) {
	for q := (storage.EventQuery{Page: storage.Page{Limit: 1}}); ; {
		got, cursor, err := o.store.Events(ctx, a, q)
		if err != nil {
			return 0, fmt.Errorf("find the newest event: %w", err)
		}
		if len(got) > 0 {
			return got[0].Seq, nil
		}
		if q.Cursor = cursor; cursor == "" {
			return 0, nil
		}
	}
}

// unsubscribeEvents ends a live subscription: nothing of it is pushed after the answer.
func unsubscribeEvents(ctx context.Context, c *Call) (any, error) {
	var p struct {
		Subscription string `json:"subscription"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	l := c.live.find(c.session, p.Subscription)
	if l == nil {
		return nil, invalid(c.Pointer("subscription"), "is not a live subscription of this connection")
	}
	l.cancel()
	select {
	case <-l.ended:
		return true, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
