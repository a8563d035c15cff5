package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v3"
)

// TestMistakesAreOneLineThatHelps makes the mistakes of a command line: the answer names the flag or command, the value, and
// what is accepted or was probably meant. No service is asked.
func TestMistakesAreOneLineThatHelps(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"servee":                                   `there is no command "hookswitch servee"; did you mean hookswitch serve? See hookswitch --help`,
		"nonsense":                                 `there is no command "hookswitch nonsense"; see hookswitch --help`,
		"help nonsense":                            `there is no command "hookswitch nonsense"; see hookswitch --help`,
		"webhooks lst":                             `there is no command "hookswitch webhooks lst"; did you mean hookswitch webhooks list? See hookswitch webhooks --help`,
		"dialect copernica dsn":                    `there is no command "hookswitch dialect copernica dsn"; did you mean hookswitch dialect copernica dns? See hookswitch dialect copernica --help`,
		"completion bsh":                           `there is no command "hookswitch completion bsh"; did you mean hookswitch completion bash? See hookswitch completion --help`,
		"call publishEvnt -h":                      `there is no method publishEvnt; did you mean publishEvent? hookswitch call --methods lists them`,
		"call PUBLISHEVENT -h":                     `there is no method PUBLISHEVENT; did you mean publishEvent? hookswitch call --methods lists them`,
		"call creatWebhook -h":                     `there is no method creatWebhook; there are createBackup, createDefaultWebhook, createKey, createPortalLink, createSubscription; hookswitch call --methods lists them`,
		"events list --limt 3":                     `there is no flag --limt; did you mean --limit? See hookswitch events list --help`,
		"events list -zzz":                         `there is no flag --zzz; see hookswitch events list --help`,
		"webhooks --hlp":                           `there is no flag --hlp here; flags come after the command; see hookswitch webhooks --help`,
		"accounts list x":                          `accounts list takes no argument, got "x"; see hookswitch accounts list --help`,
		"webhooks show":                            `webhooks show takes one argument: an ID; see the list`,
		"--server x call ping":                     `there is no flag --server here; flags come after the command; see hookswitch --help`,
		"events list --since":                      `--since needs a value; see hookswitch events list --help`,
		"events list --limit 1k":                   `--limit "1k": must be a whole number; see hookswitch events list --help`,
		"events list --limit 99999999999999999999": `--limit "99999999999999999999": too large; see hookswitch events list --help`,
		"events list --account acme":               `--account "acme": must be a whole number; see hookswitch events list --help`,
		"events list --since 31x":                  `--since "31x": must be like 24h or 31d (ago), 2026-11-27 or 2026-11-27T09:30:00Z; see hookswitch events list --help`,
		"events list --since 99999999d":            `--since "99999999d": too large; see hookswitch events list --help`,
		"replay start --since 9999999999h":         `--since "9999999999h": too large; see hookswitch replay start --help`,
		"events publish a.b --time now":            `--time "now": must be like 24h or 31d (ago), 2026-11-27 or 2026-11-27T09:30:00Z; see hookswitch events publish --help`,
		"webhooks create --rate-limit few":         `--rate-limit "few": must be a number; see hookswitch webhooks create --help`,
		"portal --expires-in soon":                 `--expires-in "soon": must be a duration such as 30s, 5m, 24h or 31d; see hookswitch portal --help`,
		"serve --access-log=maybe":                 `--access-log "maybe": must be true or false; see hookswitch serve --help`,
		"serve --max-in-flight -1":                 `--max-in-flight "-1": must be more than 0; see hookswitch serve --help`,
		"serve --origin app":                       `--origin: "app" must be like https://app.example.com, without a path, or *; see hookswitch serve --help`,
	} {
		var out, said bytes.Buffer
		code := run(t.Context(), strings.Fields("hookswitch "+line), strings.NewReader(""), &out, &said)
		if got := said.String(); code != 2 || got != "hookswitch: "+want+"\n" || out.Len() > 0 {
			t.Errorf("%s: code %d, %q and %q, want %q", line, code, got, out.String(), want)
		}
	}
}

// TestFlagsThatContradict gives flags and arguments that are each well, but not together. No service is asked.
func TestFlagsThatContradict(t *testing.T) {
	t.Parallel()
	const order = "--since must be before --until; 24h is 24 hours ago, so the longer of two comes first"
	for line, want := range map[string]string{
		"events list --since 1h --until 2h":              order,
		"deliveries list --since 1h --until 2h":          order,
		"audit --since 1h --until 2h":                    order,
		"replay start --webhook 1 --since 1h --until 2h": order,
		"replay start": "--webhook must be given, or else --only-failed or --state: all events can be replayed to one webhook at a time",
		"replay start --only-failed --state dead":                                 "--only-failed stands for --state dead --state discarded: give one or the other",
		"webhooks create --endpoint u w.*":                                        `JSON must be an object such as {"ordered":true}; event types are given by --events`,
		`webhooks create --endpoint u --events a.b {"endpoint":"v"}`:              "endpoint is given twice: by --endpoint and in JSON",
		`webhooks update 1 --rate-limit 0 {"rateLimit":5}`:                        "rateLimit is given twice: by --rate-limit and in JSON",
		`webhooks create --endpoint u --events a.b --header X:1 {"headers":null}`: "headers is given twice: by --header and in JSON",
	} {
		var out, said bytes.Buffer
		code := run(t.Context(), strings.Fields("hookswitch "+line), strings.NewReader(""), &out, &said)
		if got := said.String(); code != 2 || got != "hookswitch: "+want+"\n" || out.Len() > 0 {
			t.Errorf("%s: code %d, %q and %q, want %q", line, code, got, out.String(), want)
		}
	}
}

// TestHelpIsFound asks for help in the ways in which people do.
func TestHelpIsFound(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"webhooks show 616 --help":   "hookswitch webhooks show - show a webhook",
		"help webhooks list":         "hookswitch webhooks list - list webhooks",
		"webhooks help list":         "hookswitch webhooks list - list webhooks",
		"help dialect copernica dns": "hookswitch dialect copernica dns - ",
		"help call publishEvent":     "publishEvent: Publishes an event.",
		"call publishEvent --help":   "publishEvent: Publishes an event.",
		"events --help publish":      "hookswitch events publish - publish an event",
		"help events publish":        "hookswitch events publish - publish an event",
		"help":                       "hookswitch - RPC calls in",
		"help serve":                 "hookswitch serve - run the service",
	} {
		var out, said bytes.Buffer
		code := run(t.Context(), strings.Fields("hookswitch "+line), strings.NewReader(""), &out, &said)
		if code != 0 || !strings.Contains(out.String(), want) || said.Len() > 0 {
			t.Errorf("%s: code %d, %q and %q", line, code, out.String(), said.String())
		}
	}
}

func TestTimesAndDurations(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for text, want := range map[string]time.Time{
		"24h": now.Add(-day), "31d": now.Add(-31 * day), "1d12h": now.Add(-36 * time.Hour), "1d12h ago": now.Add(-36 * time.Hour), "0s": now,
		"2026-11-20":                time.Date(2026, 11, 20, 0, 0, 0, 0, time.Local),
		"2026-11-20 08:00:00":       time.Date(2026, 11, 20, 8, 0, 0, 0, time.Local),
		"2026-11-20T08:00:00+02:00": time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC),
		"2026-11-20T08:00:00.25Z":   time.Date(2026, 11, 20, 8, 0, 0, 250_000_000, time.UTC),
	} {
		if got, err := parseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1d-1h", "1d 1h", "1.5.d", "1w", "1h1d", "999999999d", "106751d24h", "2026-11-31", "27.11.2026"} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	for text, want := range map[string]time.Duration{"7d": 7 * day, "1.5d": 36 * time.Hour, "-2d1h": -49 * time.Hour, "90m": 90 * time.Minute, "0": 0} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestASuggestionIsNear(t *testing.T) {
	t.Parallel()
	names := []string{"listen", "timeout", "call-timeout", "data", "tls-key"}
	for name, want := range map[string]string{
		"lisen": "listen", "litsen": "listen", "listenn": "listen", "Listen": "listen", "timeouts": "timeout", "call": "call-timeout", "dta": "data",
		"": "", "d": "", "x": "", "tsl": "", "listener-of-all": "", "retention": "",
	} {
		if got := nearest(name, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}

// FuzzDuration checks that days are what 24 hours each are, and that nothing else is read otherwise than by Go.
func FuzzDuration(f *testing.F) {
	for _, text := range []string{"31d", "1d12h", "-1.5d", ".d", "1d", "106751d", "106752d", "1e3d", "infd", "5m", "1d-1s", "1dd"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseDuration(text)
		if plain, wrong := time.ParseDuration(text); wrong == nil && (err != nil || got != plain) {
			t.Errorf("%q is %v, %v, not %v", text, got, err, plain)
		}
		if err != nil {
			return
		}
		if again, err := parseDuration(textsOf(got)[0]); err != nil || again != got {
			t.Errorf("%q is %v and that %v, %v", text, got, again, err)
		}
	})
}

// TestFlagsAreOurs finds the flags of the library whose errors are those of Go's parsers.
func TestFlagsAreOurs(t *testing.T) {
	t.Parallel()
	eachCommand(command(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}), "", func(path string, c *cli.Command) {
		for _, f := range c.Flags {
			switch f.(type) {
			case *cli.StringFlag, *cli.StringSliceFlag, *cli.BoolFlag, *durationFlag, *timeFlag, *intFlag, *int64Flag, *floatFlag:
			default:
				t.Errorf("%s --%s is a %T; flags.go has others", path, f.Names()[0], f)
			}
		}
	})
}
