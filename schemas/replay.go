package schemas

import (
	"encoding/json"
	"strconv"
	"time"
)

// ReplayState says how far a replay has come.
type ReplayState string

// The states of a replay.
const (
	ReplayRunning   ReplayState = "running"
	ReplayDone      ReplayState = "done"      // all that it was to look at is due again, or was left alone
	ReplayCancelled ReplayState = "cancelled" // its owner ended it; what was due stays due
	ReplayFailed    ReplayState = "failed"    // it cannot go on; Reason says why
)

// Replay is a job that makes events of the past due again, for one webhook or for all of an account. It is a record of the
// store, amended as the job goes on, so that it goes on where it was after a restart.
type Replay struct {
	Account  AccountID `json:"-"`
	ID       int64     `json:"-"` // unique in the account
	Revision uint64    `json:"-"`

	Webhook WebhookID       `json:"webhook,omitempty"` // 0: all of the account
	Since   time.Time       `json:"since,omitzero"`    // events accepted from then on
	Until   time.Time       `json:"until"`             // and before then
	Types   []string        `json:"types,omitempty"`   // patterns, see [MatchEventType]; none: all
	States  []DeliveryState `json:"states,omitempty"`  // deliveries in one of these
	// Unowed takes in events that were not owed to the webhook when they were accepted and match it now.
	Unowed bool `json:"unowed,omitempty"`

	State  ReplayState `json:"state"`
	Reason string      `json:"reason,omitempty"` // one sentence

	// The numbers of the events to look at: greater than After, and up to Through.
	After   uint64 `json:"after"`
	Through uint64 `json:"through"`
	// Passes are the ways through that range which have not come to its end. The first one of a replay for all webhooks is
	// for all that have no other: those were left behind by it, because they had too much to deliver already.
	Passes []ReplayPass `json:"passes,omitempty"`

	Looked   int64     `json:"looked"`            // events looked at
	Replayed int64     `json:"replayed"`          // deliveries made due
	Skipped  int64     `json:"skipped"`           // deliveries left alone, because the webhook is not active
	Position time.Time `json:"position,omitzero"` // when the event looked at last was accepted

	Created   time.Time `json:"created"`
	CreatedBy KeyID     `json:"createdBy,omitempty"`
	Updated   time.Time `json:"updated"`
}

// ReplayTitle is the id of a replay as callers see it.
func ReplayTitle(id int64) string { return "rpl_" + strconv.FormatInt(id, 10) }

// ReplayPass is one way through the events of a replay.
type ReplayPass struct {
	Webhook WebhookID `json:"webhook,omitempty"` // 0: all
	After   uint64    `json:"after"`             // number of the last event looked at
}

// Progress is how much of its range a replay has looked at, from 0 to 1. It tells numbers of events, which other accounts
// share.
func (r *Replay) Progress() float64 {
	if r.State == ReplayDone || r.Through <= r.After {
		return 1
	}
	least := r.Through
	for _, p := range r.Passes {
		least = min(least, p.After)
	}
	return float64(max(least, r.After)-r.After) / float64(r.Through-r.After)
}

// EncodeReplay writes a replay as the store keeps it.
func EncodeReplay(r *Replay) ([]byte, error) { return json.Marshal(r) }

// DecodeReplay reads what [EncodeReplay] wrote and puts back what the store keeps beside it.
func DecodeReplay(body []byte, a AccountID, id int64, revision uint64) (*Replay, error) {
	r := &Replay{Account: a, ID: id, Revision: revision}
	if err := json.Unmarshal(body, r); err != nil {
		return nil, err
	}
	return r, nil
}
