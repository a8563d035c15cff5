package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v3"
)

// key is a key as the methods show it.
type key struct {
	ID      int64     `json:"id"`
	Account int64     `json:"account"`
	Access  string    `json:"access"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Key     string    `json:"key"`
	// AccountCreated says that the account is as new as the key.
	AccountCreated bool `json:"accountCreated,omitempty"`
}

func keysCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag {
		return append(append(clientFlags(),
			&cli.StringFlag{Name: "account", Usage: "`ACCOUNT` by number (default: the caller's own)", Sources: env("ACCOUNT")}, jsonFlag()), more...)
	}
	return &cli.Command{
		Name:  "keys",
		Usage: "manage API keys (needs an admin key), make encryption keys",
		Commands: []*cli.Command{
			{
				Name:  "create",
				Usage: "make a key and show it, this once",
				Flags: append(clientFlags(),
					&cli.StringFlag{Name: "access", Value: "full", Usage: "read, publish, full or admin"},
					&cli.StringFlag{Name: "name", Usage: "what the key is for"},
					&cli.StringFlag{Name: "account", Usage: "`ACCOUNT` by number, or the name of a new one (default: the caller's own)", Sources: env("ACCOUNT")},
					jsonFlag(),
				),
				Action: createKey,
			},
			{Name: "list", Usage: "list keys, without the keys themselves", Flags: flags(limitFlag()), Action: listKeys},
			{Name: "revoke", Usage: "end a key at once", ArgsUsage: "ID", Flags: flags(), Action: revokeKey},
			{
				Name: "encryption-key", Usage: "make a key for serve --encryption-key-file and print it, or write it into a file (needs no service)",
				Flags: []cli.Flag{&cli.StringFlag{Name: "out", Usage: "write it into a new `FILE` that nobody else can read", TakesFile: true}, jsonFlag()}, Action: makeEncryptionKey,
			},
		},
	}
}

func createKey(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	params := map[string]any{"access": c.String("access")}
	for _, name := range []string{"name", "account"} {
		if text := c.String(name); text != "" {
			params[name] = text
		}
	}
	var k key
	if err := call(ctx, c, "createKey", params, &k); err != nil {
		return err
	}
	account := fmt.Sprintf("account %d", k.Account)
	if k.AccountCreated {
		account = fmt.Sprintf("the new account %d (%s)", k.Account, cell(c.String("account"), 64))
	}
	return answer(c, k, "Key %d of %s, %s access, shown this once:\n\n  %s\n", k.ID, account, k.Access, k.Key)
}

func listKeys(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	params, err := accountParam(c)
	if err != nil {
		return err
	}
	return listing{
		method: "listKeys", params: params, head: []string{"ID", "ACCOUNT", "ACCESS", "CREATED", "NAME"},
		row: rowOf(func(k key) []any {
			return []any{k.ID, k.Account, k.Access, moment(k.Created), filled(k.Name)}
		}),
	}.print(ctx, c)
}

func revokeKey(ctx context.Context, c *cli.Command) error {
	id, err := strconv.ParseInt(c.Args().First(), 10, 64)
	if err != nil || c.Args().Len() != 1 {
		return usageError{errors.New("keys revoke takes the number of one key; see hookswitch keys list")}
	}
	params, err := accountParam(c)
	if err != nil {
		return err
	}
	params["id"] = id
	if err := call(ctx, c, "revokeKey", params, nil); err != nil {
		return err
	}
	return answer(c, map[string]any{"id": id, "revoked": true}, "Key %d no longer works.", id)
}

func accountParam(c *cli.Command) (map[string]any, error) {
	params := map[string]any{}
	if text := c.String("account"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, usageError{fmt.Errorf("%s %q: must be the number of an account", sourceOf(c, "account"), text)}
		}
		params["account"] = n
	}
	return params, nil
}
