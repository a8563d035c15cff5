package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestExitCodesAreTheDocumentedOnes does something for each row of the table in docs/cli.md, and for no other code.
func TestExitCodesAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey)
	dir := t.TempDir()
	config := filepath.Join(dir, "hookswitch.yaml")
	if err := os.WriteFile(config, []byte("timeout: soon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	used := []string{"HOOKSWITCH_SERVER=" + s.address, "HOOKSWITCH_KEY=" + adminKey}
	rows := []struct {
		code        int
		environment []string
		arguments   []string
	}{
		{0, used, []string{"call", "ping"}},
		{0, used, []string{"help"}},
		{0, used, []string{"webhooks"}},
		{0, nil, []string{"serve", "--print-config"}},

		{1, used, []string{"webhooks", "show", "7"}},
		{1, used, []string{"webhooks", "list", "--dialect", "klingon"}},
		{1, []string{"HOOKSWITCH_SERVER=" + s.address, "HOOKSWITCH_KEY=wrong"}, []string{"webhooks", "list"}},
		{1, nil, []string{"check", "--data", dir + "/none"}},
		{1, used, []string{"restore", dir + "/none"}},
		{1, used, []string{"bench", "--receive", "192.0.2.1:0"}},
		{1, nil, []string{"serve", "--data", dir + "/data", "--listen", "192.0.2.1:80"}},

		{2, used, []string{"nonsense"}},
		{2, used, []string{"webhooks", "nonsense"}},
		{2, used, []string{"help", "nonsense"}},
		{2, used, []string{"call", "nonsense", "--help"}},
		{2, used, []string{"webhooks", "list", "--nonsense"}},
		{2, used, []string{"webhooks", "list", "surplus"}},
		{2, used, []string{"webhooks", "show"}},
		{2, used, []string{"events", "list", "--limit", "many"}},
		{2, used, []string{"events", "list", "--since", "soon"}},
		{2, used, []string{"bench", "--receive", "nowhere"}},
		{2, used, []string{"bench", "--connections", "100000000"}},
		{2, used, []string{"bench", "--size", "100000000"}},
		{2, used, []string{"call", "ping", "{"}},
		{2, []string{"HOOKSWITCH_SERVER=nowhere"}, []string{"call", "ping"}},
		{2, []string{"HOOKSWITCH_ACCOUNT=nine"}, []string{"webhooks", "list"}},
		{2, []string{"HOOKSWITCH_TIMEOUT=soon"}, []string{"serve"}},
		{2, []string{"HOOKSWITCH_TIMEOUT=1d"}, []string{"serve"}},
		{2, []string{"HOOKSWITCH_ADMIN_KEY=short"}, []string{"serve", "--data", dir + "/data", "--listen", "127.0.0.1:0"}},
		{2, nil, []string{"serve", "--config", config}},
		{2, nil, []string{"serve", "--data", dir + "/data", "--listen", "127.0.0.1:0", "--tls-cert", dir + "/none", "--tls-key", dir + "/none"}},

		{3, []string{"HOOKSWITCH_SERVER=http://127.0.0.1:1"}, []string{"call", "ping"}},
		{3, []string{"HOOKSWITCH_SERVER=http://127.0.0.1:1"}, []string{"webhooks", "list"}},
		{3, []string{"HOOKSWITCH_SERVER=http://127.0.0.1:1"}, []string{"backup", "-"}},
	}
	var tried []int
	for _, row := range rows {
		process := exec.Command("hookswitch", row.arguments...)
		process.Env = append(process.Environ(), row.environment...)
		out, _ := process.CombinedOutput()
		if got := process.ProcessState.ExitCode(); got != row.code {
			t.Errorf("hookswitch %q ended with %d, want %d: %s", row.arguments, got, row.code, out)
		}
		tried = append(tried, row.code)
	}
	tried = append(tried, cutShort(t, syscall.SIGINT), cutShort(t, syscall.SIGTERM))
	page, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []int
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \| `).FindAllSubmatch(page, -1) {
		code, _ := strconv.Atoi(string(m[1]))
		documented = append(documented, code)
	}
	if tried = slices.Compact(tried); !slices.Equal(documented, tried) {
		t.Errorf("docs/cli.md has the codes %v, this test %v", documented, tried)
	}
}

// cutShort sends a signal to commands while a service is answering them, and returns the code with which all of them end.
func cutShort(t *testing.T, cut syscall.Signal) (code int) {
	t.Helper()
	asked := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the other side has gone
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	const before = "The replay goes on; hookswitch replay watch rpl_1 shows how far it is, hookswitch replay cancel rpl_1 ends it.\n"
	for _, arguments := range [][]string{
		{"call", "ping"}, {"webhooks", "list"}, {"webhooks", "enable", "1", "2"}, {"backup", t.TempDir() + "/b"}, {"replay", "watch", "rpl_1"},
	} {
		process := exec.Command("hookswitch", append(arguments, "--server", silent.URL)...)
		var said bytes.Buffer
		process.Stderr = &said
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		<-asked
		if err := process.Process.Signal(cut); err != nil {
			t.Fatal(err)
		}
		_ = process.Wait() // its code is looked at
		if got := process.ProcessState.ExitCode(); got != 128+int(cut) || strings.TrimPrefix(said.String(), before) != "hookswitch: interrupted\n" {
			t.Errorf("hookswitch %q after %v ended with %d: %s", arguments, cut, got, said.String())
		}
	}
	return 128 + int(cut)
}
