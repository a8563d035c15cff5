package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/service"
)

// hookswitch starts a service for the examples and returns its RPC address and a key.
func hookswitch() (address, key string, stop func()) {
	dir, err := os.MkdirTemp("", "hookswitch-example")
	if err != nil {
		log.Fatal(err)
	}
	s, err := service.Open(context.Background(), service.Options{Data: dir})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	return server.URL + "/rpc", s.GeneratedKey(), func() {
		server.Close()
		_ = s.Close(context.Background()) // an example has nobody to tell
		_ = os.RemoveAll(dir)
	}
}

// A program publishes an event.
func ExampleDial() {
	address, key, stop := hookswitch()
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := rpc.Dial(ctx, address, rpc.DialOptions{
		Credential: "Bearer " + key,
		HTTPClient: &http.Client{Timeout: 30 * time.Second},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	var published struct {
		ID      string `json:"id"`
		Matched int    `json:"matched"`
	}
	event := map[string]any{"type": "contact.created", "id": "contact-142-created", "data": map[string]string{"email": "ann@example.com"}}
	if err := client.Call(ctx, "publishEvent", event, &published); err != nil {
		log.Fatal(err)
	}
	fmt.Println(published.ID, published.Matched)
	// Output: contact-142-created 0
}

// Over a WebSocket many calls share one connection, and the server sends notifications: here the events it accepts.
func ExampleDial_webSocket() {
	address, key, stop := hookswitch()
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	pushed := make(chan json.RawMessage, 16) // OnNotify must not block
	client, err := rpc.Dial(ctx, strings.Replace(address, "http", "ws", 1), rpc.DialOptions{
		Credential: "Bearer " + key,
		OnNotify:   func(_ string, params json.RawMessage) { pushed <- params },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	if err := client.Call(ctx, "subscribeEvents", map[string]any{"events": []string{"contact.*"}}, nil); err != nil {
		log.Fatal(err)
	}
	if err := client.Call(ctx, "publishEvent", map[string]any{"type": "contact.created", "id": "contact-142-created"}, nil); err != nil {
		log.Fatal(err)
	}
	var live struct {
		Cursor string `json:"cursor"` // to go on from after a break
		Event  struct {
			ID   string `json:"id"`
			Type string `json:"type"`
		} `json:"event"`
	}
	if err := json.Unmarshal(<-pushed, &live); err != nil {
		log.Fatal(err)
	}
	fmt.Println(live.Event.ID, live.Event.Type)
	// Output: contact-142-created contact.created
}

// A refusal has a code; its data says which parameters are wrong. Any other error leaves open whether the call was run.
func ExampleClient_Call() {
	address, key, stop := hookswitch()
	defer stop()

	ctx := context.Background()
	client, err := rpc.Dial(ctx, address, rpc.DialOptions{Credential: "Bearer " + key})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	err = client.Call(ctx, "createSubscription", map[string]any{"endpoint": "https://example.com/hooks"}, nil)
	if refusal, ok := errors.AsType[*jsonrpc2.Error](err); ok {
		fmt.Println(refusal.Code, refusal.Message)
		fmt.Println(string(*refusal.Data))
	}
	// Output:
	// 310 Invalid Method Parameters
	// {"kind":"invalid_params","message":"Invalid Method Parameters","faults":[{"pointer":"/params/events","message":"is missing"}]}
}

// A batch sends several calls in one request; each has an error of its own.
func ExampleClient_Batch() {
	address, key, stop := hookswitch()
	defer stop()

	ctx := context.Background()
	client, err := rpc.Dial(ctx, address, rpc.DialOptions{Credential: "Bearer " + key})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	var first, second struct {
		Duplicate bool `json:"duplicate"`
	}
	event := map[string]any{"type": "order.paid", "id": "order-7-paid"}
	calls := []rpc.BatchCall{
		{Method: "publishEvent", Params: event, Result: &first},
		{Method: "publishEvent", Params: event, Result: &second},
		{Method: "getEvent", Params: map[string]any{"id": "order-8-paid"}},
	}
	if err := client.Batch(ctx, calls); err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.Duplicate, second.Duplicate)
	fmt.Println(calls[2].Err)
	// Output:
	// false true
	// jsonrpc2: code 353 message: No such event
}
