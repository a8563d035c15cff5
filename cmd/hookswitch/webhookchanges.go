package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"
)

// registering are the commands that make, change and delete webhooks.
func registering() []*cli.Command {
	return []*cli.Command{
		{
			Name:      "create",
			Usage:     "register a native webhook and show its secret, this once",
			ArgsUsage: "[JSON|-]",
			Description: "JSON is an object of further members, as createSubscription takes them; - reads it from standard input.\n" +
				"Example: hookswitch webhooks create --endpoint https://example.com/hooks --events 'contact.*' --attribute list_id=123\n" +
				"Example: hookswitch webhooks create --endpoint https://example.com/hooks --events order.paid '{\"retry\":[5,60,600]}'",
			Flags:                     actingFlags(memberFlags()...),
			DisableSliceFlagSeparator: true, // a header's value may hold commas
			Action:                    createWebhook,
		},
		{
			Name:      "update",
			Usage:     "change a native webhook; what is not named stays as it is",
			ArgsUsage: "ID [JSON|-]",
			Description: "JSON is an object of further members, as updateSubscription takes them, where null takes one away; - reads it from standard input.\n" +
				"A filter and headers are replaced whole. 0 takes --rate-limit, --max-in-flight, --timeout and --idle-timeout away.\n" +
				"Webhooks of other dialects: hookswitch call putWebhook --help.\n" +
				"Example: hookswitch webhooks update 1 --events 'contact.*' --events order.paid --rate-limit 20\n" +
				"Example: hookswitch webhooks update 1 '{\"filter\":null}'",
			Flags:                     actingFlags(memberFlags()...),
			DisableSliceFlagSeparator: true,
			Action:                    updateWebhook,
		},
		{
			Name:        "delete",
			Usage:       "delete webhooks of any dialect; what they are still owed is discarded",
			ArgsUsage:   "ID...",
			Description: "Asks before it deletes, when somebody at a terminal can answer.",
			Flags:       actingFlags(&cli.BoolFlag{Name: "yes", Usage: "don't ask"}),
			Action:      deleteWebhooks,
		},
	}
}

func createWebhook(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() > 1 {
		return usageError{fmt.Errorf("%s takes flags and, if there are more members, one JSON; see %s --help", titleOf(c), c.FullName())}
	}
	document, err := membersOf(c, c.Args().First())
	if err != nil {
		return usageError{err}
	}
	if !c.Args().Present() && !(c.IsSet("endpoint") && c.IsSet("events")) {
		return usageError{fmt.Errorf("%s needs --endpoint and --events; see %s --help", titleOf(c), c.FullName())}
	}
	var made json.RawMessage
	if err := call(ctx, c, "createSubscription", document, &made); err != nil {
		return err
	}
	var w struct {
		ID        string   `json:"id"`
		Events    []string `json:"events"`
		Endpoint  string   `json:"endpoint"`
		Secret    string   `json:"secret"`
		PublicKey string   `json:"publicKey"`
	}
	if err := json.Unmarshal(made, &w); err != nil {
		return err
	}
	if w.ID == "" { // JSON was Airstack's document
		return printDocument(c, made)
	}
	return answer(c, made, "Webhook %s sends %s to %s.%s", w.ID, strings.Join(w.Events, ", "), w.Endpoint, shown(w.Secret, w.PublicKey))
}

// shown tells what verifies the deliveries of a new webhook.
func shown(secret, publicKey string) string {
	switch {
	case secret != "":
		return " Its secret, shown this once:\n\n  " + secret + "\n"
	case publicKey != "":
		return " The public key that verifies its deliveries:\n\n  " + publicKey + "\n"
	}
	return ""
}

func updateWebhook(ctx context.Context, c *cli.Command) error {
	if n := c.Args().Len(); n < 1 || n > 2 {
		return usageError{fmt.Errorf("%s takes flags, ID and, if there are more members, JSON; see %s --help", titleOf(c), c.FullName())}
	}
	document, err := membersOf(c, c.Args().Get(1))
	if err != nil {
		return usageError{err}
	}
	if len(document) == 0 {
		return usageError{errors.New("nothing to change; see " + c.FullName() + " --help")}
	}
	document["id"] = c.Args().First()
	var changed json.RawMessage
	if err := call(ctx, c, "updateSubscription", document, &changed); err != nil {
		return err
	}
	var w struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(changed, &w); err != nil {
		return err
	}
	return answer(c, changed, "Webhook %s is changed.", w.ID)
}

func deleteWebhooks(ctx context.Context, c *cli.Command) error {
	return eachArgument(c, func(id string) error {
		var document map[string]json.RawMessage
		if err := call(ctx, c, "getWebhook", map[string]any{"id": id}, &document); err != nil {
			return err
		}
		title := plainText(idOf(document))
		if !c.Bool("yes") && isTerminal(c.Root().Reader) { // naming where it sends: an id is easily mistyped
			question := fmt.Sprintf("Delete the webhook %s to %s? What it is still owed is discarded.", title, plainText(endpointOf(document)))
			if !confirmed(ctx, c, question) {
				return errors.New("not deleted")
			}
		}
		if err := call(ctx, c, "deleteSubscription", map[string]any{"id": id}, nil); err != nil {
			return err
		}
		return answer(c, map[string]any{"id": idOf(document), "deleted": true}, "Webhook %s is deleted.", title)
	})
}

// confirmed asks a question on the terminal; anything but y and yes is no, also Ctrl-C.
func confirmed(ctx context.Context, c *cli.Command, question string) bool {
	fmt.Fprintf(c.Root().ErrWriter, "%s [y/N] ", question)
	typed := make(chan string, 1)
	go func() { // ends with the line, or with the process
		line, _ := bufio.NewReader(c.Root().Reader).ReadString('\n') // the end of the input is no
		typed <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case line := <-typed:
		return line == "y" || line == "yes"
	case <-ctx.Done():
		return false
	}
}
