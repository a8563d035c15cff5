package bolt

import (
	"context"
	"errors"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Deliveries lists an account's deliveries, newest event first.
func (s *Store) Deliveries(
	ctx context.Context, a schemas.AccountID, q storage.DeliveryQuery,
) (got []schemas.Delivery, cursor string, err error) {
	page, err := newPager(q.Page, q.Range)
	if err != nil {
		return nil, "", err
	}
	err = s.look(ctx, func(tx *bbolt.Tx) (err error) {
		c := s.calendar.Load()
		l := listing{tx: tx, calendar: c, harm: &s.harm, account: a, query: q, page: page}
		switch {
		case q.Seq != 0:
			l.ofEvent(c.partition(q.Seq))
		default:
			for p := range c.older(page.last.seq) {
				if !page.step() {
					break
				}
				if l.of(p); l.err != nil || page.full || page.ended(p.first) {
					break
				}
				page.last = mark{seq: p.first}
			}
		}
		got = l.got
		return l.err
	})
	if err != nil {
		return nil, "", err
	}
	return got, page.cursor(), nil
}

// listing is a page of deliveries being read.
type listing struct {
	tx       *bbolt.Tx
	calendar *calendar
	harm     *harm
	account  schemas.AccountID
	query    storage.DeliveryQuery
	page     *pager
	got      []schemas.Delivery
	err      error
}

// of reads on in one partition.
func (l *listing) of(p *partition) {
	if l.query.Webhook == 0 {
		below := deliveryKey(nil, storage.Ref{
			Account: l.account, Seq: l.page.last.seq, Webhook: schemas.WebhookID(l.page.last.webhook),
		})
		l.scan(p, accountKey(nil, l.account), below)
		return
	}
	lane := storage.Lane{Account: l.account, Webhook: l.query.Webhook}
	deliveries := partitionBucket(l.tx, p, ofDeliveries)
	descend(partitionBucket(l.tx, p, ofLines), laneKey(nil, lane), lineKey(nil, lane, l.page.last.seq),
		func(k, _ []byte) bool {
			if len(k) != 24 || l.page.ended(number(k[16:])) || !l.page.step() {
				return false
			}
			l.page.last.seq = number(k[16:])
			ref := storage.Ref{Account: lane.Account, Webhook: lane.Webhook, Seq: l.page.last.seq}
			key := deliveryKey(nil, ref)
			if v := deliveries.Get(key); v != nil {
				l.add(ref, key, v)
			}
			return l.err == nil
		})
}

// ofEvent reads the deliveries of the one event that is asked for.
func (l *listing) ofEvent(p *partition) {
	ref := storage.Ref{Account: l.account, Seq: l.query.Seq, Webhook: schemas.WebhookID(l.page.last.webhook)}
	if l.page.last.seq > l.query.Seq {
		ref.Webhook = schemas.WebhookID(newest.webhook)
	}
	if l.page.last.seq < l.query.Seq || l.page.ended(l.query.Seq) {
		return // it is out of the range, or the cursor is of another list
	}
	if l.query.Webhook == 0 {
		l.scan(p, eventKey(nil, l.account, l.query.Seq), deliveryKey(nil, ref))
		return
	}
	if l.query.Cursor != "" || l.query.Through != 0 && l.query.Seq > l.query.Through {
		return
	}
	ref.Webhook = l.query.Webhook
	key := deliveryKey(nil, ref)
	if b := partitionBucket(l.tx, p, ofDeliveries); b != nil {
		if v := b.Get(key); v != nil {
			l.add(ref, key, v)
		}
	}
}

func (l *listing) scan(p *partition, prefix, below []byte) {
	descend(partitionBucket(l.tx, p, ofDeliveries), prefix, below, func(k, v []byte) bool {
		ref, ok := parseDeliveryKey(k)
		if !ok || l.page.ended(ref.Seq) || !l.page.step() {
			return false
		}
		l.page.last = mark{ref.Seq, uint64(ref.Webhook)}
		l.add(ref, k, v)
		return l.err == nil
	})
}

func (l *listing) add(ref storage.Ref, k, v []byte) {
	row, err := decodeDelivery(k, v, ref)
	if err != nil && l.query.Sound {
		l.harm.note(err)
		return
	}
	if err != nil {
		l.err = err
		return
	}
	d := row.delivery(ref)
	if l.query.State != "" && d.State != l.query.State || !l.typed(ref.Seq) {
		return
	}
	l.got = append(l.got, d)
	l.page.took(0)
}

// typed reports whether an event is of one of the types that are asked for.
func (l *listing) typed(seq uint64) bool {
	if len(l.query.Types) == 0 {
		return true
	}
	event, err := getEvent(partitionBucket(l.tx, l.calendar.partition(seq), ofEvents), l.account, seq)
	if err != nil && !errors.Is(err, storage.ErrAbsent) {
		l.err = err
	}
	return err == nil && ofTypes(l.query.Types, event)
}
