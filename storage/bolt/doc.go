// Package bolt is the embedded storage engine: one process, one directory, one bbolt file with a journal in front of it.
//
// # Writing
//
// One goroutine, the committer, writes. It takes what all callers have put into the inbox since it last looked, makes it
// durable together, and begins anew as soon as that is on the disk. There is no timer: a lone caller waits for one fsync, a
// thousand callers share one.
//
//	Accept, Settle                 committer                                     memory
//	job: rows encoded, refusals ─▶ inbox ─▶ draft { job.write … } ─▶ journal ─▶ ledger, board ─▶ answers
//	(intake.go settle.go)          (commit.go draft.go lines.go journal.go)      (overlay.go board.go lane.go lease.go)
//
//	the ledger, when it is large or five seconds old      goroutine        file
//	                               move ─▶ Update { absorb, finish } ─▶ board.reached     (apply.go txn.go)
//
//	Register, Reopen, Drop, Expire …  committer                           file
//	                               inbox ─▶ Update { absorb, job.run … finish } ─▶ board ─▶ answers
//
// Accepts and settles, nearly all there is, are durable once their frame is in the journal, which costs one fsync and no
// search for pages. The ledger keeps what the journal has and the file has not: deliveries as they are now. It is brought
// into the file behind, in large transactions, and a delivery that was born and settled meanwhile gets there as what it
// came to: it never costs the file a pending row. Everything else goes to the file at once, with the ledger, in one
// transaction (two fsyncs); a changed record and its companions go together.
//
// Whoever reads history waits until the file has all that was acknowledged before (Store.look): nobody misses what he was
// told is there. Only the hot paths look into the ledger: a repeat, a settle, the board, and EventsAfter, which follows
// what is new. The rule there: take a glance at
// the ledger first, the file after, because what leaves the one is in the other.
//
// When the store is opened, the journal's frames behind the file's last are brought into the file. One frame is written at a
// time, so a broken one at the end was never acknowledged and is passed over; a sound one behind a broken one says that the
// disk has lost something, and the store is not opened (journal.go). Nor is it without the journal's files, unless it was
// closed with all in the file: behind in meta says so.
//
// What is wrong with an item is found before anything of it is written, so it never spoils the others. When the disk is
// full the whole commit fails, nothing of it is kept, and the next one may succeed; while it is the file that has no room,
// the ledger takes no more. After any other fault, above all a failed fsync, nobody knows what the disk has: the store
// stops, callers get storage.ErrUnsure, and [Store.Failed] closes.
//
// # Layout
//
// All numbers in keys are big-endian. Each row begins with a CRC-32C over its key and payload (record.go).
//
//	meta          format, boot, epoch, nonce, serial, behind, seq, revision, open    the store's own counters
//	records       account kind id                 → revision fingerprint body
//	fingerprints  account kind sha256             → id
//	counters      account kind                    → last id given out
//	changes       revision                        → removed kind account id          one row for each record, its latest
//	tallies       account webhook                 → schemas.Tally
//	due           account webhook due seq         → –                                open deliveries, by lane
//	flights       account seq webhook             → –                                open deliveries leased at birth
//	i<begun>      account public-id               → seq accepted matched             six hours of public ids
//	p<first><begun>  partition of history: six hours, or 64 MiB
//	   …e         account seq                     → accepted type targets body       events
//	   …d         account seq webhook             → state flight attempts due updated
//	   …w         account webhook seq             → –                                a webhook's line of deliveries
//	   …a         account seq webhook n           → schemas.Attempt as JSON
//
// An open delivery has one row in due or in flights. Most are leased at birth and settled a moment later: those stand
// among the flights, in the order of events, and never touch the pages of their lanes. What comes back from there (a
// retry, a release) goes to due; what is there when the store is opened is moved to due (prepare.go). All this is of what
// outlives the ledger.
//
// Numbers of events increase over the whole store, so a partition is found from a number without a look at the disk
// (partition.go), and retention drops whole buckets (expire.go).
//
// # Handing out
//
// Leases live in memory: there is one process, and after a restart nobody holds anything. So do the lanes: each knows a
// lower bound of when it is due, how far into the due index it has read, and what is ready up to there. Accounts take
// turns, and lanes within them.
//
//	Claim ─▶ board.pick: leases that ran out · lanes that ripened · turns ─▶ lane.fill from due ─▶ grant
//	      ─▶ load: the delivery's row decides, the event's body is copied
//
// The due index is behind by what is in the ledger. A Claim waits for the file when something is due there, a lane does not
// read beyond what it misses (lane.whole), and Claim asks the ledger about what it has picked.
//
// A lane that is asked for in order (inorder.go) is walked along its line in history instead, from its first open delivery
// on: the due index, which a retry enters at its end, does not have that order. Memory keeps where that was, and when there
// is something to look for again. To find it the first time costs reading the lane's part of the due index, some 50 ms
// for a million deliveries.
//
// # Reading
//
// Read transactions are short, because pages they may see cannot be used again and the file grows: pages are bounded,
// bodies copied, Follow reads the change log in steps, and whoever goes through history from a point on (archive.go)
// asks for one part after the other. Only Backup holds one for long.
//
// # Care
//
// Backup streams the file and a seal (seal.go); Restore takes only what the seal fits and Verify finds nothing in. Verify
// (verify.go and the two files beside it) holds every row against the layout above and against the rows it belongs to;
// Compact copies the rows. All but Backup work on a store that nobody has open.
package bolt
