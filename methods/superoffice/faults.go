package superoffice

import (
	"errors"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch/rest"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// What a request can lack before a method is called.
var (
	errMediaType    = errors.New("the body's type is not taken")
	errNoCredential = schemas.Refuse(schemas.KindUnauthorized, "The key is missing, unknown or revoked")
)

// problem is an error as the vendor shows it: the status, the name of the exception, and what was wrong.
type problem struct {
	status    int
	exception string
	message   string
}

// The vendor's names of exceptions: two from its documents, the others .NET's own.
const (
	argumentException     = "ArgumentException"
	notFoundException     = "SoNotFoundException"
	authenticationFailed  = "AuthenticationException"
	unauthorizedException = "UnauthorizedAccessException"
	invalidOperation      = "InvalidOperationException"
	notSupported          = "NotSupportedException"
	unspecific            = "Exception"
)

// fault is the vendor's answer to an error. A webhook that is not there is no error at two of the agent's addresses.
func fault(r *rest.Request, err error) rest.Reply {
	if schemas.KindOf(err) == schemas.KindNoWebhook &&
		(strings.EqualFold(r.Rest, agentGet) || strings.EqualFold(r.Rest, agentLastError)) {
		return answer(r, http.StatusOK, "Webhook", null)
	}
	p := problemOf(r, err)
	doc, encoding := encode(struct {
		Error        bool
		ErrorType    string
		Message      string // the key of the vendor's client's fixture
		ErrorMessage string // and that of its page of error handling
		ErrorSource  string
	}{true, p.exception, p.message, p.message, "SuperOffice.Services.Implementation"})
	if encoding != nil {
		doc = null // strings always encode
	}
	reply := answer(r, p.status, "Error", doc)
	if e, ok := errors.AsType[*rest.VerbError](err); ok {
		reply.Header.Set("Allow", strings.Join(e.Allow, ", "))
	}
	if p.status == http.StatusUnauthorized {
		// Not Basic: a browser would ask its user for a password and send it from then on, whoever made it call.
		reply.Header.Set("WWW-Authenticate", `Bearer realm="Hookswitch"`)
	}
	return reply
}

// problemOf says what an error looks like. The text of one that is not known here is not told.
func problemOf(r *rest.Request, err error) problem {
	if e, ok := errors.AsType[*schemas.Error](err); ok {
		return refused(r, e)
	}
	if _, ok := errors.AsType[*rest.VerbError](err); ok {
		return problem{http.StatusMethodNotAllowed, notSupported, "The requested resource does not support this HTTP method."}
	}
	if _, is := rpc.Unavailable(err); is {
		return problem{http.StatusServiceUnavailable, unspecific, "The service is not available at the moment; try again later."}
	}
	switch {
	case errors.Is(err, rest.ErrNoRoute):
		return problem{http.StatusNotFound, notFoundException, "No HTTP resource was found at this address."}
	case errors.Is(err, rest.ErrTooLarge):
		return problem{http.StatusRequestEntityTooLarge, argumentException, "The request body is too large."}
	case errors.Is(err, rest.ErrEncoded):
		return problem{http.StatusUnsupportedMediaType, notSupported, "A compressed request body is not supported."}
	case errors.Is(err, rest.ErrCutShort):
		return problem{http.StatusBadRequest, argumentException, "The request body ended early."}
	case errors.Is(err, errMediaType):
		return problem{http.StatusUnsupportedMediaType, notSupported, "The request body's Content-Type or charset is not supported."}
	}
	return problem{http.StatusInternalServerError, unspecific, "An error has occurred."}
}

// refused is a refusal of a method, or of what reads requests here.
func refused(r *rest.Request, e *schemas.Error) problem {
	switch e.Kind {
	case schemas.KindUnauthorized:
		return problem{http.StatusUnauthorized, authenticationFailed, "Authentication failed: the key is missing, unknown or revoked."}
	case schemas.KindForbidden:
		return problem{http.StatusForbidden, unauthorizedException, e.Message}
	case schemas.KindNoWebhook:
		return problem{http.StatusNotFound, notFoundException, notFound(r)}
	case schemas.KindDuplicate:
		return problem{http.StatusConflict, argumentException, e.Message}
	case schemas.KindWrongState:
		if len(e.Faults) > 0 && e.Faults[0].Pointer == "/params/unmodifiedSince" {
			return problem{http.StatusPreconditionFailed, invalidOperation, e.Message}
		}
		return problem{http.StatusConflict, invalidOperation, e.Message}
	case schemas.KindTooLarge:
		return problem{http.StatusRequestEntityTooLarge, argumentException, e.Message}
	case schemas.KindNoRoom:
		return problem{http.StatusServiceUnavailable, unspecific, e.Message}
	case schemas.KindTooMany:
		return problem{http.StatusTooManyRequests, invalidOperation, e.Message}
	}
	return problem{http.StatusBadRequest, argumentException, sentence(e)}
}

// notFound names the webhook, if its number is one.
func notFound(r *rest.Request) string {
	id := webhookID(r)
	switch {
	case r.Method == http.MethodPatch:
		return "Webhook with given id does not exist in the db."
	case id == "" || len(id) > 20 || strings.Trim(id, "0123456789") != "":
		return "Webhook not found"
	}
	return "Webhook id " + id + " not found"
}

// sentence says all that is wrong with a body: "Webhook TargetUrl is missing".
func sentence(e *schemas.Error) string {
	if len(e.Faults) == 0 {
		return e.Message
	}
	var all []string
	for _, f := range e.Faults {
		pointer := f.Pointer
		for _, prefix := range []string{"/params", "/webhook", "/patch", "/Webhook"} {
			if rest, ok := strings.CutPrefix(pointer, prefix); ok && (rest == "" || rest[0] == '/') {
				pointer = rest
			}
		}
		pointer = strings.NewReplacer("~1", "/", "~0", "~").Replace(strings.TrimPrefix(pointer, "/"))
		first, _, _ := strings.Cut(pointer, "/")
		_, member := memberOf(first)
		switch {
		case member:
			all = append(all, "Webhook "+pointer+" "+f.Message)
		case pointer != "":
			all = append(all, pointer+" "+f.Message)
		case f.Message[0] >= 'A' && f.Message[0] <= 'Z': // a sentence of the vendor's
			all = append(all, f.Message)
		default:
			all = append(all, "The request body "+f.Message)
		}
	}
	return strings.Join(all, "; ")
}
