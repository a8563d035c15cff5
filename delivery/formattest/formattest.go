package formattest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// Run checks a Format. sample makes a job that the format can build, a fresh one at every call, equal to the ones before;
// its webhook should have secrets, headers and an endpoint with something secret in its query.
func Run(t *testing.T, f delivery.Format, sample func() delivery.Job) {
	t.Helper()
	t.Run("builds the same body twice", func(t *testing.T) { buildsTheSame(t, f, sample) })
	t.Run("does not change the job", func(t *testing.T) { keepsTheJob(t, f, sample) })
	t.Run("builds a sendable request", func(t *testing.T) { buildsSendable(t, f, sample) })
	t.Run("never fails badly on odd events", func(t *testing.T) { bearsOddEvents(t, f, sample) })
	t.Run("judges every answer", func(t *testing.T) { judgesAll(t, f) })
	t.Run("has a sane policy", func(t *testing.T) { policyIsSane(t, f.Policy(), sample()) })
}

func buildsTheSame(t testing.TB, f delivery.Format, sample func() delivery.Job) {
	first, err := f.Build(sample())
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	for range 20 { // the order of Go's maps shows quickly
		again, err := f.Build(sample())
		if err != nil {
			t.Fatalf("build again: %v", err)
		}
		if !bytes.Equal(first.Body, again.Body) {
			t.Fatalf("the same job has two bodies:\n%s\n%s", first.Body, again.Body)
		}
		if len(first.Header) != len(again.Header) {
			t.Fatalf("the same job has two sets of headers: %v, %v", first.Header, again.Header)
		}
	}
}

func keepsTheJob(t testing.TB, f delivery.Format, sample func() delivery.Job) {
	job, want := sample(), sample()
	request, err := f.Build(job)
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	// What is done to the request must not reach the job either: the event is shared by all its deliveries.
	for i := range request.Body {
		request.Body[i] = 'X'
	}
	for name := range request.Header {
		request.Header[name] = []string{"X"}
	}
	if !reflect.DeepEqual(job, want) {
		t.Error("Build, or a change of what it returned, changed the job")
	}
}

func buildsSendable(t testing.TB, f delivery.Format, sample func() delivery.Job) {
	request, err := f.Build(sample())
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	for name, values := range request.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Content-Length", "Host", "Transfer-Encoding", "Connection":
			t.Errorf("%s is the sender's to set", name)
		}
		for _, value := range values {
			if strings.ContainsAny(value, "\r\n\x00") {
				t.Errorf("the value of %s holds a control character", name)
			}
		}
	}
	if _, err := dump("http://receiver.example/", request); err != nil {
		t.Errorf("net/http does not send it: %v", err)
	}
}

// bearsOddEvents builds events that lack everything or hold the unexpected. An error is fine, a panic or a leak is not.
func bearsOddEvents(t testing.TB, f delivery.Format, sample func() delivery.Job) {
	for _, data := range []string{``, `null`, `true`, `1e400`, `"text"`, `[]`, `[{}]`, `{}`, `{"id":{"deep":[1]}}`, `{"a":"é\u0000"}`,
		`1e999999999`, `{"list_id":1e999999999,"contact_id":` + strings.Repeat("7", 5000) + `,"primaryKey":-1e-999999999}`} {
		job := sample()
		secrets := secretsOf(job.Webhook)
		for i := range job.Due {
			job.Due[i].Event = &schemas.Event{
				Account: 1, Seq: 1, ID: "evt_1", Type: "some.thing", Time: job.Now,
				Data:       json.RawMessage(data),
				Attributes: map[string]json.RawMessage{"list_id": json.RawMessage(`"x"`), "contact_id": json.RawMessage(`null`)},
			}
		}
		leakFree(t, f, job, secrets)
		job.Webhook = &schemas.Webhook{ID: 1, Account: 1, Dialect: job.Webhook.Dialect, Endpoint: job.Webhook.Endpoint}
		leakFree(t, f, job, secrets)
		job.Webhook.Secrets = []schemas.Secret{{Value: "not-a-secret-of-any-dialect"}}
		leakFree(t, f, job, append(secrets, "not-a-secret-of-any-dialect"))
	}
}

func leakFree(t testing.TB, f delivery.Format, job delivery.Job, secrets []string) {
	t.Helper()
	_, err := f.Build(job)
	if err == nil {
		return
	}
	for _, secret := range secrets {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the text of an error holds a secret or the endpoint's URL: %T", err)
		}
	}
}

func secretsOf(w *schemas.Webhook) []string {
	list := []string{w.Endpoint}
	for _, s := range w.Secrets {
		list = append(list, s.Value)
	}
	return list
}

func judgesAll(t testing.TB, f delivery.Format) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	headers := []http.Header{nil, {}, {"Retry-After": {"7"}}, {"Retry-After": {"-1"}}, {"Retry-After": {"NaN"}},
		{"Retry-After": {now.Add(time.Minute).Format(http.TimeFormat)}}, {"Retry-After": {"1e300"}}, {"Retry-After": {"soon"}}}
	for status := 100; status <= 599; status++ {
		for _, header := range headers {
			answer := delivery.Answer{Status: status, Header: header, Now: now}
			v := f.Judge(answer)
			if v.After < 0 {
				t.Fatalf("status %d with %v: a negative wait", status, header)
			}
			if v.OK && v.Gone {
				t.Fatalf("status %d: success and gone at once", status)
			}
			if again := f.Judge(answer); again != v {
				t.Fatalf("status %d is judged differently the second time", status)
			}
		}
	}
	if !f.Judge(delivery.Answer{Status: 200, Now: now}).OK {
		t.Error("200 is no success")
	}
	for _, status := range []int{400, 404, 500, 503} {
		if f.Judge(delivery.Answer{Status: status, Now: now}).OK {
			t.Errorf("%d is a success", status)
		}
	}
	for _, kind := range []schemas.AttemptError{schemas.ErrorDNS, schemas.ErrorRefused, schemas.ErrorConnect, schemas.ErrorTLS,
		schemas.ErrorTimeout, schemas.ErrorProtocol} {
		if v := f.Judge(delivery.Answer{Error: kind, Now: now}); v.OK || v.Gone {
			t.Errorf("no answer (%s) is judged %+v", kind, v)
		}
	}
}

// maxRetryTime is how long a delivery may be tried at most; longer than that is a slip of a unit.
const maxRetryTime = 30 * 24 * time.Hour

func policyIsSane(t testing.TB, p delivery.Policy, job delivery.Job) {
	total := time.Duration(0)
	for i, wait := range p.Waits {
		if wait <= 0 {
			t.Errorf("wait %d is %v", i+1, wait)
		}
		total += wait
	}
	if total > maxRetryTime {
		t.Errorf("retries go on for %v", total)
	}
	if p.Jitter < 0 || p.Jitter > 1 {
		t.Errorf("the jitter is %v", p.Jitter)
	}
	if p.Batch < 0 || p.FailAfter < 0 || p.FailFor < 0 {
		t.Error("a limit is negative")
	}
	if len(job.Due) == 0 || len(job.Due) > max(p.Batch, 1) {
		t.Errorf("the sample has %d deliveries, a batch takes %d", len(job.Due), max(p.Batch, 1))
	}
}
