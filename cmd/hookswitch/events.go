package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

func eventsCommand() *cli.Command {
	return &cli.Command{
		Name:  "events",
		Usage: "publish events and look at them",
		Commands: []*cli.Command{
			{
				Name:      "publish",
				Usage:     "publish an event",
				ArgsUsage: "TYPE [DATA|-]",
				Description: "DATA is any JSON; - reads it from standard input. It goes out byte for byte. The event is durable once the command is done, and a repeated --id is\n" +
					"answered with the first result.\n" +
					"Example: hookswitch events publish contact.created '{\"email\":\"ann@example.com\"}' --attribute list_id=123",
				Flags: actingFlags(
					&cli.StringFlag{Name: "id", Usage: "the event's `ID`: 1 to 64 letters, digits, _ and - (default: made)"},
					&cli.StringFlag{Name: "source", Usage: "who publishes it"},
					&cli.StringFlag{Name: "subject", Usage: "what it is about"},
					&timeFlag{Name: "time", Usage: "when it happened, a `TIME` like 2026-11-27T09:30:00Z or 5m (ago) (default: now)"},
					&cli.StringSliceFlag{Name: "attribute", Usage: "`NAME=VALUE` that matching reads; VALUE is a number, true, false or a text; repeatable"}),
				DisableSliceFlagSeparator: true, // an attribute's text may hold commas
				Action:                    publishEvent,
			},
			{
				Name: "list", Usage: "list events, newest first",
				Flags:  actingFlags(append(periodFlags(), limitFlag(), &cli.StringSliceFlag{Name: "type", Usage: "only those of this `TYPE`, which may hold *; repeatable"})...),
				Action: listEvents,
			},
			{Name: "show", Usage: "show an event, and what became of it at each webhook", ArgsUsage: "ID", Flags: actingFlags(), Action: showEvent},
		},
	}
}

func publishEvent(ctx context.Context, c *cli.Command) error {
	if n := c.Args().Len(); n < 1 || n > 2 {
		return usageError{errors.New("events publish takes TYPE and, if there are any, DATA; see hookswitch events publish --help")}
	}
	params := given(c, "id", "source", "subject", "time")
	params["type"] = c.Args().First()
	var err error
	if c.Args().Len() == 2 {
		if params["data"], err = eventData(c.Args().Get(1), c.Root().Reader); err != nil {
			return usageError{err}
		}
	}
	if texts := c.StringSlice("attribute"); len(texts) > 0 {
		if params["attributes"], err = attributes(texts); err != nil {
			return usageError{err}
		}
	}
	var published struct {
		ID        string `json:"id"`
		Matched   int    `json:"matched"`
		Duplicate bool   `json:"duplicate"`
	}
	if err := call(ctx, c, "publishEvent", params, &published); err != nil {
		return err
	}
	told := ""
	if published.Duplicate {
		told = ", a repeat: nothing is sent again"
	}
	return answer(c, published, "Event %s, for %s%s.", published.ID, counted(published.Matched, "webhook", "webhooks"), told)
}

// eventData reads DATA. Nothing at all is a variable that is not set or a command before the pipe that failed, not null.
func eventData(text string, stdin io.Reader) (any, error) {
	data, err := parameters(text, stdin)
	switch {
	case err != nil:
		return nil, fmt.Errorf("DATA: %w", err)
	case data == nil && text == "-":
		return nil, errors.New("standard input is empty: DATA must be JSON; to publish without data leave it out, or write null")
	case data == nil:
		return nil, errors.New("DATA is empty: it must be JSON; to publish without data leave it out, or write null")
	}
	return data, nil
}

// attributes reads NAME=VALUE. What is a JSON number or boolean is one, anything else a text.
func attributes(texts []string) (map[string]any, error) {
	out := map[string]any{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--attribute %q: must be like list_id=123", text)
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("--attribute %q: %s is given twice", text, name)
		}
		out[name] = value
		if plain := strings.TrimSpace(value); json.Valid([]byte(plain)) && strings.ContainsAny(plain[:1], "-0123456789tf") {
			out[name] = json.RawMessage(plain) // of a number of any size: one that is too large the service refuses
		}
	}
	return out, nil
}

// shownDeliveries is how many deliveries are shown with an event.
const shownDeliveries = 20

func showEvent(ctx context.Context, c *cli.Command) error {
	id, err := oneArgument(c, "an ID; see hookswitch events list")
	if err != nil {
		return err
	}
	if err := show(ctx, c, "getEvent", map[string]any{"id": id}); err != nil || c.Bool("json") {
		return err
	}
	of := deliveriesBy(map[string]any{"event": id})
	t := table{head: of.head}
	more, err := eachItem(ctx, c, of.method, of.params, shownDeliveries, of.addTo(&t))
	if err != nil || len(t.rows) == 0 {
		return err
	}
	fmt.Fprintln(c.Root().Writer)
	if err := t.print(c.Root().Writer); err != nil {
		return err
	}
	if more {
		fmt.Fprintf(c.Root().ErrWriter, "There are more; hookswitch deliveries list --event %s --limit 0 shows all.\n", id)
	}
	return nil
}

func listEvents(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	params, err := periodOf(c)
	if err != nil {
		return err
	}
	if types := c.StringSlice("type"); len(types) > 0 {
		params["types"] = types
	}
	return listing{
		method: "listEvents", params: params,
		head: []string{"ID", "TYPE", "ACCEPTED", "WEBHOOKS", "SOURCE", "SUBJECT"},
		row: rowOf(func(e struct {
			ID       string    `json:"id"`
			Type     string    `json:"type"`
			Accepted time.Time `json:"accepted"`
			Matched  int       `json:"matched"`
			Source   string    `json:"source"`
			Subject  string    `json:"subject"`
		}) []any {
			return []any{e.ID, e.Type, moment(e.Accepted), e.Matched, filled(e.Source), filled(e.Subject)}
		}),
	}.print(ctx, c)
}
