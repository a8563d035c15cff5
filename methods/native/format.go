package native

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// failFor is how long a webhook may only fail before it becomes schemas.StateFailing.
const failFor = 5 * 24 * time.Hour

// jitter spreads every wait upwards by at most this share, so that receivers that come back are not stormed.
const jitter = 0.2

// The headers of Standard Webhooks, spelled as in its specification.
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

// The formats a subscription can choose, by the names of its member. The first is kept as "", since it is the usual one.
const (
	formatStandard          = "standard"
	formatCloudEvents       = "cloudevents"
	formatCloudEventsBinary = "cloudevents-binary"
)

// Format is the dialect's delivery.Format: Standard Webhooks with either of its signatures, around a body of its own or a
// CloudEvent.
type Format struct{}

var _ delivery.Format = Format{}

// Build makes the request for one event, with data byte for byte as published, signed by every secret that has not
// expired. webhook-id is the event's id, the same in every attempt.
func (Format) Build(job delivery.Job) (delivery.Request, error) {
	if len(job.Due) != 1 {
		return delivery.Request{}, errors.New("a native delivery carries exactly one event")
	}
	event := job.Due[0].Event
	header, body, err := write(job.Webhook.Format, event)
	if err != nil {
		return delivery.Request{}, err
	}
	signature, err := delivery.SignStandardAll(job.Webhook.Secrets, event.ID, job.Now, body)
	if err != nil {
		return delivery.Request{}, err
	}
	header[headerID] = []string{event.ID}
	header[headerTimestamp] = []string{strconv.FormatInt(job.Now.Unix(), 10)}
	header[headerSignature] = []string{signature}
	delivery.AddHeaders(header, job.Webhook.Headers)
	return delivery.Request{Header: header, Body: body}, nil
}

// write makes the body of an event in one of the formats, and the headers that belong to it.
func write(format string, event *schemas.Event) (http.Header, []byte, error) {
	switch format {
	case "", formatStandard:
		body, err := bodyOf(event)
		return http.Header{"Content-Type": {"application/json"}}, body, err
	case formatCloudEvents:
		body, err := structuredOf(event)
		return http.Header{"Content-Type": {"application/cloudevents+json"}}, body, err
	case formatCloudEventsBinary:
		header, err := binaryHeader(event)
		return header, slices.Clone([]byte(event.Data)), err
	}
	return nil, nil, errors.New("the webhook's format is not known to this version")
}

// bodyOf is {"type","timestamp","data"}. It is written by hand, because json.Marshal would compact and escape the data.
func bodyOf(event *schemas.Event) ([]byte, error) {
	eventType, err := json.Marshal(event.Type)
	if err != nil {
		return nil, errors.New("the event's type cannot be written as JSON")
	}
	at, err := event.Time.UTC().MarshalJSON()
	if err != nil {
		return nil, errors.New("the event's time cannot be written as RFC 3339")
	}
	data := []byte(event.Data)
	if len(data) == 0 {
		data = []byte("null")
	}
	b := make([]byte, 0, len(data)+len(eventType)+len(at)+64)
	b = append(b, `{"type":`...)
	b = append(b, eventType...)
	b = append(b, `,"timestamp":`...)
	b = append(b, at...)
	b = append(b, `,"data":`...)
	b = append(b, data...)
	return append(b, '}'), nil
}

// Judge is the common verdict, which is Standard Webhooks': 2xx is success, 410 stops, Retry-After is honoured.
func (Format) Judge(answer delivery.Answer) delivery.Verdict { return delivery.JudgeCommon(answer) }

// Policy is the schedule that Standard Webhooks gives as its example: ten attempts over 75 h 35 min.
func (Format) Policy() delivery.Policy {
	return delivery.Policy{
		Waits: []time.Duration{
			5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
			10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
		},
		Jitter:  jitter,
		FailFor: failFor,
	}
}
