package methods

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// typeDirectory is the event types of all accounts in memory. Like [directory] it follows the store, and takes this node's
// own changes at once, so that a schema holds from the moment its call is answered.
type typeDirectory struct {
	mu     sync.RWMutex
	byName map[typeName]*eventType // guarded by mu
	states map[typeRef]typeState   // guarded by mu
}

// typeName is what an event type is found by.
type typeName struct {
	account schemas.AccountID
	name    string
}

// typeRef names the record of an event type.
type typeRef struct {
	account schemas.AccountID
	id      int64
}

// typeState is what is known of a record. A removed one is remembered by its revision, so that an older change that
// arrives late does not bring it back.
type typeState struct {
	name     string
	revision uint64
}

// eventType is one known event type. It is not changed once it is made.
type eventType struct {
	id int64
	// schema compiles the schema at first need, because of most types no event comes soon; nil without one.
	schema func() (*schemas.EventSchema, error)
}

func newTypeDirectory() *typeDirectory {
	return &typeDirectory{byName: map[typeName]*eventType{}, states: map[typeRef]typeState{}}
}

func (d *typeDirectory) apply(change storage.Change) error {
	r := change.Record
	if change.Removed {
		d.remove(typeRef{r.Account, r.ID}, r.Revision)
		return nil
	}
	var t schemas.EventType
	if err := json.Unmarshal(r.Body, &t); err != nil {
		return fmt.Errorf("read event type %d of account %d: %w", r.ID, r.Account, err)
	}
	d.put(typeRef{r.Account, r.ID}, r.Revision, t)
	return nil
}

func (d *typeDirectory) put(ref typeRef, revision uint64, t schemas.EventType) {
	known := &eventType{id: ref.id}
	if t.Schema != nil {
		known.schema = sync.OnceValues(func() (*schemas.EventSchema, error) { return schemas.CompileEventSchema(t.Schema, "") })
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.states[ref].revision >= revision {
		return
	}
	d.states[ref] = typeState{t.Type, revision}
	name := typeName{ref.account, t.Type}
	if newer := d.byName[name]; newer != nil && newer.id > ref.id {
		return // the type was removed and made anew; its removal is still to come
	}
	d.byName[name] = known
}

func (d *typeDirectory) remove(ref typeRef, revision uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	state := d.states[ref]
	if state.revision >= revision {
		return
	}
	name := typeName{ref.account, state.name}
	if known := d.byName[name]; known != nil && known.id == ref.id {
		delete(d.byName, name)
	}
	d.states[ref] = typeState{revision: revision}
}

// find is the event type of that name, nil when the account has said nothing about it.
func (d *typeDirectory) find(a schemas.AccountID, name string) *eventType {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byName[typeName{a, name}]
}

// check refuses data that does not satisfy the type's schema. Faults point below pointer.
func (t *eventType) check(data json.RawMessage, pointer string) error {
	if t.schema == nil {
		return nil
	}
	schema, err := t.schema()
	if err != nil { // %v: to the publisher it is a fault of the server, not of the parameters
		return fmt.Errorf("compile the stored schema of event type %d: %v", t.id, err)
	}
	return schema.Check(data, pointer)
}
