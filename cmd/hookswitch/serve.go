package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/service"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "run the service until Ctrl-C",
		Description: "The first start makes an admin key and shows it once. HOOKSWITCH_ADMIN_KEY sets it instead.\n" +
			"Every flag is also an environment variable and a key of the --config file; a flag beats its variable, a variable\n" +
			"the file. SIGHUP has the file read again: what --print-config calls live changes at once.",
		Flags: append([]cli.Flag{
			configFlag(),
			&cli.BoolFlag{Name: "print-config", Usage: "show the settings in effect, where each comes from and which change live, then end"},
		}, serviceFlags()...),
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return serve(ctx, c, serviceFlags, nil)
		},
	}
}

func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Usage: "read settings from this YAML `FILE`, with keys named as the flags", Sources: env("CONFIG"), TakesFile: true}
}

// serviceFlags are the settings of everything that runs a service: the one list from which their variables, their keys in a
// file, --print-config, the pages and the example are made (see settings.go). A Validator says what a bad value must be.
func serviceFlags() []cli.Flag {
	return withVariables([]cli.Flag{
		&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8080", Usage: "serve on `ADDRESS`, or on a Unix socket, unix:/path, in plain HTTP", Validator: checkListen},
		&cli.StringFlag{Name: "tls-cert", Usage: "serve over TLS with the certificate in this PEM `FILE`, followed by those between it and its root; a changed file is taken over", TakesFile: true},
		&cli.StringFlag{Name: "tls-key", Usage: "PEM `FILE` with the key of --tls-cert", TakesFile: true},
		&cli.StringSliceFlag{Name: "acme-host", Usage: "serve over TLS with a certificate for this host `NAME`, got by ACME (Let's Encrypt, whose terms you accept); --listen has to be port 443 of that name, or --acme-http-listen port 80"},
		&cli.StringFlag{Name: "acme-email", Usage: "where the ACME server may write to, an e-mail `ADDRESS`"},
		&cli.StringFlag{Name: "acme-directory", Usage: "`URL` of another ACME server's directory", Validator: checkURL},
		&cli.StringFlag{Name: "acme-http-listen", Usage: "also listen on `ADDRESS`, port 80 of the world, for the questions of the ACME server; everybody else is sent to https", Validator: checkListen},
		&cli.StringFlag{Name: "admin-listen", Usage: "serve /metrics, /livez, /readyz and /debug/pprof on this `ADDRESS` of its own, without keys; else the first three are on --listen and there are no profiles", Validator: checkListen},
		&cli.StringSliceFlag{Name: "trusted-proxy", Usage: "believe X-Forwarded-For, -Proto and -Host from proxies in this `CIDR`, and from nobody else; 127.0.0.1 for a Unix socket", Validator: checkPrefixes},
		&intFlag{Name: "max-connections", Value: 10_000, Usage: "connections that are open at once; further ones wait to be accepted", Validator: positive[int]},
		&intFlag{Name: "max-sockets", Value: 1024, Usage: "WebSockets that are open at once; further ones are refused", Validator: positive[int]},
		&cli.StringFlag{Name: "max-body", Value: "4MiB", Usage: "`SIZE` of an HTTP body or a WebSocket message, such as 512KiB or 4MiB", Validator: checkSize},
		&durationFlag{Name: "call-timeout", Value: 30 * time.Second, Usage: "limit of one call, or of the calls of one batch together", Validator: positive[time.Duration]},
		&cli.StringFlag{Name: "rate-limit-key", Value: "off", Usage: "calls a second with one key: `RATE[:BURST]`, such as 50:500, which lets 500 come at once; without a burst, ten seconds' worth", Validator: checkRate},
		&cli.StringFlag{Name: "rate-limit-address", Value: "off", Usage: "calls a second from one address, `RATE[:BURST]`; IPv6 addresses count by their /64", Validator: checkRate},
		&cli.StringFlag{Name: "rate-limit-unknown", Value: "1:100", Usage: "calls a second from one address with a key that nobody has, `RATE[:BURST]`", Validator: checkRate},
		&cli.StringFlag{Name: "data", Value: "./data", Usage: "keep everything in `DIRECTORY`; one process at a time"},
		&cli.StringFlag{Name: "encryption-key-file", Usage: "encrypt the secrets in the store with the first key in this `FILE`, one key a line; the others only decrypt", TakesFile: true},
		&cli.StringFlag{Name: "public-url", Usage: "base `URL` of the links given out (default: the Host of each request); set it where callers can't be trusted with their Host header", Validator: checkURL},
		&cli.StringSliceFlag{Name: "allow-endpoint", Usage: "let endpoints be in this `CIDR`, such as 10.1.0.0/16, besides the public internet", Validator: checkPrefixes},
		&cli.StringFlag{Name: "endpoint-ca", Usage: "trust the certificate authorities in this PEM `FILE` for endpoints, besides the system's", TakesFile: true},
		&cli.StringSliceFlag{Name: "origin", Usage: "let web pages of this `ORIGIN` call, such as https://app.example.com", Validator: checkOrigins},
		&durationFlag{Name: "timeout", Value: 15 * time.Second, Usage: "limit of one delivery attempt, where the webhook names none (native ones may); up to 1m", Validator: upTo(service.MaxTimeout)},
		&intFlag{Name: "max-in-flight", Value: 256, Usage: "deliveries sent at once that last up to 1 s; slower ones have up to eight times as many places besides, each a file descriptor", Validator: positive[int]},
		&durationFlag{Name: "pull-for", Value: 7 * 24 * time.Hour, Usage: "how long an event that can be pulled waits for somebody to take it; then its delivery is dead", Validator: positive[time.Duration]},
		&durationFlag{Name: "idempotency-window", Value: 24 * time.Hour, Usage: "how long a repeated event id is answered with the first result", Validator: positive[time.Duration]},
		&durationFlag{Name: "retention", Value: 30 * 24 * time.Hour, Usage: "how long events, deliveries and attempts are kept; what is still owed stays", Validator: positive[time.Duration]},
		&cli.StringFlag{Name: "retention-size", Value: "off", Usage: "`SIZE` of what is kept, such as 50GB: beyond it the oldest events are deleted before their time; what is still owed stays", Validator: checkRetentionSize},
		&durationFlag{Name: "audit-retention", Value: 365 * 24 * time.Hour, Usage: "how long entries of the audit log are kept, 100,000 at most", Validator: positive[time.Duration]},
		&cli.StringFlag{Name: "backup-dir", Usage: "let the method createBackup write into this `DIRECTORY` (default: nowhere)"},
		&cli.StringSliceFlag{Name: "retry", Usage: "`DIALECT=WAITS` between attempts instead of the vendor's, such as vision6=1m/5m/30m", Validator: checkPolicies("retry")},
		&cli.StringSliceFlag{Name: "retry-jitter", Usage: "`DIALECT=SHARE` by which waits are lengthened at random, from 0 to 1, such as native=0.1", Validator: checkPolicies("retry-jitter")},
		&cli.StringSliceFlag{Name: "give-up", Usage: "`DIALECT=EFFECT` on a webhook when a delivery is given up, instead of the vendor's: none, fail or remove", Validator: checkPolicies("give-up")},
		&cli.StringSliceFlag{Name: "fail-for", Usage: "`DIALECT=DURATION` for which a webhook may only fail before it is stopped as failing, such as native=120h (the default of native and copernica), or off", Validator: checkPolicies("fail-for")},
		&cli.BoolFlag{Name: "superoffice-require-https", Usage: "refuse a SuperOffice TargetUrl that is not https, as that vendor does"},
		&cli.BoolFlag{Name: "superoffice-ping", Usage: "save a SuperOffice webhook only when its receiver answers a test event with 200, as that vendor does"},
		&cli.StringFlag{Name: "copernica-key-id", Value: "one._domainkey.copernica.com", Usage: "`NAME` of the DNS record with the key of Copernica's signatures"},
		&cli.StringFlag{Name: "log-level", Value: "info", Usage: "debug, info, warn or error", Validator: checkLevel},
		&cli.BoolFlag{Name: "access-log", Usage: "log calls and attempts that went well too (as info); others are logged in any case"},
		&cli.StringFlag{Name: "otlp-endpoint", Usage: "send traces to the OpenTelemetry collector at this `URL`, such as http://127.0.0.1:4318 (default: OTEL_EXPORTER_OTLP_ENDPOINT, or no traces)", Validator: checkURL},
	})
}

func env(name string) cli.ValueSourceChain { return cli.EnvVars("HOOKSWITCH_" + name) }

// serve runs a service with the settings that flags make of c. onReady is called once it answers.
func serve(ctx context.Context, c *cli.Command, flags func() []cli.Flag, onReady func(context.Context, *service.Service, string) error) error {
	set, err := resolve(c, flags())
	if err != nil {
		return err
	}
	if c.Bool("print-config") {
		return set.print(c.Root().Writer)
	}
	if err := setLevel(set.String("log-level")); err != nil {
		return err
	}
	o, err := options(set.Command, logger(c.Root().ErrWriter))
	if err != nil {
		return err
	}
	for _, line := range warnings(unknownVariables(os.Environ())) {
		o.Log.Warn().Msg(line)
	}
	if strings.HasPrefix(set.String("listen"), unixPrefix) && o.TLS.Enabled() {
		return usageError{errors.New("--listen unix:/path is plain HTTP: leave out --tls-cert or --acme-host, or listen on host:port")}
	}
	// net/http writes bytes of misbehaving receivers to the standard logger; they may be payload.
	stdlog.SetOutput(io.Discard)
	doors, err := openDoors(set.Command)
	if err != nil {
		return err
	}
	defer doors.close()
	s, err := service.Open(ctx, o)
	if err != nil {
		return err
	}
	address := addressOf(doors.main, o.TLS.Enabled())
	if key := s.GeneratedKey(); key != "" {
		fmt.Fprintf(c.Root().Writer, "Admin key, shown this once:\n\n  %s\n\n", key)
	}
	o.Log.Info().Str("address", address).Str("data", o.Data).Str("version", version).Msg("serving")
	notify(stateReady)
	reloader := &reloader{c: c, flags: flags, service: s, log: o.Log, now: set}
	go reloader.run(ctx) // ends with ctx
	if onReady != nil {
		go func() { // ends with ctx, or when it has shown what it has to show
			if err := onReady(ctx, s, address); err != nil && ctx.Err() == nil {
				fmt.Fprintln(c.Root().ErrWriter, "hookswitch: "+err.Error())
			}
		}()
	}
	err = doors.serve(ctx, s, o.Log)
	notify(stateStopping)
	o.Log.Info().Msg("shutting down: attempts in flight end, then the store is flushed")
	return errors.Join(err, s.Close(ctx))
}

// options are those of a service with the settings that c holds.
func options(c *cli.Command, log zerolog.Logger) (service.Options, error) {
	o := service.Options{
		Data: c.String("data"), PublicURL: c.String("public-url"), AdminKey: os.Getenv(adminKeyVariable), Log: log,
		MaxInFlight: c.Int("max-in-flight"), Timeout: c.Duration("timeout"), Window: c.Duration("idempotency-window"), PullFor: c.Duration("pull-for"),
		Retention: c.Duration("retention"), BackupDir: c.String("backup-dir"), AuditRetention: c.Duration("audit-retention"),
		Origins: c.StringSlice("origin"), RequireHTTPS: c.Bool("superoffice-require-https"),
		SuperOfficePing: c.Bool("superoffice-ping"),
		CopernicaKeyID:  c.String("copernica-key-id"), Version: version, AccessLog: c.Bool("access-log"), OTLPEndpoint: c.String("otlp-endpoint"),
	}
	o.TLS = service.TLS{
		CertFile: c.String("tls-cert"), KeyFile: c.String("tls-key"),
		ACMEHosts: c.StringSlice("acme-host"), ACMEOverHTTP: c.String("acme-http-listen") != "",
		ACMEEmail: c.String("acme-email"), ACMEDirectory: c.String("acme-directory"),
	}
	o.Limits.Sockets, o.Limits.CallTimeout = c.Int("max-sockets"), c.Duration("call-timeout")
	o.MaxConnections, o.SeparateAdmin = c.Int("max-connections"), c.String("admin-listen") != ""
	var err error
	if o.Encryption, err = encryptionKeys(c.String("encryption-key-file")); err != nil {
		return o, err
	}
	if o.EndpointCA, err = authorities(c, "endpoint-ca"); err != nil {
		return o, err
	}
	if o.Policies, err = parsePolicies(c.StringSlice); err != nil {
		return o, err
	}
	if o.Limits.Text, err = parseSize(c.String("max-body")); err != nil {
		return o, err
	}
	if o.RetentionSize, err = parseRetentionSize(c.String("retention-size")); err != nil {
		return o, err
	}
	for name, rate := range map[string]*service.Rate{
		"rate-limit-key": &o.RateLimits.Key, "rate-limit-address": &o.RateLimits.Address, "rate-limit-unknown": &o.RateLimits.Unknown,
	} {
		if *rate, err = parseRate(c.String(name)); err != nil {
			return o, err
		}
	}
	if o.TrustedProxies, err = parsePrefixes(c.StringSlice("trusted-proxy")); err != nil {
		return o, err
	}
	o.Allow, err = parsePrefixes(c.StringSlice("allow-endpoint"))
	return o, err
}

// logger writes for people on a terminal and JSON lines elsewhere. setLevel says how much.
func logger(w io.Writer) zerolog.Logger {
	if isTerminal(w) {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly, NoColor: !colours(w)}
	}
	return zerolog.New(w).With().Timestamp().Logger()
}

// setLevel changes what the process logs, also while it does.
func setLevel(text string) error {
	if err := checkLevel(text); err != nil {
		return err
	}
	level, err := zerolog.ParseLevel(text)
	if err == nil {
		zerolog.SetGlobalLevel(level)
	}
	return err
}

func noArguments(c *cli.Command) error {
	if c.Args().Present() {
		return usageError{fmt.Errorf("%s takes no argument, got %q; see %s --help", titleOf(c), c.Args().First(), c.FullName())}
	}
	return nil
}
