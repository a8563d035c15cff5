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
//	work (carry.go), up to MaxInFlight of them    takes lanes in turn (dispatcher.take)
//	 ├─ load                                      the lane's first: read the webhook's record, open, park or drop the lane
//	 └─ carry
//	     ├─ Format.Build                          1 to Policy.Batch deliveries in one request
//	     ├─ sender.send (sender.go)               guarded dialler (dial.go, guard.go), one POST, no redirect
//	     ├─ Format.Judge                          the Verdict
//	     ├─ NextWait (retry.go)                   done, again later, or dead
//	     └─ settler.add (settle.go)               outcomes gather while one Store.Settle is under way
//	         └─ weigh (effect.go)                 410, given up, failing for days: stop or remove the webhook and say so
//
// follow.go keeps the index in step with the store; claim.go also extends the leases of what is held.
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
// A lane whose last exchange was slow or failed is trailing. Trailing lanes are taken from a ring of their own and may
// together use half of the exchanges and half of the window; a single one shrinks to one exchange at a time while it does
// not answer. What the window has no room for stays in the store, whatever its amount.
package delivery
