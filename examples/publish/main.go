// Publish publishes one event, and goes on until the service has it: what a publisher does about an answer that does not come.
//
//	HOOKSWITCH_KEY=… go run ./examples/publish -type order.paid -id order-7-paid '{"order":7}'
//
// The id is the event's own, made of what happened. With it a second publish changes nothing, so everything that leaves open
// whether the event was taken is answered by publishing again.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/rpc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv("HOOKSWITCH_KEY"), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}

// event is what publishEvent takes; there is more in docs/publishing.md.
type event struct {
	Type string
	ID   string
	Data json.RawMessage // none if empty
}

// params are the parameters of publishEvent. In a map the client sends raw JSON byte for byte; in a struct it would lose its
// white space.
func (e event) params() map[string]any {
	params := map[string]any{"type": e.Type, "id": e.ID}
	if len(e.Data) > 0 {
		params["data"] = e.Data
	}
	return params
}

// published is its answer.
type published struct {
	ID        string `json:"id"`
	Matched   int    `json:"matched"`   // webhooks it is owed to
	Duplicate bool   `json:"duplicate"` // an earlier try was taken
}

func run(ctx context.Context, args []string, key string, out io.Writer) error {
	flags := flag.NewFlagSet("publish", flag.ContinueOnError)
	server := flags.String("server", "http://127.0.0.1:8080", "address of the service")
	eventType := flags.String("type", "", "the event's type, such as order.paid (required)")
	id := flags.String("id", "", "the event's id, such as order-7-paid (required)")
	patience := flags.Duration("patience", 5*time.Minute, "how long to go on trying")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *eventType == "" || *id == "" {
		return errors.New("-type and -id are required")
	}
	e := event{Type: *eventType, ID: *id, Data: json.RawMessage(flags.Arg(0))}
	if len(e.Data) > 0 && !json.Valid(e.Data) {
		return errors.New("the data is not JSON")
	}
	ctx, cancel := context.WithTimeout(ctx, *patience)
	defer cancel()
	client, err := rpc.Dial(ctx, *server+"/rpc", rpc.DialOptions{
		Credential: "Bearer " + key, HTTPClient: &http.Client{Timeout: 35 * time.Second}, // the service gives up a call after 30
	})
	if err != nil {
		return err
	}
	defer client.Close()
	p, err := publish(ctx, client, e, 200*time.Millisecond)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is owed to %d webhooks (an earlier try was taken: %v)\n", p.ID, p.Matched, p.Duplicate)
	return nil
}

// maxWait is the longest wait between two tries, unless the service asks for a longer one.
const maxWait = 30 * time.Second

// publish tries until the event is taken, refused for good, or ctx ends. The first wait doubles with every try and is
// jittered, so that many publishers do not come back in the same moment.
func publish(ctx context.Context, client *rpc.Client, e event, wait time.Duration) (published, error) {
	for {
		var p published
		err := client.Call(ctx, "publishEvent", e.params(), &p)
		if err == nil {
			return p, nil
		}
		asked, again := retry(err)
		if !again {
			return p, err
		}
		select {
		case <-time.After(max(asked, wait/2+rand.N(wait))):
		case <-ctx.Done():
			return p, fmt.Errorf("given up; the last try: %w", err)
		}
		wait = min(2*wait, maxWait)
	}
}

// Codes of refusals that say nothing against the event. See the table in docs/operating.md.
const (
	overloaded   = -32000
	callTimeout  = -32002 // it may have been taken
	shuttingDown = -32004
	cancelled    = -32005 // it may have been taken
	noRoom       = 362
	tooMany      = 399
)

// retry says whether to publish again after err, and what the service asks to wait for at least. Of an error that is no refusal, a
// broken connection say, and of an internal one nobody knows whether the event was taken.
func retry(err error) (asked time.Duration, again bool) {
	refusal, ok := errors.AsType[*jsonrpc2.Error](err)
	if !ok {
		return 0, true
	}
	switch refusal.Code {
	case noRoom, tooMany:
		var data struct {
			RetryAfter int64 `json:"retryAfter"` // seconds
		}
		if refusal.Data != nil && json.Unmarshal(*refusal.Data, &data) != nil {
			return 0, true
		}
		return time.Duration(data.RetryAfter) * time.Second, true
	case overloaded, callTimeout, shuttingDown, cancelled, jsonrpc2.CodeInternalError:
		return 0, true
	}
	return 0, false
}
