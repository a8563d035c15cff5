package bolt

import (
	"encoding/base64"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// A page is read in one short transaction, so it is bounded in what it looks at and in what it copies; the cursor says
// where to go on.
const (
	pageLimit = 1000
	pageSteps = 4096    // rows, and partitions, looked at
	pageBytes = 8 << 20 // bodies copied
)

// mark is where a page ended: the event and, in a list of deliveries, the webhook that was looked at last.
type mark struct {
	seq     uint64
	webhook uint64
}

// newest is before everything.
var newest = mark{^uint64(0), ^uint64(0)}

func (m mark) cursor() string {
	return base64.RawURLEncoding.EncodeToString(appendNumber(appendNumber(nil, m.seq), m.webhook))
}

func parseCursor(cursor string) (mark, error) {
	if cursor == "" {
		return newest, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil && len(b) == 16 {
		// The decoder overlooks line breaks and stray bits; only what was given out is taken.
		if m := (mark{number(b), number(b[8:])}); m.cursor() == cursor {
			return m, nil
		}
	}
	return mark{}, schemas.Refuse(schemas.KindInvalidParams, "The cursor is not one that this list gave out.")
}

// pager counts down what a page may still do.
type pager struct {
	from  mark
	last  mark // the last row looked at
	room  int
	steps int
	bytes int
	full  bool
	floor uint64 // what is not newer does not belong to the list
}

func newPager(p storage.Page, r storage.Range) (*pager, error) {
	from, err := parseCursor(p.Cursor)
	if err != nil {
		return nil, err
	}
	if r.Through != 0 && from.seq > r.Through {
		from = mark{seq: r.Through + 1}
	}
	return &pager{
		from: from, last: from, floor: r.After, room: min(max(p.Limit, 1), pageLimit), steps: pageSteps, bytes: pageBytes,
	}, nil
}

// ended reports whether the list ends before an event.
func (p *pager) ended(seq uint64) bool { return seq <= p.floor }

// step reports whether another row, or partition, may be looked at.
func (p *pager) step() bool {
	p.full = p.full || p.room <= 0 || p.steps <= 0 || p.bytes <= 0
	p.steps--
	return !p.full
}

// took counts a row that goes onto the page.
func (p *pager) took(bytes int) {
	p.room--
	p.bytes -= bytes
}

// cursor leads to the next page; "" when the list ended before this one was full.
func (p *pager) cursor() string {
	if !p.full {
		return ""
	}
	return p.last.cursor()
}
