package delivery

import (
	"maps"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// TraceContext is W3C's: Parent names a span as the header traceparent does, State goes with it as tracestate, and is "" where
// there is none.
type TraceContext struct{ Parent, State string }

// traceOf is what an event keeps of its trace.
func traceOf(e *schemas.Event) TraceContext { return TraceContext{e.Traceparent, e.Tracestate} }

// Tracer makes the spans of an event's way: one of its publication, one of the matching below that, and one of each exchange. A
// span is named to others by its TraceContext, which the event keeps (schemas.Event.Traceparent): so attempts belong to
// the trace of the publication also when they are made days later, by another process. Safe for concurrent use.
type Tracer interface {
	// Begin begins a span below the one that parent names, or a trace of its own when that is no traceparent. An exchange that
	// carries the events of several traces is linked to the others.
	Begin(step Step, parent TraceContext, links ...TraceContext) Span
}

// Span is a step under way.
type Span interface {
	Context() TraceContext
	// End ends the span, once.
	End(Facts)
}

// Step is what a span is about.
type Step string

// The steps of an event's way.
const (
	StepPublish Step = "publish" // from the call until events and deliveries are durable; several events may share one
	StepMatch   Step = "match"   // finding the webhooks that want them
	StepAttempt Step = "attempt" // one exchange
)

// Facts are what is told of a step at its end; what does not apply is left zero. None holds a URL, secret or payload.
type Facts struct {
	Account  schemas.AccountID
	Webhook  string // its id as its callers see it
	Dialect  string
	Event    string // id of the event, the first of several
	Type     string // of that event
	Events   int    // how many there were
	Matched  int    // deliveries owed
	Attempt  int    // number of the attempt
	Status   int    // of HTTP
	Error    string // why the step failed, a word; "" when it did not
	Delivery schemas.DeliveryState
}

// publication is the trace of one publish; nil, which all methods take, without a Tracer.
type publication struct {
	tracer      Tracer
	span, match Span
	facts       Facts
}

// follow begins the trace of a publish and has its events keep it.
func (o *Options) follow(events []*schemas.Event) *publication {
	if o.Tracer == nil || len(events) == 0 {
		return nil
	}
	first := events[0]
	p := &publication{tracer: o.Tracer, span: o.Tracer.Begin(StepPublish, traceOf(first))}
	p.facts = Facts{Account: first.Account, Event: first.ID, Type: first.Type, Events: len(events)}
	for _, event := range events {
		kept := p.span.Context()
		event.Traceparent, event.Tracestate = kept.Parent, kept.State
	}
	p.match = p.tracer.Begin(StepMatch, p.span.Context())
	return p
}

// matched ends the matching.
func (p *publication) matched(batch []storage.NewEvent) {
	if p == nil {
		return
	}
	for i := range batch {
		p.facts.Matched += len(batch[i].To)
	}
	p.match.End(p.facts)
}

// end ends the trace's first span.
func (p *publication) end(out []Published) {
	if p == nil {
		return
	}
	for i := range out {
		if out[i].Err != nil {
			p.facts.Error = "not_accepted"
		}
	}
	p.span.End(p.facts)
}

// embark begins the span of an exchange.
func (e *Engine) embark(x *exchange) {
	if e.o.Tracer == nil {
		return
	}
	var links []TraceContext
	for _, it := range x.items[1:] {
		if it.event.Traceparent != "" {
			links = append(links, traceOf(it.event))
		}
	}
	x.span = e.o.Tracer.Begin(StepAttempt, traceOf(x.items[0].event), links...)
}

// arrive ends the span of an exchange.
func (x *exchange) arrive(f Facts) {
	if x.span == nil {
		return
	}
	first := x.items[0]
	f.Account, f.Webhook, f.Dialect = first.held.Account, x.hook.Title(), x.hook.Dialect
	f.Event, f.Type, f.Events, f.Attempt = first.event.ID, first.event.Type, len(x.items), first.held.Attempts+1
	x.span.End(f)
}

// The headers of W3C Trace Context, as that writes them.
const (
	headerTraceparent = "traceparent"
	headerTracestate  = "tracestate"
)

// withTrace is a header that names the exchange's span, so that the receiver's own spans can stand below it. A traceparent or
// tracestate that the webhook has itself stays.
func (x *exchange) withTrace(h http.Header) http.Header {
	if x.span == nil || hasHeader(h, headerTraceparent) {
		return h
	}
	out := maps.Clone(h)
	if out == nil {
		out = http.Header{}
	}
	at := x.span.Context()
	out[headerTraceparent] = []string{at.Parent}
	if at.State != "" && !hasHeader(h, headerTracestate) {
		out[headerTracestate] = []string{at.State}
	}
	return out
}

// hasHeader reports whether a header is there, in whatever spelling.
func hasHeader(h http.Header, name string) bool {
	for each := range h {
		if strings.EqualFold(each, name) {
			return true
		}
	}
	return false
}
