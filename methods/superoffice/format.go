package superoffice

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// userAgent is the one of the vendor's sample of a delivery; receivers look for its beginning.
const userAgent = "NetServer-Webhook/8.8.6684.1719"

// testEvent is the type of the event that tests a webhook.
const testEvent = "test"

// failAfter is how many failed attempts in a row make a webhook TooManyErrors: 3 events of 3 attempts.
const failAfter = 9

// Format sends deliveries the way SuperOffice does: one event as a JSON object.
type Format struct{}

// Build makes the request for one event.
func (Format) Build(job delivery.Job) (delivery.Request, error) {
	if len(job.Due) != 1 {
		return delivery.Request{}, errors.New("a SuperOffice delivery carries exactly one event")
	}
	due := job.Due[0]
	body, err := bodyOf(job.Webhook, due.Event)
	if err != nil {
		return delivery.Request{}, errors.New("the event or the webhook's properties cannot be written as JSON")
	}
	header := http.Header{
		"Content-Type":          {"application/json; charset=utf-8"},
		"User-Agent":            {userAgent},
		"X-SuperOffice-Event":   {due.Event.Type},
		"X-SuperOffice-EventId": {eventID(job.Webhook.Account, due.Event.ID)},
		"X-SuperOffice-Retry":   {strconv.Itoa(due.Attempt - 1)},
	}
	if secret := job.Webhook.CurrentSecret(); secret != "" {
		header["X-SuperOffice-Signature"] = []string{delivery.HMACSHA256([]byte(secret), body)}
	}
	if due.Event.Type == testEvent {
		header["X-Hook-Test"] = []string{"true"}
	}
	delivery.AddHeaders(header, job.Webhook.Headers)
	return delivery.Request{Header: header, Body: body}, nil
}

// Judge takes 200 alone for success, and 410 for the end (the vendor's page of state events).
func (Format) Judge(answer delivery.Answer) delivery.Verdict {
	return delivery.Verdict{OK: answer.Status == http.StatusOK, Gone: answer.Status == http.StatusGone}
}

// Policy is the vendor's cycle of three attempts. A receiver that is gone makes the webhook TooManyErrors, not Stopped:
// that is what its owner does.
func (Format) Policy() delivery.Policy {
	return delivery.Policy{
		Waits: []time.Duration{time.Second, 4 * time.Second}, FailAfter: failAfter, OnGone: delivery.EffectFail,
	}
}

// Announce is the event webhook{id}.started, .stopped or .errors, for other webhooks that name it.
func (Format) Announce(w *schemas.Webhook) *schemas.Event {
	var verb string
	switch w.State {
	case schemas.StateActive:
		verb = "started"
	case schemas.StateStopped:
		verb = "stopped"
	case schemas.StateFailing:
		verb = "errors"
	default:
		return nil
	}
	number := strconv.FormatInt(int64(w.ID), 10)
	values, err := json.Marshal(map[string]any{"fieldValues": map[string]any{
		"registered": dateTime(w.Created), "state": stateNumber(w.State), "updated": dateTime(w.Updated),
	}})
	if err != nil {
		return nil // strings and a number always encode
	}
	return &schemas.Event{
		Type: "webhook" + number + "." + verb, Subject: number, Data: values,
		Attributes: map[string]json.RawMessage{"primaryKey": json.RawMessage(number)},
	}
}
