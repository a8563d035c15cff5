package methods

import (
	"encoding/json"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func TestATypeDirectoryGoesByRevisions(t *testing.T) {
	t.Parallel()
	d := newTypeDirectory()
	put := func(id int64, revision uint64, schema string) {
		body := raw(schemas.EventType{Type: "a.b", Schema: json.RawMessage(schema)})
		r := storage.Record{Kind: storage.KindEventType, Account: 1, ID: id, Revision: revision, Body: body}
		if err := d.apply(storage.Change{Record: r}); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(id int64, revision uint64) {
		r := storage.Record{Kind: storage.KindEventType, Account: 1, ID: id, Revision: revision}
		if err := d.apply(storage.Change{Record: r, Removed: true}); err != nil {
			t.Fatal(err)
		}
	}
	refuses := func(want bool) {
		t.Helper()
		known := d.find(1, "a.b")
		if got := known != nil && known.check(nil, "/data") != nil; got != want {
			t.Errorf("refuses is %v, want %v", got, want)
		}
	}
	put(1, 5, "false")
	refuses(true)
	if d.find(2, "a.b") != nil {
		t.Error("another account has the type too")
	}
	put(1, 6, "true")
	put(1, 5, "false") // again, late
	refuses(false)
	put(2, 9, "false") // made anew, before the removal has come
	remove(1, 8)
	refuses(true)
	remove(2, 12)
	put(2, 11, "false") // overtaken by its removal
	refuses(false)
	if d.find(1, "a.b") != nil {
		t.Error("a removed type is back")
	}
}

func TestALateChangeOfAFormerTypeDoesNotReplaceTheNewOne(t *testing.T) {
	t.Parallel()
	d := newTypeDirectory()
	d.put(typeRef{1, 2}, 9, schemas.EventType{Type: "a.b", Schema: json.RawMessage("false")})
	d.put(typeRef{1, 1}, 5, schemas.EventType{Type: "a.b"})
	d.remove(typeRef{1, 1}, 8)
	if known := d.find(1, "a.b"); known == nil || known.id != 2 {
		t.Errorf("found %+v, want record 2", known)
	}
}

func BenchmarkFindATypeWithoutSchema(b *testing.B) {
	d := newTypeDirectory()
	for b.Loop() {
		if d.find(1, "order.paid") != nil {
			b.Fatal("found a type that nobody made")
		}
	}
}
