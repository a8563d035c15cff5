package bolt

import (
	"errors"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/storage"
)

// What is damaged holds up nothing that is sound.
func TestADamagedDeliveryIsSetAsideAndOthersGoOn(t *testing.T) {
	t.Parallel()
	for _, letter := range []byte{ofDeliveries, ofEvents} {
		s := mustOpen(t, t.TempDir(), defaultTuning())
		for _, id := range []string{"a", "b", "damaged"} {
			accept(t, s, testEvent(id, false, 1))
		}
		inFile(t, s)
		flip(t, s, s.calendar.Load().latest().bucketName(nil, letter))
		for round, want := range []int{2, 0} {
			held, _, err := s.Claim(t.Context(), everything)
			if err != nil || len(held) != want {
				t.Errorf("round %d: claimed %d, %v; want %d", round, len(held), err, want)
			}
			for _, h := range held {
				settle(t, s, h, storage.Done)
			}
		}
		if _, err := s.Check(t.Context()); !errors.Is(err, ErrDamaged) {
			t.Errorf("Check says %v", err)
		}
		mustClose(t, s)
	}
}

func TestADamagedTallyBeginsAgainAndDoesNotHoldUpDeliveries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fillStore(t, dir, 1)
	s := mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	flip(t, s, []byte(inTallies.String()))
	settle(t, s, accept(t, s, testEvent("next", true, 1)).Held[0], storage.Done)
	tally, err := s.Tally(t.Context(), storage.Lane{Account: 1, Webhook: 1})
	if err != nil || tally.Calls != 1 {
		t.Errorf("tally %+v, %v", tally, err)
	}
}

// What goes through the past passes over what nobody can use, and says so.
func TestTheArchivePassesOverDamage(t *testing.T) {
	t.Parallel()
	for name, letter := range map[string]byte{"event": ofEvents, "delivery": ofDeliveries} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustOpen(t, t.TempDir(), defaultTuning())
			defer mustClose(t, s)
			var refs []storage.Ref
			for i, id := range []string{"a", "b", "damaged", "c"} {
				got := accept(t, s, testEvent(id, true, 1))
				settle(t, s, got.Held[0], storage.Dead)
				refs = append(refs, got.Held[0].Ref)
				if inFile(t, s); i == 2 {
					flip(t, s, s.calendar.Load().latest().bucketName(nil, letter))
				}
			}
			sound, dead := 4, 4
			if letter == ofEvents {
				sound = 3
			} else {
				dead = 3
			}
			got, next, err := s.EventsAfter(t.Context(), 1, 0, 100)
			if err != nil || len(got) != sound || next != refs[3].Seq {
				t.Errorf("%d events, then after %d, %v", len(got), next, err)
			}
			if one, next, err := s.EventsAfter(t.Context(), 1, refs[1].Seq, 1); err != nil || len(one) != 1 || next < refs[2].Seq {
				t.Errorf("from the damage on: %d events, then after %d, %v", len(one), next, err)
			}
			if seq, err := s.SeqBefore(t.Context(), 1, time.Now().Add(time.Hour)); err != nil || seq != refs[3].Seq {
				t.Errorf("the end is %d, %v", seq, err)
			}
			q := storage.DeliveryQuery{Webhook: 1, Sound: true, Page: storage.Page{Limit: 10}}
			if list, _, err := s.Deliveries(t.Context(), 1, q); err != nil || len(list) != dead {
				t.Errorf("%d deliveries, %v", len(list), err)
			}
			for i, err := range s.Replay(t.Context(), refs) {
				if lost := i == 2 && letter == ofDeliveries; lost != errors.Is(err, storage.ErrAbsent) || !lost && err != nil {
					t.Errorf("replay of event %d: %v", i, err)
				}
			}
			if _, err := s.Check(t.Context()); !errors.Is(err, ErrDamaged) {
				t.Errorf("Check says %v", err)
			}
		})
	}
}
