package methods

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// The notifications of a live subscription.
const (
	notifyEvent = "event"     // {subscription, cursor, event}
	notifyEnd   = "eventsEnd" // {subscription, cursor, reason}: the last one
)

// Why a live subscription ended that nobody asked to end.
const (
	endRevoked = "revoked" // its key is not valid any more
	endFailed  = "failed"  // the server could not read its events
)

const (
	liveStep  = 64                    // events read at a time
	livePoll  = 2 * time.Second       // how often the store is asked though nothing was heard
	liveStill = 20 * time.Millisecond // the same, while the store moves on but had nothing for the account
)

// listener is one live subscription: a place among the account's events, and a goroutine that reads on from there, in the
// store, and pushes what is wanted. It waits while the connection takes nothing, so a slow reader costs no memory and
// misses nothing: the store keeps what is to come.
type listener struct {
	id      string
	account schemas.AccountID
	matcher *delivery.Matcher
	after   uint64 // the number of the last event looked at; the goroutine's
	session *rpc.Session
	broken  bool          // whether an event was met that cannot be decoded, which is logged once; the goroutine's
	turn    chan struct{} // see audience
	admits  func() bool   // whether the key may still read

	store  storage.Archive
	engine *delivery.Engine
	live   *live
	log    zerolog.Logger

	ctx    context.Context // ends with unsubscribeEvents
	cancel context.CancelFunc
	ended  chan struct{} // closed when nothing more is pushed
}

func newListener(c *Call, matcher *delivery.Matcher, after uint64) *listener {
	key := keyOf(c.session.Credential())
	l := &listener{
		id: NewPublicID("live_"), account: c.Caller.Account, matcher: matcher, after: after, session: c.session,
		admits: func() bool {
			caller, ok := c.directory.find(key)
			return ok && caller.Access.Allows(schemas.AccessRead)
		},
		store: c.store, engine: c.engine, live: &c.live, log: c.log, ended: make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// run pushes until the subscription or the connection ends.
func (l *listener) run() {
	defer close(l.ended)
	defer l.live.remove(l)
	defer l.cancel()
	news, end := l.engine.Watch(l.account)
	defer end()
	err := l.follow(news)
	reason := endFailed
	switch {
	case l.ctx.Err() != nil, errors.Is(err, rpc.ErrClosed), errors.Is(err, storage.ErrClosed):
		return
	case errors.Is(err, errRevoked):
		reason = endRevoked
	default:
		l.log.Error().Int64("account", int64(l.account)).Err(err).Msg("a live subscription failed")
	}
	_ = l.push(notifyEnd, "reason", raw(reason)) // the connection may have ended too
}

var errRevoked = errors.New("the key of a live subscription is not valid any more")

// follow reads on and pushes. It returns why it can't go on.
func (l *listener) follow(news <-chan struct{}) error {
	timer := time.NewTimer(livePoll)
	defer timer.Stop()
	for {
		if !l.admits() {
			return errRevoked
		}
		began := l.after
		some, err := l.step()
		switch {
		case err != nil:
			return err
		case some:
			continue
		case l.after > began:
			timer.Reset(liveStill)
		default:
			timer.Reset(livePoll)
		}
		select {
		case <-news:
		case <-timer.C:
		case <-l.session.Done():
			return rpc.ErrClosed
		case <-l.ctx.Done():
			return l.ctx.Err()
		}
	}
}

// step pushes what comes next and reports whether there was any. An event that cannot be decoded is passed over, as the
// store passes over one whose checksum does not fit: the subscription could never get beyond it.
func (l *listener) step() (some bool, err error) {
	got, next, err := l.store.EventsAfter(l.ctx, l.account, l.after, liveStep)
	if err != nil {
		return false, fmt.Errorf("read events: %w", err)
	}
	for _, r := range got {
		l.after = r.Seq
		e, err := schemas.DecodeEvent(r.Body)
		if err != nil {
			l.passOver(r.Seq, err)
			continue
		}
		if !l.matcher.Match(e) {
			continue
		}
		if err := l.push(notifyEvent, "event", shownEvent(l.engine, l.account, r, e, true)); err != nil {
			return false, err
		}
	}
	l.after = next
	return len(got) > 0, nil
}

// passOver says in the log that an event is not pushed; of those that follow nothing is said.
func (l *listener) passOver(event uint64, cause error) {
	if l.broken {
		return
	}
	l.broken = true
	l.log.Error().Int64("account", int64(l.account)).Uint64("event", event).Err(cause).
		Msg("an event cannot be read; live subscriptions pass over it and any other")
}

// cursor is the place the listener has come to.
func (l *listener) cursor() string {
	_, epoch := l.store.Numbering()
	return eventCursor(l.after, epoch)
}

// push sends a notification with the subscription, its place and one more member, once the connection has room for it.
func (l *listener) push(method, member string, value json.RawMessage) error {
	params := make(rpc.Raw, 0, len(value)+128)
	params = append(params, `{"subscription":"`...)
	params = append(params, l.id...)
	params = append(params, `","cursor":"`...)
	params = append(params, l.cursor()...)
	params = append(params, `","`...)
	params = append(params, member...)
	params = append(params, `":`...)
	params = append(append(params, value...), '}')
	select {
	case l.turn <- struct{}{}:
	case <-l.session.Done():
		return rpc.ErrClosed
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
	defer func() { <-l.turn }()
	if err := l.session.WaitRoom(l.ctx); err != nil {
		return err
	}
	return l.session.Notify(method, params)
}
