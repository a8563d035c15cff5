package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"
)

// answerMistakes has a command, and those below it, say in one line what is wrong with a command line and what may have been
// meant. A command does not inherit this.
func answerMistakes(c *cli.Command) {
	c.OnUsageError = func(_ context.Context, c *cli.Command, err error, _ bool) error { return mistake(c, err) }
	if c.CommandNotFound == nil {
		c.CommandNotFound = func(ctx context.Context, c *cli.Command, name string) {
			if err := helpNotFound(ctx, c, name); err != nil {
				c.Root().Metadata[helpFailed] = err // it has no other way out
			}
		}
	}
	for _, below := range c.Commands {
		answerMistakes(below)
	}
}

// helpLast is a command line that asks for help first, written the other way round, since the library looks at one word
// after help: webhooks list --help for help webhooks list.
func helpLast(args []string) []string {
	dashed := func(a string) bool { return strings.HasPrefix(a, "-") }
	if len(args) < 4 || args[1] != "help" || slices.ContainsFunc(args, dashed) {
		return args
	}
	return append(slices.Concat(args[:1], args[2:]), "--help")
}

// helpFailed is where the root command keeps why help failed.
const helpFailed = "help failed"

// helpNotFound answers a name that is no command below c. Of a command that has none below it, it is an argument before
// --help, whose help is shown.
func helpNotFound(ctx context.Context, c *cli.Command, name string) error {
	var names []string
	for _, below := range c.VisibleCommands() {
		names = append(names, below.Name)
	}
	if lineage := c.Lineage(); len(names) == 0 && len(lineage) > 1 {
		return cli.ShowCommandHelp(ctx, lineage[1], c.Name)
	}
	text := fmt.Sprintf("there is no command %q", c.FullName()+" "+cell(name, 64)) + didYouMean(name, names, c.FullName()+" %s")
	return usageError{errors.New(andThen(text, "see "+c.FullName()+" --help"))}
}

// The errors of the library's parser.
var (
	badFlagValue = regexp.MustCompile(`(?s)^invalid value (".*") for flag -([^:]*): (.*)$`)
	unknownFlag  = regexp.MustCompile(`^flag provided but not defined: -(.*)$`)
	flagAlone    = regexp.MustCompile(`^flag needs an argument: -*(.*)$`)
)

// badVariable is how the library says that the variable of a flag has a value that the flag does not take.
var badVariable = regexp.MustCompile(`(?s)^could not parse (".*") as \S+ value from environment variable "([^"]*)" for flag [^:]*: (.*)$`)

// ofVariable has the error of a variable's value, which the library asks nobody about, as one of a command line.
func ofVariable(err error) error {
	if err == nil {
		return nil
	}
	m := badVariable.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	return usageError{fmt.Errorf("%s %s: %s", m[2], m[1], m[3])}
}

// mistake is the error of a command line that can't be parsed.
func mistake(c *cli.Command, err error) error {
	text := err.Error()
	if m := badFlagValue.FindStringSubmatch(text); m != nil {
		value, _ := strconv.Unquote(m[1]) // the library quotes by %q
		text = wrongValue(c, m[2], value, m[3])
	} else if m := unknownFlag.FindStringSubmatch(text); m != nil {
		text = "there is no flag --" + cell(m[1], 64)
		if len(c.VisibleCommands()) > 0 {
			text += " here; flags come after the command"
		} else {
			text += didYouMean(m[1], namesOf(c.Flags), "--%s")
		}
	} else if m := flagAlone.FindStringSubmatch(text); m != nil {
		text = "--" + m[1] + " needs a value"
	}
	return usageError{errors.New(andThen(text, "see "+c.FullName()+" --help"))}
}

// titleOf is a command in a line that begins with the program's name already.
func titleOf(c *cli.Command) string { return strings.TrimPrefix(c.FullName(), c.Root().Name+" ") }

// andThen adds what to do to a sentence, which may have ended with a question.
func andThen(text, do string) string {
	if strings.HasSuffix(text, "?") {
		return text + " " + strings.ToUpper(do[:1]) + do[1:]
	}
	return text + "; " + do
}

// wrongValue is what is said of a value that a flag of c does not take.
func wrongValue(c *cli.Command, name, text, says string) string {
	for _, f := range c.Flags {
		if f.Names()[0] == name {
			return badValue("--"+name, f, text, errors.New(says))
		}
	}
	return fmt.Sprintf("--%s %q: %s", name, text, says)
}

func namesOf(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		names = append(names, f.Names()[0])
	}
	return names
}

// didYouMean is the end of a sentence about a name that is not there: the nearest of those that are, written by format, or
// nothing when none is near.
func didYouMean(name string, names []string, format string) string {
	near := nearest(name, names)
	if near == "" {
		return ""
	}
	return "; did you mean " + fmt.Sprintf(format, near) + "?"
}

// nearest is the name that was probably meant: one that the given one differs from in two places at most, or that
// begins with it; "" when there is none.
func nearest(name string, names []string) (near string) {
	name = strings.ToLower(name)
	fewest := min(2, len(name)/3) + 1
	for _, n := range names {
		if d := differences(name, strings.ToLower(n)); d < fewest {
			near, fewest = n, d
		}
	}
	for _, n := range names {
		if near == "" && len(name) > 2 && strings.HasPrefix(strings.ToLower(n), name) {
			near = n
		}
	}
	return near
}

// differences is how many bytes of a have to be changed, added, left out or swapped with the next to make b.
func differences(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range len(b) {
		rows[0][j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			least := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				least = min(rows[i-1][j-1], rows[i-1][j], rows[i][j-1]) + 1
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				least = min(least, rows[i-2][j-2]+1)
			}
			rows[i][j] = least
		}
	}
	return rows[len(a)][len(b)]
}
