package service

import (
	"net/http"
	"testing"
	"time"
)

// takenItems are answers of pullEvents.
type takenItems struct {
	Items []struct {
		Delivery string `json:"delivery"`
		Lease    string `json:"lease"`
		Event    struct {
			ID string `json:"id"`
		} `json:"event"`
		Request struct {
			Headers map[string]string `json:"headers"`
			Body    string            `json:"body"`
		} `json:"request"`
	} `json:"items"`
}

func TestAPulledRequestVerifiesLikeOneThatWasSent(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "shop")
	var made subscription
	s.call(t, key, "createSubscription", map[string]any{
		"endpoint": "pull:", "events": []string{"order.*"}, "filter": map[string]any{"sum": map[string]any{"$gte": 10}},
	}, &made)
	s.publish(t, key, map[string]any{"type": "order.paid", "data": map[string]any{"sum": 9}}, 0)
	s.publish(t, key, map[string]any{"type": "order.paid", "id": "paid-1", "data": map[string]any{"sum": 10, "to": "<Jö & Co>\u2028"}}, 1)
	var got takenItems
	s.call(t, key, "pullEvents", map[string]any{"id": made.ID, "as": "request", "wait": 20}, &got)
	if len(got.Items) != 1 || got.Items[0].Event.ID != "paid-1" {
		t.Fatalf("took %+v", got)
	}
	request := arrival{header: http.Header{}, body: got.Items[0].Request.Body}
	for name, value := range got.Items[0].Request.Headers {
		request.header.Set(name, value)
	}
	if !verifies(t, request, made.Secret) {
		t.Errorf("the request does not verify: %+v", got.Items[0].Request)
	}
	wantCode(t, s.try(t, s.fullKey(t, "stranger"), "pullEvents", []any{made.ID}, nil), 352)
	wantCode(t, s.try(t, s.makeKey(t, "shop", "publish"), "pullEvents", []any{made.ID}, nil), 355)
}

func TestAServerThatStopsDoesNotWaitForThoseWhoPull(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "shop")
	var made subscription
	s.call(t, key, "createSubscription", map[string]any{"endpoint": "pull:", "events": []string{"order.*"}}, &made)
	client := s.Client(t.Context(), key)
	defer client.Close()
	ended := make(chan error, 1)
	var got takenItems
	go func() {
		ended <- client.Call(t.Context(), "pullEvents", map[string]any{"id": made.ID, "wait": 25}, &got)
	}()
	// The call is there once a second one on the same connection has been answered; whether it waits by then is as good.
	if err := client.Call(t.Context(), "ping", nil, nil); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the server took %v to stop", took)
	}
	if err := <-ended; err == nil && len(got.Items) > 0 {
		t.Errorf("took %+v", got)
	}
}

// failedDelivery is what getDelivery tells of a delivery that came to nothing.
type failedDelivery struct {
	State   string `json:"state"`
	History []struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	} `json:"history"`
}

func TestWhatIsTakenAndForgottenIsAFailedAttempt(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "shop")
	var made subscription
	s.call(t, key, "createSubscription", map[string]any{"endpoint": "pull:", "events": []string{"*"}, "retry": []int{}}, &made)
	s.publish(t, key, map[string]any{"type": "order.paid"}, 1)
	var got takenItems
	s.call(t, key, "pullEvents", map[string]any{"id": made.ID, "lease": 1}, &got)
	s.reads(t, `hookswitch_deliveries_total{dialect="native",outcome="dead"}`, 1)
	var d failedDelivery
	s.call(t, key, "getDelivery", []any{got.Items[0].Delivery}, &d)
	if d.State != "dead" || len(d.History) != 1 || d.History[0].Error != "lease" {
		t.Errorf("the delivery is %+v", d)
	}
}

func TestWhatNobodyPullsIsDeadInTheEnd(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.PullFor = time.Millisecond })
	key := s.fullKey(t, "shop")
	var made subscription
	s.call(t, key, "createSubscription", map[string]any{"endpoint": "pull:", "events": []string{"*"}}, &made)
	s.publish(t, key, map[string]any{"type": "order.paid"}, 1)
	s.reads(t, `hookswitch_deliveries_total{dialect="native",outcome="dead"}`, 1)
	var listed struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	s.call(t, key, "listDeliveries", map[string]any{"webhook": made.ID, "state": "dead"}, &listed)
	if len(listed.Items) != 1 {
		t.Fatalf("dead are %+v", listed)
	}
	var d failedDelivery
	s.call(t, key, "getDelivery", []any{listed.Items[0].ID}, &d)
	if len(d.History) != 1 || d.History[0].Error != "untaken" {
		t.Errorf("the delivery is %+v", d)
	}
}
