package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/service"
)

// exportFormat is the version of the lines that export writes.
const exportFormat = 1

// exportLine is one line of an export: the head, or a record.
type exportLine struct {
	Export    *exportHead     `json:"export,omitempty"`
	EventType json.RawMessage `json:"eventType,omitempty"`
	Key       json.RawMessage `json:"key,omitempty"`
	Webhook   json.RawMessage `json:"webhook,omitempty"`
}

// exportHead is the first line: what the others are.
type exportHead struct {
	Format  int       `json:"format"`
	Account int64     `json:"account"`
	Name    string    `json:"name"`
	Secrets bool      `json:"secrets"`
	Created time.Time `json:"created"`
}

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write an account's event types, keys and webhooks as JSON Lines (needs an admin key)",
		ArgsUsage: "[FILE|-]",
		Description: "Without a file it goes to standard output. --secrets adds what import needs to make working copies: secrets, headers\n" +
			"and the hashes of keys. Events and deliveries are not in it; hookswitch backup takes all.",
		Flags:  actingFlags(&cli.BoolFlag{Name: "secrets", Usage: "with secrets, headers and hashes of keys"}),
		Action: export,
	}
}

func export(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() > 1 {
		return usageError{fmt.Errorf("export takes one file at most, got %q besides", c.Args().Get(1))}
	}
	file := c.Args().First()
	if file == "" || file == "-" {
		_, err := exportTo(ctx, c, c.Root().Writer)
		return err
	}
	records := 0
	err := service.WriteWhole(file, func(w io.Writer) (err error) {
		records, err = exportTo(ctx, c, w)
		return err
	})
	if err != nil {
		return err
	}
	return answer(c, map[string]any{"file": file, "records": records}, "%s: %s", file, counted(records, "record", "records"))
}

// exportTo writes the lines in the order in which import needs them, and says how many records there were.
func exportTo(ctx context.Context, c *cli.Command, w io.Writer) (int, error) {
	head := exportHead{Format: exportFormat, Secrets: c.Bool("secrets"), Created: time.Now().UTC().Truncate(time.Second)}
	var account struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	if err := call(ctx, c, "getAccount", nil, &account); err != nil {
		return 0, err
	}
	head.Account, head.Name = account.ID, account.Name
	// Of what is listed below, keys are what a key must have the most access for; one that has not gets no part of an export.
	if err := call(ctx, c, "listKeys", map[string]any{"limit": 1}, nil); err != nil {
		return 0, err
	}
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(exportLine{Export: &head}); err != nil {
		return 0, err
	}
	seen := newProgress(c, "export", countText)
	if isTerminal(w) {
		seen = &progress{} // the lines themselves are looked at
	}
	defer seen.end()
	records := 0
	for _, part := range []struct {
		method string
		params map[string]any
		line   func(json.RawMessage) exportLine
	}{
		{"listEventTypes", nil, func(item json.RawMessage) exportLine { return exportLine{EventType: item} }},
		{"listKeys", map[string]any{"hashes": head.Secrets}, func(item json.RawMessage) exportLine { return exportLine{Key: item} }},
		{"exportWebhooks", map[string]any{"secrets": head.Secrets}, func(item json.RawMessage) exportLine { return exportLine{Webhook: item} }},
	} {
		_, err := eachItem(ctx, c, part.method, part.params, 0, func(item json.RawMessage) error {
			records++
			seen.at(int64(records), 0)
			return lines.Encode(part.line(item))
		})
		if err != nil {
			return records, err
		}
	}
	return records, nil
}

func importCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "take event types, keys and webhooks that export --secrets wrote (needs an admin key)",
		ArgsUsage: "FILE|-",
		Description: "They go into the key's own account, or the one of --account. What is there already is left as it is, so an import can\n" +
			"be repeated. Webhooks get numbers of this service, which are printed; string forms and secrets stay.",
		Flags: actingFlags(&cli.BoolFlag{Name: "no-keys", Usage: "leave keys out: a key belongs to one account of a service"}),
		Action: func(ctx context.Context, c *cli.Command) error {
			file, err := oneArgument(c, "the file to read, or - for standard input")
			if err != nil {
				return err
			}
			source, err := input(c, file)
			if err != nil {
				return err
			}
			defer source.Close()
			return importFrom(ctx, c, source)
		},
	}
}
