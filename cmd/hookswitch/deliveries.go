package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/urfave/cli/v3"
)

func deliveriesCommand() *cli.Command {
	return &cli.Command{
		Name:  "deliveries",
		Usage: "see what became of events at each webhook, and send again",
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "list deliveries, newest first",
				Flags: actingFlags(append(periodFlags(), limitFlag(),
					&cli.StringFlag{Name: "webhook", Usage: "only those to the webhook of this `ID`"},
					&cli.StringFlag{Name: "event", Usage: "only those of the event of this `ID`"},
					&cli.StringFlag{Name: "state", Usage: "only those that are pending, retrying, delivered, dead or discarded"},
					&cli.StringFlag{Name: "type", Usage: "only those of events of this `TYPE`, which may hold *"})...),
				Action: listDeliveries,
			},
			{Name: "show", Usage: "show a delivery with its attempts: what was sent and what was answered", ArgsUsage: "ID", Flags: actingFlags(), Action: showDelivery},
			{Name: "retry", Usage: "send deliveries again that are dead, delivered or discarded", ArgsUsage: "ID...", Flags: actingFlags(), Action: retryDeliveries},
		},
	}
}

// delivery is a delivery as the methods show it.
type delivery struct {
	ID        string          `json:"id"`
	Webhook   json.RawMessage `json:"webhook"`
	Event     string          `json:"event"`
	EventType string          `json:"eventType"`
	State     string          `json:"state"`
	Attempts  int             `json:"attempts"`
	Next      time.Time       `json:"next,omitzero"`
	WaitsFor  string          `json:"waitsFor,omitempty"`
	Updated   time.Time       `json:"updated"`
	LastError string          `json:"lastError,omitempty"`
	History   []attempt       `json:"history,omitempty"`
}

// next is when a delivery is tried next, or what it waits for although it is due.
func (d delivery) next() string {
	switch {
	case d.WaitsFor != "":
		return "waits for " + cell(d.WaitsFor, 20)
	case !d.Next.IsZero() && d.Next.Before(time.Now()):
		return "now"
	}
	return moment(d.Next)
}

func listDeliveries(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	params, err := periodOf(c)
	if err != nil {
		return err
	}
	maps.Copy(params, given(c, "webhook", "event", "state"))
	if eventType := c.String("type"); eventType != "" {
		params["eventType"] = eventType
	}
	return deliveriesBy(params).print(ctx, c)
}

// deliveriesBy lists deliveries.
func deliveriesBy(params map[string]any) listing {
	return listing{
		method: "listDeliveries", params: params,
		head: []string{"ID", "STATE", "ATTEMPTS", "WEBHOOK", "EVENT", "TYPE", "UPDATED", "NEXT", "LAST ERROR"},
		row: rowOf(func(d delivery) []any {
			return []any{d.ID, d.State, d.Attempts, plainText(d.Webhook), filled(d.Event), filled(d.EventType), moment(d.Updated), d.next(), filled(d.LastError)}
		}),
	}
}

func showDelivery(ctx context.Context, c *cli.Command) error {
	id, err := oneArgument(c, "an ID; see hookswitch deliveries list")
	if err != nil {
		return err
	}
	var document json.RawMessage
	if err := call(ctx, c, "getDelivery", map[string]any{"id": id}, &document); err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c.Root().Writer, document)
	}
	var d delivery
	if err := json.Unmarshal(document, &d); err != nil {
		return err
	}
	history := d.History
	d.History = nil
	head, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := printMembers(c.Root().Writer, head); err != nil || len(history) == 0 {
		return err
	}
	fmt.Fprintln(c.Root().Writer)
	return printAttempts(c.Root().Writer, history)
}

func retryDeliveries(ctx context.Context, c *cli.Command) error {
	return eachArgument(c, func(id string) error {
		var d delivery
		if err := call(ctx, c, "retryDelivery", map[string]any{"id": id}, &d); err != nil {
			return err
		}
		return answer(c, d, "Delivery %s is %s.", d.ID, d.State)
	})
}
