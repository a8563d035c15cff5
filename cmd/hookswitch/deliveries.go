package main

import (
	"context"
	"encoding/json"
	"fmt"
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
			{Name: "show", Usage: "show a delivery with its attempts", ArgsUsage: "ID", Flags: actingFlags(), Action: showDelivery},
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
	History   []attempt       `json:"history,omitempty"`
}

// attempt is one exchange with a receiver.
type attempt struct {
	Number   int       `json:"number"`
	Started  time.Time `json:"started"`
	Duration float64   `json:"duration"`
	OK       bool      `json:"ok"`
	Status   int       `json:"status"`
	Message  string    `json:"message"`
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
	params := given(c, "webhook", "event", "state", "since", "until")
	if eventType := c.String("type"); eventType != "" {
		params["eventType"] = eventType
	}
	return listing{
		method: "listDeliveries", params: params,
		head: []string{"ID", "STATE", "ATTEMPTS", "WEBHOOK", "EVENT", "TYPE", "UPDATED", "NEXT"},
		row: rowOf(func(d delivery) []any {
			return []any{d.ID, d.State, d.Attempts, plainText(d.Webhook), filled(d.Event), filled(d.EventType), moment(d.Updated), d.next()}
		}),
	}.print(ctx, c)
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
	head, err := json.Marshal(delivery{d.ID, d.Webhook, d.Event, d.EventType, d.State, d.Attempts, d.Next, d.WaitsFor, d.Updated, nil})
	if err != nil {
		return err
	}
	if err := printMembers(c.Root().Writer, head); err != nil || len(d.History) == 0 {
		return err
	}
	t := table{head: []string{"ATTEMPT", "STARTED", "SECONDS", "STATUS", "ANSWER"}}
	for _, a := range d.History {
		said := filled(a.Message)
		if a.OK {
			said = "taken"
		}
		t.add(a.Number, moment(a.Started), fmt.Sprintf("%.3f", a.Duration), a.Status, said)
	}
	fmt.Fprintln(c.Root().Writer)
	return t.print(c.Root().Writer)
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
