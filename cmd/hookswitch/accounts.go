package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"
)

func accountsCommand() *cli.Command {
	return &cli.Command{
		Name:        "accounts",
		Usage:       "look at accounts (needs an admin key)",
		Description: "An account is made by hookswitch keys create --account NAME, together with its first key.",
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "list accounts, with how many webhooks and keys each has",
				Flags: append(clientFlags(), jsonFlag(), limitFlag()), Action: listAccounts,
			},
		},
	}
}

func listAccounts(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	return listing{
		method: "listAccounts", head: []string{"ID", "NAME", "ACTIVE", "STOPPED", "FAILING", "KEYS", "CREATED"},
		row: rowOf(func(a struct {
			ID       int64     `json:"id"`
			Name     string    `json:"name"`
			Created  time.Time `json:"created"`
			Keys     int       `json:"keys"`
			Webhooks struct {
				Active  int `json:"active"`
				Stopped int `json:"stopped"`
				Failing int `json:"failing"`
			} `json:"webhooks"`
		}) []any {
			return []any{a.ID, a.Name, a.Webhooks.Active, a.Webhooks.Stopped, a.Webhooks.Failing, a.Keys, moment(a.Created)}
		}),
	}.print(ctx, c)
}
