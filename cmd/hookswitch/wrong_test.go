package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	bbolt "go.etcd.io/bbolt"
)

// TestWrongOptionsAreOneClearLine starts the service with every kind of wrong option: it says in one line what is wrong and
// what to do, and ends. Nothing it does before takes longer than the 900 ms for which it waits for a store that is in use.
func TestWrongOptionsAreOneClearLine(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := func(text string) []string {
		return []string{"--config", file(t.Name()+"-"+regexp.MustCompile(`\W`).ReplaceAllString(text, "_")+".yaml", text)}
	}
	inUse := filepath.Join(dir, "in use")
	startServer(t, inUse, adminKey)
	plain := file("plain", "this is no PEM")
	for name, c := range map[string]struct {
		flags []string
		says  string // a regular expression
		code  int
	}{
		"an address that is none":          {[]string{"--listen", "here"}, `^hookswitch: --listen ".*": must be like 127.0.0.1:8080`, 2},
		"a port that is none":              {[]string{"--listen", "127.0.0.1:99999"}, `^hookswitch: --listen ".*": must be like`, 2},
		"another machine's address":        {[]string{"--listen", "192.0.2.1:8080"}, `--listen: 192.0.2.1:8080 is no address of this machine`, 1},
		"a port in use":                    {[]string{"--listen", taken.Addr().String()}, `--listen: another process listens on 127.0.0.1:\d+ already; end it or`, 1},
		"an admin port in use":             {[]string{"--admin-listen", taken.Addr().String()}, `--admin-listen: another process listens`, 1},
		"a socket that can't be made":      {[]string{"--listen", "unix:" + dir + "/no/such"}, `--listen: .*no such file`, 1},
		"data below a file":                {[]string{"--data", plain + "/data"}, `open store in .*not a directory; name a directory that this user may`, 1},
		"data that is a file":              {[]string{"--data", plain}, `open store in .*not a directory; name a directory`, 1},
		"a store in use":                   {[]string{"--data", inUse}, `already open, in another process .*; end that one first, or`, 1},
		"a store of a later version":       {[]string{"--data", storeOfFormat(t, 99)}, `the store has format 99, this version of Hookswitch knows \d+; run`, 1},
		"a file that is no store":          {[]string{"--data", storeOf(t, []byte("garbage"))}, `hookswitch.db is damaged or not a store .*; restore a backup, or`, 1},
		"another program's store":          {[]string{"--data", storeOfFormat(t, 0)}, `is not a store of Hookswitch; name another`, 1},
		"a certificate that is not there":  {[]string{"--tls-cert", dir + "/no", "--tls-key", plain}, `TLS certificate .* with key .*: open .*no such file`, 2},
		"a certificate that is no PEM":     {[]string{"--tls-cert", plain, "--tls-key", plain}, `TLS certificate .*plain with key .*: .*PEM`, 2},
		"a certificate without its key":    {[]string{"--tls-cert", plain}, `TLS needs both files, the certificate \(--tls-cert\) and its key \(--tls-key\)`, 2},
		"TLS on a socket":                  {[]string{"--listen", "unix:" + dir + "/s", "--acme-host", "a.example.com"}, `--listen unix:/path is plain HTTP: leave out`, 2},
		"ACME for no host":                 {[]string{"--acme-email", "a@example.com"}, `ACME needs the host names`, 2},
		"ACME for half a name":             {[]string{"--acme-host", "hooks"}, `ACME host "hooks": must be a full host name`, 2},
		"keys that are not there":          {[]string{"--encryption-key-file", dir + "/no"}, `--encryption-key-file: open .*no such file`, 2},
		"keys that are none":               {[]string{"--encryption-key-file", plain}, `plain: `, 2},
		"authorities that are not there":   {[]string{"--endpoint-ca", dir + "/no"}, `^hookswitch: --endpoint-ca: open .*no such file`, 2},
		"authorities that are none":        {[]string{"--endpoint-ca", plain}, `^hookswitch: --endpoint-ca: .*plain holds no certificate in PEM`, 2},
		"authorities cut short":            {[]string{"--endpoint-ca", file("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}, `cut.pem has a certificate, number 1, that can't be read`, 2},
		"a dialect that is not there":      {[]string{"--retry", "vision7=1s"}, `^hookswitch: --retry: "vision7=1s": there is no dialect "vision7"; there are airstack, `, 2},
		"a file that is not there":         {[]string{"--config", dir + "/no.yaml"}, `--config: open .*no such file`, 2},
		"a file that is no YAML":           {config("listen: [\n"), `\.yaml:\d+: not YAML`, 2},
		"an unknown key":                   {config("timeouts: 5s\n"), `\.yaml:1: unknown key "timeouts"; did you mean "timeout"\?`, 2},
		"a bad duration":                   {config("# one\ntimeout: 5 seconds\n"), `\.yaml:2: timeout "5 seconds": must be a duration such as`, 2},
		"a bad duration as a flag":         {[]string{"--timeout", "5 seconds"}, `^hookswitch: --timeout "5 seconds": must be a duration such as 30s, 5m, 24h or 31d; see hookswitch serve --help`, 2},
		"a bad number in a file of none":   {config("max-in-flight: -1\n"), `\.yaml:1: max-in-flight "-1": must be more than 0`, 2},
		"no duration":                      {[]string{"--retention", "0s"}, `^hookswitch: --retention ".*": must be more than 0`, 2},
		"a bad network":                    {config("allow-endpoint: 10.0.0.0/99\n"), `\.yaml:1: allow-endpoint: "10.0.0.0/99" must be a network`, 2},
		"a bad proxy":                      {[]string{"--trusted-proxy", "proxy.example"}, `"proxy.example" must be a network`, 2},
		"a bad origin":                     {[]string{"--origin", "app.example.com"}, `"app.example.com" must be like https://`, 2},
		"a bad public URL":                 {[]string{"--public-url", "hooks"}, `^hookswitch: --public-url ".*": must be like https://`, 2},
		"a bad rate":                       {[]string{"--rate-limit-key", "many"}, `^hookswitch: --rate-limit-key ".*": must be off or a rate`, 2},
		"a retention of little":            {[]string{"--retention-size", "100MB"}, `^hookswitch: --retention-size ".*": must be off, or a size from 256MiB`, 2},
		"a retention of no unit there is":  {[]string{"--retention-size", "50Gi"}, `^hookswitch: --retention-size ".*": must be off, or a size from 256MiB`, 2},
		"a retention beyond numbers":       {[]string{"--retention-size", "9999999999TB"}, `^hookswitch: --retention-size ".*": must be off, or a size from 256MiB`, 2},
		"a bad size":                       {[]string{"--max-body", "1"}, `^hookswitch: --max-body ".*": must be a size from 64KiB`, 2},
		"a bad number":                     {config("max-in-flight: 1.5\n"), `\.yaml:1: max-in-flight "1.5": must be a whole number`, 2},
		"a bad level":                      {[]string{"--log-level", "loud"}, `^hookswitch: --log-level ".*": must be debug, info, warn or error`, 2},
		"a flag that is not there":         {[]string{"--lisen", ":80"}, `there is no flag --lisen; did you mean --listen\? See hookswitch serve --help`, 2},
		"an argument":                      {[]string{"now"}, `serve takes no argument, got "now"`, 2},
		"a directory of backups not there": {[]string{"--backup-dir", dir + "/no"}, `^hookswitch: the directory of backups \(--backup-dir\): .*/no is not there; make it first`, 2},
		"backups into a file":              {[]string{"--backup-dir", plain}, `--backup-dir.*not a directory`, 2},
		"a timeout beyond a webhook's":     {[]string{"--timeout", "1d"}, `^hookswitch: --timeout "1d": must be more than 0, and 1m at most`, 2},
		"such a timeout in a file":         {config("timeout: 61s\n"), `\.yaml:1: timeout "61s": must be more than 0, and 1m at most`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A machine under load takes its time; what the program waits for is in its own constants.
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			flags := append([]string{"serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data")}, c.flags...)
			process := exec.CommandContext(ctx, "hookswitch", flags...)
			process.Env = append(process.Environ(), "HOOKSWITCH_ADMIN_KEY=")
			var out, said bytes.Buffer
			process.Stdout, process.Stderr = &out, &said
			if err := process.Run(); err == nil || process.ProcessState.ExitCode() != c.code {
				t.Errorf("ended with %v, want code %d", err, c.code)
			}
			line := said.String()
			if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "hookswitch: ") || out.Len() > 0 {
				t.Errorf("not one line: %q and %q", line, out.String())
			}
			if !regexp.MustCompile(c.says).MatchString(line) {
				t.Errorf("says %q, want %s", line, c.says)
			}
		})
	}
}

// storeOf is a directory whose store is that text.
func storeOf(t *testing.T, text []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hookswitch.db"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// storeOfFormat is a directory with a bbolt file that says it is a store of that format; of 0, that it is none of ours.
func storeOfFormat(t *testing.T, format uint64) string {
	t.Helper()
	dir := t.TempDir()
	db, err := bbolt.Open(filepath.Join(dir, "hookswitch.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		name := "meta"
		if format == 0 {
			name = "somebody else's"
		}
		bucket, err := tx.CreateBucket([]byte(name))
		if err != nil {
			return err
		}
		payload := binary.BigEndian.AppendUint64(nil, format)
		sum := crc32.Checksum(append([]byte("format"), payload...), crc32.MakeTable(crc32.Castagnoli))
		return bucket.Put([]byte("format"), append(binary.BigEndian.AppendUint32(nil, sum), payload...))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}
