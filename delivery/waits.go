package delivery

import (
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Waits says for each of an account's deliveries what it waits for, beside its time, as far as this node's memory knows:
// WaitNothing where that is only its time, where it is under way, and where it is closed.
func (e *Engine) Waits(list []schemas.Delivery) []schemas.Wait {
	now := time.Now()
	out := make([]schemas.Wait, len(list))
	var taken, sent []int // places in list of those that are due at an active webhook
	for i, d := range list {
		if !d.State.Open() {
			continue
		}
		l := storage.Lane{Account: d.Account, Webhook: d.Webhook}
		known, active := e.index.standing(l)
		switch {
		case !known:
		case !active:
			out[i] = schemas.WaitWebhook
		case d.Next.After(now):
		case e.index.pulled(l):
			taken = append(taken, i)
		default:
			sent = append(sent, i)
		}
	}
	if len(taken) > 0 {
		inHand := e.hands.refs()
		for _, i := range taken {
			out[i] = schemas.WaitPull
			if _, is := inHand[deliveryRef(list[i])]; is {
				out[i] = schemas.WaitAck
			}
		}
	}
	if len(sent) > 0 {
		e.dispatcher.waits(list, sent, out, e.index.ordered)
	}
	return out
}

func deliveryRef(d schemas.Delivery) storage.Ref {
	return storage.Ref{Account: d.Account, Webhook: d.Webhook, Seq: d.Seq}
}

// refs are the deliveries that somebody has taken and not acknowledged yet.
func (h *hands) refs() map[storage.Ref]struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	refs := make(map[storage.Ref]struct{}, len(h.held))
	for g := range h.held {
		refs[g.ref] = struct{}{}
	}
	return refs
}

// waits fills in what keeps those of a list back that are due.
func (d *dispatcher) waits(list []schemas.Delivery, due []int, out []schemas.Wait, ordered func(storage.Lane) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	begun := d.begun()
	for _, i := range due {
		ref := deliveryRef(list[i])
		if _, is := begun[ref]; is {
			continue
		}
		l := d.lanes[ref.Lane()]
		switch {
		case l != nil && l.blocked():
			out[i] = schemas.WaitEndpoint
		case ordered(ref.Lane()):
			out[i] = schemas.WaitTurn
		case l != nil && l.limited() && !l.rate.open():
			out[i] = schemas.WaitRate
		}
	}
}

// begun are the deliveries in this node's hands that are not queued any more: under way, or being settled. The lock is held.
func (d *dispatcher) begun() map[storage.Ref]struct{} {
	refs := make(map[storage.Ref]struct{})
	for it := range d.items {
		refs[it.held.Ref] = struct{}{}
	}
	for _, l := range d.lanes {
		for _, it := range l.queue {
			delete(refs, it.held.Ref)
		}
	}
	return refs
}
