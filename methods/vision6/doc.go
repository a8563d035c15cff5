// Package vision6 is the dialect of Vision6's JSON-RPC API 3.3: webhooks registered with addWebhook, and deliveries as a
// JSON array of events.
//
//	service ── Serve (routes.go)    the vendor's two addresses, over the JSON-RPC server
//	core ── rows (methods.go) ─▶ addWebhook, editWebhook, deleteWebhook, getWebhookById
//	                             searchWebhooks, countWebhooks ─▶ search (search.go)
//	     ── Parse (params.go)    webhook_details  → schemas.Webhook
//	     ── Show (results.go)    schemas.Webhook  → {"id","object","event","list_id","url"}
//	delivery ── Format (format.go)  events → [{"list_id","contact_id","object","event","timestamp"}]
//
// The vendor's page of addWebhook and its page "webhook" are followed as they stand. Choices made where they are silent:
//
//   - At its addresses the declared type of a body does not matter and every refusal of a call has status 200, one that is
//     too large included.
//   - The other five methods follow the uniform convention of the same API's lists (getListById, searchLists, …).
//   - These methods know webhooks of this dialect only; the id of another one is an unknown id (352).
//   - An event that does not apply to the object is 310, and so is a list_id that is no number; any list_id is taken,
//     since Hookswitch keeps no lists.
//   - list_id and ids may be strings of digits, as PHP clients send them.
//   - editWebhook keeps every member that its details do not name; what it may not become is a duplicate (351).
//   - Search criteria: operators exactly, not_exactly, contains, not_contains, starts_with, ends_with, greater_than,
//     less_than; text compares without regard to case; AND binds before OR and may be left out; groups may be nested. A
//     criterion that makes no sense is 310 with its place (the vendor's 311 has the same description and is not in
//     Hookswitch's table).
//   - A search is sorted by id, ascending, unless it says otherwise.
//   - A delivery is a compact array even for one event, with Content-Type application/json, at most 100 events long.
//   - list_id, contact_id and timestamp are read from attributes, then data; timestamp is the event's time when neither
//     has it; contact_id goes with contact events only.
//   - "Tried up to 5 times again soon" is 1 attempt and 5 more, after 1, 5, 15, 30 and 60 minutes: enough for a receiver to
//     be mended before its webhook is removed. Retry-After lengthens a wait. No answer at all is a failure.
//   - The API has no signature, so there is none.
package vision6
