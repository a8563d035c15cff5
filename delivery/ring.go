package delivery

import "github.com/hookswitch/hookswitch/schemas"

// ring is where lanes stand that have something to start. Accounts are taken in turn, and the lanes of each: however many
// lanes an account has, it is one among the others.
type ring struct {
	lines []*line
	of    map[schemas.AccountID]*line
}

// line is an account's part of a ring. It has a lane at least.
type line struct {
	account schemas.AccountID
	lanes   []*lane
}

func newRing() ring { return ring{of: map[schemas.AccountID]*line{}} }

func (r *ring) push(l *lane) {
	l.ready = true
	q := r.of[l.key.Account]
	if q == nil {
		q = &line{account: l.key.Account}
		r.of[q.account] = q
		r.lines = append(r.lines, q)
	}
	q.lanes = append(q.lanes, l)
}

// pop takes the next lane, those of accounts that are barred excepted; nil when there is none.
func (r *ring) pop(barred func(schemas.AccountID) bool) *lane {
	for range len(r.lines) {
		q := r.lines[0]
		r.lines[0] = nil
		r.lines = r.lines[1:]
		if barred(q.account) {
			r.lines = append(r.lines, q)
			continue
		}
		l := q.lanes[0]
		q.lanes[0] = nil
		if q.lanes = q.lanes[1:]; len(q.lanes) > 0 {
			r.lines = append(r.lines, q)
		} else {
			delete(r.of, q.account)
		}
		l.ready = false
		return l
	}
	return nil
}
