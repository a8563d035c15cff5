package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	got := unknownVariables([]string{
		"PATH=/bin", "HOOKSWITCH_TIMEOUT=5s", "HOOKSWITCH_KEY=k", "HOOKSWITCH_ADMIN_KEY=k", "HOOKSWITCH_CONFIG=f", "HOOKSWITCH_EMPTY=",
		"HOOKSWITCH_ACCOUNT=2", "HOOKSWITCH_CA=f", "HOOKSWITCH_TIMOUT=5s", "HOOKSWITCH_SEVER=x", "HOOKSWITCH_ACCOUT=2", "HOOKSWITCH_RETENTION_DAYS=7", "HOOKSWITCH_PORT=8080", "HOOKSWITCHER_X=1",
		// What Kubernetes sets for a service hookswitch, and for one hookswitch-admin.
		"HOOKSWITCH_SERVICE_HOST=10.0.0.7", "HOOKSWITCH_SERVICE_PORT=8080", "HOOKSWITCH_SERVICE_PORT_HTTP=8080",
		"HOOKSWITCH_PORT_8080_TCP=tcp://10.0.0.7:8080", "HOOKSWITCH_PORT_8080_TCP_PROTO=tcp", "HOOKSWITCH_PORT_8080_TCP_ADDR=10.0.0.7",
		"HOOKSWITCH_ADMIN_SERVICE_HOST=10.0.0.8", "HOOKSWITCH_ADMIN_PORT=tcp://10.0.0.8:9090",
	})
	want := map[string]string{
		"HOOKSWITCH_TIMOUT": "HOOKSWITCH_TIMEOUT", "HOOKSWITCH_SEVER": "HOOKSWITCH_SERVER", "HOOKSWITCH_ACCOUT": "HOOKSWITCH_ACCOUNT", "HOOKSWITCH_RETENTION_DAYS": "", "HOOKSWITCH_PORT": "",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestAMistypedVariableIsTold sets two variables that nobody reads: the service tells of both and serves, a command tells of the
// one that was probably meant for it, and neither shows a value.
func TestAMistypedVariableIsTold(t *testing.T) {
	t.Parallel()
	strange := []string{"HOOKSWITCH_SEVER=secret-of-somebody", "HOOKSWITCH_WEBHOOK_SECRET=secret-of-somebody"}
	const told = "HOOKSWITCH_SEVER is no variable of this version, it changes nothing; did you mean HOOKSWITCH_SERVER?"
	s := startWith(t, adminKey, func(c *exec.Cmd) { c.Env = append(c.Env, strange...) }, "--data", filepath.Join(t.TempDir(), "data"))
	s.await(t, 0, `"level":"warn"`)
	s.await(t, 0, told)
	s.await(t, 0, "HOOKSWITCH_WEBHOOK_SECRET is no variable of this version, it changes nothing")

	ping := exec.Command("hookswitch", "call", "ping")
	ping.Env = append(ping.Environ(), append(strange, "HOOKSWITCH_SERVER="+s.address, "HOOKSWITCH_KEY="+adminKey)...)
	var said strings.Builder
	ping.Stderr = &said
	if err := ping.Run(); err != nil || said.String() != "hookswitch: "+told+"\n" {
		t.Errorf("%v: %q", err, said.String())
	}

	printed := exec.Command("hookswitch", "serve", "--print-config")
	printed.Env = append(os.Environ(), strange...)
	if out, err := printed.Output(); err != nil || !strings.Contains(string(out), "# "+told+"\n") || strings.Contains(string(out), "somebody") {
		t.Errorf("%v: %s", err, out)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if log := strings.Join(s.said, "\n"); strings.Contains(log, "somebody") {
		t.Errorf("a value is in the log: %s", log)
	}
}

// TestEachCommandTellsWhatItIsAsked sets variables that nobody reads: a command that opens a store tells of all, one that asks a
// service of those that were probably meant for it.
func TestEachCommandTellsWhatItIsAsked(t *testing.T) {
	t.Parallel()
	const ending = " is no variable of this version, it changes nothing"
	data := filepath.Join(t.TempDir(), "none")
	near := "HOOKSWITCH_DTA" + ending + "; did you mean HOOKSWITCH_DATA?"
	all := []string{near, "HOOKSWITCH_FOO" + ending, "HOOKSWITCH_JSON" + ending}
	meant := []string{near, "HOOKSWITCH_JSON" + ending + "; did you mean --json?"}
	for line, want := range map[string][]string{
		"check": all, "compact": all, "restore " + data: all, "backup --data " + data + " -": all,
		"backup -": meant, "webhooks list": meant,
		"version": nil, "keys encryption-key": nil,
	} {
		process := exec.Command("hookswitch", strings.Fields(line)...)
		process.Dir = t.TempDir()
		process.Env = append(process.Environ(), "HOOKSWITCH_DTA=rest", "HOOKSWITCH_FOO=1", "HOOKSWITCH_JSON=1", "HOOKSWITCH_SERVER=http://127.0.0.1:1")
		out, _ := process.CombinedOutput() // most of them fail
		var told []string
		for said := range strings.Lines(string(out)) {
			if text, ours := strings.CutPrefix(said, "hookswitch: HOOKSWITCH_"); ours {
				told = append(told, "HOOKSWITCH_"+strings.TrimSuffix(text, "\n"))
			}
		}
		if !slices.Equal(told, want) {
			t.Errorf("%s: told %q, want %q", line, told, want)
		}
	}
}
