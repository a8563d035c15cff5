// Package methods is the RPC methods: the dialect-neutral operations on webhooks, events, deliveries and keys, the one
// table of application error codes, and what a dialect must supply.
//
// A call comes in through [Core.Lookup]:
//
//	rpc.Core            core.go        serve: which form of the method is it
//	  identify          caller.go      who calls, and may they (300, 355)
//	  Catalogue.Bind    schemas        are the parameters right (310)
//	  Method.Run        webhooks.go, patch.go, trial.go, events.go, idempotency.go, eventtypes.go, signal.go,
//	                                 deliveries.go, attempts.go, replays.go, accounts.go, keys.go, or a dialect's own row
//	    Operations      operations.go  Register, Amend, Webhook, Webhooks, Remove
//	      Dialect.Parse <dialect>      the document becomes a schemas.Webhook
//	      storage       record made durable
//	      delivery      Engine.Apply: the next event matches it
//	    Dialect.Show    <dialect>      the webhook becomes the vendor's document
//	  ErrorOf           faults.go      refusals get their code
//
// To add a method: a schema file and a row. To add an error code: a row in codes. To add a dialect: a folder, its schema
// files, and a line in service.
package methods
