package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
