// Command hookswitch runs the webhook service and talks to one: RPC calls in, webhooks out. `hookswitch help` lists what
// it can do. Only flags, signals and output live here; every rule is in the packages below service.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/service"
)

// version is set by the build (-ldflags -X main.version=…).
var version = "dev"

func main() {
	os.Exit(run(untilSignal(context.Background()), os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: 0 when all went well, 1 when what was asked for failed, 2 when it was asked wrongly, 3 when the
// service did not answer, 128 and its number when a signal cut it short.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := command(stdin, stdout, stderr)
	err := ofVariable(app.Run(ctx, helpLast(args)))
	if unhelpful, ok := app.Metadata[helpFailed].(error); ok && err == nil {
		err = unhelpful
	}
	if err == nil {
		return 0
	}
	if cut, ok := errors.AsType[interrupted](context.Cause(ctx)); ok && (errors.Is(err, cut) || errors.Is(err, context.Canceled)) {
		err = cut // whatever was being done
	}
	for line := range strings.SplitSeq(explain(err), "\n") {
		if !strings.HasPrefix(line, " ") { // else it belongs to the one before
			line = "hookswitch: " + line
		}
		fmt.Fprintln(stderr, line)
	}
	return exitCode(err)
}

// exitCode is that of an error; docs/cli.md has the table.
func exitCode(err error) int {
	if cut, ok := errors.AsType[interrupted](err); ok {
		return 128 + int(cut.signal)
	}
	if _, wrong := errors.AsType[usageError](err); wrong {
		return 2
	}
	if _, wrong := errors.AsType[service.OptionsError](err); wrong {
		return 2
	}
	if _, unknown := errors.AsType[cli.ExitCoder](err); unknown { // a command or a page of help that is not there
		return 2
	}
	if _, silent := errors.AsType[unreachable](err); silent {
		return 3
	}
	return 1
}

// usageError is a command line that can't be understood.
type usageError struct{ error }

func command(stdin io.Reader, stdout, stderr io.Writer) *cli.Command {
	app := &cli.Command{
		Name:                            "hookswitch",
		Usage:                           "RPC calls in, webhooks out: signed, retried for days, visible, nothing lost",
		Version:                         version,
		EnableShellCompletion:           true,
		ConfigureShellCompletionCommand: func(c *cli.Command) { c.Hidden = false; answerMistakes(c) },
		Reader:                          stdin,
		Writer:                          stdout,
		ErrWriter:                       stderr,
		Metadata:                        map[string]any{},
		ExitErrHandler:                  func(context.Context, *cli.Command, error) {}, // run prints
		Commands: []*cli.Command{
			serveCommand(),
			demoCommand(),
			callCommand(),
			webhooksCommand(),
			eventsCommand(),
			deliveriesCommand(),
			listenCommand(),
			replayCommand(),
			accountsCommand(),
			keysCommand(),
			portalCommand(),
			exportCommand(),
			importCommand(),
			auditCommand(),
			benchCommand(),
			dialectCommand(),
			backupCommand(),
			restoreCommand(),
			checkCommand(),
			compactCommand(),
			manCommand(),
			versionCommand(),
		},
	}
	answerMistakes(app)
	warnBefore(app.Commands)
	return app
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(_ context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			built := map[string]string{"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH}
			return answer(c, built, "hookswitch %s", version)
		},
	}
}
