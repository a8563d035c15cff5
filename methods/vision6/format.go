package vision6

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// maxBatch is the most events of one call. The vendor sends "all completed events" together and names no limit.
const maxBatch = 100

// Format sends deliveries the way Vision6 does (its page "webhook").
type Format struct{}

// event is one element of a delivery, in the order of the vendor's example.
type event struct {
	ListID    *int64 `json:"list_id,omitempty"`
	ContactID *int64 `json:"contact_id,omitempty"`
	Object    string `json:"object"`
	Event     string `json:"event,omitempty"`
	Timestamp *int64 `json:"timestamp,omitempty"` // seconds since 1970
}

// Build makes the array of all events that are due. It never fails on a published event.
func (Format) Build(job delivery.Job) (delivery.Request, error) {
	events := make([]event, len(job.Due))
	for i, due := range job.Due {
		events[i] = eventOf(due.Event)
	}
	body, err := json.Marshal(events)
	if err != nil {
		return delivery.Request{}, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	delivery.AddHeaders(header, job.Webhook.Headers)
	return delivery.Request{Header: header, Body: body}, nil
}

func eventOf(e *schemas.Event) event {
	var out event
	out.Object, out.Event, _ = strings.Cut(e.Type, ".")
	fields := delivery.FieldsOf(e)
	if n, ok := fields.Int(listID); ok {
		out.ListID = &n
	}
	if n, ok := fields.Int("contact_id"); ok && out.Object == "contact" {
		out.ContactID = &n
	}
	if n, ok := fields.Int("timestamp"); ok {
		out.Timestamp = &n
	} else if !e.Time.IsZero() {
		out.Timestamp = new(e.Time.Unix())
	}
	return out
}

// Judge follows the vendor to the letter: 400 to 599 is a failure, every other code a success.
func (Format) Judge(answer delivery.Answer) delivery.Verdict {
	failed := answer.Status == 0 || answer.Status >= 400 && answer.Status <= 599
	return delivery.Verdict{OK: !failed, After: delivery.RetryAfter(answer.Header, answer.Now)}
}

// Policy is the vendor's up to 5 retries, after which the webhook is removed; the lengths of the waits are ours.
func (Format) Policy() delivery.Policy {
	return delivery.Policy{
		Waits:  []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour},
		Jitter: 0.1,
		Batch:  maxBatch,
		OnDead: delivery.EffectRemove,
	}
}
