// Package rpc is the wire in: JSON-RPC 2.0 (https://www.jsonrpc.org/specification) and 1.0, strictly, over HTTP,
// WebSocket and in-process, and a client for all three. It knows nothing of what the methods do.
//
// One text, a request or a batch, takes this way:
//
//	ServeHTTP                     http.go      host, origin, method and content type
//	├─ post                                    a body is one text
//	│    └─ Server.Serve          serve.go     the whole protocol for one text; also to be called directly
//	│         ├─ parse.run        envelope.go  finds the requests in the text, over the scanner of scan.go
//	│         ├─ batch → one                   requests one after another, each answered in its own form
//	│         │    └─ run → handle             Lookup, Handler, its result or error; log and recovery from panics
//	│         └─ append…          answer.go    ids are echoed as the bytes they came in
//	└─ upgrade                    socket.go    the handler returns, the connection lives on
//	     └─ socket.serve                       reads frames; a goroutine per text, a bounded number of them
//	          └─ answer → outbox  outbox.go    one writer at a time, a bounded queue
//
//	Server.Local, Server.Pipe     local.go     the same socket over memory (pipe.go)
//	Server.Handle                 conn.go      requests that a plain jsonrpc2.Conn has parsed
//	Server.Invoke                 serve.go     a call without JSON-RPC around it
//	Dial, Client                  dial.go      client_http.go posts, client_stream.go is a jsonrpc2.Conn over frames,
//	                                           encode.go writes the requests of both
//
// The vocabulary is that of package jsonrpc2: its Error, its codes, its Conn at the client's end. Its Conn does not
// read requests here, because it closes the connection on batches and on bad input, rewrites parameters and ids, and
// lets a panic end the process.
//
// # What is decided where the specification is silent
//
//   - A request without a jsonrpc member but with a method is in 1.0 form and is answered in it: exactly id, result and
//     error, in this order. There a null id makes a notification, and a missing id is answered with a null one.
//   - In 2.0 a null id is an id. An id is echoed byte for byte, also in an error, whenever the object has a method.
//   - params null is the same as none. A member of the envelope that appears twice makes the request invalid; unknown
//     members are ignored.
//   - The text has to be UTF-8 without a byte order mark.
//   - What is valid JSON but beyond a limit is an invalid request, and data says which limit.
//   - A batch is run in order. It has one time limit and one size limit, and what is left when either is reached is
//     answered with that error and not run.
//
// # Pushes
//
// A handler pushes by [Session.Notify], then or later. No push overtakes the answer of a call that was running when it
// was made, so that a subscriber learns the id of its subscription first. See [Options].Pushing and [Call.AfterReply].
package rpc
