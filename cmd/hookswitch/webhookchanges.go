package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

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

// memberFlags are the usual members of a native webhook, which membersOf reads.
func memberFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "endpoint", Usage: "`URL` that events go to, or pull: and any name"},
		&cli.StringSliceFlag{Name: "events", Usage: "event `TYPES` wanted, with *; may be given several times"},
		&cli.StringFlag{Name: "filter", Usage: "only events whose data this `JSON` filter matches"},
		&cli.StringSliceFlag{Name: "attribute", Usage: "only events with this attribute, `NAME=VALUE`, which becomes a part of the filter; repeatable"},
		&cli.StringFlag{Name: "name", Usage: "what people call it"},
		&cli.StringSliceFlag{Name: "header", Usage: "'`NAME: VALUE`' to add to each delivery; repeatable"},
		&cli.StringFlag{Name: "format", Usage: "standard, cloudevents or cloudevents-binary"},
		&cli.StringFlag{Name: "signature", Usage: "hmac-sha256 or ed25519"},
		&cli.StringFlag{Name: "secret-file", Usage: "sign with the secret in this `FILE` (default: one is made)"},
		&cli.BoolFlag{Name: "ordered", Usage: "one delivery at a time, in the order of publishing"},
		&floatFlag{Name: "rate-limit", Usage: "at most `N` deliveries a second", HideDefault: true},
		&intFlag{Name: "max-in-flight", Usage: "at most `N` attempts at once", HideDefault: true},
		&durationFlag{Name: "timeout", Usage: "how long an attempt may take, such as 10s", HideDefault: true},
		&durationFlag{Name: "idle-timeout", Usage: "remove it, a pull: one, when nobody has taken its events for so long", HideDefault: true},
	}
}

// membersOf is the document that the flags and the argument JSON make; a flag beats the same member of JSON.
func membersOf(c *cli.Command, text string) (map[string]any, error) {
	document, err := objectOf(c, text)
	if err != nil {
		return nil, err
	}
	for _, flag := range []string{"endpoint", "name", "format", "signature", "ordered"} {
		if c.IsSet(flag) {
			document[flag] = c.Value(flag)
		}
	}
	for flag, member := range map[string]string{
		"rate-limit": "rateLimit", "max-in-flight": "maxInFlight", "timeout": "timeout", "idle-timeout": "idleTimeout",
	} {
		if c.IsSet(flag) {
			document[member] = bound(c.Value(flag))
		}
	}
	if c.IsSet("events") {
		document["events"] = strings.Split(strings.Join(c.StringSlice("events"), ","), ",")
	}
	if c.IsSet("header") {
		if document["headers"], err = headers(c.StringSlice("header")); err != nil {
			return nil, err
		}
	}
	if file := c.String("secret-file"); file != "" {
		secret, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--secret-file: %w", err)
		}
		document["secret"] = strings.TrimSpace(string(secret))
	}
	return document, setFilter(c, document)
}

// objectOf reads the argument JSON, whose values stay as they are written.
func objectOf(c *cli.Command, text string) (map[string]any, error) {
	read, err := parameters(text, c.Root().Reader)
	if err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	raw, given := read.(json.RawMessage)
	object := map[string]any{}
	if !given {
		return object, nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil || values == nil {
		return nil, errors.New("JSON must be an object")
	}
	for name, value := range values {
		object[name] = value
	}
	return object, nil
}

// bound is the value of a member that limits something; 0 is none.
func bound(value any) any {
	switch v := value.(type) {
	case time.Duration:
		value = v.Seconds()
	case int:
		value = float64(v)
	}
	if value == 0.0 {
		return nil
	}
	return value
}

// headers reads NAME: VALUE, as curl takes it.
func headers(texts []string) (map[string]string, error) {
	out := map[string]string{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, ":")
		if !ok || name == "" {
			return nil, errors.New("--header must be like 'X-Tenant: b'") // its value may be a secret
		}
		out[name] = strings.TrimSpace(value)
	}
	return out, nil
}

// setFilter makes the filter of --filter, or of what the document has, and --attribute.
func setFilter(c *cli.Command, document map[string]any) error {
	if text := c.String("filter"); c.IsSet("filter") {
		if !json.Valid([]byte(text)) {
			return errors.New("--filter is not valid JSON; in a shell, put it in single quotes")
		}
		document["filter"] = json.RawMessage(text)
	}
	if !c.IsSet("attribute") {
		return nil
	}
	wanted, err := attributes(c.StringSlice("attribute"))
	if err != nil {
		return err
	}
	filter := map[string]json.RawMessage{}
	if raw, given := document["filter"].(json.RawMessage); given && json.Unmarshal(raw, &filter) != nil {
		return errors.New("the filter must be an object")
	}
	if filter["$attributes"] != nil {
		return errors.New("--attribute: the filter has $attributes already; add it there")
	}
	if filter == nil { // it was null
		filter = map[string]json.RawMessage{}
	}
	if filter["$attributes"], err = json.Marshal(wanted); err != nil {
		return err
	}
	document["filter"] = filter
	return nil
}

func createWebhook(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() > 1 {
		return usageError{fmt.Errorf("%s takes flags and, if there are more members, one JSON; see %s --help", c.FullName(), c.FullName())}
	}
	document, err := membersOf(c, c.Args().First())
	if err != nil {
		return usageError{err}
	}
	if !c.Args().Present() && !(c.IsSet("endpoint") && c.IsSet("events")) {
		return usageError{fmt.Errorf("%s needs --endpoint and --events; see %s --help", c.FullName(), c.FullName())}
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
		return usageError{fmt.Errorf("%s takes flags, ID and, if there are more members, JSON; see %s --help", c.FullName(), c.FullName())}
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
