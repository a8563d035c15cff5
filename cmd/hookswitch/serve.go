package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/service"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "run the service until Ctrl-C",
		Description: "The first start makes an admin key and shows it once. HOOKSWITCH_ADMIN_KEY sets it instead.\n" +
			"Every flag is also an environment variable.",
		Flags: serviceFlags(),
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return serve(ctx, c, nil)
		},
	}
}

// serviceFlags are the flags of everything that runs a service.
func serviceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8080", Usage: "serve on `ADDRESS`", Sources: env("LISTEN")},
		&cli.StringFlag{Name: "data", Value: "./data", Usage: "keep everything in `DIRECTORY`", Sources: env("DATA")},
		&cli.StringFlag{Name: "public-url", Usage: "base `URL` of the links given out (default: the Host of each request)", Sources: env("PUBLIC_URL")},
		&cli.StringSliceFlag{Name: "allow-endpoint", Usage: "let endpoints be in this `CIDR`, such as 10.1.0.0/16, besides the public internet; repeatable", Sources: env("ALLOW_ENDPOINT")},
		&cli.StringSliceFlag{Name: "origin", Usage: "let web pages of this `ORIGIN` call, such as https://app.example.com; repeatable", Sources: env("ORIGIN")},
		&cli.DurationFlag{Name: "timeout", Value: 15 * time.Second, Usage: "limit of one delivery attempt, where the webhook names none", Sources: env("TIMEOUT")},
		&cli.IntFlag{Name: "max-in-flight", Value: 256, Usage: "deliveries sent at once", Sources: env("MAX_IN_FLIGHT")},
		&cli.DurationFlag{Name: "idempotency-window", Value: 24 * time.Hour, Usage: "how long a repeated event id is answered with the first result", Sources: env("IDEMPOTENCY_WINDOW")},
		&cli.DurationFlag{Name: "retention", Value: 30 * 24 * time.Hour, Usage: "how long events, deliveries and attempts are kept; what is still owed stays", Sources: env("RETENTION")},
		&cli.StringSliceFlag{Name: "retry", Usage: "`DIALECT=WAITS` between attempts instead of the vendor's, such as vision6=1m/5m/30m; repeatable", Sources: env("RETRY")},
		&cli.StringSliceFlag{Name: "give-up", Usage: "`DIALECT=EFFECT` on a webhook when a delivery is given up, instead of the vendor's: none, fail or remove; repeatable", Sources: env("GIVE_UP")},
		&cli.BoolFlag{Name: "superoffice-require-https", Usage: "refuse a SuperOffice TargetUrl that is not https, as that vendor does", Sources: env("SUPEROFFICE_REQUIRE_HTTPS")},
		&cli.BoolFlag{Name: "superoffice-ping", Usage: "save a SuperOffice webhook only when its receiver answers a test event with 200, as that vendor does", Sources: env("SUPEROFFICE_PING")},
		&cli.StringFlag{Name: "copernica-key-id", Value: "one._domainkey.copernica.com", Usage: "`NAME` of the DNS record with the key of Copernica's signatures", Sources: env("COPERNICA_KEY_ID")},
		&cli.StringFlag{Name: "log-level", Value: "info", Usage: "debug, info, warn or error", Sources: env("LOG_LEVEL")},
	}
}

func env(name string) cli.ValueSourceChain { return cli.EnvVars("HOOKSWITCH_" + name) }

// serve runs a service. onReady is called once it answers.
func serve(ctx context.Context, c *cli.Command, onReady func(context.Context, *service.Service, string) error) error {
	o, err := options(c)
	if err != nil {
		return err
	}
	// net/http writes bytes of misbehaving receivers to the standard logger; they may be payload.
	stdlog.SetOutput(io.Discard)
	listener, err := net.Listen("tcp", c.String("listen"))
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer listener.Close()
	s, err := service.Open(ctx, o)
	if err != nil {
		return err
	}
	address := "http://" + listener.Addr().String()
	if key := s.GeneratedKey(); key != "" {
		fmt.Fprintf(c.Root().Writer, "Admin key, shown this once:\n\n  %s\n\n", key)
	}
	o.Log.Info().Str("address", address).Str("data", o.Data).Str("version", version).Msg("serving")
	if onReady != nil {
		go func() { // ends with ctx, or when it has shown what it has to show
			if err := onReady(ctx, s, address); err != nil && ctx.Err() == nil {
				fmt.Fprintln(c.Root().ErrWriter, "hookswitch: "+err.Error())
			}
		}()
	}
	err = s.Serve(ctx, listener)
	o.Log.Info().Msg("shutting down: attempts in flight end, then the store is flushed")
	return errors.Join(err, s.Close(ctx))
}

func options(c *cli.Command) (service.Options, error) {
	log, err := logger(c.Root().ErrWriter, c.String("log-level"))
	if err != nil {
		return service.Options{}, err
	}
	o := service.Options{
		Data: c.String("data"), PublicURL: c.String("public-url"), AdminKey: os.Getenv("HOOKSWITCH_ADMIN_KEY"), Log: log,
		MaxInFlight: c.Int("max-in-flight"), Timeout: c.Duration("timeout"), Window: c.Duration("idempotency-window"),
		Retention: c.Duration("retention"),
		Origins:   c.StringSlice("origin"), RequireHTTPS: c.Bool("superoffice-require-https"),
		SuperOfficePing: c.Bool("superoffice-ping"),
		CopernicaKeyID:  c.String("copernica-key-id"), Version: version,
	}
	if o.Policies, err = parsePolicies(c.StringSlice("retry"), c.StringSlice("give-up")); err != nil {
		return o, err
	}
	for _, text := range c.StringSlice("allow-endpoint") {
		prefix, err := parsePrefix(text)
		if err != nil {
			return o, err
		}
		o.Allow = append(o.Allow, prefix)
	}
	return o, nil
}

// parsePrefix takes a network, or a single address as a network of one.
func parsePrefix(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked(), nil
	}
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	return netip.Prefix{}, usageError{fmt.Errorf("--allow-endpoint %q: must be a network such as 10.1.0.0/16 or an address", text)}
}

// logger writes for people on a terminal and JSON lines elsewhere.
func logger(w io.Writer, level string) (zerolog.Logger, error) {
	l, err := zerolog.ParseLevel(level)
	if err != nil || level == "" {
		return zerolog.Nop(), usageError{fmt.Errorf("--log-level %q: must be debug, info, warn or error", level)}
	}
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly}
	}
	return zerolog.New(w).Level(l).With().Timestamp().Logger(), nil
}

func noArguments(c *cli.Command) error {
	if c.Args().Present() {
		return usageError{fmt.Errorf("%s takes no argument, got %q; see hookswitch help %s", c.Name, c.Args().First(), c.Name)}
	}
	return nil
}
