package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sourcegraph/jsonrpc2"
	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/rpc"
)

func clientFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "server", Value: "http://127.0.0.1:8080", Usage: "`URL` of the service: http, https, ws or wss, or unix:/path of its socket, where it speaks plain HTTP", Sources: env("SERVER")},
		&cli.StringFlag{Name: "key", Usage: "API `KEY`; better in the environment, where other users don't see it", Sources: env("KEY")},
		caFlag(),
	}
}

func callCommand() *cli.Command {
	return &cli.Command{
		Name:      "call",
		Usage:     "call a method and print its result",
		ArgsUsage: "METHOD [JSON]",
		Description: "JSON is the parameters, an object or an array; - reads them from standard input.\n" +
			"hookswitch call --methods lists the methods, hookswitch call METHOD --help says all about one.\n" +
			"Example: hookswitch call publishEvent '{\"type\":\"contact.created\",\"data\":{\"id\":7}}'",
		Flags: actingFlags(&cli.BoolFlag{Name: "methods", Usage: "list the methods"}),
		// The library takes what stands before --help for the name of a command and asks here.
		CommandNotFound: func(_ context.Context, c *cli.Command, name string) {
			if err := helpOfMethod(c, name); err != nil {
				c.Root().Metadata[helpFailed] = err // it has no other way out
			}
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Bool("methods") {
				return listMethods(c)
			}
			if n := c.Args().Len(); n < 1 || n > 2 {
				return usageError{errors.New("call takes METHOD and, if it has parameters, JSON; see hookswitch help call")}
			}
			params, err := parameters(c.Args().Get(1), c.Root().Reader)
			if err != nil {
				return usageError{fmt.Errorf("the parameters: %w", err)}
			}
			var result json.RawMessage
			if err := call(ctx, c, c.Args().First(), params, &result); err != nil {
				return instead(c.Args().First(), err)
			}
			return printJSON(c.Root().Writer, result)
		},
	}
}

// instead is the error of a call, with what may have been meant by a method that the service does not know.
func instead(method string, err error) error {
	refusal, refused := errors.AsType[*jsonrpc2.Error](err)
	m, unread := readManual()
	if !refused || refusal.Code != jsonrpc2.CodeMethodNotFound || unread != nil {
		return err
	}
	return hinted{err, "there is no method " + cell(method, 64) + m.instead(method)}
}

// parameters reads the parameters of a call; nil without any.
func parameters(text string, stdin io.Reader) (any, error) {
	if text == "-" {
		read, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		text = string(read)
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if !utf8.ValidString(text) { // json.Valid lets it through
		return nil, errors.New("not valid JSON, which has to be UTF-8")
	}
	if !json.Valid([]byte(text)) {
		return nil, errors.New("not valid JSON; in a shell, put it in single quotes")
	}
	return json.RawMessage(text), nil
}

// call makes one call to the server that the flags name.
func call(ctx context.Context, c *cli.Command, method string, params, result any) error {
	client, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer client.Close()
	err = reached(client.Call(ctx, method, params, result))
	if _, written := params.(json.RawMessage); written {
		return err // who wrote the parameters knows their members
	}
	return byFlags(c, err)
}

// connect makes a client of the server that the flags name.
func connect(ctx context.Context, c *cli.Command) (*rpc.Client, error) {
	server, err := serverOf(c)
	if err != nil {
		return nil, err
	}
	o := rpc.DialOptions{}
	if o.HTTPClient, err = httpClient(c); err != nil {
		return nil, err
	}
	if key := c.String("key"); key != "" {
		o.Credential = "Bearer " + key
	}
	if n := c.Int64("account"); n != 0 {
		o.Header = http.Header{"Hookswitch-Account": {strconv.FormatInt(n, 10)}}
	}
	client, err := rpc.Dial(ctx, server, o)
	if err != nil {
		return nil, unreachable{err}
	}
	return client, nil
}

// reached marks the errors of a call that no server answered.
func reached(err error) error {
	if _, refused := errors.AsType[*jsonrpc2.Error](err); err == nil || refused {
		return err
	}
	return unreachable{err}
}

// unreachable is a server that does not answer.
type unreachable struct{ error }

func (u unreachable) Unwrap() error { return u.error }

// sourceOf is what gave a flag its value: its variable, or the flag itself.
func sourceOf(c *cli.Command, flag string) string {
	if name := variableOf(flag); textsOf(c.Value(flag))[0] == os.Getenv(name) {
		return name
	}
	return "--" + flag
}

// serverOf is the URL of the endpoint of the service that c asks.
func serverOf(c *cli.Command) (string, error) {
	text := c.String("server")
	server, err := serverURL(text)
	if err != nil {
		err = usageError{fmt.Errorf("%s %q: %w", sourceOf(c, "server"), text, err)}
	}
	return server, err
}

// serverURL completes the address of a service by the path of its endpoint. That of a Unix socket is complete.
func serverURL(text string) (string, error) {
	wrong := errors.New("must be a URL such as http://127.0.0.1:8080 (http, https, ws or wss), or unix:/path, which is plain HTTP")
	if path, unix := strings.CutPrefix(strings.TrimPrefix(text, "ws+"), unixPrefix); unix {
		if path == "" {
			return "", wrong
		}
		return text, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "ws", "wss"}, u.Scheme) {
		return "", wrong
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/rpc"
	}
	return u.String(), nil
}

func printJSON(w io.Writer, raw json.RawMessage) error {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}
