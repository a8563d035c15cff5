package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/rpc"
)

// TestReceiversOfTheDocsVerify runs the receivers of docs/receiving.md, each as a reader would, and has a real server
// deliver to them: with their secret, which they take, and with another, which they refuse.
func TestReceiversOfTheDocsVerify(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/receiving.md")
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, t.TempDir(), adminKey)
	client, err := rpc.Dial(t.Context(), s.address+"/rpc", rpc.DialOptions{Credential: "Bearer " + adminKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	for _, r := range []struct {
		language, file string
		argv           []string // before the file; ADDRESS is where to listen
	}{
		{"js", "receiver.mjs", []string{"node"}},
		{"python", "receiver.py", []string{"python3"}},
		{"php", "receiver.php", []string{"php", "-S", "ADDRESS"}},
		{"go", "receiver.go", nil},
	} {
		t.Run(r.language, func(t *testing.T) {
			t.Parallel()
			block := regexp.MustCompile("(?s)```" + r.language + "\n(.*?)```").FindSubmatch(page)
			if block == nil {
				t.Fatal("the page has no such receiver")
			}
			file := filepath.Join(t.TempDir(), r.file)
			if err := os.WriteFile(file, block[1], 0o600); err != nil {
				t.Fatal(err)
			}
			address := freeAddress(t)
			argv := append(slices.Clone(r.argv), file)
			if i := slices.Index(argv, "ADDRESS"); i >= 0 {
				argv[i] = address
			}
			if r.language == "go" { // not go run, whose child outlives it
				argv = []string{strings.TrimSuffix(file, ".go")}
				if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", argv[0], file).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			if _, err := exec.LookPath(argv[0]); err != nil {
				t.Skipf("no %s on this machine: its receiver is not run", argv[0])
			}
			startReceiver(t, argv, address)
			for _, test := range []struct {
				secret string
				status int
			}{{receiverSecret, 204}, {"whsec_" + strings.Repeat("B", 32), 401}} {
				if got := tryDelivery(t, client, "http://"+address+"/"+r.language, test.secret); got != test.status {
					t.Errorf("a delivery signed by %s is answered %d, want %d", test.secret, got, test.status)
				}
			}
		})
	}
}

const receiverSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// tryDelivery has the server send one test delivery to endpoint and returns the status it was answered with.
func tryDelivery(t *testing.T, client *rpc.Client, endpoint, secret string) int {
	t.Helper()
	var subscription struct {
		ID string `json:"id"`
	}
	params := map[string]any{"endpoint": endpoint, "events": []string{"contact.*"}, "secret": secret}
	if err := client.Call(t.Context(), "createSubscription", params, &subscription); err != nil {
		t.Fatal(err)
	}
	defer func() { // the same endpoint and events again would be a duplicate
		if err := client.Call(t.Context(), "deleteSubscription", map[string]any{"id": subscription.ID}, nil); err != nil {
			t.Error(err)
		}
	}()
	var attempt struct {
		Status  int    `json:"status"`
		Message string `json:"message"`
	}
	if err := client.Call(t.Context(), "testSubscription", map[string]any{"id": subscription.ID}, &attempt); err != nil {
		t.Fatal(err)
	}
	if attempt.Status == 0 {
		t.Errorf("no answer: %s", attempt.Message)
	}
	return attempt.Status
}

// freeAddress is an address on which nobody listened just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// startReceiver runs a receiver until the test ends, and returns once it says that it listens.
func startReceiver(t *testing.T, argv []string, address string) {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.Env = append(c.Environ(), "HOOK_SECRET="+receiverSecret, "PORT="+port)
	out, in := io.Pipe()
	c.Stdout, c.Stderr = in, in
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // ends with the receiver
		_ = c.Wait() // it is killed
		_ = in.Close()
		close(ended)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	lines := bufio.NewScanner(out)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
		if strings.Contains(lines.Text(), "listening") || strings.Contains(lines.Text(), "started") {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the receiver
			return
		}
	}
	t.Fatalf("the receiver ended: %q", said)
}
