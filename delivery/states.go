package delivery

import (
	"maps"
	"slices"

	"github.com/hookswitch/hookswitch/schemas"
)

// States counts webhooks by schemas.State.
type States struct {
	Active  int `json:"active"`
	Stopped int `json:"stopped"`
	Failing int `json:"failing"`
}

// of is where a webhook is counted.
func (s *States) of(e *entry) *int {
	switch {
	case e.active:
		return &s.Active
	case e.failing:
		return &s.Failing
	}
	return &s.Stopped
}

// states counts all webhooks.
func (x *index) states() States {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var sum States
	for _, a := range x.accounts {
		sum.Active += a.states.Active
		sum.Stopped += a.states.Stopped
		sum.Failing += a.states.Failing
	}
	return sum
}

// statesOf counts an account's webhooks.
func (x *index) statesOf(a schemas.AccountID) States {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if account := x.accounts[a]; account != nil {
		return account.states
	}
	return States{}
}

func (x *index) ofAccount(a schemas.AccountID) ([]schemas.WebhookID, States) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	account := x.accounts[a]
	if account == nil {
		return nil, States{}
	}
	return slices.Sorted(maps.Keys(account.byID)), account.states
}
