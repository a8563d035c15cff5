package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

// The flags of values that are not texts. The errors of the library's own are those of Go's parsers, and its durations know
// no days.
type (
	durationFlag = cli.FlagBase[time.Duration, cli.NoConfig, flagValue[time.Duration]]
	timeFlag     = cli.FlagBase[time.Time, cli.NoConfig, flagValue[time.Time]]
	intFlag      = cli.FlagBase[int, cli.NoConfig, flagValue[int]]
	int64Flag    = cli.FlagBase[int64, cli.NoConfig, flagValue[int64]]
	floatFlag    = cli.FlagBase[float64, cli.NoConfig, flagValue[float64]]
)

// flagValue reads the value of a flag: as a cli.ValueCreator it makes a cli.Value, itself. The errors of Set say what a value
// must be; whoever prints them names the flag and the value.
type flagValue[T any] struct{ at *T }

func (flagValue[T]) Create(value T, at *T, _ cli.NoConfig) cli.Value {
	*at = value
	return flagValue[T]{at}
}

func (v flagValue[T]) Set(text string) (err error) {
	text = strings.TrimSpace(text)
	switch at := any(v.at).(type) {
	case *time.Duration:
		*at, err = parseDuration(text)
	case *time.Time:
		*at, err = parseTime(text, time.Now())
	case *int:
		*at, err = strconv.Atoi(text)
		err = notA("whole number", err)
	case *int64:
		*at, err = strconv.ParseInt(text, 10, 64)
		err = notA("whole number", err)
	case *float64:
		*at, err = strconv.ParseFloat(text, 64)
		if math.IsNaN(*at) || math.IsInf(*at, 0) {
			err = strconv.ErrRange
		}
		err = notA("number", err)
	default:
		err = fmt.Errorf("no value is read into a %T", at)
	}
	return err
}

// notA is the error of a parser of numbers in our words.
func notA(number string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strconv.ErrRange):
		return errors.New("too large")
	}
	return errors.New("must be a " + number)
}

func (v flagValue[T]) Get() any              { return *v.at }
func (v flagValue[T]) String() string        { return v.ToString(*v.at) }
func (flagValue[T]) ToString(value T) string { return textsOf(value)[0] }
