package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

func auditCommand() *cli.Command {
	return &cli.Command{
		Name:  "audit",
		Usage: "list changes: what, when, by whom; newest first (needs an admin key)",
		Flags: append(clientFlags(),
			accountFlag("only changes of this `ACCOUNT`'s records, by number; 0 for the server's (default: all)"),
			&cli.StringFlag{Name: "action", Usage: "only changes of this sort, such as webhook.changed"},
			&timeFlag{Name: "since", Usage: "only changes since `TIME`: like 24h or 31d (ago), 2026-11-27 or 2026-11-27T09:30:00Z"},
			&timeFlag{Name: "until", Usage: "only changes before `TIME`"},
			limitFlag(), jsonFlag()),
		Action: listAudit,
	}
}

// auditEntry is an entry as the method shows it.
type auditEntry struct {
	At      time.Time `json:"at"`
	Action  string    `json:"action"`
	Account int64     `json:"account"`
	Target  string    `json:"target"`
	By      *struct {
		Account int64  `json:"account"`
		Key     int64  `json:"key"`
		Address string `json:"address"`
	} `json:"by"`
	Reason  string `json:"reason"`
	Changes []struct {
		Member string          `json:"member"`
		Before json.RawMessage `json:"before"`
		After  json.RawMessage `json:"after"`
	} `json:"changes"`
}

func listAudit(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	params, err := periodOf(c)
	if err != nil {
		return err
	}
	maps.Copy(params, given(c, "account", "action"))
	return listing{
		method: "listAuditEntries", params: params,
		head: []string{"WHEN", "ACTION", "ACCOUNT", "TARGET", "BY", "CHANGES"},
		row: rowOf(func(e auditEntry) []any {
			return []any{moment(e.At), e.Action, e.Account, filled(e.Target), e.by(), filled(e.changes())}
		}),
	}.print(ctx, c)
}

func (e *auditEntry) by() string {
	if e.By == nil {
		return "the service"
	}
	by := fmt.Sprintf("key %d of %d", e.By.Key, e.By.Account)
	if e.By.Address != "" {
		by += " at " + e.By.Address
	}
	return by
}

// changes is what was changed, in a line.
func (e *auditEntry) changes() string {
	var parts []string
	if e.Reason != "" {
		parts = append(parts, e.Reason)
	}
	for _, c := range e.Changes {
		part := c.Member
		switch {
		case c.Before != nil && c.After != nil:
			part += ": " + plainText(c.Before) + " → " + plainText(c.After)
		case c.After != nil:
			part += ": " + plainText(c.After)
		case c.Before != nil:
			part += ": was " + plainText(c.Before)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
