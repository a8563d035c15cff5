package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/urfave/cli/v3"
)

func replayCommand() *cli.Command {
	return &cli.Command{
		Name:  "replay",
		Usage: "send events of the past again",
		Commands: []*cli.Command{
			{
				Name:  "start",
				Usage: "start a replay and watch it until it is done",
				Description: "To one webhook, of all that matches it now; with --only-failed or --state, of deliveries in these states, and then also\n" +
					"to all webhooks. Ctrl-C ends the watching, not the replay.\n" +
					"Example: hookswitch replay start --webhook 616 --since 24h --only-failed",
				Flags: actingFlags(append(periodFlags(),
					&cli.StringFlag{Name: "webhook", Usage: "to the webhook of this `ID` (default: all)"},
					&cli.StringSliceFlag{Name: "type", Usage: "only events of this `TYPE`, which may hold *; repeatable"},
					&cli.BoolFlag{Name: "only-failed", Usage: "only deliveries that are dead or discarded"},
					&cli.StringSliceFlag{Name: "state", Usage: "only deliveries that are delivered, dead or discarded; repeatable"},
					&cli.BoolFlag{Name: "detach", Usage: "do not wait for its end"})...),
				Action: startReplay,
			},
			{Name: "watch", Usage: "watch a replay until it is done", ArgsUsage: "ID", Flags: actingFlags(), Action: watchReplay},
			{Name: "list", Usage: "list replays, newest first", Flags: actingFlags(limitFlag()), Action: listReplays},
			{Name: "show", Usage: "show how far a replay is", ArgsUsage: "ID", Flags: actingFlags(), Action: showBy("getReplay")},
			{Name: "cancel", Usage: "end a replay; what it made due is still sent", ArgsUsage: "ID", Flags: actingFlags(), Action: showBy("cancelReplay")},
		},
	}
}

// replayed is a replay as the methods show it.
type replayed struct {
	ID       string          `json:"id"`
	State    string          `json:"state"`
	Reason   string          `json:"reason"`
	Webhook  json.RawMessage `json:"webhook"`
	Looked   int64           `json:"looked"`
	Replayed int64           `json:"replayed"`
	Skipped  int64           `json:"skipped"`
	Percent  float64         `json:"percent"`
	Created  time.Time       `json:"created"`
}

func startReplay(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	params, err := replayOf(c)
	if err != nil {
		return usageError{err}
	}
	var document json.RawMessage
	if err := call(ctx, c, "replayEvents", params, &document); err != nil {
		return err
	}
	var r replayed
	if err := json.Unmarshal(document, &r); err != nil {
		return err
	}
	if !c.Bool("detach") {
		return watch(ctx, c, r.ID)
	}
	if c.Bool("json") {
		return printJSON(c.Root().Writer, document)
	}
	return answer(c, nil, "%s runs; hookswitch replay watch %s shows how far it is.", r.ID, r.ID)
}

// replayOf are the parameters of a replay that the flags ask for.
func replayOf(c *cli.Command) (map[string]any, error) {
	params, err := periodOf(c)
	if err != nil {
		return nil, err
	}
	switch failed := c.Bool("only-failed"); {
	case failed && c.IsSet("state"):
		return nil, errors.New("--only-failed stands for --state dead --state discarded: give one or the other")
	case !failed && !c.IsSet("state") && !c.IsSet("webhook"):
		return nil, errors.New("--webhook must be given, or else --only-failed or --state: all events can be replayed to one webhook at a time")
	}
	maps.Copy(params, given(c, "webhook"))
	for flag, param := range map[string]string{"type": "types", "state": "states"} {
		if texts := c.StringSlice(flag); len(texts) > 0 {
			params[param] = texts
		}
	}
	if c.Bool("only-failed") {
		params["onlyFailed"] = true
	}
	return params, nil
}

func watchReplay(ctx context.Context, c *cli.Command) error {
	id, err := oneArgument(c, "an ID; see hookswitch replay list")
	if err != nil {
		return err
	}
	return watch(ctx, c, id)
}

// watchEvery is how often a watched replay is asked for.
const watchEvery = 200 * time.Millisecond

// watch shows how far a replay is until it has ended.
func watch(ctx context.Context, c *cli.Command, id string) error {
	client, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer client.Close()
	bar := newProgress(c, "replay "+id, nil)
	defer bar.end()
	for {
		var document json.RawMessage
		var r replayed
		err := client.Call(ctx, "getReplay", map[string]any{"id": id}, &document)
		if err == nil {
			err = json.Unmarshal(document, &r)
		}
		switch {
		case ctx.Err() != nil:
			bar.end()
			fmt.Fprintf(c.Root().ErrWriter, "The replay goes on; hookswitch replay watch %s shows how far it is, hookswitch replay cancel %s ends it.\n", id, id)
			return context.Cause(ctx)
		case err != nil:
			return reached(err)
		case r.State != "running":
			bar.end()
			return tellReplay(c, &r, document)
		}
		bar.at(int64(r.Percent*10), 1000)
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
		}
	}
}

// tellReplay says how a replay ended.
func tellReplay(c *cli.Command, r *replayed, document json.RawMessage) error {
	if c.Bool("json") {
		if err := printJSON(c.Root().Writer, document); err != nil {
			return err
		}
	} else if err := answer(c, nil, "%s is %s: %s looked at, %s made due, %d left alone.", r.ID, r.State,
		counted(r.Looked, "event", "events"), counted(r.Replayed, "delivery", "deliveries"), r.Skipped); err != nil {
		return err
	}
	if r.State == "failed" {
		return errors.New("the replay failed: " + r.Reason)
	}
	return nil
}

func listReplays(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	return listing{
		method: "listReplays", head: []string{"ID", "STATE", "WEBHOOK", "DONE", "LOOKED", "REPLAYED", "SKIPPED", "CREATED"},
		row: rowOf(func(r replayed) []any {
			to := plainText(r.Webhook)
			if r.Webhook == nil {
				to = "all"
			}
			return []any{r.ID, r.State, to, fmt.Sprintf("%.1f %%", r.Percent), r.Looked, r.Replayed, r.Skipped, moment(r.Created)}
		}),
	}.print(ctx, c)
}
