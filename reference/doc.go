// Package reference turns the OpenRPC document into what people and their compilers read: a page of Markdown for the
// docs, the same as a web page that the service offers at /docs, and the types and methods of the TypeScript client.
//
//	Read (document.go)        the OpenRPC document → methods, types and errors, in their order
//	Schema (schema.go)        a JSON Schema, its type in TypeScript's notation and its limits in words
//	Markdown (markdown.go)    docs/methods.md
//	Page (page.go)            /docs
//	TypeScript (typescript.go) clients/typescript/src/methods.ts
//
// `make docs` and `make typescript` write the files.
package reference
