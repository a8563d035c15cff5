package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// TestEveryCommandAnswersJSON checks that whoever reads a command's output by a program need not read what is for people.
// Left out are those that answer nothing but a log, whose lines are JSON where nobody looks, and the manual.
func TestEveryCommandAnswersJSON(t *testing.T) {
	t.Parallel()
	leftOut := []string{"hookswitch serve", "hookswitch demo", "hookswitch man"}
	n := 0
	eachCommand(command(strings.NewReader(""), io.Discard, io.Discard), "", func(path string, c *cli.Command) {
		if c.Usage == "" {
			t.Errorf("%s has no help", path)
		}
		if len(c.Commands) > 0 || slices.Contains(leftOut, path) {
			return
		}
		n++
		if !slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return f.Names()[0] == "json" }) {
			t.Errorf("%s has no --json", path)
		}
	})
	if n < 30 {
		t.Errorf("only %d commands were found", n)
	}
}

// eachCommand visits a command and all below it.
func eachCommand(c *cli.Command, above string, visit func(path string, c *cli.Command)) {
	path := strings.TrimSpace(above + " " + c.Name)
	visit(path, c)
	for _, below := range c.Commands {
		eachCommand(below, path, visit)
	}
}
