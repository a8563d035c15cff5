package delivery

import (
	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
)

// Matcher says whether an event is wanted, by the rules that webhooks are matched with. It does not change and is safe for
// concurrent use.
type Matcher struct{ account *accountIndex }

// NewMatcher makes a matcher. The error is of a filter that cannot be compiled.
func NewMatcher(match schemas.Match) (*Matcher, error) {
	if _, err := CompileEventFilter(match.Filter); len(match.Filter) > 0 && err != nil {
		return nil, err
	}
	m := &Matcher{newAccountIndex()}
	m.account.link(compile(&schemas.Webhook{State: schemas.StateActive, Match: match}, zerolog.Nop()))
	return m, nil
}

// Match reports whether the event is wanted.
func (m *Matcher) Match(e *schemas.Event) bool { return len(wanted(m.account.candidates(e), e)) > 0 }
