// Package delivery carries events out: it knows which webhooks want an event, keeps what is owed to each in a lane of its
// own, sends, judges, retries and stops webhooks that have had their chances. What differs between dialects comes in as a
// [Format]; what is durable is the store's.
//
// # From publish to delivered
//
//	Publish (publish.go)
//	 ├─ index.match (match.go, filter.go)         which active webhooks want it: types, attributes, filter
//	 ├─ dispatcher.reserve (dispatch.go)          room in this node's window? then it is leased at birth
//	 ├─ Store.Accept                              durable; from here on it is owed
//	 └─ dispatcher.admit ── lane (lane.go)        handed over as it is, not read back
//
//	claimLoop (claim.go) ── Store.Claim ── admit  retries, what had no room, what an earlier process left
//
//	work (carry.go), up to MaxInFlight of them    takes lanes in turn (dispatcher.take, ring.go, places.go)
//	 ├─ load                                      a cold lane's first: read the webhook's record, open, park or drop the lane
//	 └─ carry
//	     ├─ Format.Build                          1 to Policy.Batch deliveries in one request
//	     ├─ sender.send (sender.go)               guarded dialler (dial.go, guard.go), one POST, no redirect
//	     ├─ Format.Judge                          the Verdict
//	     ├─ NextWait (retry.go)                   done, again later, or dead
//	     └─ settler.add (settle.go)               outcomes gather while one Store.Settle is under way
//	         └─ weigh (effect.go)                 410, given up, failing for days: stop or remove the webhook and say so
//	             └─ say (announce.go)             in its vendor's own words too, where the vendor has some
//
//	Try (try.go) ── exchange, Judge               one event, once, with no record kept: does the receiver answer?
//
//	replayLoop (replay.go)                        jobs that make deliveries of the past due, a step of each in turn
//	 └─ stepReplay (replaystep.go)              Store.EventsAfter, which of them, Store.Replay ── claimLoop
//
// follow.go keeps the index in step with the store; claim.go also extends the leases of what is held. window.go counts
// what is held and whom a claim passes over, phase.go is what changes a lane's phase, failure.go and record.go are what is
// written down of an attempt. Dialects share fields.go, headers.go and sign.go.
//
// # States
//
// A delivery, in the store: pending → (retrying →)* delivered, dead or discarded. In this node's hands it is an item:
// reserved → queued in its lane → under way → being settled → let go. It leaves early when it is given back (Release) or
// when its lease is lost. A crash anywhere leaves the lease to run out, and the delivery is made again: at least once,
// with the same event id.
//
// A lane: cold → loading → open → cold again when its webhook changes. Halted while its webhook is stopped or removed, and
// while what it held is given back; then cold. Lanes without deliveries are kept for a while, for the record they hold.
//
// # One slow endpoint never holds up another
//
// MaxInFlight places make the pool; one of them is free within a second, whatever the endpoints do (places.go):
//
//   - An exchange that lasts longer than slowExchange (1 s) leaves the pool for a slow place, of which there are eight
//     times as many, and its worker goes home when it ends. Its lane is trailing from that moment on.
//   - A lane whose last exchange was slow or failed, or that has a late one, is trailing. Trailing lanes are taken from a
//     ring of their own and may together use half of the pool, and begin nothing while half of the slow places are
//     taken: the others are for lanes not yet known to be slow.
//   - A lane takes at most a quarter of the pool, and with its slow exchanges a quarter of all places. It begins with one
//     exchange at a time, and shrinks to one while it does not answer.
//   - Accounts are taken in turn (ring.go), and none has more than three quarters of all places.
//
// Within one account lanes are taken in turn too, so that many endpoints that begin to hang in the same moment cost the
// rest of it a second for each MaxInFlight of them. Only when several accounts together have filled all slow places does a
// late exchange keep its place of the pool until one is free.
//
// The window is shared likewise (window.go): half of it, in number and in bytes, for trailing lanes together, a quarter
// for one lane, and its last eighth for lanes that hold nothing yet. A lane that falls behind while trailing lanes hold too
// much gives its queue back. What the window has no room for stays in the store, whatever its amount.
//
// # Order and rate
//
// An ordered webhook has one exchange under way, and the next begins when the store has the end of the one before (order.go).
// The store keeps the order, not this package: Claim is asked for the lane in the order of its events (storage.Ask.InOrder),
// and hands nothing out behind a delivery that waits for its retry. So order holds over restarts and, as long as leases
// hold, over nodes. Nothing is leased at birth, and a lane that fails gives its queue back.
//
// A webhook's rate is a token bucket of its lane on this node (limit.go), which is full when the lane is new. The lane holds
// no more than it may send within a second, the rest waits in the store, so that it does not fill the window; a timer looks
// at it again when its next delivery may begin.
package delivery
