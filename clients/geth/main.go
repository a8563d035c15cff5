// Command geth calls Hookswitch with go-ethereum's JSON-RPC client, over HTTP and WebSocket. A module of its own, so that
// its dependencies stay out of ours.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/rpc"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: geth URL KEY ENDPOINT")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	url := os.Args[1] + "/rpc"
	for _, address := range []string{url, strings.Replace(url, "http", "ws", 1)} {
		if err := scene(ctx, address, os.Args[2], os.Args[3]); err != nil {
			log.Fatalf("%s: %v", address, err)
		}
	}
}

// scene registers a webhook, publishes an event that matches it, and is refused properly.
func scene(ctx context.Context, address, key, endpoint string) error {
	client, err := rpc.DialOptions(ctx, address, rpc.WithHeaders(http.Header{"Authorization": {"Bearer " + key}}))
	if err != nil {
		return err
	}
	defer client.Close()
	scheme, _, _ := strings.Cut(address, ":")
	details := map[string]any{"object": "contact", "event": "unsubscribed", "list_id": 123, "url": endpoint + "/geth/" + scheme}
	var id int64
	if err := client.CallContext(ctx, &id, "addWebhook", key, details); err != nil {
		return fmt.Errorf("addWebhook: %w", err)
	}
	var published struct {
		ID      string
		Matched int
	}
	// go-ethereum's client sends positional parameters only: type and data.
	if err := client.CallContext(ctx, &published, "publishEvent", "contact.unsubscribed", nil, nil, nil, nil, nil,
		map[string]any{"list_id": 123, "contact_id": 7}); err != nil {
		return fmt.Errorf("publishEvent: %w", err)
	}
	if published.Matched < 1 {
		return fmt.Errorf("publishEvent matched %d", published.Matched)
	}
	var coded rpc.Error
	if err := client.CallContext(ctx, &id, "addWebhook", key, details); !errors.As(err, &coded) || coded.ErrorCode() != 351 {
		return fmt.Errorf("the same again: got %v, want code 351", err)
	}
	fmt.Println("geth", scheme, "ok")
	return nil
}
