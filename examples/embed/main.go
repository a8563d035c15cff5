// Command embed runs the whole service inside a Go program: no listener, no second process. It registers a webhook,
// publishes an event and waits until the receiver has it.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"time"

	"github.com/hookswitch/hookswitch/service"
)

func main() {
	dir, err := os.MkdirTemp("", "hookswitch")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := run(context.Background(), dir); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()

	received := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		received <- r.Header.Get("webhook-id")
	}))
	defer receiver.Close()

	s, err := service.Open(ctx, service.Options{
		Data:  dir,
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, // the receiver of this example is on this machine
	})
	if err != nil {
		return err
	}
	defer s.Close(ctx)

	client := s.Client(ctx, s.LocalKey())
	defer client.Close()
	subscription := map[string]any{"endpoint": receiver.URL, "events": []string{"order.*"}}
	if err := client.Call(ctx, "createSubscription", subscription, nil); err != nil {
		return err
	}
	var published struct{ ID string }
	event := map[string]any{"type": "order.paid", "data": map[string]any{"order": 7}}
	if err := client.Call(ctx, "publishEvent", event, &published); err != nil {
		return err
	}
	select {
	case id := <-received:
		fmt.Println("published", published.ID, "and received", id)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
