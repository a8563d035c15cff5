package formattest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// plain is a format without faults; its funcs, where given, are the fault under test.
type plain struct {
	build  func(delivery.Job) (delivery.Request, error)
	judge  func(delivery.Answer) delivery.Verdict
	policy delivery.Policy
}

func (p plain) Build(job delivery.Job) (delivery.Request, error) {
	if p.build != nil {
		return p.build(job)
	}
	return delivery.Request{Header: http.Header{"X-One": {"1"}}, Body: []byte(job.Due[0].Event.ID)}, nil
}

func (p plain) Judge(a delivery.Answer) delivery.Verdict {
	if p.judge != nil {
		return p.judge(a)
	}
	return delivery.JudgeCommon(a)
}

func (p plain) Policy() delivery.Policy { return p.policy }

func sample() delivery.Job {
	return delivery.Job{
		Webhook: &schemas.Webhook{
			ID: 1, Account: 1, Endpoint: "http://receiver.example/?key=hidden", Secrets: []schemas.Secret{{Value: "also-hidden"}},
		},
		Due: []delivery.Due{{Event: &schemas.Event{ID: "evt_1", Type: "a.b", Data: []byte(`{"a":1}`)}, Attempt: 1}},
		Now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
	}
}

func TestRunPassesAFormatWithoutFaults(t *testing.T) {
	t.Parallel()
	Run(t, plain{policy: delivery.Policy{Waits: []time.Duration{time.Second}}}, sample)
}

// spy notes what a check says instead of failing.
type spy struct {
	testing.TB
	said []string
}

func (s *spy) Helper()                      {}
func (s *spy) Error(args ...any)            { s.said = append(s.said, fmt.Sprint(args...)) }
func (s *spy) Errorf(f string, args ...any) { s.said = append(s.said, fmt.Sprintf(f, args...)) }
func (s *spy) Fatalf(f string, args ...any) {
	s.said = append(s.said, fmt.Sprintf(f, args...))
	panic(s)
}
func (s *spy) Fatal(args ...any) { s.said = append(s.said, fmt.Sprint(args...)); panic(s) }

// hear runs a check and returns what it said.
func hear(t *testing.T, check func(testing.TB)) string {
	t.Helper()
	s := &spy{TB: t}
	func() {
		defer func() {
			if stopped := recover(); stopped != nil && stopped != any(s) {
				panic(stopped)
			}
		}()
		check(s)
	}()
	return strings.Join(s.said, "\n")
}

func TestChecksFindFaults(t *testing.T) {
	t.Parallel()
	count := 0
	for name, c := range map[string]struct {
		check func(testing.TB)
		want  string
	}{
		"a changing body": {func(t testing.TB) {
			buildsTheSame(t, plain{build: func(delivery.Job) (delivery.Request, error) {
				count++
				return delivery.Request{Body: fmt.Append(nil, count)}, nil
			}}, sample)
		}, "two bodies"},
		"a changed job": {func(t testing.TB) {
			keepsTheJob(t, plain{build: func(j delivery.Job) (delivery.Request, error) {
				return delivery.Request{Body: j.Due[0].Event.Data}, nil // the caller's bytes, not a copy
			}}, sample)
		}, "changed the job"},
		"a header of the sender's": {func(t testing.TB) {
			buildsSendable(t, plain{build: func(delivery.Job) (delivery.Request, error) {
				return delivery.Request{Header: http.Header{"host": {"x"}}}, nil
			}}, sample)
		}, "the sender's to set"},
		"a leak": {func(t testing.TB) {
			bearsOddEvents(t, plain{build: func(j delivery.Job) (delivery.Request, error) {
				return delivery.Request{}, fmt.Errorf("cannot post to %s", j.Webhook.Endpoint)
			}}, sample)
		}, "holds a secret"},
		"gone and fine": {func(t testing.TB) {
			judgesAll(t, plain{judge: func(delivery.Answer) delivery.Verdict { return delivery.Verdict{OK: true, Gone: true} }})
		}, "at once"},
		"no answer is fine": {func(t testing.TB) {
			judgesAll(t, plain{judge: func(a delivery.Answer) delivery.Verdict { return delivery.Verdict{OK: a.Status < 400} }})
		}, "no answer"},
		"a wait of nothing": {func(t testing.TB) { policyIsSane(t, delivery.Policy{Waits: []time.Duration{0}}, sample()) }, "wait 1"},
		"minutes for hours": {func(t testing.TB) {
			policyIsSane(t, delivery.Policy{Waits: []time.Duration{5000 * time.Hour}}, sample())
		}, "go on for"},
	} {
		if said := hear(t, c.check); !strings.Contains(said, c.want) {
			t.Errorf("%s: heard %q, want %q", name, said, c.want)
		}
	}
}

func TestGoldenComparesEveryByte(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "one.http")
	want := "POST /?key=hidden HTTP/1.1\r\nHost: receiver.example\r\nUser-Agent: Hookswitch\r\nContent-Length: 5\r\nX-One: 1\r\n\r\nevt_1"
	if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	request, err := plain{}.Build(sample())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := sample().Webhook.Endpoint
	if said := hear(t, func(t testing.TB) { Golden(t, file, endpoint, request) }); said != "" {
		t.Error(said)
	}
	request.Body = []byte("evt_2")
	if said := hear(t, func(t testing.TB) { Golden(t, file, endpoint, request) }); !strings.Contains(said, "differs") {
		t.Errorf("heard %q", said)
	}
}
