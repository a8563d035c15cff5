package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v3"
)

// signingKey is a signing key as the methods show it.
type signingKey struct {
	KeyID  string    `json:"keyId"`
	Record string    `json:"record"`
	State  string    `json:"state"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
}

type signingKeys struct {
	Keys []signingKey `json:"keys"`
}

// signer is the parameters of the methods about signing keys.
type signer struct {
	Dialect string `json:"dialect"`
	After   *int64 `json:"after,omitempty"` // seconds
}

func dialectCommand() *cli.Command {
	return &cli.Command{
		Name:  "dialect",
		Usage: "what a vendor's dialect needs of its operator",
		Commands: []*cli.Command{{
			Name:  "copernica",
			Usage: "the keys of Copernica's signatures",
			Commands: []*cli.Command{
				{
					Name:  "dns",
					Usage: "print the DNS TXT records by which receivers verify signatures",
					Flags: append(clientFlags(), jsonFlag()), Action: printSigningKeys,
				},
				{
					Name:  "rotate",
					Usage: "make a new key, which signs after a while (needs an admin key)",
					Flags: append(clientFlags(), jsonFlag(),
						&durationFlag{Name: "after", Value: time.Hour, Usage: "how long until the new key signs: time to publish its record; 0 makes a waiting key sign now"},
					),
					Action: rotateSigningKey,
				},
			},
		}},
	}
}

func printSigningKeys(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	var listed struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := call(ctx, c, "getSigningKeys", signer{Dialect: "copernica"}, &listed); err != nil {
		return err
	}
	for _, document := range listed.Keys {
		show := printRecord
		if c.Bool("json") {
			show = printLine
		}
		if err := show(c.Root().Writer, document); err != nil {
			return err
		}
	}
	return nil
}

// printRecord shows a key as the record to publish, in whole: a zone file wants the text in strings of at most 255 bytes,
// the forms of DNS services do that themselves.
func printRecord(w io.Writer, document json.RawMessage) error {
	var k signingKey
	if err := json.Unmarshal(document, &k); err != nil {
		return err
	}
	when := "now"
	switch k.State {
	case "next":
		when = "from " + k.From.Format(time.RFC3339) + " on; publish the record before"
	case "former":
		when = "no more; keep the record until " + k.Until.Format(time.RFC3339)
	}
	_, err := fmt.Fprintf(w, "name   %s\ntype   TXT\ntext   %s\nsigns  %s\n\n", k.KeyID, k.Record, when)
	return err
}

func rotateSigningKey(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	after := int64(c.Duration("after").Seconds())
	var document json.RawMessage
	if err := call(ctx, c, "rotateSigningKey", signer{"copernica", &after}, &document); err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c.Root().Writer, document)
	}
	return printRecord(c.Root().Writer, document)
}
