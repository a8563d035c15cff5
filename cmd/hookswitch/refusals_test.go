package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// TestRefusalsNameFlags has the service refuse what commands were given: whoever gave a flag reads of that flag, whoever wrote
// JSON of the member.
func TestRefusalsNameFlags(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		arguments []string
		says      string // after the line of the code, in regular expressions
	}{
		{[]string{"webhooks", "create", "--endpoint", "x", "--events", "!", "--rate-limit", "-2", "--timeout", "2d"},
			`  --events must be an event type.*\n  --rate-limit must be greater than 0\n  --timeout must be at most 1m\n  --endpoint must be an absolute .* URL`},
		{[]string{"webhooks", "create", "--endpoint", "https://example.com", "--events", "a.b", `{"retry":[-1]}`}, `  /params/retry/0 must be at least 0`},
		{[]string{"deliveries", "list", "--state", "lost", "--type", "!"}, `  --type must be an event type.*\n  --state must be one of pending, .*`},
		{[]string{"events", "list", "--type", "a.b", "--type", "!"}, `  --type number 2 must be an event type.*`},
		{[]string{"webhooks", "list", "--dialect", "nativ"}, `  --dialect must be one of airstack, copernica, native, superoffice, vision6`},
		{[]string{"webhooks", "create", "--endpoint", "https://example.com", "--events", "a.b", "--secret-file", file}, `  --secret-file: a secret must be .*`},
		{[]string{"events", "publish", "a.b", "--attribute", "x=1e999999999"}, `  --attribute at /x must be a number with .*`},
		{[]string{"keys", "revoke", "99"}, `  ID is not the number of a key of account 1`},
		{[]string{"audit", "--action", "foo"}, `  --action must be one of account.created, .*`},
		{[]string{"events", "publish", "!", "--id", "a b"}, `  --id must be 1 to 64 letters.*\n  TYPE must be segments.*`},
		{[]string{"events", "show", "a b"}, `  ID must be 1 to 64 letters.*`},
		{[]string{"portal", "--expires-in", "400d"}, `  --expires-in must be at most 720h`},
		{[]string{"keys", "create", "--access", "none"}, `  --access must be one of read, .*`},
		{[]string{"call", "createKey", `{"account":true}`}, `  /params/access is missing\n  /params/account must be an integer or a string`},
	} {
		process := exec.Command("hookswitch", c.arguments...)
		process.Env = append(process.Environ(), "HOOKSWITCH_SERVER="+s.address, "HOOKSWITCH_KEY="+adminKey)
		out, err := process.CombinedOutput()
		want := regexp.MustCompile(`^hookswitch: Invalid Method Parameters \(code 310\)\n` + c.says + `\n$`)
		if err == nil || !want.Match(out) {
			t.Errorf("hookswitch %q: %v, %s\nwant %s", c.arguments, err, out, c.says)
		}
	}
}

func TestTooManyCallsSayHowLongToWait(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey, "--rate-limit-key", "0.01:1")
	want := regexp.MustCompile(`\(code 399\).*\n  try again in 1m[0-9]+s\n$`)
	for i := range 2 {
		process := exec.Command("hookswitch", "webhooks", "list")
		process.Env = append(process.Environ(), "HOOKSWITCH_SERVER="+s.address, "HOOKSWITCH_KEY="+adminKey)
		out, err := process.CombinedOutput()
		if i == 1 && (err == nil || !want.Match(out)) {
			t.Errorf("%v: %s", err, out)
		}
	}
}

// TestMembersHaveTheirFlags looks at members whose name differs from that of their flag, and at some that have none.
func TestMembersHaveTheirFlags(t *testing.T) {
	t.Parallel()
	commands := map[string]*cli.Command{}
	eachCommand(command(strings.NewReader(""), io.Discard, io.Discard), "", func(path string, c *cli.Command) { commands[path] = c })
	for _, c := range []struct{ command, member, want string }{
		{"hookswitch webhooks create", "maxInFlight", "--max-in-flight"},
		{"hookswitch webhooks create", "headers", "--header"},
		{"hookswitch webhooks create", "retry", ""},
		{"hookswitch webhooks update", "id", "ID"},
		{"hookswitch events publish", "attributes", "--attribute"},
		{"hookswitch events publish", "data", "DATA"},
		{"hookswitch events list", "types", "--type"},
		{"hookswitch deliveries list", "eventType", "--type"},
		{"hookswitch replay start", "onlyFailed", "--only-failed"},
		{"hookswitch audit", "account", "--account"},
		{"hookswitch listen", "key", ""},
		{"hookswitch portal", "access", ""},
	} {
		if got, _ := nameOf(commands[c.command], c.member); got != c.want {
			t.Errorf("%s: %s is %q, want %q", c.command, c.member, got, c.want)
		}
	}
}

// TestDataThatIsNoneSaysWhy publishes what is too large for a service and what is no JSON for anybody.
func TestDataThatIsNoneSaysWhy(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey)
	for _, c := range []struct{ data, says string }{
		{`"` + strings.Repeat("x", 5_000_000) + `"`, `^hookswitch: Invalid Request \(code -32600\): larger than 4194304 bytes\n$`},
		{"{\"a\":\"\xff\"}", `^hookswitch: DATA: not valid JSON, which has to be UTF-8\n$`},
		{`{"a":`, `^hookswitch: DATA: not valid JSON; in a shell, put it in single quotes\n$`},
	} {
		process := exec.Command("hookswitch", "events", "publish", "a.b", "-")
		process.Env = append(process.Environ(), "HOOKSWITCH_SERVER="+s.address, "HOOKSWITCH_KEY="+adminKey)
		process.Stdin = strings.NewReader(c.data)
		out, err := process.CombinedOutput()
		if err == nil || !regexp.MustCompile(c.says).Match(out) {
			t.Errorf("%v: %.200s\nwant %s", err, out, c.says)
		}
	}
}

// TestAnExportThatIsRefusedWritesNothing has a key export that may read webhooks but not keys.
func TestAnExportThatIsRefusedWritesNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey)
	client := dial(t, s)
	defer client.Close()
	var made struct {
		Key string `json:"key"`
	}
	if err := client.Call(t.Context(), "createKey", map[string]any{"name": "reader", "access": "read"}, &made); err != nil {
		t.Fatal(err)
	}
	process := exec.Command("hookswitch", "export")
	process.Env = append(process.Environ(), "HOOKSWITCH_SERVER="+s.address, "HOOKSWITCH_KEY="+made.Key)
	out, err := process.Output()
	if err == nil || len(out) > 0 {
		t.Errorf("%v, %q; want an error and nothing written", err, out)
	}
}
