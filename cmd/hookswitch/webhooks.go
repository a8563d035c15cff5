package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"
)

func webhooksCommand() *cli.Command {
	return &cli.Command{
		Name:  "webhooks",
		Usage: "register webhooks, look at those of all dialects, test, stop and start them",
		Description: "create and update are for native ones. Those of a vendor's dialect are registered by hookswitch call, with its document:\n" +
			"see the pages on the dialects. ID is what the list shows; a number works for every webhook, as the first of a delivery's: dlv_2_17.",
		Commands: append(registering(), []*cli.Command{
			{
				Name:  "list",
				Usage: "list webhooks",
				Flags: actingFlags(limitFlag(),
					&cli.StringFlag{Name: "dialect", Usage: "only those of this `DIALECT`"},
					&cli.StringFlag{Name: "state", Usage: "only those that are active, stopped or failing"}),
				Action: listWebhooks,
			},
			{Name: "show", Usage: "show a webhook in the form of its dialect", ArgsUsage: "ID", Flags: actingFlags(), Action: showBy("getWebhook")},
			{Name: "test", Usage: "send a test event and show what the receiver answered", ArgsUsage: "ID", Flags: actingFlags(), Action: testWebhook},
			{Name: "enable", Usage: "make webhooks active", ArgsUsage: "ID...", Flags: actingFlags(), Action: setStates("active")},
			{Name: "disable", Usage: "stop webhooks", ArgsUsage: "ID...", Flags: actingFlags(), Action: setStates("stopped")},
		}...),
	}
}

// webhook is a webhook as exportWebhooks shows it.
type webhook struct {
	ID       json.RawMessage `json:"id"`       // a number or a string
	PublicID string          `json:"publicId"` // of earlier versions, whose id is the number
	Dialect  string          `json:"dialect"`
	State    string          `json:"state"`
	Name     string          `json:"name"`
	Endpoint string          `json:"endpoint"`
	Events   []string        `json:"events"`
}

// endpointOf is where a webhook sends, whatever dialect its document is of.
func endpointOf(document map[string]json.RawMessage) json.RawMessage {
	return anyOf(document, "url", "handler", "TargetUrl", "endpoint")
}

// idOf is a webhook's id, whatever dialect its document is of.
func idOf(document map[string]json.RawMessage) json.RawMessage {
	return anyOf(document, "id", "ID", "WebhookId", "webhook_id")
}

// anyOf is the first of some members that a document has.
func anyOf(document map[string]json.RawMessage, members ...string) json.RawMessage {
	for _, member := range members {
		if value := document[member]; value != nil {
			return value
		}
	}
	return nil
}

// title is what a webhook is called.
func (w webhook) title() string {
	if w.PublicID != "" {
		return w.PublicID
	}
	return plainText(w.ID)
}

func listWebhooks(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	return listing{
		method: "exportWebhooks", params: given(c, "dialect", "state"),
		head: []string{"ID", "DIALECT", "STATE", "EVENTS", "ENDPOINT", "NAME"},
		row: rowOf(func(w webhook) []any {
			return []any{w.title(), w.Dialect, w.State, cell(strings.Join(w.Events, " "), 40), w.Endpoint, filled(w.Name)}
		}),
	}.print(ctx, c)
}

// showBy shows the record that the argument names.
func showBy(method string) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		id, err := oneArgument(c, "an ID; see the list")
		if err != nil {
			return err
		}
		return show(ctx, c, method, map[string]any{"id": id})
	}
}

func testWebhook(ctx context.Context, c *cli.Command) error {
	id, err := oneArgument(c, "an ID; see hookswitch webhooks list")
	if err != nil {
		return err
	}
	var document json.RawMessage
	if err := call(ctx, c, "testWebhook", map[string]any{"id": id}, &document); err != nil {
		return err
	}
	if err := printDocument(c, document); err != nil {
		return err
	}
	var attempt struct {
		OK      bool   `json:"ok"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(document, &attempt); err != nil {
		return err
	}
	if !attempt.OK {
		return errors.New("the receiver did not take the test event: " + attempt.Message)
	}
	return nil
}

func setStates(state string) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		return eachArgument(c, func(id string) error {
			var set struct {
				ID    json.RawMessage `json:"id"`
				State string          `json:"state"`
			}
			if err := call(ctx, c, "setWebhookState", map[string]any{"id": id, "state": state}, &set); err != nil {
				return err
			}
			return answer(c, set, "Webhook %s is %s.", plainText(set.ID), set.State)
		})
	}
}

// eachArgument does something with every argument, in their order, until it fails.
func eachArgument(c *cli.Command, do func(argument string) error) error {
	if !c.Args().Present() {
		return usageError{fmt.Errorf("%s takes at least one ID", titleOf(c))}
	}
	for _, argument := range c.Args().Slice() {
		if err := do(argument); err != nil {
			return about{cell(argument, 64), err}
		}
	}
	return nil
}

// about is an error about one of several arguments, lines or tries.
type about struct {
	argument string
	error
}

func (a about) Unwrap() error { return a.error }
