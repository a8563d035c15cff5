package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/rpc"
)

// push is a notification of a live subscription.
type push struct {
	method       string
	Subscription string `json:"subscription"`
	Cursor       string `json:"cursor"`
	Reason       string `json:"reason"`
	Event        struct {
		ID   string          `json:"id"`
		Data json.RawMessage `json:"data"`
	} `json:"event"`
}

// dial opens a WebSocket whose notifications go to the channel.
func (s running) dial(t *testing.T, key string, pushes chan push) *rpc.Client {
	t.Helper()
	client, err := rpc.Dial(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/rpc", rpc.DialOptions{
		Credential: "Bearer " + key,
		OnNotify: func(method string, params json.RawMessage) {
			p := push{method: method}
			if err := json.Unmarshal(params, &p); err != nil {
				t.Errorf("%s: %v", method, err)
			}
			pushes <- p
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// listen subscribes over a connection and returns the subscription's name.
func listen(t *testing.T, client *rpc.Client, params map[string]any) string {
	t.Helper()
	var made struct {
		Subscription string `json:"subscription"`
	}
	if err := client.Call(t.Context(), "subscribeEvents", params, &made); err != nil {
		t.Fatal(err)
	}
	return made.Subscription
}

func await(t *testing.T, pushes chan push) push {
	t.Helper()
	select {
	case p := <-pushes:
		return p
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was pushed")
		return push{}
	}
}

// TestCursorBeyondTheNewestEventIsRefused: who had come further than a store that was restored would hear nothing of what is
// published until that has caught up.
func TestCursorBeyondTheNewestEventIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "shop")
	client := s.dial(t, key, make(chan push, 16))
	var made struct {
		Cursor string `json:"cursor"`
	}
	if err := client.Call(t.Context(), "subscribeEvents", nil, &made); err != nil {
		t.Fatal(err)
	}
	_, epoch, _ := strings.Cut(made.Cursor, "-")
	wantCode(t, client.Call(t.Context(), "subscribeEvents", map[string]any{"cursor": "99999999-" + epoch}, nil), 353)
	wantCode(t, client.Call(t.Context(), "subscribeEvents", map[string]any{"cursor": "0-1"}, nil), 353)
	if err := client.Call(t.Context(), "subscribeEvents", map[string]any{"cursor": made.Cursor}, nil); err != nil {
		t.Error(err)
	}
}

// TestALiveSubscriptionGoesOverFromStoredToNewEvents: whoever begins in the middle of what is being published gets all that
// follows, once, in the order of the store.
func TestALiveSubscriptionGoesOverFromStoredToNewEvents(t *testing.T) {
	t.Parallel()
	s := open(t)
	key, other := s.fullKey(t, "shop"), s.fullKey(t, "another")
	const writers, each = 4, 100
	publish := func(key, id string) {
		client := s.Client(t.Context(), key)
		defer client.Close()
		if err := client.Call(t.Context(), "publishEvent", map[string]any{"type": "a.b", "id": id}, nil); err != nil {
			t.Error(err)
		}
	}
	publish(key, "first")
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				publish(key, fmt.Sprint("w", w, "-", i))
				publish(other, fmt.Sprint("w", w, "-", i))
			}
		})
	}
	pushes := make(chan push, 1)
	client := s.dial(t, key, pushes)
	listen(t, client, map[string]any{"after": "first"})
	var got []string
	var cursors []string
	for range writers * each {
		p := await(t, pushes)
		got, cursors = append(got, p.Event.ID), append(cursors, p.Cursor)
	}
	all.Wait()
	publish(key, "last")
	if p := await(t, pushes); p.Event.ID != "last" {
		t.Errorf("%s came after all", p.Event.ID)
	}
	for w := range writers {
		prefix := fmt.Sprint("w", w, "-")
		n := 0
		for _, id := range got {
			if strings.HasPrefix(id, prefix) {
				if id != fmt.Sprint(prefix, n) {
					t.Fatalf("%s came where %s%d was to come", id, prefix, n)
				}
				n++
			}
		}
	}

	// Another connection goes on at any cursor.
	resumed := make(chan push, 1)
	listen(t, s.dial(t, key, resumed), map[string]any{"cursor": cursors[200]})
	var rest []string
	for range got[201:] {
		rest = append(rest, await(t, resumed).Event.ID)
	}
	if !slices.Equal(rest, got[201:]) {
		t.Errorf("after the cursor of %s came %v", got[200], rest)
	}
}

// TestASlowReaderMissesNothing: it is fed from the store at its own pace, whatever is published meanwhile.
func TestASlowReaderMissesNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "shop")
	pushes := make(chan push) // a reader that stands still until it is asked
	client := s.dial(t, key, pushes)
	listen(t, client, nil)
	data := strings.Repeat("x", 1<<20-2) // the largest there are: together more than a connection's queue
	const events = 9
	for i := range events {
		s.publish(t, key, map[string]any{"type": "big", "id": fmt.Sprint("big-", i), "data": data}, 0)
	}
	for i := range events {
		if p := await(t, pushes); p.Event.ID != fmt.Sprint("big-", i) || len(p.Event.Data) != 1<<20 {
			t.Fatalf("%s came with %d bytes where big-%d was to come", p.Event.ID, len(p.Event.Data), i)
		}
	}
}

func TestALiveSubscriptionEndsWithItsKey(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "shop")
	var reader struct {
		ID      int64  `json:"id"`
		Account int64  `json:"account"`
		Key     string `json:"key"`
	}
	s.call(t, s.LocalKey(), "createKey", map[string]any{"access": "read", "account": "shop"}, &reader)
	pushes := make(chan push, 4)
	client := s.dial(t, reader.Key, pushes)
	id := listen(t, client, nil)
	s.publish(t, key, map[string]any{"type": "a", "id": "one"}, 0)
	one := await(t, pushes)
	admin := s.Client(t.Context(), s.LocalKey())
	defer admin.Close()
	params := map[string]any{"id": reader.ID, "account": reader.Account}
	if err := admin.Call(t.Context(), "revokeKey", params, nil); err != nil {
		t.Fatal(err)
	}
	s.publish(t, key, map[string]any{"type": "a", "id": "two"}, 0)
	end := await(t, pushes)
	if end.method != "eventsEnd" || end.Subscription != id || end.Reason != "revoked" || end.Cursor != one.Cursor {
		t.Errorf("got %+v, want the end of %s at %s", end, id, one.Cursor)
	}
}

func TestLiveSubscriptionsOfAConnectionAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t)
	pushes := make(chan push, 256)
	client := s.dial(t, s.fullKey(t, "shop"), pushes)
	var ids []string
	for range 32 {
		ids = append(ids, listen(t, client, map[string]any{"events": []string{"a"}}))
	}
	wantCode(t, client.Call(t.Context(), "subscribeEvents", nil, nil), 399)
	if err := client.Call(t.Context(), "unsubscribeEvents", []any{ids[0]}, nil); err != nil {
		t.Error(err)
	}
	listen(t, client, nil)
}

func TestAServerThatStopsSaysGoodbyeToLiveSubscriptions(t *testing.T) {
	t.Parallel()
	s := open(t)
	client := s.dial(t, s.fullKey(t, "shop"), make(chan push, 1))
	listen(t, client, nil)
	began := time.Now()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the server took %v to stop", took)
	}
	if err := client.Call(t.Context(), "ping", nil, nil); !errors.Is(err, rpc.ErrClosed) {
		t.Errorf("a call after the end: %v", err)
	}
}
