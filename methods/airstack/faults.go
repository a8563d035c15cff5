package airstack

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch/rest"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// The vendor documents one failure, 400, and its three bodies; each operation has its own order of members.
type (
	notCreated struct {
		Authentication struct{} `json:"authentication"`
		Status         bool     `json:"status"`
		Message        string   `json:"message"`
	}
	notRemoved struct {
		Message        string   `json:"message"`
		Status         bool     `json:"status"`
		Authentication struct{} `json:"authentication"`
	}
	notTested struct {
		Status  bool   `json:"status"`
		Message string `json:"message"` // not the vendor's: {"status":false} alone says that the filter does not match
	}
)

// fault is the answer to whatever went wrong. What HTTP itself has a status for has that one; all else is the vendor's 400.
func fault(r *rest.Request, err error) rest.Reply {
	status, message := explain(err)
	out := reply(status, failure(r.Rest, message))
	if verb, ok := errors.AsType[*rest.VerbError](err); ok {
		out.Header["Allow"] = []string{strings.Join(verb.Allow, ", ")}
	}
	return out
}

// failure is the body that belongs to the operation at a path.
func failure(path, message string) []byte {
	var body any = notCreated{Message: message}
	switch {
	case strings.HasPrefix(path, "/filters"):
		body = notTested{Message: message}
	case strings.HasPrefix(path, "/webhooks/"):
		body = notRemoved{Message: message}
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings and booleans always can be written
	}
	return text
}

// explain chooses status and message. The text of an error that is not meant for callers is kept back.
func explain(err error) (status int, message string) {
	if e, ok := errors.AsType[*schemas.Error](err); ok {
		return statusOf(e.Kind), sentenceOf(e)
	}
	if _, ok := errors.AsType[*rest.VerbError](err); ok {
		return http.StatusMethodNotAllowed, err.Error()
	}
	switch {
	case errors.Is(err, rest.ErrNoRoute):
		return http.StatusNotFound, err.Error()
	case errors.Is(err, rest.ErrTooLarge):
		return http.StatusRequestEntityTooLarge, err.Error()
	case errors.Is(err, rest.ErrEncoded), errors.Is(err, errContentType):
		return http.StatusUnsupportedMediaType, err.Error()
	case errors.Is(err, rest.ErrCutShort), errors.Is(err, errMalformed), errors.Is(err, errNoObject):
		return http.StatusBadRequest, err.Error()
	}
	if message, is := rpc.Unavailable(err); is {
		return http.StatusServiceUnavailable, message
	}
	return http.StatusInternalServerError, "Internal error"
}

func statusOf(kind schemas.Kind) int {
	switch kind {
	case schemas.KindUnauthorized:
		return http.StatusUnauthorized
	case schemas.KindForbidden:
		return http.StatusForbidden
	case schemas.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case schemas.KindNoRoom:
		return http.StatusServiceUnavailable
	case schemas.KindTooMany:
		return http.StatusTooManyRequests
	}
	return http.StatusBadRequest
}

// sentenceOf is an error in one line: what is wrong with a filter, or every fault with the name of its member,
// "filter_config.event_type: is missing".
func sentenceOf(e *schemas.Error) string {
	switch {
	case len(e.Faults) == 0:
		return e.Message
	case e.Kind == schemas.KindFilterRefused:
		return e.Faults[0].Message
	}
	parts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		parts[i] = f.Message
		if name := strings.TrimPrefix(strings.TrimPrefix(f.Pointer, "/params"), "/"); name != "" {
			parts[i] = strings.ReplaceAll(name, "/", ".") + ": " + f.Message
		}
	}
	return strings.Join(parts, "; ")
}
