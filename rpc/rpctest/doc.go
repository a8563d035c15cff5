// Package rpctest runs transcripts, files of requests and the answers expected, against a server over every transport:
// HTTP, WebSocket and in-process.
//
// A transcript is lines of these kinds, in blocks that a blank line may separate:
//
//	// comment
//	// credential: Bearer $(key)        a header line: before the first request only
//	// header: Name: value              a header of the HTTP request or upgrade
//	// transports: websocket, memory    leaves out the others; they are called http, websocket and memory
//	--> {"jsonrpc":"2.0","method":"subtract","params":[42,23],"id":1}
//	<-- {"jsonrpc":"2.0","result":19,"id":1}
//	<== {"id":1,"result":19,"error":null}       exactly these bytes
//	<~~ {"jsonrpc":"2.0","method":"event","params":"$any"}   a push, which comes before the next answer
//
// A text may go on over several lines, up to a blank line or the next marker. A request without an answer line, or with
// an empty one (a // comment after the marker counts as empty), expects no answer.
//
// In an expected answer these stand for more than themselves:
//
//	"$any"               any value
//	"$string" "$number"  any string, any number
//	"$(name)"            the first time any value, which the name then means; later the same value
//	"...": "$any"        as a member: the object may have members that are not named
//	"..."                as the last element: the array may have more elements
//
// and $(name) inside a longer string means the text of what was captured. In a request "$(name)", with its quotes,
// becomes the captured value, and $(name) elsewhere its text; $(hex:efbbbf) becomes the bytes. Names can be given
// values from the start by [Target].Vars. Numbers are compared as they are written, and an object
// must have no members but those expected.
package rpctest
