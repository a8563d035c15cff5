package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	other  = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	body   = `{"type":"contact.unsubscribed","timestamp":"2026-11-21T10:00:00Z","data":{"email":"jo@example.com"}}`
	line   = `2026-11-21T10:00:00Z evt_1 contact.unsubscribed {"email":"jo@example.com"}` + "\n"
)

// signed is a delivery as the sender makes it at that time.
func signed(t *testing.T, url, by, text string, at time.Time) *http.Request {
	t.Helper()
	signer, err := standardwebhooks.NewWebhook(by)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign("evt_1", at, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("webhook-id", "evt_1")
	request.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	request.Header.Set("webhook-signature", signature)
	return request
}

func TestReceiverPrintsWhatIsSignedAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	now := time.Now()
	get := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	unsigned := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	altered := signed(t, "/", secret, body, now)
	altered.Body = io.NopCloser(strings.NewReader(strings.Replace(body, "jo@", "mo@", 1)))
	for name, test := range map[string]struct {
		request *http.Request
		status  int
		printed string
	}{
		"a delivery":     {signed(t, "/", secret, body, now), http.StatusNoContent, line},
		"another secret": {signed(t, "/", other, body, now), http.StatusUnauthorized, ""},
		"too old":        {signed(t, "/", secret, body, now.Add(-6*time.Minute)), http.StatusUnauthorized, ""},
		"altered":        {altered, http.StatusUnauthorized, ""},
		"unsigned":       {unsigned, http.StatusUnauthorized, ""},
		"not JSON":       {signed(t, "/", secret, "hello", now), http.StatusBadRequest, ""},
		"too large":      {signed(t, "/", secret, strings.Repeat("a", maxBody+1), now), http.StatusRequestEntityTooLarge, ""},
		"GET":            {get, http.StatusMethodNotAllowed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			r, err := newReceiver(secret, &out)
			if err != nil {
				t.Fatal(err)
			}
			answer := httptest.NewRecorder()
			r.ServeHTTP(answer, test.request)
			if answer.Code != test.status {
				t.Errorf("status %d, want %d", answer.Code, test.status)
			}
			if out.String() != test.printed {
				t.Errorf("printed %q, want %q", out.String(), test.printed)
			}
		})
	}
}

func TestRunServesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-listen", "127.0.0.1:0", "-secret", secret}, writer) }()

	lines := bufio.NewReader(reader)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSpace(strings.TrimPrefix(first, "listening on "))
	request := signed(t, url, secret, body, time.Now())
	answered := make(chan int, 1)
	go func() {
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			answered <- 0
			return
		}
		_ = answer.Body.Close()
		answered <- answer.StatusCode
	}()
	if got, err := lines.ReadString('\n'); err != nil || got != line {
		t.Errorf("printed %q (%v), want %q", got, err, line)
	}
	if status := <-answered; status != http.StatusNoContent {
		t.Errorf("status %d, want 204", status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}

func TestRunRefusesAWrongSecret(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"-secret", "whsec_canary!"}} {
		err := run(t.Context(), args, io.Discard)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: error %v", args, err)
		}
	}
}
