package methods

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

var replayMethods = []Method{
	{Name: "replayEvents", Access: schemas.AccessFull, Run: replayEvents},
	{Name: "getReplay", Access: schemas.AccessRead, Run: getReplay},
	{Name: "listReplays", Access: schemas.AccessRead, Run: listReplays},
	{Name: "cancelReplay", Access: schemas.AccessFull, Run: cancelReplay},
}

// Bounds of an account's replays: how many run at once, and how many records are kept of those that have ended.
const (
	maxReplays  = 4
	keptReplays = 100
)

// replayDocument shows a replay.
type replayDocument struct {
	ID       string                  `json:"id"`
	State    schemas.ReplayState     `json:"state"`
	Reason   string                  `json:"reason,omitempty"`
	Webhook  any                     `json:"webhook,omitempty"` // absent: all
	Since    time.Time               `json:"since,omitzero"`
	Until    time.Time               `json:"until"`
	Types    []string                `json:"types,omitempty"`
	States   []schemas.DeliveryState `json:"states,omitempty"`
	Looked   int64                   `json:"looked"`
	Replayed int64                   `json:"replayed"`
	Skipped  int64                   `json:"skipped"`
	Percent  float64                 `json:"percent"`
	Position time.Time               `json:"position,omitzero"`
	Created  time.Time               `json:"created"`
	Updated  time.Time               `json:"updated"`
}

func (n *names) replay(ctx context.Context, r *schemas.Replay) (replayDocument, error) {
	out := replayDocument{
		ID: schemas.ReplayTitle(r.ID), State: r.State, Reason: r.Reason, Since: r.Since, Until: r.Until, Types: r.Types,
		Looked: r.Looked, Replayed: r.Replayed, Skipped: r.Skipped, Percent: math.Floor(1000*r.Progress()) / 10,
		Position: r.Position, Created: r.Created, Updated: r.Updated,
	}
	if !r.Unowed { // else they are all that are closed
		out.States = r.States
	}
	var err error
	if r.Webhook != 0 {
		out.Webhook, err = n.webhook(ctx, r.Webhook)
	}
	return out, err
}

var errNoReplay = schemas.Refuse(schemas.KindNoReplay, "There is no replay of that id")

// closedStates are the states of deliveries that can be made due again.
var closedStates = []schemas.DeliveryState{schemas.DeliveryDelivered, schemas.DeliveryDead, schemas.DeliveryDiscarded}

// replayEvents starts a job; the engine, which follows the records of replays, runs it.
func replayEvents(ctx context.Context, c *Call) (any, error) {
	r, err := c.newReplay(ctx)
	if err != nil {
		return nil, err
	}
	// The number of an account's replays is looked at and changed by one call at a time.
	c.replaying.Lock()
	defer c.replaying.Unlock()
	if err := c.makeRoomForReplay(ctx, c.Caller.Account); err != nil {
		return nil, err
	}
	body, err := schemas.EncodeReplay(r)
	if err != nil {
		return nil, fmt.Errorf("encode replay: %w", err)
	}
	got, _, err := c.store.Register(ctx, storage.Record{Kind: storage.KindReplay, Account: r.Account, Body: body},
		c.entryOf(schemas.ReplayTitle, "replay.started"))
	if err != nil {
		return nil, fmt.Errorf("register replay: %w", err)
	}
	r.ID = got.ID
	return newNames(c).replay(ctx, r)
}

// newReplay makes a replay of what the caller asks for, and finds the events that it is about.
func (c *Call) newReplay(ctx context.Context) (*schemas.Replay, error) {
	var p struct {
		period
		Webhook    jsonText                `json:"webhook"`
		Types      []string                `json:"types"`
		OnlyFailed bool                    `json:"onlyFailed"`
		States     []schemas.DeliveryState `json:"states"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	r := &schemas.Replay{
		Account: c.Caller.Account, Since: p.Since.UTC(), Until: now, Types: p.Types, States: p.States,
		State: schemas.ReplayRunning, Created: now, CreatedBy: c.Caller.Key, Updated: now,
	}
	if !p.Until.IsZero() && p.Until.Before(now) {
		r.Until = p.Until.UTC()
	}
	switch {
	case !r.Since.Before(r.Until):
		return nil, invalid(c.Pointer("since"), "must be before until, and before now")
	case p.OnlyFailed && p.States != nil:
		return nil, invalid(c.Pointer("onlyFailed"), `stands for the states "dead" and "discarded": give it or states, not both`)
	case p.OnlyFailed:
		r.States = closedStates[1:]
	case p.States == nil && p.Webhook == "":
		return nil, invalid(c.Pointer("webhook"), "must be given, or else onlyFailed or states: all events can be replayed to one webhook at a time")
	case p.States == nil:
		r.States, r.Unowed = closedStates, true
	}
	if p.Webhook != "" {
		w, err := c.activeWebhook(ctx, string(p.Webhook))
		if err != nil {
			return nil, err
		}
		r.Webhook = w.ID
	}
	return r, c.findRange(ctx, r)
}

// activeWebhook reads a webhook that deliveries can be made to.
func (c *Call) activeWebhook(ctx context.Context, name string) (*schemas.Webhook, error) {
	id, err := c.webhookID(c, name)
	if err != nil {
		return nil, err
	}
	w, err := c.Webhook(ctx, c, id)
	if err == nil && w.State != schemas.StateActive {
		err = schemas.Refuse(schemas.KindWrongState, "The webhook is %s: its deliveries wait until it is active again", w.State)
	}
	return w, err
}

// findRange finds the numbers of a replay's events. It begins right before the first that there is, so that progress
// begins at nothing.
func (c *Call) findRange(ctx context.Context, r *schemas.Replay) error {
	events, _, err := period{r.Since, r.Until}.events(ctx, c)
	if err != nil {
		return err
	}
	r.After, r.Through = events.After, events.Through
	first, _, err := c.store.EventsAfter(ctx, r.Account, r.After, 1)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	if len(first) > 0 {
		r.After = first[0].Seq - 1
	}
	r.Passes = []schemas.ReplayPass{{Webhook: r.Webhook, After: r.After}}
	return nil
}

// makeRoomForReplay refuses another replay while enough of the account's run, and removes the oldest that have ended when
// there are many.
func (o *Operations) makeRoomForReplay(ctx context.Context, a schemas.AccountID) error {
	records, err := o.allReplays(ctx, a)
	if err != nil {
		return err
	}
	running := 0
	var ended []int64
	for _, record := range records {
		r, err := decodeReplay(record)
		switch {
		case err != nil:
			return err
		case r.State == schemas.ReplayRunning:
			running++
		default:
			ended = append(ended, r.ID)
		}
	}
	if running >= maxReplays {
		return schemas.Refuse(schemas.KindTooMany, "%d replays of the account are running: wait for one of them, or cancel it", running)
	}
	for _, id := range ended[:max(0, len(ended)-keptReplays+1)] {
		if _, err := o.store.Remove(ctx, storage.KindReplay, a, id, 0); err != nil && !errors.Is(err, storage.ErrAbsent) {
			return fmt.Errorf("remove replay %d: %w", id, err)
		}
	}
	return nil
}

// allReplays are the replays of an account, oldest first. There are few: starts that race with each other may keep some more
// than are meant to be kept, which the next start removes.
func (o *Operations) allReplays(ctx context.Context, a schemas.AccountID) ([]storage.Record, error) {
	records, err := o.store.List(ctx, storage.KindReplay, a, 0, 10*(maxReplays+keptReplays))
	if err != nil {
		return nil, fmt.Errorf("list replays: %w", err)
	}
	return records, nil
}

func decodeReplay(r storage.Record) (*schemas.Replay, error) {
	got, err := schemas.DecodeReplay(r.Body, r.Account, r.ID, r.Revision)
	if err != nil {
		return nil, fmt.Errorf("decode replay %d of account %d: %w", r.ID, r.Account, err)
	}
	return got, nil
}

// replay reads the replay that the parameter id names.
func (c *Call) replay(ctx context.Context) (*schemas.Replay, error) {
	var p struct {
		ID string `json:"id"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(strings.TrimPrefix(p.ID, "rpl_"), 10, 64)
	if err != nil || schemas.ReplayTitle(id) != p.ID {
		return nil, errNoReplay
	}
	r, err := c.store.Get(ctx, storage.KindReplay, c.Caller.Account, id)
	if errors.Is(err, storage.ErrAbsent) {
		return nil, errNoReplay
	}
	if err != nil {
		return nil, fmt.Errorf("read replay %d: %w", id, err)
	}
	return decodeReplay(r)
}

func getReplay(ctx context.Context, c *Call) (any, error) {
	r, err := c.replay(ctx)
	if err != nil {
		return nil, err
	}
	return newNames(c).replay(ctx, r)
}

func listReplays(ctx context.Context, c *Call) (any, error) {
	var p page
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	before, err := p.after(c)
	if err != nil {
		return nil, err
	}
	records, err := c.allReplays(ctx, c.Caller.Account)
	if err != nil {
		return nil, err
	}
	n, out := newNames(c), list{Items: []any{}}
	for i, record := range slices.Backward(records) {
		if before > 0 && record.ID >= before {
			continue
		}
		r, err := decodeReplay(record)
		if err != nil {
			return nil, err
		}
		shown, err := n.replay(ctx, r)
		if err != nil {
			return nil, err
		}
		if out.Items = append(out.Items, shown); len(out.Items) == p.size() && i > 0 {
			out.Cursor = strconv.FormatInt(r.ID, 10)
			break
		}
	}
	return out, nil
}

// cancelReplay ends a running replay; one that has ended stays as it is.
func cancelReplay(ctx context.Context, c *Call) (any, error) {
	for {
		r, err := c.replay(ctx)
		if err != nil {
			return nil, err
		}
		if r.State != schemas.ReplayRunning {
			return newNames(c).replay(ctx, r)
		}
		r.State, r.Updated = schemas.ReplayCancelled, time.Now().UTC()
		body, err := schemas.EncodeReplay(r)
		if err != nil {
			return nil, fmt.Errorf("encode replay: %w", err)
		}
		_, err = c.store.Amend(ctx, storage.Record{
			Kind: storage.KindReplay, Account: r.Account, ID: r.ID, Revision: r.Revision, Body: body,
		}, c.entryOf(schemas.ReplayTitle, "replay.cancelled"))
		switch {
		case errors.Is(err, storage.ErrConflict), errors.Is(err, storage.ErrAbsent):
			continue // the job has gone on meanwhile
		case err != nil:
			return nil, fmt.Errorf("amend replay %d: %w", r.ID, err)
		}
		return newNames(c).replay(ctx, r)
	}
}
