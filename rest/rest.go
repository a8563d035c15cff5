// Package rest turns the HTTP addresses of a vendor into method calls and the answers back. It knows no webhook and no
// dialect: each dialect gives a [Face], a table of routes onto the methods that everybody calls.
//
//	Handler.ServeHTTP   rest.go    which face owns the path; read the body
//	  Face.find         route.go   which route is it
//	  Route.Call        <dialect>  the request becomes a method's name and parameters
//	  rpc.Server.Invoke            the same call as over JSON-RPC: credential, schema, method
//	  Route.Reply       <dialect>  the result becomes the vendor's answer
//	  Face.Fault        <dialect>  or what went wrong does
package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/rpc"
)

// The ways a request can fail before a method is called. A VerbError comes with the verbs that would do.
var (
	ErrNoRoute  = errors.New("no such address")
	ErrTooLarge = errors.New("the body is too large")
	ErrCutShort = errors.New("the body ended early")
	ErrEncoded  = errors.New("a compressed body is not taken")
)

// VerbError is a known address with a verb it does not have.
type VerbError struct{ Allow []string }

func (e *VerbError) Error() string { return "this address does not have that method" }

// Face is one vendor's HTTP face.
type Face struct {
	// Below tells whether a path belongs to this face, and its part that routes are compared with.
	Below func(path string) (rest string, ok bool)
	// Fold compares paths without regard to case.
	Fold bool
	// Routes are tried in the order in which they are listed, but a literal segment wins over a {value}.
	Routes []Route
	// Credential reads the caller's credential in the form of an Authorization header; nil takes that header.
	Credential func(*http.Request) string
	// Whose is a method without parameters that any key may call. It is asked when a body can't be understood, so that
	// a caller whom nobody knows hears of that and not of what the body lacks; "" asks none.
	Whose string
	// Fault is the vendor's answer to what went wrong: an error of this package, of Route.Call, or of the method
	// (a *schemas.Error; any other is internal and its text must not be told).
	Fault func(*Request, error) Reply
	// MaxBody says how many bytes a body may have now; nil means 4 MiB.
	MaxBody func() int64
}

// Request is a request with its body read.
type Request struct {
	*http.Request
	Body   []byte
	Rest   string // the path below the face
	values map[string]string
	invoke func(Call) (json.RawMessage, error) // set once the route's own call is made
}

// Value is the part of the path that a {name} of the route stands for, decoded; "" without.
func (r *Request) Value(name string) string { return r.values[name] }

// Invoke makes a further call for the same caller, for a Reply that takes more than one: the next pages of a list.
func (r *Request) Invoke(call Call) (json.RawMessage, error) { return r.invoke(call) }

// Call is a method call. Params is marshalled by encoding/json; a json.RawMessage goes as it is.
type Call struct {
	Method string
	Params any
}

// Reply is an answer. Content-Length is set by the handler.
type Reply struct {
	Status int
	Header http.Header // spelled as given; nil for none
	Body   []byte
}

// waiting is an error that says when to try again.
type waiting interface {
	error
	RetryIn() time.Duration
}

// say adds when to try again, if the error knows.
func (r *Reply) say(err error) {
	e, ok := errors.AsType[waiting](err)
	if !ok || e.RetryIn() <= 0 {
		return
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Retry-After", strconv.Itoa(int((e.RetryIn()+time.Second-1)/time.Second)))
}

// Handler serves faces. Safe for concurrent use.
type Handler struct {
	server *rpc.Server
	faces  []*Face
}

// New makes a handler of faces, each of which owns other paths than the rest.
func New(server *rpc.Server, faces ...*Face) *Handler { return &Handler{server, faces} }

// Owns reports whether the path of a request is that of a face. A mux has to be asked after this: it redirects paths with
// extra slashes or dots, which are the faces' own business.
func (h *Handler) Owns(r *http.Request) bool {
	for _, f := range h.faces {
		if _, ok := f.Below(r.URL.EscapedPath()); ok {
			return true
		}
	}
	return false
}

// ServeHTTP answers in the face that owns the path, with a plain 404 when none does.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, f := range h.faces {
		if rest, ok := f.Below(r.URL.EscapedPath()); ok {
			in := &Request{Request: r, Rest: rest}
			session := rpc.SessionOf(r)
			if id := session.RequestID(); r.Header.Get(rpc.HeaderRequestID) == id { // who sends none gets what the vendor answers
				w.Header().Set(rpc.HeaderRequestID, id)
			}
			reply, err := h.answer(f, session, w, in)
			if err != nil {
				reply = f.Fault(in, err)
				reply.say(err)
			}
			write(w, r, reply)
			return
		}
	}
	http.NotFound(w, r)
}

func (h *Handler) answer(f *Face, session *rpc.Session, w http.ResponseWriter, r *Request) (Reply, error) {
	route, err := f.find(r)
	if err != nil {
		return Reply{}, err
	}
	if err := f.read(w, r); err != nil {
		return Reply{}, err
	}
	call, err := route.Call(r)
	r.invoke = h.invoker(f, session, r)
	if err != nil {
		if f.Whose != "" {
			if _, unknown := r.invoke(Call{Method: f.Whose}); unknown != nil {
				return Reply{}, unknown
			}
		}
		return Reply{}, err
	}
	result, err := r.invoke(call)
	if err != nil {
		return Reply{}, err
	}
	return route.Reply(r, result)
}

// invoker makes calls with the credential of the request.
func (h *Handler) invoker(f *Face, session *rpc.Session, r *Request) func(Call) (json.RawMessage, error) {
	if f.Credential != nil {
		session.SetCredential(f.Credential(r.Request))
	}
	return func(call Call) (json.RawMessage, error) {
		params, err := call.encode()
		if err != nil {
			return nil, fmt.Errorf("encode parameters of %s: %w", call.Method, err)
		}
		result, err := h.server.Invoke(r.Context(), session, call.Method, params)
		return json.RawMessage(result), err
	}
}

// encode is the JSON of the parameters. Marshal would rewrite raw ones: <, > and & in them.
func (c Call) encode() (json.RawMessage, error) {
	if text, ok := c.Params.(json.RawMessage); ok || c.Params == nil {
		return text, nil
	}
	return json.Marshal(c.Params)
}

// read takes the body in, within the bound. Compressed ones are refused: they unfold to anything.
func (f *Face) read(w http.ResponseWriter, r *Request) error {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return ErrEncoded
	}
	limit := int64(4 << 20)
	if f.MaxBody != nil {
		limit = f.MaxBody()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Request.Body, limit))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return ErrTooLarge
	}
	if err != nil {
		return ErrCutShort
	}
	r.Body = body
	return nil
}

func write(w http.ResponseWriter, r *http.Request, reply Reply) {
	header := w.Header()
	for name, values := range reply.Header {
		header[name] = values
	}
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	if reply.Status != http.StatusNoContent {
		header.Set("Content-Length", strconv.Itoa(len(reply.Body)))
	}
	w.WriteHeader(reply.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(reply.Body) // whoever went away misses nothing
	}
}
