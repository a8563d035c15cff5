// Package superoffice is the dialect of SuperOffice's webhooks (NetServer WebAPI): the entity Webhook and its deliveries.
//
//	rest ── Face (routes.go)          an address of REST or of the agent → a method's call
//	        ├─ payload (request.go)   the body → JSON with our spelling of its members, by its shape (shape.go):
//	        │  ├─ readJSON (shape.go)
//	        │  └─ readXML (xml.go), readForm (form.go) → nodes → read (tree.go)
//	        ├─ linked, plain, all, tested, … (answer.go)   result → the vendor's answer, in JSON or XML (xml.go)
//	        └─ fault (faults.go)      error → status and the vendor's error
//	methods ── parse (params.go)      Webhook entity   → schemas.Webhook
//	        ├─ patch (patch.go, merge.go)   schemas.Webhook, patch → Webhook entity
//	        └─ Show (results.go)      schemas.Webhook  → Webhook entity with _Links
//	delivery ── Format.Build (format.go)
//	            └─ bodyOf (body.go)   event → {"EventId","Timestamp","Changes",…}
//	         └─ Format.Announce       a new state → event webhook{id}.…
//
// Choices made where the vendor's papers are silent or contradict themselves:
//
//   - Answers hold the 13 members of the documented entity and _Links; newer members (ErrorsEmail, NotifyVia, …) are
//     taken and ignored, and so are members that only the server sets, WebhookId among them.
//   - Names of members are read whatever their case, as the vendor's own client needs it.
//   - TargetUrl and at least one of Events are required; State Active and Type "webhook" are the defaults. State Unknown (0),
//     what a client sends that never set it, counts as not given.
//   - Any Type is taken for a webhook but "crmscript", which is refused: Hookswitch runs no scripts.
//   - Event names are free but for their letters and matched exactly, case included; there are no wildcards.
//   - https may be demanded (Options.RequireHTTPS), and a ping before an active webhook is saved (Options.Ping); the default
//     takes http too, as the documented sample needs it, and pings nothing.
//   - In an update what is not named stays; null takes Name, Headers and Properties away; an empty Secret ends signing,
//     and another Secret replaces the former ones at once.
//   - RegisteredAssociate and UpdatedAssociate are null, as in the newer samples: Hookswitch has no associates.
//   - Registered and Updated are UTC with a Z, so that a JavaScript client does not take them for local time.
//   - Secret is null and values of Headers are masked in the answers to keys that may not see secrets.
//   - EventId is the event's id when that is a GUID, else a GUID made from account and id (UUID version 5), the same in
//     every attempt.
//   - PrimaryKey, Entity, ContextIdentifier and ChangedByAssociateId are read from primaryKey, entity, contextIdentifier
//     and associateId in the event's attributes, then its data; without them they are 0, the event's name before its last
//     dot, "Default" and 0. Changes, Values and FieldValues come from changes, values and fieldValues; without them Changes
//     is [] and the others are left out. Data with none of these seven members, as SignalEvent's, is sent as Values.
//   - Values stands after Changes, as in most samples.
//   - An event webhook{id}.started, .stopped or .errors keeps that name in its header, is webhook.… in its body and has no
//     Entity.
//   - The body is compact. Properties are top-level members at its end, sorted by name; one named like a member of the body
//     is left out.
//   - X-SuperOffice-Retry is 0 in the first attempt. User-Agent is the one of the vendor's sample. A webhook's own headers
//     cannot replace those of the dialect.
//   - Only 200 is success, 410 makes the webhook TooManyErrors, Retry-After is ignored: waits are the vendor's 1 s and 4 s, without
//     spread. After that the event is given up; 9 failed attempts in a row make the webhook TooManyErrors.
//
// What concerns the HTTP face alone stands in docs/dialects/superoffice.md.
package superoffice
