package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/service"
)

// directoryFlag names a data directory that no service may have open.
func directoryFlag() cli.Flag {
	return &cli.StringFlag{Name: "data", Value: "./data", Usage: "the `DIRECTORY` of the store, which no service has open", Sources: env("DATA")}
}

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name:      "restore",
		Usage:     "make a store of a backup, once it has been found whole and sound",
		ArgsUsage: "FILE|-",
		Description: "- reads the backup from standard input. A directory that is not empty is refused; --force replaces the store in\n" +
			"it, which stays as it was until the backup has been looked at from end to end.",
		Flags: []cli.Flag{directoryFlag(), &cli.BoolFlag{Name: "force", Usage: "replace the store that is there"}, jsonFlag()},
		Action: func(ctx context.Context, c *cli.Command) error {
			file, err := oneArgument(c, "the backup to read, or - for standard input")
			if err != nil {
				return err
			}
			return restore(ctx, c, file)
		},
	}
}

// input is the file that is named to be read, or standard input for "-".
func input(c *cli.Command, file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(c.Root().Reader), nil
	}
	return os.Open(file)
}

func restore(ctx context.Context, c *cli.Command, file string) error {
	source, err := input(c, file)
	if err != nil {
		return err
	}
	defer source.Close()
	reading := &passing{progress: newProgress(c, "read", bytesText)}
	looking := newProgress(c, "check", countText)
	defer looking.end()
	found, err := service.Restore(ctx, service.Restoration{
		Dir: c.String("data"), Backup: io.TeeReader(source, reading), Replace: c.Bool("force"), Progress: looking.at,
	})
	switch {
	case errors.Is(err, service.ErrOccupied):
		return fmt.Errorf("%w\n  --force replaces the store that is in it", err)
	case errors.Is(err, service.ErrBackup), errors.Is(err, service.ErrDamaged):
		return fmt.Errorf("%w\n  nothing was changed; take another backup", err)
	case err != nil:
		return err
	}
	looking.end()
	return answer(c, found, "%s holds the backup: %s", c.String("data"), inventory(found))
}

func inventory(f service.Found) string {
	return fmt.Sprintf("%s, %s (%d owed), %s, %s", counted(f.Events, "event", "events"),
		counted(f.Deliveries, "delivery", "deliveries"), f.Open, counted(f.Records, "record", "records"), bytesText(f.FileBytes))
}

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "look at all of a store, and say what is wrong with it",
		Description: "Opens the store as serve does, closes it, and then verifies the structure of the file, the checksum of every row,\n" +
			"and that all rows agree with each other. The exit code is 1 when something is wrong.",
		Flags: []cli.Flag{directoryFlag(), jsonFlag(), &cli.BoolFlag{Name: "without-journal",
			Usage: "go on without the journal of a store that is refused for it, because it is missing, damaged or another's: what it held is lost"}},
		Action: checkStore,
	}
}

func checkStore(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if c.Bool("without-journal") {
		forgone, err := service.ForgoJournal(c.String("data"))
		if err != nil {
			return err
		}
		if forgone {
			fmt.Fprintln(c.Root().ErrWriter, "The store goes on without its journal; files of it that were there end in .forgone now.")
		}
	}
	looking := newProgress(c, "check", countText)
	defer looking.end()
	found, err := service.Check(ctx, c.String("data"), looking.at)
	if err != nil {
		return err
	}
	looking.end()
	if found.Wrong == 0 {
		return answer(c, found, "The store in %s is sound: %s.", c.String("data"), inventory(found))
	}
	if !c.Bool("json") {
		for _, problem := range found.Problems {
			fmt.Fprintln(c.Root().Writer, problem)
		}
	} else if err := answer(c, found, ""); err != nil {
		return err
	}
	return fmt.Errorf("%s in the store wrong\n  restore a backup; or serve what is sound and keep a copy of the directory for whoever looks into it", counted(found.Wrong, "thing is", "things are"))
}

func compactCommand() *cli.Command {
	return &cli.Command{
		Name:  "compact",
		Usage: "give back the room of what was deleted from a store",
		Description: "Writes the store anew beside itself, verifies the copy and puts it in its place. Needs as much free disk as the\n" +
			"store has data.",
		Flags:  []cli.Flag{directoryFlag(), jsonFlag()},
		Action: compactStore,
	}
}

// compacted is what compact says of what it did.
type compacted struct {
	Before int64 `json:"before"` // bytes
	After  int64 `json:"after"`  // bytes
}

func compactStore(ctx context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	rows := newProgress(c, "compact", countText)
	defer rows.end()
	before, after, err := service.Compact(ctx, c.String("data"), rows.at)
	if err != nil {
		return err
	}
	rows.end()
	return answer(c, compacted{before, after}, "%s before, %s after.", bytesText(before), bytesText(after))
}

// oneArgument is the argument of a command that takes exactly one.
func oneArgument(c *cli.Command, what string) (string, error) {
	if c.Args().Len() != 1 {
		return "", usageError{fmt.Errorf("%s takes one argument: %s", titleOf(c), what)}
	}
	return c.Args().First(), nil
}
