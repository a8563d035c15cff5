package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/service"
)

func backupCommand() *cli.Command {
	return &cli.Command{
		Name:      "backup",
		Usage:     "write a backup of the whole store to a file, or to standard output",
		ArgsUsage: "FILE|-",
		Description: "Without --data the running service streams it (needs an admin key): everything acknowledged before is in it, and\n" +
			"publishing goes on meanwhile. With --data no service may run on that directory.\n" +
			"The file appears under its name once it is whole. hookswitch restore makes a store of it.",
		Flags: append(clientFlags(),
			&cli.StringFlag{Name: "data", Usage: "back up this `DIRECTORY`, which no service has open"}, jsonFlag()),
		Action: backup,
	}
}

// backedUp is what backup says of what it wrote.
type backedUp struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

func backup(ctx context.Context, c *cli.Command) error {
	file, err := oneArgument(c, "the file to write, or - for standard output")
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { return fetchBackup(ctx, c, w) }
	if dir := c.String("data"); dir != "" {
		write = func(w io.Writer) error { return service.Backup(ctx, dir, w) }
	}
	seen := &passing{progress: newProgress(c, "backup", bytesText)}
	defer seen.end()
	counted := func(w io.Writer) error { return write(io.MultiWriter(w, seen)) }
	if file == "-" {
		if isTerminal(c.Root().Writer) {
			return usageError{errors.New("a backup is not for a terminal: name a file, or send the output somewhere")}
		}
		return counted(c.Root().Writer)
	}
	if err := service.WriteWhole(file, counted); err != nil {
		return err
	}
	seen.end()
	return answer(c, backedUp{file, seen.n}, "%s: %s", file, bytesText(seen.n))
}

// fetchBackup has the service stream a backup.
func fetchBackup(ctx context.Context, c *cli.Command, w io.Writer) error {
	address, client, err := backupAddress(c)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.String("key"))
	answer, err := client.Do(request)
	if err != nil {
		return unreachable{err}
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10)) // the status says enough
		hint := ""
		if answer.StatusCode == http.StatusUnauthorized {
			hint = keyHint
		}
		return fmt.Errorf("%s (HTTP status %d)%s", strings.TrimSpace(string(text)), answer.StatusCode, hint)
	}
	if _, err := io.Copy(w, answer.Body); err != nil {
		return fmt.Errorf("the backup broke off: %w", err)
	}
	return nil
}

// backupAddress is where the service of c streams its backup, and who can ask there.
func backupAddress(c *cli.Command) (string, *http.Client, error) {
	address, err := serverOf(c)
	if err != nil {
		return "", nil, err
	}
	if path, unix := strings.CutPrefix(strings.TrimPrefix(address, "ws+"), unixPrefix); unix {
		return "http://localhost/backup", &http.Client{Transport: rpc.UnixTransport(path)}, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", nil, err
	}
	if insecure, secure := strings.CutPrefix(u.Scheme, "ws"); secure {
		u.Scheme = "http" + insecure
	}
	u.Path = strings.TrimSuffix(u.Path, "/rpc") + "/backup"
	client, err := httpClient(c)
	return u.String(), client, err
}
