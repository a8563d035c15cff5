// Package schemas holds Hookswitch's nouns and the shape of every RPC method.
//
// The nouns are [Account], [Key], [Webhook], [Event], [Delivery] and [Attempt]. Every other package speaks of them;
// this one knows nothing of JSON-RPC, storage, HTTP or any dialect's rules.
//
// The shape of a method is one embedded JSON file named after it: an OpenRPC method object with draft-07 schemas,
// errors and examples. The same file validates parameters, answers rpc.discover and fills the documentation. What the
// methods share (errors, schemas, tags) is in openrpc.json.
//
//	Load (catalogue.go)
//	├─ readStrict, settle (openrpc.go)      a file → methodFile; the union of its forms
//	├─ compile (compile.go)                 methodFile → form: one schema over all parameters
//	└─ checkExamples (examples.go)          every example must pass
//	Bind, CheckDocument (bind.go)           the caller's bytes → parameters by name
//	├─ reader (guard.go, grammar.go)        one strict pass: grammar, limits, values for the validator
//	└─ words.check (explain.go)             the validator's findings → faults
//	   └─ sentence (sentences.go)           what the schema demands, never what the value was
//	Keyring.EncodeWebhook, DecodeWebhook (webhook.go)   a webhook ⇄ its record
//	└─ Seal, Open (keyring.go)            what is secret in it, encrypted
//	DecodeEvent (decode.go)                 publishEvent's parameters by hand, the schema only to explain
//	CompileEventSchema (eventschema.go)     a customer's schema for the data of events, compiled offline
//	└─ meter.attach (meter.go)              what one check may cost
//	EventSchema.Check (eventschema.go)      an event's data → faults
//	OpenRPC (openrpc.go)                    the document that rpc.discover answers with
//
// # The files
//
// They keep to OpenRPC 1.2.6 and add members of our own, which begin with "x-":
//
//   - x-message, in a schema: the sentence for a value that breaks its pattern, fits none of its alternatives or has a
//     member too many.
//   - x-forms, in a method: the forms of a name that several documents share, instead of params. A form has params and,
//     if need be, document (the parameters are the document's members; positional parameters are [document]),
//     x-ignore-case (names count whatever their case), rules (keywords over the parameters together) and result (which of
//     the method's results this form has). An example says by x-form which one it shows.
//   - x-document, in a parameter: it is the registration document that CheckDocument checks.
//   - x-items-apart, in a parameter: its items are checked one by one by the method.
//
// The format int64 keeps integers to what Go decodes into an int64. Two keywords are to be avoided: propertyNames, whose
// findings the validator (v6.0.3) reports at a wrong place, and patterns with lookaround, which Go's regexp lacks.
package schemas
