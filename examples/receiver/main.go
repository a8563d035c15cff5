// Receiver is a small receiver of native deliveries: it verifies each with the official Standard Webhooks library and
// prints it. Register its address with createSubscription and give it the secret of the answer:
//
//	go run ./examples/receiver -listen 127.0.0.1:9000 -secret whsec_…
//
// A delivery may come twice (at least once is the promise). A receiver that must not act twice remembers webhook-id,
// which is the same in every attempt.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// maxBody is the largest delivery taken, in bytes; Hookswitch takes events with up to 1 MiB of data.
const maxBody = 2 << 20

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "receiver:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("receiver", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:9000", "address to listen on")
	secret := flags.String("secret", "", "the subscription's secret, whsec_… (required)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *secret == "" {
		return errors.New("-secret is required")
	}
	handler, err := newReceiver(*secret, out)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "listening on http://%s/\n", listener.Addr())
	server := &http.Server{Handler: handler, ReadTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// receiver prints the deliveries that its verifier accepts.
type receiver struct {
	verifier *standardwebhooks.Webhook

	mu  sync.Mutex // keeps the lines of two deliveries apart
	out io.Writer
}

func newReceiver(secret string, out io.Writer) (*receiver, error) {
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, errors.New("the secret is not whsec_ followed by base64")
	}
	return &receiver{verifier: verifier, out: out}, nil
}

// delivery is the body of a native delivery.
type delivery struct {
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

// ServeHTTP answers 204 to a delivery it took, and 401 to one whose signature or time is wrong.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	// Verify before anything reads the body: until then it could be anybody's.
	if err := r.verifier.Verify(body, request.Header); err != nil {
		http.Error(w, "signature refused", http.StatusUnauthorized)
		return
	}
	var d delivery
	if err := json.Unmarshal(body, &d); err != nil {
		http.Error(w, "body is not a delivery", http.StatusBadRequest)
		return
	}
	r.print(request.Header.Get(standardwebhooks.HeaderWebhookID), &d)
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) print(id string, d *delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "%s %s %s %s\n", d.Timestamp.Format(time.RFC3339), id, d.Type, d.Data)
}
