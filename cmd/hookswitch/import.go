package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/rpc"
)

// importer carries the lines of an export into a service.
type importer struct {
	client *rpc.Client
	c      *cli.Command
	head   *exportHead
	types  map[string]bool // event types that are there; nil: nobody has looked
	new    int
	known  int
	seen   *progress
}

// became is what import says of a webhook: its name there and here.
type became struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Dialect string `json:"dialect"`
	Created bool   `json:"created"`
}

func importFrom(ctx context.Context, c *cli.Command, source io.Reader) error {
	client, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer client.Close()
	im := &importer{client: client, c: c, seen: newProgress(c, "import", countText)}
	defer im.seen.end()
	lines := json.NewDecoder(source)
	for n := 1; ; n++ {
		var line exportLine
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("line %d: not a line of an export: %w", n, err)
		}
		if err := im.take(ctx, &line); err != nil {
			return about{fmt.Sprintf("line %d", n), err}
		}
		im.seen.at(int64(n), 0)
	}
	im.seen.end()
	if im.head == nil {
		return errors.New("this is no export: it is empty")
	}
	if c.Bool("json") {
		return nil
	}
	_, err = fmt.Fprintf(c.Root().Writer, "%s new, %d there already.\n", counted(im.new, "record is", "records are"), im.known)
	return err
}

func (im *importer) take(ctx context.Context, line *exportLine) error {
	switch {
	case line.Export != nil:
		return im.begin(line.Export)
	case im.head == nil:
		return errors.New("this is no export: its first line says nothing of one")
	case line.EventType != nil:
		return im.eventType(ctx, line.EventType)
	case line.Key != nil && im.c.Bool("no-keys"):
		return nil
	case line.Key != nil:
		return im.call(ctx, "importKey", "key", line.Key, &became{})
	case line.Webhook != nil:
		return im.webhook(ctx, line.Webhook)
	}
	return errors.New("a sort of record that this version does not know")
}

func (im *importer) begin(head *exportHead) error {
	switch {
	case head.Format != exportFormat:
		return fmt.Errorf("the export has format %d, this version knows %d", head.Format, exportFormat)
	case !head.Secrets:
		return errors.New("the export has no secrets, so nothing that works can be made of it: make one with --secrets")
	}
	im.head = head
	return nil
}

// call imports one record and counts whether it was new.
func (im *importer) call(ctx context.Context, method, param string, document json.RawMessage, result *became) error {
	var imported struct {
		webhook
		Created bool `json:"created"`
	}
	if err := im.client.Call(ctx, method, map[string]any{param: document}, &imported); err != nil {
		return reached(err)
	}
	im.count(imported.Created)
	result.To, result.Created = imported.title(), imported.Created
	return nil
}

func (im *importer) count(created bool) {
	if created {
		im.new++
	} else {
		im.known++
	}
}

func (im *importer) webhook(ctx context.Context, document json.RawMessage) error {
	var w webhook
	if err := json.Unmarshal(document, &w); err != nil {
		return err
	}
	b := became{From: w.title(), Dialect: w.Dialect}
	if err := im.call(ctx, "importWebhook", "webhook", document, &b); err != nil {
		return err
	}
	told := ""
	if !b.Created {
		told = ", which was there already"
	}
	if im.c.Bool("json") {
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		return printLine(im.c.Root().Writer, text)
	}
	im.seen.end()
	_, err := fmt.Fprintf(im.c.Root().Writer, "Webhook %s (%s) is %s here%s.\n", b.From, b.Dialect, b.To, told)
	return err
}

// eventType puts a type unless there is one of that name.
func (im *importer) eventType(ctx context.Context, document json.RawMessage) error {
	var t struct {
		Type        string          `json:"type"`
		Description string          `json:"description,omitempty"`
		Schema      json.RawMessage `json:"schema,omitempty"`
	}
	if err := json.Unmarshal(document, &t); err != nil {
		return err
	}
	if err := im.knowTypes(ctx); err != nil {
		return err
	}
	im.count(!im.types[t.Type])
	if im.types[t.Type] {
		return nil
	}
	return reached(im.client.Call(ctx, "putEventType", t, nil))
}

// knowTypes lists the event types that are there, once.
func (im *importer) knowTypes(ctx context.Context) error {
	if im.types != nil {
		return nil
	}
	im.types = map[string]bool{}
	_, err := eachItem(ctx, im.c, "listEventTypes", nil, 0, func(item json.RawMessage) error {
		var known struct {
			Type string `json:"type"`
		}
		err := json.Unmarshal(item, &known)
		im.types[known.Type] = true
		return err
	})
	return err
}
