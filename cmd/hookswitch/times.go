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

// periodOf are the parameters that the flags of a period make.
func periodOf(c *cli.Command) (map[string]any, error) {
	params := given(c, "since", "until")
	since, bound := params["since"].(time.Time)
	if until, also := params["until"].(time.Time); bound && also && !since.Before(until) {
		return nil, usageError{errors.New("--since must be before --until; 24h is 24 hours ago, so the longer of two comes first")}
	}
	return params, nil
}

// parseTime reads a time as people give it: RFC 3339, a day, or how long ago.
func parseTime(text string, now time.Time) (time.Time, error) {
	ago, err := parseDuration(strings.TrimSuffix(text, " ago"))
	if err == nil && ago >= 0 {
		return now.Add(-ago).UTC(), nil
	}
	if errors.Is(err, errTooLong) {
		return time.Time{}, err
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

// errTooLong is a duration of more than 292 years.
var errTooLong = errors.New("too large")

// sound is the form of every duration that parseDuration reads, of any length.
var sound = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*d)?([0-9]+\.?[0-9]*(h|m|s|ms|us|µs|ns))*$`)

// parseDuration reads what time.ParseDuration does, and days of 24 hours before it: 31d, 1d12h.
func parseDuration(text string) (time.Duration, error) {
	wrong := errors.New("must be a duration such as 30s, 5m, 24h or 31d")
	if text != "" && sound.MatchString(text) {
		wrong = errTooLong // when it can't be read all the same
	}
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
