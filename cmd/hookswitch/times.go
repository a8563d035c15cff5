package main

import (
	"errors"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

// periodFlags are those of what keeps to a time: parameters of the same names.
func periodFlags() []cli.Flag {
	return []cli.Flag{
		&timeFlag{Name: "since", Usage: "only events since `TIME`: like 24h or 31d (ago), 2026-11-27 or 2026-11-27T09:30:00Z"},
		&timeFlag{Name: "until", Usage: "only events before `TIME`"},
	}
}

// parseTime reads a time as people give it: RFC 3339, a day, or how long ago.
func parseTime(text string, now time.Time) (time.Time, error) {
	if ago, err := parseDuration(strings.TrimSuffix(text, " ago")); err == nil && ago >= 0 {
		return now.Add(-ago).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("must be like 24h or 31d (ago), 2026-11-27 or 2026-11-27T09:30:00Z")
}

// days are the leading days of a duration, and the rest of it.
var days = regexp.MustCompile(`^(-?)([0-9]*\.?[0-9]*)d([0-9.].*)?$`)

// parseDuration reads what time.ParseDuration does, and days of 24 hours before it: 31d, 1d12h.
func parseDuration(text string) (time.Duration, error) {
	wrong := errors.New("must be a duration such as 30s, 5m, 24h or 31d")
	m := days.FindStringSubmatch(text)
	if m == nil {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, wrong
		}
		return d, nil
	}
	hours, err := time.ParseDuration(m[2] + "h") // a day is 24 of them
	rest := time.Duration(0)
	if err == nil && m[3] != "" {
		rest, err = time.ParseDuration(m[3])
	}
	if err != nil || hours > (math.MaxInt64-rest)/24 {
		return 0, wrong
	}
	d := 24*hours + rest
	if m[1] != "" {
		d = -d
	}
	return d, nil
}
