// Package native is Hookswitch's own dialect: subscriptions registered with createSubscription's native document and
// delivered by the rules of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com).
//
//	methods ── New ──▶ Parse (params.go)          document  → schemas.Webhook
//	                   ├─ members.go              the optional members and their limits
//	                   ├─ checkHeaders (headers.go)
//	                   └─ authentication.go       who we are to the endpoint: checked, and masked in reads
//	                   Show, Created (results.go) schemas.Webhook → the subscription
//	                   rotateSecret (rotate.go)   a new secret; the former ones sign for a while
//	delivery ────────▶ Format.Build (format.go)   events → {"type","timestamp","data"} and its signature
//	                   └─ cloudevents.go          … or a CloudEvent, structured or binary
//
// Choices made where Standard Webhooks and the design leave room:
//
//   - An event without data is sent with "data":null, so that a receiver always finds the three members.
//   - The standard body holds nothing else: properties and metadata are the owner's own notes, and source, subject and
//     attributes stay behind; they travel in a CloudEvent.
//   - A CloudEvent without source, which is required, gets one that names the account; a source that is no URI reference is
//     percent-encoded. Attributes whose names are none for CloudEvents (list_id) are left out, numbers that are no Integer
//     there become strings.
//   - In the binary mode of CloudEvents the signature covers ce-id (as webhook-id) and the data, not the other headers.
//   - "timestamp" in the body is the event's time in UTC; the header webhook-timestamp is the time of the attempt.
//   - A former secret signs after the current one, until it expires; a webhook without a usable secret is never sent
//     unsigned: its deliveries are given up.
//   - A secret given in an update replaces all former ones at once, as one does with a secret that leaked. An update can't
//     change the scheme of the signature: only rotateSecret's answer shows the new secret.
//   - Of a key pair the secret half is shown to nobody, also when its owner gave it; reads show the public half.
//   - In an update null takes an optional member away, and headers, properties and metadata are replaced whole.
//   - An empty retry list means one attempt and no more.
//   - Reads mask the values of headers, which often carry credentials, unless the caller may see secrets; the signing
//     secret is in the answers to creation and rotation only.
//   - authentication and clientCertificate are replaced whole, and their secrets are shown to nobody: unlike headers they
//     are credentials for certain. The mask is refused as a value, so that no read is written back by mistake.
//   - All webhook-… headers are the signature's, all ce-… ones CloudEvents', and cannot be set.
//   - A faulty endpoint is a fault of the parameter (310), so that it is listed together with the other faults.
package native
