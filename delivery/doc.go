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
//	     ├─ deliver (destination.go)                as whom: Authorization, a client certificate; access tokens (token.go)
//	     ├─ sender.send (sender.go)               guarded dialler (dial.go, guard.go), one POST, no redirect
//	     │   └─ ways (ways.go)                    over a socket of ours (sockets.go, socket.go), or with an http.Transport
//	     ├─ Format.Judge                          the Verdict
//	     ├─ NextWait (retry.go)                   done, again later, or dead
//	     ├─ dispatcher.learn (breaker.go)         does anybody answer at that host?
//	     └─ settler.add (settle.go)               outcomes gather while one Store.Settle is under way
//	         └─ weigh (effect.go)                 410, given up, failing for days: stop or remove the webhook and say so
//	             └─ say (announce.go)             in its vendor's own words too, where the vendor has some
//
//	Try (try.go) ── exchange, Judge               one event, once, with no record kept: does the receiver answer?
//
//	replayLoop (replay.go)                        jobs that make deliveries of the past due, a step of each in turn
//	 └─ stepReplay (replaystep.go)              Store.EventsAfter, which of them, Store.Replay ── claimLoop
//
//	Pull, Acknowledge (pull.go)                   a webhook that is pulled: its owner takes the place of all below Accept; taken.go
//	                                              ends what is never acknowledged, and what nobody takes
//
// follow.go keeps the index in step with the store; claim.go also extends the leases of what is held. window.go counts
// what is held and whom a claim passes over, phase.go is what changes a lane's phase, failure.go, record.go and resent.go are
// what is written down of an attempt, lastword.go hears why a connection ended, report.go and trace.go tell the
// log, the observer and the tracer of it. states.go counts webhooks. Dialects share fields.go, headers.go, sign.go and credentials.go. Whoever waits for an event, to see it (matcher.go)
// or to take it, is woken by bells.go.
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
//     taken: the others are for lanes not yet known to be slow. Their exchanges leave the pool one after the other, so that
//     what began together does not go on together.
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
// # A dead origin costs one probe
//
// Lanes of one account whose endpoints have the same scheme, host and port share an origin (breaker.go). Three exchanges in
// a row that show that nobody is there, by DNS, connect, TLS or time-out, open its breaker; an answer of any status closes
// it. While it is open its lanes hold nothing: what is published and what was queued stays in the store, and claims pass
// over it. One exchange at a time, the probe, begins after a back-off of 1 s to 1 min; a claim brings it, of each lane in turn,
// because a path may hang where the next one answers. For the same reason time-outs open it only for lanes that have failed
// themselves: the others go on, and the first answer closes it. An open breaker is of one account: nobody learns from another's.
//
// Waiting counts no attempt. A probe counts for the delivery it carries, which then follows its own schedule. The others
// cannot wait for probes of their own: at one a minute, a million of them would take two years, and dialects that never
// stop a webhook would owe them for ever. Nor can attempts be made up for them while they wait, or an hour's outage
// would use up what was to last for days. So each ages by the clock: its time is over when its whole schedule would have
// been, and a probe that begins after that and fails stands for its last attempt. It is then given up (abandon.go), with a
// record that says so, and counts against its webhook like any failed attempt. To find these, a blocked lane is claimed
// when the oldest delivery it gave back may be among them; that may be late by the length of a schedule, never early. When
// somebody reopens or replays deliveries of a lane, the clock of all it has waiting begins anew.
//
// Nothing is lost with the breaker: it is memory only, and after a restart the first exchanges find out anew.
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
