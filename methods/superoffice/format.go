package superoffice

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
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

// Policy is the vendor's cycle of three attempts.
func (Format) Policy() delivery.Policy {
	return delivery.Policy{Waits: []time.Duration{time.Second, 4 * time.Second}, FailAfter: failAfter}
}
