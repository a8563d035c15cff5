package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/service"
)

// A program that embeds the service follows its events.
func ExampleService_Connect() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	dir, err := os.MkdirTemp("", "hookswitch-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := service.Open(ctx, service.Options{Data: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close(ctx)

	arrived := make(chan string, 1)
	client := s.Connect(ctx, rpc.LocalOptions{
		Credential: "Bearer " + s.LocalKey(),
		OnNotify: func(_ string, params json.RawMessage) {
			var p struct{ Event struct{ ID string } }
			if json.Unmarshal(params, &p) == nil {
				arrived <- p.Event.ID
			}
		},
	})
	defer client.Close()
	if err := client.Call(ctx, "subscribeEvents", map[string]any{"events": []string{"order.*"}}, nil); err != nil {
		log.Fatal(err)
	}
	if err := client.Call(ctx, "publishEvent", map[string]any{"type": "order.paid", "id": "order-7-paid"}, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-arrived)
	// Output: order-7-paid
}
