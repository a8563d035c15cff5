package service

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/hookswitch/hookswitch/delivery"
)

// tracing sends the spans of events to an OpenTelemetry collector. It is the delivery.Tracer of a service that has one.
type tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

var _ delivery.Tracer = (*tracing)(nil)

// tracesPath is where OTLP over HTTP takes spans, below the collector's base.
const tracesPath = "/v1/traces"

// newTracing is nil when neither the options nor OpenTelemetry's own variables name a collector. It connects to nobody yet.
func newTracing(ctx context.Context, o Options) (*tracing, error) {
	if !o.traced() {
		return nil, nil
	}
	var to []otlptracehttp.Option // without any: what the variables say
	if o.OTLPEndpoint != "" {
		to = append(to, otlptracehttp.WithEndpointURL(strings.TrimSuffix(o.OTLPEndpoint, "/")+tracesPath))
	}
	exporter, err := otlptracehttp.New(ctx, to...)
	if err != nil {
		return nil, err
	}
	// What the variables OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes last and wins.
	of, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "hookswitch"), attribute.String("service.version", o.Version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(of), sdktrace.WithBatcher(&outspoken{SpanExporter: exporter, log: o.Log}))
	return &tracing{provider, provider.Tracer("github.com/hookswitch/hookswitch")}, nil
}

// traced reports whether there is a collector. Of OpenTelemetry's variables the exporter reads the rest itself.
func (o *Options) traced() bool {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return o.OTLPEndpoint != "" || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// tracingGrace is how long the last spans may take to be sent when the service ends.
const tracingGrace = 3 * time.Second

// close sends what is left.
func (t *tracing) close(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracingGrace)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the exporter has told the log of what could not be sent
}

// Begin implements delivery.Tracer.
func (t *tracing) Begin(step delivery.Step, parent delivery.TraceContext, links ...delivery.TraceContext) delivery.Span {
	options := []trace.SpanStartOption{trace.WithSpanKind(kindOf(step))}
	for _, at := range links {
		if other := trace.SpanContextFromContext(within(at)); other.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: other}))
		}
	}
	ctx, s := t.tracer.Start(within(parent), string(step), options...)
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return &span{s, delivery.TraceContext{Parent: carrier[traceparent], State: carrier[tracestate]}}
}

// The names of W3C Trace Context.
const (
	traceparent = "traceparent"
	tracestate  = "tracestate"
)

// maxTracestate is how long a tracestate is passed on, in bytes: as long as W3C asks for.
const maxTracestate = 512

// within is a context below the span that is named. A tracestate that is none, or too long, is left out.
func within(at delivery.TraceContext) context.Context {
	if len(at.State) > maxTracestate {
		at.State = ""
	}
	carrier := propagation.MapCarrier{traceparent: at.Parent, tracestate: at.State}
	return propagation.TraceContext{}.Extract(context.Background(), carrier)
}

// kindOf says how a step stands to the spans of others: a publish answers its caller's, an attempt asks its receiver.
func kindOf(step delivery.Step) trace.SpanKind {
	switch step {
	case delivery.StepPublish:
		return trace.SpanKindServer
	case delivery.StepAttempt:
		return trace.SpanKindClient
	}
	return trace.SpanKindInternal
}

// span is one step.
type span struct {
	trace.Span
	at delivery.TraceContext
}

// Context implements delivery.Span.
func (s *span) Context() delivery.TraceContext { return s.at }

// End implements delivery.Span.
func (s *span) End(f delivery.Facts) {
	defer s.Span.End()
	if !s.IsRecording() {
		return
	}
	number := func(name string, value int64) {
		if value != 0 {
			s.SetAttributes(attribute.Int64(name, value))
		}
	}
	text := func(name, value string) {
		if value != "" {
			s.SetAttributes(attribute.String(name, value))
		}
	}
	number("hookswitch.account", int64(f.Account))
	text("hookswitch.webhook", f.Webhook)
	text("hookswitch.dialect", f.Dialect)
	text("hookswitch.event.id", f.Event)
	text("hookswitch.event.type", f.Type)
	number("hookswitch.events", int64(f.Events))
	number("hookswitch.matched", int64(f.Matched))
	number("hookswitch.attempt", int64(f.Attempt))
	text("hookswitch.delivery.state", string(f.Delivery))
	number("http.response.status_code", int64(f.Status))
	if f.Error != "" {
		text("error.type", f.Error)
		s.SetStatus(codes.Error, "")
	}
}

// outspoken has the log told when spans can't be sent, and when they can again.
type outspoken struct {
	sdktrace.SpanExporter
	log     zerolog.Logger
	failing atomic.Bool
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *outspoken) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if was := e.failing.Swap(err != nil); was == (err != nil) {
		return err
	}
	if err == nil {
		e.log.Info().Msg("traces can be sent again")
		return nil
	}
	cause := err
	if u, ok := errors.AsType[*url.Error](err); ok {
		cause = u.Err // without the URL, which may hold a key
	}
	e.log.Warn().Err(cause).Msg("traces cannot be sent; what the collector does not take is lost")
	return err
}
