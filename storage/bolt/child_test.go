//go:build unix

package bolt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// roleVariable makes the test binary play a part instead of running tests: "role dir".
const roleVariable = "HOOKSWITCH_BOLT_TEST_ROLE"

func TestMain(m *testing.M) {
	role, dir, _ := strings.Cut(os.Getenv(roleVariable), " ")
	var err error
	switch role {
	case "":
		os.Exit(m.Run())
	case "hold":
		err = playHolder(dir)
	case "write":
		err = playWriter(dir)
	case "expire":
		err = playExpiry(dir)
	case "full":
		err = playFullDisk(dir)
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// child is this test binary in a part.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func startChild(t *testing.T, role, dir string) *child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this binary
	cmd.Env = append(os.Environ(), roleVariable+"="+role+" "+dir)
	cmd.Stderr = os.Stderr
	_, errIn := cmd.StdinPipe() // closed when the child ends
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	return &child{t, cmd, bufio.NewScanner(out)}
}

func (c *child) expect(line string) {
	c.t.Helper()
	if !c.lines.Scan() || c.lines.Text() != line {
		c.t.Fatalf("the child says %q, want %q", c.lines.Text(), line)
	}
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// playHolder opens the store and keeps it.
func playHolder(dir string) error {
	s, err := Open(Options{Dir: dir, NoSync: true})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, s.Close())
}

const crashWriters = 32

// expirySpan is how long a partition of the store lasts whose history expires while it is written.
const expirySpan = 20 * time.Millisecond

// playExpiry writes like playWriter, into short partitions, of which all but the newest expire meanwhile; some of what is dead
// is made due again.
func playExpiry(dir string) error {
	tune := defaultTuning()
	tune.span, tune.ledgerAge, tune.ledgerItems = expirySpan, 5*time.Millisecond, 64
	s, err := open(Options{Dir: dir}, tune)
	if err != nil {
		return err
	}
	go func() {
		for { // until the process is killed
			if _, err := s.Expire(context.Background(), storage.Retention{Events: 3 * expirySpan}, time.Millisecond); err != nil {
				fmt.Println("error: expire:", err)
			}
		}
	}()
	return write(s)
}

// playWriter writes from many goroutines until it is killed, and says what was acknowledged: "w id" for an accepted
// event, "d seq webhook id" for a settled delivery, "r id fingerprint" for a record.
func playWriter(dir string) error {
	s, err := Open(Options{Dir: dir})
	if err != nil {
		return err
	}
	return write(s)
}

func write(s *Store) error {
	var printing sync.Mutex
	say := func(format string, args ...any) {
		printing.Lock()
		defer printing.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	say("ready")
	ctx := context.Background()
	stamp := time.Now().UnixNano()
	var wg sync.WaitGroup
	for w := range crashWriters {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d-%d", stamp, w, i)
				if i%2 == 0 {
					id += "-held" // and settled
				}
				e := testEvent(id, i%2 == 0, schemas.WebhookID(w%5+1))
				e.Body = append(e.Body, make([]byte, i%9*500)...)
				got := s.Accept(ctx, []storage.NewEvent{e})[0]
				if got.Err != nil {
					say("error: %v", got.Err)
					return
				}
				say("w %s", id)
				if len(got.Held) > 0 {
					out := s.Settle(ctx, []storage.Outcome{{Held: got.Held[0], Next: storage.Done,
						Attempt: &schemas.Attempt{OK: true}}})
					if out[0].Err == nil {
						say("d %d %d %s", got.Seq, got.Held[0].Webhook, id)
					}
				}
				if i%10 == 0 {
					r, _, err := s.Register(ctx, storage.Record{Kind: storage.KindWebhook, Account: 1, Fingerprint: id}, testEntry)
					if err == nil {
						say("r %d %s", r.ID, id)
					}
				}
			}
		})
	}
	wg.Wait()
	return nil
}
