// Package airstack is the dialect of Airstack's Farcaster webhooks, as documented until August 2024: POST /webhooks and
// its flat deliveries. Underneath was almost certainly a hosted Convoy 24.5; "as Convoy" below is inferred from that.
//
//	methods ── New ──▶ Parse (params.go)           document  → schemas.Webhook
//	                   ├─ setTypes                 event_type, eventTypes, ProfileCreated…
//	                   └─ setFilter                it must match its sample payload
//	                   Show, Created (results.go)  schemas.Webhook → the vendor's answer
//	delivery ────────▶ Format.Build (format.go)    one event → its data, and the constant header
//	rest ── Face ────▶ create, remove, testFilter (routes.go)  a request → a method call
//	                   asItIs, removed, tested                 its result → the vendor's answer
//	                   fault (faults.go)                       what went wrong → status and body
//
// Choices made where the vendor's papers are silent:
//
//   - Types may be given as event_type or eventTypes, in filter_config or beside it; when several are given all count.
//   - The four documented types are taken, and their older names such as ProfileCreated; any other is a fault.
//   - An empty or null filter is no filter and needs no payload.
//   - The filter's refusal says "The filter does not match the payload": the vendor's own text is not known.
//   - A read, which the vendor lacks, answers {"webhook_id","endpoint","filter_config","state","status"}: what was
//     registered in the creation answer's style; status is true, as in every good answer of the vendor, and says nothing
//     of the webhook; state is active, stopped or failing.
//   - An update, which the vendor lacks, takes a whole document; webhook_id and header value stay.
//   - The header value is shown in the creation answer only, as the vendor says, and to nobody later.
//   - portal_link is left out when the server gives out no portal links.
//   - An event without data (or with null) is sent as {}; an event whose data is no object can't be sent and is given up.
//   - No header but Content-Type and x-airstack-webhook: Convoy's own ones were never documented by Airstack.
//   - Any 2xx is success, as Convoy; Retry-After is honoured; 410 is a failure like others, since nothing ever disabled
//     an endpoint.
//   - Ten attempts, 100 s apart, as Convoy's default, and no effect on the webhook when they are used up.
//   - The timeout is the server's default.
//   - The one documented status of failure is 400; what HTTP itself has a status for has that one: 401 no or unknown key,
//     403 a key that may not, 404 and 405 addresses that are not there, 413, 415, 429, 500, 503. An unknown webhook_id is 400.
//   - A filter test answers {"status":true} (reference and swagger; the guide has "success") or 400 {"status":false}; other
//     failures of it have a message besides. It needs a type, and a payload where there is a filter, as a registration does.
//   - A body is application/json, or has no Content-Type at all. Members that no paper of the vendor's names are refused.
package airstack
