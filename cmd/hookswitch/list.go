package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/urfave/cli/v3"
)

// actingFlags are those of commands about one account's records: the key's own account, or the one an admin acts for.
func actingFlags(more ...cli.Flag) []cli.Flag {
	return append(append(clientFlags(), accountFlag("act for this `ACCOUNT`, by number (needs an admin key; default: the key's own)"), jsonFlag()), more...)
}

func accountFlag(usage string) cli.Flag {
	return &int64Flag{Name: "account", Usage: usage, Sources: env("ACCOUNT"), HideDefault: true}
}

func limitFlag() cli.Flag {
	return &intFlag{Name: "limit", Value: 100, Usage: "how many at most, whatever pages they come in; 0 for all"}
}

// maxPage is how many items a list method answers at once.
const maxPage = 1000

// listing is a list method as a command prints it.
type listing struct {
	method string
	params map[string]any
	head   []string
	row    func(item json.RawMessage) ([]any, error)
}

// rowOf makes a row of an item that is read as a T.
func rowOf[T any](cells func(T) []any) func(json.RawMessage) ([]any, error) {
	return func(item json.RawMessage) ([]any, error) {
		var one T
		if err := json.Unmarshal(item, &one); err != nil {
			return nil, err
		}
		return cells(one), nil
	}
}

// print gets pages until --limit items are there: a table, or with --json a document a line as they come.
func (l listing) print(ctx context.Context, c *cli.Command) error {
	t, asJSON, w := table{head: l.head}, c.Bool("json"), c.Root().Writer
	more, err := eachItem(ctx, c, l.method, l.params, c.Int("limit"), func(item json.RawMessage) error {
		if asJSON {
			return printLine(w, item)
		}
		return l.addTo(&t)(item)
	})
	if err != nil || asJSON {
		return err
	}
	if err := t.print(w); err != nil {
		return err
	}
	if more {
		fmt.Fprintf(c.Root().ErrWriter, "There are more; --limit 0 shows all.\n")
	}
	return nil
}

// addTo makes an item a row of a table.
func (l listing) addTo(t *table) func(item json.RawMessage) error {
	return func(item json.RawMessage) error {
		cells, err := l.row(item)
		if err == nil {
			t.add(cells...)
		}
		return err
	}
}

// eachItem calls a list method until limit items were visited, or all with 0. more says that there would be others.
func eachItem(
	ctx context.Context, c *cli.Command, method string, params map[string]any, limit int, visit func(json.RawMessage) error,
) (more bool, err error) {
	if limit < 0 {
		return false, usageError{fmt.Errorf("--limit %d: must not be negative", limit)}
	}
	client, err := connect(ctx, c)
	if err != nil {
		return false, err
	}
	defer client.Close()
	asked := map[string]any{}
	maps.Copy(asked, params)
	for left := limit; ; {
		asked["limit"] = maxPage
		if limit > 0 {
			asked["limit"] = min(left, maxPage)
		}
		var page struct {
			Items  []json.RawMessage `json:"items"`
			Cursor string            `json:"cursor"`
		}
		if err := client.Call(ctx, method, asked, &page); err != nil {
			return false, byFlags(c, reached(err))
		}
		for _, item := range page.Items {
			if err := visit(item); err != nil {
				return false, err
			}
		}
		left -= len(page.Items)
		if page.Cursor == "" || limit > 0 && left <= 0 {
			return page.Cursor != "", nil
		}
		asked["cursor"] = page.Cursor
	}
}

// given are the flags of a command that were set, as parameters of the same names.
func given(c *cli.Command, names ...string) map[string]any {
	params := map[string]any{}
	for _, name := range names {
		if c.IsSet(name) {
			params[name] = c.Value(name)
		}
	}
	return params
}

// show calls a method and prints the document it answers.
func show(ctx context.Context, c *cli.Command, method string, params any) error {
	var document json.RawMessage
	if err := call(ctx, c, method, params, &document); err != nil {
		return err
	}
	return printDocument(c, document)
}

func printDocument(c *cli.Command, document json.RawMessage) error {
	if c.Bool("json") {
		return printJSON(c.Root().Writer, document)
	}
	return printMembers(c.Root().Writer, document)
}

// moment is a time in a table.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

// filled is a text in a table.
func filled(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
