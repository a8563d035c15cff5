package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

// periodFlags are those of what keeps to a time; timeParams reads them.
func periodFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "since", Usage: "only events since `TIME`: like 24h (ago), 2026-11-27 or 2026-11-27T09:30:00Z"},
		&cli.StringFlag{Name: "until", Usage: "only events before `TIME`"},
	}
}

// timeParams adds flags that hold times to params, under the same names.
func timeParams(c *cli.Command, params map[string]any, names ...string) error {
	for _, name := range names {
		text := c.String(name)
		if text == "" {
			continue
		}
		at, err := parseTime(text, time.Now())
		if err != nil {
			return usageError{fmt.Errorf("--%s %q: %w", name, text, err)}
		}
		params[name] = at
	}
	return nil
}

// parseTime reads a time as people give it: RFC 3339, a day, or how long ago.
func parseTime(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(strings.TrimSuffix(strings.TrimSpace(text), " ago")); err == nil && ago >= 0 {
		return now.Add(-ago).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("must be like 24h, 2026-11-27 or 2026-11-27T09:30:00Z")
}
