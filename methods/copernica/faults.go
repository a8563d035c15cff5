package copernica

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch/rest"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// The vendor's own texts, as a client's tests have seen them live. What the vendor says of webhooks nobody has written
// down: these are what it says of profiles.
const (
	saidToken   = "Invalid access token"
	saidMethod  = "Invalid method"
	saidMissing = "Invalid request, element 1 is missing in 'directory' path"
	saidID      = "No entity with supplied ID"
	saidData    = "Invalid data provided"
)

// fault is the vendor's answer to everything wrong: 400, a bad token included. Its PHP class takes any other status for
// success. Only too many requests are 429, which clients of it do know.
func fault(r *rest.Request, err error) rest.Reply {
	var message struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	message.Error.Message = sayOf(r, err)
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(message) // a string always can be
	reply := answer(http.StatusBadRequest, bytes.TrimSpace(body.Bytes()))
	if schemas.KindOf(err) == schemas.KindTooMany {
		reply.Status = http.StatusTooManyRequests
		reply.Header.Set("Retry-After", "1")
	}
	return reply
}

// sayOf is what is said of an error.
func sayOf(r *rest.Request, err error) string {
	if said := sayOfRequest(r, err); said != "" {
		return said
	}
	if message, is := rpc.Unavailable(err); is {
		return message
	}
	e, ok := errors.AsType[*schemas.Error](err)
	if !ok {
		return "Internal error"
	}
	switch e.Kind {
	case schemas.KindUnauthorized:
		return saidToken
	case schemas.KindNoWebhook:
		return saidID
	case schemas.KindInvalidParams:
		return sayOfFaults(e)
	}
	return e.Message
}

// sayOfRequest is what is said of a request that no method was called for, "" for any other error.
func sayOfRequest(r *rest.Request, err error) string {
	_, verb := errors.AsType[*rest.VerbError](err)
	body, unread := errors.AsType[bodyError](err)
	switch {
	case errors.Is(err, rest.ErrNoRoute) && r.Rest == "/webhook":
		return saidMissing
	case errors.Is(err, rest.ErrNoRoute) || verb:
		return saidMethod
	case errors.Is(err, rest.ErrTooLarge), errors.Is(err, rest.ErrCutShort), errors.Is(err, rest.ErrEncoded):
		return saidData + ": " + err.Error()
	case unread:
		return saidData + ": " + body.Error()
	}
	return ""
}

// sayOfFaults names the members that are wrong, as the client wrote them.
func sayOfFaults(e *schemas.Error) string {
	if len(e.Faults) == 0 {
		return e.Message
	}
	said := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		member := strings.TrimPrefix(f.Pointer, "/params")
		if member == "/id" {
			return saidID // the one in the path
		}
		member = strings.TrimPrefix(strings.TrimPrefix(member, "/webhook"), "/")
		if member == "" {
			member = "the body"
		}
		said[i] = member + " " + f.Message
	}
	return saidData + ": " + strings.Join(said, "; ")
}
