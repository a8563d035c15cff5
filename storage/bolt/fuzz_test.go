package bolt

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// FuzzRows feeds every parser payloads whose checksum fits: none may panic, and what is read is written back the same.
func FuzzRows(f *testing.F) {
	e := testEvent("e", true, 1, 2, 300)
	f.Add(appendEventRow(nil, &e)[sumLen:])
	delivery := make([]byte, deliveryRowLen)
	deliveryRow{state: stateRetrying, flight: true, attempts: 3, due: 4, updated: 5}.write(delivery)
	f.Add(delivery[sumLen:])
	f.Add(appendTallyRow(nil, &schemas.Tally{Calls: 1, LastError: "why", LastSuccess: time.Unix(5, 6)})[sumLen:])
	f.Add(appendRecordRow(nil, &storage.Record{Revision: 7, Fingerprint: "f", Body: []byte("body")})[sumLen:])
	change := make([]byte, changeRowLen)
	changeRow{true, storage.KindKey, 8, 9}.write(change)
	f.Add(change[sumLen:])
	id := make([]byte, publicIDRowLen)
	publicIDRow{10, 11, 12}.write(id)
	f.Add(id[sumLen:])
	f.Fuzz(func(t *testing.T, p []byte) {
		if r, ok := parseEvent(p); ok {
			r.record(1)
			if len(r.to)+len(r.body)+len(r.kind) > len(p) {
				t.Error("an event is longer than its row")
			}
		}
		if r, ok := parseDelivery(p); ok {
			row := make([]byte, deliveryRowLen)
			r.write(row)
			if again, ok := parseDelivery(row[sumLen:]); !ok || again != r {
				t.Errorf("delivery %+v came back as %+v", r, again)
			}
		}
		if r, ok := parseTally(p); ok {
			if again, ok := parseTally(appendTallyRow(nil, &r)[sumLen:]); !ok || again != r {
				t.Errorf("tally %+v came back as %+v", r, again)
			}
		}
		if r, ok := parseRecord(p, storage.KindKey, 1, 2); ok {
			again, ok := parseRecord(appendRecordRow(nil, &r)[sumLen:], storage.KindKey, 1, 2)
			if !ok || !reflect.DeepEqual(again, r) {
				t.Errorf("record %+v came back as %+v", r, again)
			}
		}
		if r, ok := parseChange(p); ok {
			row := make([]byte, changeRowLen)
			r.write(row)
			if again, ok := parseChange(row[sumLen:]); !ok || again != r {
				t.Errorf("change %+v came back as %+v", r, again)
			}
		}
		if r, ok := parsePublicID(p); ok {
			row := make([]byte, publicIDRowLen)
			r.write(row)
			if !bytes.Equal(row[sumLen:], p) {
				t.Errorf("public id %+v came back changed", r)
			}
		}
	})
}

// FuzzFrame: what was sealed is unsealed, and not after any one change of key or row.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("key"), []byte("payload"), uint16(3))
	f.Add([]byte("k"), []byte(nil), uint16(0))
	f.Fuzz(func(t *testing.T, key, payload []byte, at uint16) {
		row := append(make([]byte, sumLen), payload...)
		seal(key, row)
		if p, ok := unseal(key, row); !ok || !bytes.Equal(p, payload) {
			t.Fatal("a sealed row is not unsealed")
		}
		whole := append(bytes.Clone(key), row...)
		whole[int(at)%len(whole)] ^= 1 << (at % 8)
		if _, ok := unseal(whole[:len(key)], whole[len(key):]); ok {
			t.Error("a flipped bit was not noticed")
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(mark{1, 2}.cursor())
	f.Add("AAAA")
	f.Add("AAAAAAAAAAEAAAAAAAAAAg\n")
	f.Fuzz(func(t *testing.T, cursor string) {
		m, err := parseCursor(cursor)
		if err == nil && cursor != "" && m.cursor() != cursor {
			t.Errorf("cursor %q came back as %q", cursor, m.cursor())
		}
	})
}

// FuzzNames: what is no name of ours is not taken for one.
func FuzzNames(f *testing.F) {
	f.Add((&partition{first: 1, begun: 2}).bucketName(nil, ofEvents))
	f.Add((&span{begun: 3}).bucketName(nil))
	f.Add(dueKey(nil, storage.Lane{Account: 1, Webhook: 2}, spot{due: 3, seq: 4}))
	f.Add(deliveryKey(nil, storage.Ref{Account: 1, Webhook: 2, Seq: 3}))
	f.Fuzz(func(t *testing.T, name []byte) {
		if p, ok := parsePartition(name); ok && !bytes.Equal(p.bucketName(nil, name[len(name)-1]), name) {
			t.Error("the name of a partition came back changed")
		}
		if s, ok := parseSpan(name); ok && !bytes.Equal(s.bucketName(nil), name) {
			t.Error("the name of a span came back changed")
		}
		if r, ok := parseDeliveryKey(name); ok && !bytes.Equal(deliveryKey(nil, r), name) {
			t.Error("the key of a delivery came back changed")
		}
		if at, ok := parseDueKey(name); ok {
			if l, ok := parseLaneKey(name); !ok || !bytes.Equal(dueKey(nil, l, at), name) {
				t.Error("the key of the due index came back changed")
			}
		}
		bucketTitle(name)
	})
}
