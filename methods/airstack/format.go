package airstack

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
)

// headerName is the header of every delivery that holds the webhook's constant (guides/webhooks/verify-webhooks). It is
// written in this spelling.
const headerName = "x-airstack-webhook"

// Convoy 24.5.1's default strategy for a project: ten attempts, 100 s apart.
const (
	attempts = 10
	wait     = 100 * time.Second
)

// Format is the dialect's delivery.Format.
type Format struct{}

var _ delivery.Format = Format{}

// Build makes the request for one event: its data byte for byte, without the type, and the constant header.
func (Format) Build(job delivery.Job) (delivery.Request, error) {
	if len(job.Due) != 1 {
		return delivery.Request{}, errors.New("an Airstack delivery carries exactly one event")
	}
	constant := job.Webhook.CurrentSecret()
	if constant == "" {
		return delivery.Request{}, errors.New("the webhook has no header value")
	}
	body := slices.Clone([]byte(job.Due[0].Event.Data))
	switch {
	case absent(body):
		body = []byte("{}")
	case !isObject(body):
		return delivery.Request{}, errors.New("the event's data is not a JSON object")
	}
	return delivery.Request{
		Header: http.Header{
			"Content-Type": {"application/json"},
			headerName:     {constant},
		},
		Body: body,
	}, nil
}

// Judge counts any 2xx as success and honours Retry-After; no status stops the webhook.
func (Format) Judge(answer delivery.Answer) delivery.Verdict {
	verdict := delivery.JudgeCommon(answer)
	verdict.Gone = false
	return verdict
}

// Policy is Convoy's default (inferred): ten attempts at even distances, and nothing happens to the webhook after them.
func (Format) Policy() delivery.Policy {
	return delivery.Policy{Waits: slices.Repeat([]time.Duration{wait}, attempts-1)}
}
