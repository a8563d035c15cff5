package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	got := unknownVariables([]string{
		"PATH=/bin", "HOOKSWITCH_TIMEOUT=5s", "HOOKSWITCH_KEY=k", "HOOKSWITCH_ADMIN_KEY=k", "HOOKSWITCH_CONFIG=f", "HOOKSWITCH_EMPTY=",
		"HOOKSWITCH_TIMOUT=5s", "HOOKSWITCH_SEVER=x", "HOOKSWITCH_RETENTION_DAYS=7", "HOOKSWITCH_PORT=8080", "HOOKSWITCHER_X=1",
		// What Kubernetes sets for a service hookswitch, and for one hookswitch-admin.
		"HOOKSWITCH_SERVICE_HOST=10.0.0.7", "HOOKSWITCH_SERVICE_PORT=8080", "HOOKSWITCH_SERVICE_PORT_HTTP=8080",
		"HOOKSWITCH_PORT_8080_TCP=tcp://10.0.0.7:8080", "HOOKSWITCH_PORT_8080_TCP_PROTO=tcp", "HOOKSWITCH_PORT_8080_TCP_ADDR=10.0.0.7",
		"HOOKSWITCH_ADMIN_SERVICE_HOST=10.0.0.8", "HOOKSWITCH_ADMIN_PORT=tcp://10.0.0.8:9090",
	})
	want := map[string]string{
		"HOOKSWITCH_TIMOUT": "HOOKSWITCH_TIMEOUT", "HOOKSWITCH_SEVER": "HOOKSWITCH_SERVER", "HOOKSWITCH_RETENTION_DAYS": "", "HOOKSWITCH_PORT": "",
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
