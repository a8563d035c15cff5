package storagetest

import (
	"errors"
	"strings"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func isError(got, want error) bool {
	if want == nil {
		return got == nil
	}
	return errors.Is(got, want)
}

func configCases() []testCase {
	return []testCase{
		{"register numbers records upwards", registerNumbers},
		{"register again with a fingerprint answers the first record", registerTwice},
		{"empty fingerprints are never the same", emptyFingerprints},
		{"fingerprints are of a kind and an account", fingerprintScope},
		{"a fingerprint may be long", longFingerprint},
		{"amend replaces body and fingerprint", amendReplaces},
		{"amend of another revision conflicts", amendConflicts},
		{"amend to the fingerprint of another record is refused", amendExists},
		{"remove frees the fingerprint but not the number", removeFrees},
		{"remove of another revision conflicts", removeConflicts},
		{"what is not there is absent", absentRecords},
		{"list goes by number and stays in kind and account", listOrder},
		{"records are copies", recordCopies},
		{"records and counters survive a restart", recordsSurvive},
	}
}

func webhook(account schemas.AccountID, fingerprint, body string) storage.Record {
	return storage.Record{Kind: storage.KindWebhook, Account: account, Fingerprint: fingerprint, Body: []byte(body)}
}

func (s *suite) register(r storage.Record) storage.Record {
	s.Helper()
	got, created, err := s.store.Register(s.Context(), r)
	if err != nil || !created {
		s.Fatalf("Register: created %v, %v", created, err)
	}
	return got
}

func registerNumbers(s *suite) {
	a, b := s.register(webhook(1, "a", "A")), s.register(webhook(1, "b", "B"))
	if a.ID <= 0 || b.ID <= a.ID || b.Revision <= a.Revision {
		s.Fatalf("ids %d, %d and revisions %d, %d do not increase", a.ID, b.ID, a.Revision, b.Revision)
	}
	other := s.register(webhook(2, "a", "A"))
	if other.Revision <= b.Revision {
		s.Fatal("the revision does not increase over accounts")
	}
	got, err := s.store.Get(s.Context(), storage.KindWebhook, 1, b.ID)
	s.is("Get", err, nil)
	s.equal("record", got, b)
	s.equal("body", string(got.Body), "B")
}

func registerTwice(s *suite) {
	first := s.register(webhook(1, "same", "first"))
	got, created, err := s.store.Register(s.Context(), webhook(1, "same", "second"))
	s.is("Register", err, nil)
	s.equal("created", created, false)
	s.equal("record", got, first)
}

func emptyFingerprints(s *suite) {
	a, b := s.register(webhook(1, "", "A")), s.register(webhook(1, "", "B"))
	if a.ID == b.ID {
		s.Fatal("two records without fingerprint became one")
	}
}

func fingerprintScope(s *suite) {
	s.register(webhook(1, "x", "A"))
	s.register(webhook(2, "x", "B"))
	r := webhook(1, "x", "C")
	r.Kind = storage.KindKey
	s.register(r)
}

func longFingerprint(s *suite) {
	long := strings.Repeat("long ", 20000)
	r := s.register(webhook(1, long+"1", "A"))
	s.register(webhook(1, long+"2", "B"))
	got, err := s.store.Get(s.Context(), storage.KindWebhook, 1, r.ID)
	s.is("Get", err, nil)
	if got.Fingerprint != long+"1" {
		s.Fatal("the fingerprint came back changed")
	}
}

func amendReplaces(s *suite) {
	r := s.register(webhook(1, "old", "A"))
	r.Fingerprint, r.Body = "new", []byte("B")
	got, err := s.store.Amend(s.Context(), r)
	s.is("Amend", err, nil)
	if got.Revision <= r.Revision || got.ID != r.ID {
		s.Fatalf("amended to %+v", got)
	}
	read, err := s.store.Get(s.Context(), storage.KindWebhook, 1, r.ID)
	s.is("Get", err, nil)
	s.equal("record", read, got)
	s.register(webhook(1, "old", "C")) // free again
	again, created, err := s.store.Register(s.Context(), webhook(1, "new", "D"))
	s.is("Register", err, nil)
	s.equal("created", created, false)
	s.equal("id", again.ID, r.ID)
	// The same fingerprint again is no clash with itself.
	_, err = s.store.Amend(s.Context(), got)
	s.is("Amend without a change of fingerprint", err, nil)
}

func amendConflicts(s *suite) {
	r := s.register(webhook(1, "x", "A"))
	now, err := s.store.Amend(s.Context(), r)
	s.is("Amend", err, nil)
	r.Body = []byte("late")
	_, err = s.store.Amend(s.Context(), r)
	s.is("Amend with the former revision", err, storage.ErrConflict)
	r.Revision = 0
	_, err = s.store.Amend(s.Context(), r)
	s.is("Amend with revision 0", err, storage.ErrConflict)
	got, err := s.store.Get(s.Context(), storage.KindWebhook, 1, r.ID)
	s.is("Get", err, nil)
	s.equal("record", got, now)
}

func amendExists(s *suite) {
	s.register(webhook(2, "taken", "another account's"))
	taken := s.register(webhook(1, "taken", "A"))
	r := s.register(webhook(1, "mine", "B"))
	r.Fingerprint = "taken"
	got, err := s.store.Amend(s.Context(), r)
	s.is("Amend", err, storage.ErrExists)
	s.equal("the other", got, taken)
	got, err = s.store.Get(s.Context(), storage.KindWebhook, 1, r.ID)
	s.is("Get", err, nil)
	s.equal("fingerprint", got.Fingerprint, "mine")
}

func removeFrees(s *suite) {
	r := s.register(webhook(1, "x", "A"))
	revision, err := s.store.Remove(s.Context(), storage.KindWebhook, 1, r.ID, r.Revision)
	s.is("Remove", err, nil)
	if revision <= r.Revision {
		s.Fatalf("revision %d of the removal is not after %d", revision, r.Revision)
	}
	_, err = s.store.Get(s.Context(), storage.KindWebhook, 1, r.ID)
	s.is("Get", err, storage.ErrAbsent)
	s.reopen()
	if again := s.register(webhook(1, "x", "B")); again.ID <= r.ID || again.Revision <= revision {
		s.Fatalf("after a removal of id %d revision %d: id %d, revision %d", r.ID, revision, again.ID, again.Revision)
	}
}

func removeConflicts(s *suite) {
	r := s.register(webhook(1, "x", "A"))
	_, err := s.store.Remove(s.Context(), storage.KindWebhook, 1, r.ID, r.Revision+1000)
	s.is("Remove of another revision", err, storage.ErrConflict)
	_, err = s.store.Remove(s.Context(), storage.KindWebhook, 1, r.ID, 0)
	s.is("Remove of any revision", err, nil)
}

func absentRecords(s *suite) {
	r := s.register(webhook(1, "x", "A"))
	ctx := s.Context()
	_, err := s.store.Get(ctx, storage.KindWebhook, 2, r.ID)
	s.is("Get in another account", err, storage.ErrAbsent)
	_, err = s.store.Get(ctx, storage.KindKey, 1, r.ID)
	s.is("Get of another kind", err, storage.ErrAbsent)
	_, err = s.store.Remove(ctx, storage.KindWebhook, 1, r.ID+1, 0)
	s.is("Remove", err, storage.ErrAbsent)
	r.Account = 2
	_, err = s.store.Amend(ctx, r)
	s.is("Amend", err, storage.ErrAbsent)
	got, err := s.store.List(ctx, storage.KindWebhook, 2, 0, 10)
	s.is("List", err, nil)
	s.equal("records", len(got), 0)
}

func listOrder(s *suite) {
	var want []int64
	for _, name := range []string{"c", "a", "b", "e", "d"} {
		want = append(want, s.register(webhook(1, name, name)).ID)
		s.register(webhook(2, name, name))
	}
	var got []int64
	var after int64
	for {
		part, err := s.store.List(s.Context(), storage.KindWebhook, 1, after, 2)
		s.is("List", err, nil)
		if len(part) == 0 {
			break
		}
		for _, r := range part {
			got, after = append(got, r.ID), r.ID
		}
	}
	s.equal("ids", got, want)
}

func recordCopies(s *suite) {
	body := []byte("body")
	r := webhook(1, "x", "")
	r.Body = body
	r = s.register(r)
	body[0] = 'X'
	got, err := s.store.Get(s.Context(), storage.KindWebhook, 1, r.ID)
	s.is("Get", err, nil)
	s.equal("body", string(got.Body), "body")
	got.Body[0] = 'Y'
	got, err = s.store.Get(s.Context(), storage.KindWebhook, 1, r.ID)
	s.is("Get", err, nil)
	s.equal("body", string(got.Body), "body")
}

func recordsSurvive(s *suite) {
	r := s.register(storage.Record{Kind: storage.KindAccount, Fingerprint: "x", Body: []byte("A")})
	s.reopen()
	got, err := s.store.Get(s.Context(), storage.KindAccount, 0, r.ID)
	s.is("Get", err, nil)
	s.equal("record", got, r)
	_, created, err := s.store.Register(s.Context(), storage.Record{Kind: storage.KindAccount, Fingerprint: "x"})
	s.is("Register", err, nil)
	s.equal("created", created, false)
}
