//go:build unix

package bolt

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// acknowledged is what the killed writers were told.
type acknowledged struct {
	events    []string
	delivered []storage.Ref
	settled   map[string]bool // by id
	records   map[int64]string
}

func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	all := acknowledged{settled: map[string]bool{}, records: map[int64]string{}}
	for round := range 4 {
		c := startChild(t, "write", dir)
		c.expect("ready")
		time.AfterFunc(time.Duration(60+70*round)*time.Millisecond, func() { _ = c.cmd.Process.Kill() })
		for c.lines.Scan() {
			all.note(t, c.lines.Text())
		}
		_ = c.cmd.Wait()
	}
	if len(all.events) == 0 || len(all.delivered) == 0 || len(all.records) == 0 {
		t.Fatalf("the writers did too little: %d events, %d deliveries, %d records",
			len(all.events), len(all.delivered), len(all.records))
	}
	s := mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	all.check(t, s)
	checkEntries(t, s)
	checkOwed(t, s)
	if err := s.db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// What is settled may expire; what is not is owed, whenever the process is killed.
func TestNothingOwedExpiresWhenTheProcessIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	all := acknowledged{settled: map[string]bool{}, records: map[int64]string{}}
	for round := range 4 {
		c := startChild(t, "expire", dir)
		c.expect("ready")
		time.AfterFunc(time.Duration(90+70*round)*time.Millisecond, func() { _ = c.cmd.Process.Kill() })
		for c.lines.Scan() {
			all.note(t, c.lines.Text())
		}
		_ = c.cmd.Wait()
	}
	s := mustOpen(t, dir, defaultTuning())
	open, expired, unsaid := 0, 0, 0
	for _, id := range all.events {
		left, err := deliveriesOf(t, s, id)
		switch {
		case err == nil:
			for _, d := range left {
				if d.State.Open() {
					open++
				}
			}
		case errors.Is(err, storage.ErrAbsent) && all.settled[id]:
			expired++
		case errors.Is(err, storage.ErrAbsent) && strings.HasSuffix(id, "held"):
			unsaid++ // it was settled when its writer was killed, which could not say so any more
		default:
			t.Fatalf("event %s, which is owed: %v", id, err)
		}
	}
	if open == 0 || expired == 0 {
		t.Errorf("%d events are owed, %d have expired: this shows nothing", open, expired)
	}
	if unsaid > 4*crashWriters {
		t.Errorf("%d events have expired that nobody settled", unsaid)
	}
	checkOwed(t, s)
	mustClose(t, s)
	if _, err := Verify(t.Context(), dir, nil); err != nil {
		t.Error(err)
	}
}

// deliveriesOf are those of an event. When the end of its partition was under way they are gone before the event is.
func deliveriesOf(t *testing.T, s *Store, id string) ([]schemas.Delivery, error) {
	t.Helper()
	e, err := s.Event(t.Context(), 1, id)
	if err != nil {
		return nil, err
	}
	left, _, err := s.Deliveries(t.Context(), 1, storage.DeliveryQuery{Seq: e.Seq, Page: storage.Page{Limit: 100}})
	if err == nil && len(left) == 0 {
		err = storage.ErrAbsent
	}
	return left, err
}

func (a *acknowledged) note(t *testing.T, line string) {
	t.Helper()
	var seq uint64
	var hook, id int64
	var text string
	switch {
	case strings.HasPrefix(line, "error"):
		t.Error(line)
	case scan(line, "w %s", &text):
		a.events = append(a.events, text)
	case scan(line, "d %d %d %s", &seq, &hook, &text):
		a.settled[text] = true
		a.delivered = append(a.delivered, storage.Ref{Account: 1, Webhook: schemas.WebhookID(hook), Seq: seq})
	case scan(line, "r %d %s", &id, &text):
		a.records[id] = text
	}
}

// scan reads a whole line; the last one of a killed process may be cut short, and is then not read.
func scan(line, format string, into ...any) bool {
	n, err := fmt.Sscanf(line, format, into...)
	return err == nil && n == len(into)
}

func (a *acknowledged) check(t *testing.T, s *Store) {
	t.Helper()
	seen := map[uint64]string{}
	for _, id := range a.events {
		e, err := s.Event(t.Context(), 1, id)
		if err != nil {
			t.Fatalf("event %s: %v", id, err)
		}
		if other, twice := seen[e.Seq]; twice {
			t.Fatalf("events %s and %s have one number", id, other)
		}
		seen[e.Seq] = id
	}
	for _, ref := range a.delivered {
		row := deliveryOf(t, s, ref)
		if row.State != schemas.DeliveryDelivered || row.Attempts != 1 {
			t.Fatalf("settled delivery %+v", row)
		}
		if attempts, err := s.Attempts(t.Context(), ref, storage.MaxAttempts); err != nil || len(attempts) != 1 {
			t.Fatalf("attempts of a settled delivery: %d, %v", len(attempts), err)
		}
	}
	for id, fingerprint := range a.records {
		r, err := s.Get(t.Context(), storage.KindWebhook, 1, id)
		if err != nil || r.Fingerprint != fingerprint {
			t.Fatalf("record %d: %v", id, err)
		}
	}
}

func deliveryOf(t *testing.T, s *Store, ref storage.Ref) schemas.Delivery {
	t.Helper()
	got, _, err := s.Deliveries(t.Context(), ref.Account,
		storage.DeliveryQuery{Webhook: ref.Webhook, Seq: ref.Seq, Page: storage.Page{Limit: 1}})
	if err != nil || len(got) != 1 {
		t.Fatalf("delivery %+v: %d, %v", ref, len(got), err)
	}
	return got[0]
}

// checkOwed compares what Claim hands out with what the records say is open.
func checkOwed(t *testing.T, s *Store) {
	t.Helper()
	owed := map[storage.Ref]bool{}
	q := storage.DeliveryQuery{Page: storage.Page{Limit: 1000}}
	for {
		page, cursor, err := s.Deliveries(t.Context(), 1, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page {
			if d.State.Open() {
				owed[storage.Ref{Account: d.Account, Webhook: d.Webhook, Seq: d.Seq}] = true
			}
		}
		if q.Cursor = cursor; cursor == "" {
			break
		}
	}
	health, err := s.Check(t.Context())
	if err != nil || int(health.Open) != len(owed) {
		t.Errorf("%d open deliveries are counted, the records have %d (%v)", health.Open, len(owed), err)
	}
	for {
		held, _, err := s.Claim(t.Context(), everything)
		if err != nil {
			t.Fatal(err)
		}
		if len(held) == 0 {
			break
		}
		for _, h := range held {
			if !owed[h.Ref] {
				t.Fatalf("claimed %+v, which is not owed or was claimed before", h.Ref)
			}
			delete(owed, h.Ref)
		}
	}
	if len(owed) > 0 {
		t.Errorf("%d owed deliveries were not handed out", len(owed))
	}
}

func TestAFailedJournalStopsTheStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, breakFiles := openBreakable(t, dir, func(name string) bool { return name != FileName })
	kept := accept(t, s, testEvent("kept", true, 1))
	breakFiles()
	got := s.Accept(t.Context(), []storage.NewEvent{testEvent("unsure", true, 1), testEvent("unsure too", true, 1)})
	for _, g := range got {
		if !errors.Is(g.Err, storage.ErrUnsure) || len(g.Held) != 0 {
			t.Errorf("accepted with error %v, want %v", g.Err, storage.ErrUnsure)
		}
	}
	isStopped(t, s, kept)
	keptAfterStop(t, s, dir)
}

// What is in the journal is durable, whatever the file does.
func TestAFailedFileStopsTheStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, breakFiles := openBreakable(t, dir, func(name string) bool { return name == FileName })
	breakFiles()
	kept := accept(t, s, testEvent("kept", true, 1))
	_, _, err := s.Register(t.Context(), storage.Record{Kind: storage.KindWebhook, Account: 1, Fingerprint: "f"})
	if !errors.Is(err, storage.ErrUnsure) {
		t.Errorf("registered with error %v, want %v", err, storage.ErrUnsure)
	}
	isStopped(t, s, kept)
	keptAfterStop(t, s, dir)
}

func isStopped(t *testing.T, s *Store, kept storage.Accepted) {
	t.Helper()
	select {
	case <-s.Failed():
	default:
		t.Error("Failed is not closed")
	}
	if err := s.Accept(t.Context(), []storage.NewEvent{testEvent("late", true, 1)})[0].Err; err == nil {
		t.Error("a stopped store accepts events")
	}
	if _, err := s.Event(t.Context(), 1, "kept"); err == nil {
		t.Error("a stopped store answers questions")
	}
	if errs := s.Extend(t.Context(), kept.Held, time.Hour); errs[0] == nil {
		t.Error("a stopped store extends leases")
	}
}

// keptAfterStop opens the store again and expects the event that was acknowledged.
func keptAfterStop(t *testing.T, s *Store, dir string) {
	t.Helper()
	_ = s.Close() // its files are closed already
	s = mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	if _, err := s.Event(t.Context(), 1, "kept"); err != nil {
		t.Error(err)
	}
	checkOwed(t, s)
}
