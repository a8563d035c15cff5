package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sourcegraph/jsonrpc2"
	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/rpc"
)

func listenCommand() *cli.Command {
	return &cli.Command{
		Name:  "listen",
		Usage: "show events as they come, and forward them to a program on this machine",
		Description: "Makes a subscription with the endpoint pull:, takes its events and posts each to the URL as a webhook would be,\n" +
			"signed with the secret that is shown; without --forward it prints what is in them. What the program does not take with 2xx comes again. Ctrl-C removes the subscription,\n" +
			"and so does the service after --idle-timeout when this command was killed.\n" +
			"Example: hookswitch listen --forward http://localhost:3000/hooks --events 'contact.*'",
		Flags: actingFlags(
			&cli.StringFlag{Name: "forward", Usage: "post events to this `URL`; without it they are shown with their data"},
			&cli.StringSliceFlag{Name: "events", Value: []string{"*"}, Usage: "event `TYPES`, with *; may be given several times"},
			&cli.StringFlag{Name: "filter", Usage: "only events whose data this `JSON` filter matches"},
			&durationFlag{Name: "idle-timeout", Value: 24 * time.Hour, Usage: "how long the subscription stays when this command can't remove it"},
			&cli.StringFlag{Name: "id", Usage: "take the events of this pull: subscription `ID`, and leave it there at the end"}),
		Action: listenToEvents,
	}
}

const (
	listenTake    = 5   // events taken at a time
	listenWait    = 20  // seconds that a call waits for events
	listenLease   = 300 // seconds; more than listenTake times forwardTimeout
	minListenWait = 500 * time.Millisecond
	maxListenWait = 15 * time.Second

	forwardTimeout = 30 * time.Second
)

// forwarder takes events and forwards them.
type forwarder struct {
	command *cli.Command
	forward string // "": nowhere
	id      string
	client  *http.Client
}

func listenToEvents(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	l := &forwarder{command: c, forward: c.String("forward"), id: c.String("id")}
	if u, err := url.Parse(l.forward); l.forward != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return usageError{errors.New("--forward must be a URL such as http://localhost:3000/hooks")}
	}
	filter := c.String("filter")
	if filter != "" && !json.Valid([]byte(filter)) {
		return usageError{errors.New("--filter is not valid JSON; in a shell, put it in single quotes")}
	}
	l.client = &http.Client{
		Timeout:       forwardTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer l.client.CloseIdleConnections()
	if l.id == "" {
		if err := l.subscribe(ctx, c.StringSlice("events"), filter); err != nil {
			return err
		}
		defer l.unsubscribe(ctx)
	} else {
		l.note("Listening as %s; Ctrl-C ends it, and leaves the subscription.", l.id)
	}
	return l.run(ctx)
}

// subscribe makes the subscription whose events are taken, and shows its secret.
func (l *forwarder) subscribe(ctx context.Context, events []string, filter string) error {
	document := map[string]any{
		"endpoint": "pull:listen-" + rand.Text(), "events": events, "name": "hookswitch listen", "retry": []int{1, 5, 30, 120, 600},
		"idleTimeout": l.command.Duration("idle-timeout").Seconds(),
	}
	if filter != "" {
		document["filter"] = json.RawMessage(filter)
	}
	var made struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}
	if err := call(ctx, l.command, "createSubscription", document, &made); err != nil {
		return err
	}
	l.id = made.ID
	l.note("Listening for %s as %s; Ctrl-C ends it.", strings.Join(events, ", "), made.ID)
	if l.forward != "" {
		l.note("The secret of the signatures: %s", made.Secret)
	}
	return nil
}

// unsubscribe removes the subscription, also when ctx has ended.
func (l *forwarder) unsubscribe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := call(ctx, l.command, "deleteSubscription", map[string]any{"id": l.id}, nil); err != nil {
		l.note("The subscription %s could not be removed: %s", l.id, explain(err))
	}
}

// note tells the person at the terminal; what is asked for goes to standard output.
func (l *forwarder) note(format string, args ...any) {
	fmt.Fprintf(l.command.Root().ErrWriter, format+"\n", args...)
}

// run takes and forwards until ctx ends, over restarts of the service.
func (l *forwarder) run(ctx context.Context) error {
	var client *rpc.Client
	defer func() {
		if client != nil {
			_ = client.Close()
		}
	}()
	for wait := minListenWait; ctx.Err() == nil; {
		var err error
		if client == nil {
			client, err = connect(ctx, l.command)
		}
		if err == nil {
			err = l.step(ctx, client)
		}
		switch {
		case err == nil:
			if wait > minListenWait {
				l.note("The service answers again.")
			}
			wait = minListenWait
			continue
		case ctx.Err() != nil:
			return nil
		case !goesBy(err):
			return l.explained(err)
		}
		if client != nil {
			_ = client.Close()
			client = nil
		}
		if wait == minListenWait {
			l.note("The service does not answer; trying again.")
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, maxListenWait)
	}
	return nil
}

// goesBy reports whether an error is one that goes by: nobody answered, or the server stops, has no room, or too much to do.
func goesBy(err error) bool {
	if _, wrong := errors.AsType[usageError](err); wrong {
		return false
	}
	refusal, refused := errors.AsType[*jsonrpc2.Error](err)
	return !refused || refusal.Code == 362 || refusal.Code == 399 || refusal.Code < -32000 && refusal.Code > -32100
}

// explained says of a subscription of our own that is gone how that can be.
func (l *forwarder) explained(err error) error {
	if refusal, ok := errors.AsType[*jsonrpc2.Error](err); ok && refusal.Code == 352 && l.command.String("id") == "" {
		return hinted{err, "it was removed by somebody, or since this command did not ask for events for --idle-timeout; start it again"}
	}
	return err
}

// taken is an event as pullEvents gives it.
type taken struct {
	Delivery string          `json:"delivery"`
	Lease    string          `json:"lease"`
	Attempt  int             `json:"attempt"`
	Event    json.RawMessage `json:"event"` // with its data, where it is not forwarded
	Request  struct {
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
		Base64  string            `json:"bodyBase64"`
	} `json:"request"`
}

// step takes what there is, forwards it and says what became of it.
func (l *forwarder) step(ctx context.Context, client *rpc.Client) error {
	var got struct {
		Items []taken `json:"items"`
	}
	asked := map[string]any{"id": l.id, "max": listenTake, "wait": listenWait, "lease": listenLease, "as": "request"}
	if l.forward == "" {
		asked["as"] = "event"
	}
	if err := client.Call(ctx, "pullEvents", asked, &got); err != nil {
		return err
	}
	for _, t := range got.Items {
		r := l.send(ctx, t)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := l.show(r, t.Event); err != nil {
			return err
		}
		ack := map[string]any{"delivery": t.Delivery, "lease": t.Lease, "ok": r.Error == ""}
		if r.Error != "" {
			ack["error"] = cell(r.Error, 1000)
		}
		if err := client.Call(ctx, "ackEvents", map[string]any{"id": l.id, "acks": []any{ack}}, nil); err != nil {
			return err
		}
	}
	return nil
}

// send posts an event to the program, as a webhook would be.
func (l *forwarder) send(ctx context.Context, t taken) (r forwarded) {
	var event struct{ ID, Type string }
	if err := json.Unmarshal(t.Event, &event); err != nil {
		r.Error = "the event cannot be read"
	}
	r.Time, r.Event, r.Type, r.Delivery, r.Attempt = time.Now(), event.ID, event.Type, t.Delivery, t.Attempt
	if l.forward == "" || r.Error != "" {
		return r
	}
	body := []byte(t.Request.Body)
	if t.Request.Base64 != "" {
		var err error
		if body, err = base64.StdEncoding.DecodeString(t.Request.Base64); err != nil {
			r.Error = "the body of the request cannot be read"
			return r
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.forward, bytes.NewReader(body))
	if err != nil {
		r.Error = "the request cannot be made"
		return r
	}
	request.Header.Set("User-Agent", "Hookswitch/"+version)
	for name, value := range t.Request.Headers {
		request.Header[name] = []string{value} // in the spelling of a webhook
	}
	answer, err := l.client.Do(request)
	r.Duration = time.Since(r.Time).Seconds()
	if err != nil {
		r.Error = err.Error()
		return r
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	_ = answer.Body.Close()
	if r.Status = answer.StatusCode; r.Status < 200 || r.Status > 299 {
		r.Error = "status " + strconv.Itoa(r.Status)
	}
	return r
}
