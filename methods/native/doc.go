// Package native is Hookswitch's own dialect: subscriptions registered with createSubscription's native document and
// delivered by the rules of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com).
//
//	methods ── New ──▶ Parse (params.go)          document  → schemas.Webhook
//	                   ├─ checkPattern            "contact.*"
//	                   ├─ members.go              the optional members and their limits
//	                   └─ checkHeaders (headers.go)
//	                   Show, Created (results.go) schemas.Webhook → the subscription
//	delivery ────────▶ Format.Build (format.go)   events → {"type","timestamp","data"} and its signature
//
// Choices made where Standard Webhooks and the design leave room:
//
//   - An event without data is sent with "data":null, so that a receiver always finds the three members.
//   - The body holds nothing else: properties and metadata are the owner's own notes, and source, subject and attributes
//     stay behind.
//   - "timestamp" in the body is the event's time in UTC; the header webhook-timestamp is the time of the attempt.
//   - A former secret signs after the current one, until it expires; a webhook without a usable secret is never sent
//     unsigned: its deliveries are given up.
//   - A secret given in an update replaces all former ones at once, as one does with a secret that leaked.
//   - In an update null takes an optional member away, and headers, properties and metadata are replaced whole.
//   - An empty retry list means one attempt and no more.
//   - Reads mask the values of headers, which often carry credentials, unless the caller may see secrets; the signing
//     secret is in the creation answer only.
//   - All webhook-… headers are the signature's and cannot be set.
//   - A faulty endpoint is a fault of the parameter (310), so that it is listed together with the other faults.
package native
