package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"
)

func portalCommand() *cli.Command {
	return &cli.Command{
		Name:  "portal",
		Usage: "print a link to the page of an account's webhooks",
		Description: "Whoever has the link can look at the account's webhooks until it expires, without a key. Secrets are not on the\n" +
			"page. Needs a key with full access.",
		Flags: actingFlags(&durationFlag{Name: "expires-in", Value: 24 * time.Hour, Usage: "how long the link works"}),
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			var link struct {
				URL     string    `json:"url"`
				Expires time.Time `json:"expires"`
			}
			params := map[string]any{"expiresIn": c.Duration("expires-in").Seconds()}
			if err := call(ctx, c, "createPortalLink", params, &link); err != nil {
				return err
			}
			return answer(c, link, "%s", link.URL)
		},
	}
}
