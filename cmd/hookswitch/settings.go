package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

// settings are the values of flags after all that can set them: the command line, then variables, then the file, then the
// defaults.
type settings struct {
	*cli.Command                   // answers for the values: String("listen"), Duration("timeout")
	sources      map[string]string // by flag: "--listen", "HOOKSWITCH_LISTEN", "hookswitch.yaml:3" or "default"
}

// sourceDefault is the source of what nobody set.
const sourceDefault = "default"

// resolve gives flags, fresh ones, their values. c is the command as it was called; it holds what the command line says and
// nothing else. All that is wrong with variables and file is in the error, a usageError.
func resolve(c *cli.Command, flags []cli.Flag) (*settings, error) {
	s := &settings{Command: &cli.Command{Flags: flags}, sources: map[string]string{}}
	file, faults := readConfigFile(c.String("config"))
	for _, f := range flags {
		name := f.Names()[0]
		texts, source, line := []string(nil), sourceDefault, 0
		if value := os.Getenv(variableOf(name)); c.IsSet(name) {
			texts, source = textsOf(c.Value(name)), "--"+name
		} else if value != "" {
			texts, source = []string{value}, variableOf(name)
		} else if entry, ok := file.entries[name]; ok {
			texts, source, line = entry.texts, file.place(entry.line), entry.line
			if entry.list && !isList(f) {
				faults = append(faults, fault{line, source + ": " + name + " takes one value, not a list"})
				texts = nil
			}
		}
		s.sources[name] = source
		for _, text := range texts {
			if err := s.Set(name, strings.TrimSpace(text)); err != nil {
				faults = append(faults, fault{line, saying(source, f, text, err)})
				break // a list would have the same fault again with each further element
			}
		}
		delete(file.entries, name)
	}
	for name, entry := range file.entries {
		faults = append(faults, fault{entry.line, file.place(entry.line) + ": " + unknownKey(name, flags)})
	}
	if len(faults) > 0 {
		return nil, usageError{allOf(faults)}
	}
	return s, nil
}

// fault is one thing that is wrong with a configuration; line is 0 outside the file.
type fault struct {
	line int
	text string
}

// allOf is the error of faults, in the order of the file.
func allOf(faults []fault) error {
	slices.SortStableFunc(faults, func(a, b fault) int { return cmp.Compare(a.line, b.line) })
	var all []error
	for _, f := range faults {
		all = append(all, errors.New(f.text))
	}
	return errors.Join(all...)
}

// saying is what is said of a bad value, with the name of the setting where its source is not that already.
func saying(source string, f cli.Flag, text string, err error) string {
	if name := f.Names()[0]; source != variableOf(name) {
		source += ": " + name
	}
	return badValue(source, f, text, err)
}

// badValue is what is said of a value that something of that name does not take. What is wrong with a list names the element
// itself.
func badValue(name string, f cli.Flag, text string, err error) string {
	switch f.(type) {
	case *cli.StringSliceFlag:
		return fmt.Sprintf("%s: %v", name, err)
	case *cli.BoolFlag: // the library's own; its error says less
		err = errors.New("must be true or false")
	}
	return fmt.Sprintf("%s %q: %v", name, text, err)
}

func unknownKey(name string, flags []cli.Flag) string {
	return fmt.Sprintf("unknown key %q", name) + didYouMean(name, namesOf(flags), "%q")
}

// textsOf is a value as it would be written; a list has one text for each element.
func textsOf(value any) []string {
	switch v := value.(type) {
	case []string:
		return v
	case time.Duration:
		return []string{shortDuration(v)}
	case time.Time:
		if v.IsZero() {
			return []string{""}
		}
		return []string{v.Format(time.RFC3339)}
	}
	return []string{fmt.Sprint(value)}
}

// shortDuration leaves out what is zero at the end: 24h for 24h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"0s", "0m"} {
		if short := strings.TrimSuffix(text, zero); strings.HasSuffix(short, "m") || strings.HasSuffix(short, "h") {
			text = short
		}
	}
	return text
}

// variablePrefix begins the name of every variable of ours.
const variablePrefix = "HOOKSWITCH_"

// variableOf is the variable that sets a flag.
func variableOf(name string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// variable has the help of a flag name its variable. It never has a value: resolve reads variables itself, so that it can
// tell what each value came from, and name all bad ones at once.
type variable string

func (v variable) Lookup() (string, bool) { return "", false }
func (v variable) IsFromEnv() bool        { return true }
func (v variable) Key() string            { return string(v) }
func (v variable) String() string         { return "environment variable " + string(v) }
func (v variable) GoString() string       { return string(v) }

// withVariables names the variable of each flag.
func withVariables(flags []cli.Flag) []cli.Flag {
	for _, f := range flags {
		chain := cli.NewValueSourceChain(variable(variableOf(f.Names()[0])))
		switch f := f.(type) {
		case *cli.StringFlag:
			f.Sources = chain
		case *cli.StringSliceFlag:
			f.Sources = chain
		case *durationFlag:
			f.Sources = chain
		case *intFlag:
			f.Sources = chain
		case *floatFlag:
			f.Sources = chain
		case *cli.BoolFlag:
			f.Sources = chain
		default:
			panic(fmt.Sprintf("settings of type %T can't be read from variables and files yet", f))
		}
	}
	return flags
}

func isList(f cli.Flag) bool {
	_, list := f.(*cli.StringSliceFlag)
	return list
}
