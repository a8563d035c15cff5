// Package copernica is the dialect of Copernica's webhooks (REST v2 to v4): registered with handler, trigger and callers,
// delivered form-encoded with a digest and an RSA signature.
//
//	rest ── Face (routes.go)         /v2 /v3 /v4 webhooks, webhook/{id}, identity  → postWebhook, getWebhook, …
//	        ├─ documentIn (form.go)      JSON or a PHP form → the document
//	        └─ fault (faults.go)         an error → 400 {"error":{"message"}}
//	methods ── Parse (params.go)     document         → schemas.Webhook
//	        ── Show (results.go)     schemas.Webhook  → {"ID","handler","trigger","callers"}
//	        ── Created               schemas.Webhook  → its id
//	        ── rows (methods.go)     getSigningKeys, rotateSigningKey
//	delivery ── Format.Ready        no key yet: deliveries wait while Keys.Run makes it
//	         ── Format.Build (format.go)
//	            ├─ bodyOf (body.go)      event → type=create&parameters[name]=…
//	            └─ sign (signature.go)   Digest, Date, X-Nonce, Signature, by the current key of Keys
//	Keys (keys.go)  made at first need, rotated, followed  ── ring (ring.go)  which one signs, which are listed
//
// Choices made where the vendor's papers are silent or contradict themselves:
//
//   - A registration's answer over RPC is the id as a number ("the ID of the created webhook is returned"); a read shows
//     it as a string of digits under ID, like the vendor's.
//   - handler and trigger are required. Without callers, or with none, all callers apply and are shown.
//   - In an update (putWebhook, and PUT) handler, trigger, database and collection stay when they are not named; callers
//     that are not named become all callers, as the page of PUT says. A database or collection of 0 lifts the limit.
//   - Reads show database and collection when they are set, although the vendor's list of returned fields lacks them.
//   - create, update and delete stand for profiles and subprofiles. A webhook limited to a caller, database or collection
//     gets only events that have that attribute.
//   - Domains are not validated by DNS TXT records.
//   - The triggers unsubscribe and abuse, which the vendor has for webhooks made by hand, can be registered: they are
//     profile.unsubscribed and message.complained.
//   - POST on the address of a PUT is that PUT in v2 and v3, not in v4. POST on webhooks/{id} adds, in v2 and v3: a slip
//     in the vendor's Dutch page.
//   - Every refusal is 400, because the vendor's PHP class takes other statuses for success; too many requests are 429.
//     Texts are those seen live, for a webhook those of profiles.
//   - The first key is made in the background once a webhook is registered. A rotated key is listed at once and signs
//     an hour later, unless told otherwise; the former one stays listed for 7 days more. Keys have the names one, one-2,
//     one-3, … in the domain of the first.
//   - Fields are sent in the order of the vendor's tables, with id in the message events only. Each is read from the
//     event's attributes, then its data; one that neither has is left out.
//   - timestamp and time are the event's time (UTC, since no zone is stated) when neither attributes nor data have them.
//   - interests goes out as it was published: an object as interests[blue]=1 like the examples, a list as interests[]=xyz
//     like the prose. A list of scalars has empty brackets, everything else its index.
//   - Names, values and brackets are encoded as PHP's urlencode does; nulls and empty lists are left out, true is 1 and
//     false 0, as in PHP's http_build_query.
//   - The type of a delivery event is "delivery" (the English page's "open" is a slip); a delete has its fields.
//   - Content-Type is application/x-www-form-urlencoded, without a charset.
//   - An event of any other type, which only a test or a replay can bring, is sent with its type's name, timestamp, time
//     and all members of its data.
//   - Digest's algorithm and the list of signed headers are in lower case, since the vendor's own verifier accepts nothing
//     else; X-Copernica-ID is account- and the account's number.
//   - Success is any 2xx; Retry-After is honoured and 410 stops the webhook. There are 6 retries over 18 hours, after
//     5 s, 5 min, 30 min, 2 h, 5 h and 10 h; a webhook that only fails for 5 days becomes failing. The document
//     has no state, so a PUT makes a stopped or failing webhook active again.
package copernica
