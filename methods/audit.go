package methods

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// AuditEntry is one change: what it was, who made it and when. No secret is in it, nor what may repeat one.
type AuditEntry struct {
	ID      int64             `json:"id"`
	At      time.Time         `json:"at"`
	Action  string            `json:"action"`  // a noun and a verb, "webhook.changed"
	Account schemas.AccountID `json:"account"` // whose record it is; 0: the server's
	Target  string            `json:"target,omitempty"`
	Method  string            `json:"method,omitempty"`
	By      *Auditor          `json:"by,omitempty"` // nil: the service itself
	Reason  string            `json:"reason,omitempty"`
	Changes []AuditChange     `json:"changes,omitempty"`
}

// Auditor is who made a change. Key 0 is a key of the process itself: of the program that embeds the service.
type Auditor struct {
	Account schemas.AccountID `json:"account"` // the key's own
	Key     schemas.KeyID     `json:"key"`
	Access  schemas.Access    `json:"access"`
	Address string            `json:"address,omitempty"` // "" in-process
}

// AuditChange is a member that was changed. Values of what is secret, and long ones, are left out.
type AuditChange struct {
	Member string          `json:"member"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// auditPatience is how long a call waits for an entry that is written by itself.
const auditPatience = 10 * time.Second

// companion makes e the entry of a change, to be stored with it: both are or neither is. target makes e.Target of the number
// of the changed record.
func (e AuditEntry) companion(target func(id int64) string) storage.Companion {
	e.At = time.Now().UTC()
	body := raw(e) // here, for the store waits while it calls
	return func(id int64) storage.Record {
		complete := fmt.Appendf(nil, `%s,"target":%s}`, body[:len(body)-1], raw(target(id)))
		return storage.Record{Kind: storage.KindAudit, Body: complete}
	}
}

// Audit writes an entry about what is no change of a record, and can't be stored with it, before it is answered. What has
// been done when its entry can't be written stays, and the log has the entry.
func (o *Operations) Audit(ctx context.Context, e AuditEntry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditPatience)
	defer cancel()
	e.At = time.Now().UTC()
	body := raw(e)
	if _, _, err := o.store.Register(ctx, storage.Record{Kind: storage.KindAudit, Body: body}); err != nil {
		o.log.Error().Err(err).RawJSON("entry", body).Msg("an entry of the audit log could not be written")
	}
}

// entry is one about what this call does to something of an account, 0 for the server.
func (c *Call) entry(a schemas.AccountID, action string, changes ...AuditChange) AuditEntry {
	return AuditEntry{Action: action, Account: a, Method: c.Method, By: c.Caller.Auditor(c.session), Changes: changes}
}

// entryOf is the entry of a change that this call makes to a record of the caller's account.
func (c *Call) entryOf(target func(id int64) string, action string, changes ...AuditChange) storage.Companion {
	return c.entry(c.Caller.Account, action, changes...).companion(target)
}

// audit writes an entry about what this call does to something of an account that is no record's change.
func (c *Call) audit(ctx context.Context, a schemas.AccountID, action, target string, changes ...AuditChange) {
	e := c.entry(a, action, changes...)
	e.Target = target
	c.Operations.Audit(ctx, e)
}

// AuditServer writes an entry about something of the server, which belongs to no account.
func (c *Call) AuditServer(ctx context.Context, action, target string) {
	c.audit(ctx, 0, action, target)
}

// Auditor is the caller as the audit log names it.
func (c Caller) Auditor(session *rpc.Session) *Auditor {
	by := &Auditor{Account: c.Home, Key: c.Key, Access: c.Access}
	if address := session.Address(); address.IsValid() {
		by.Address = address.String()
	}
	return by
}

// MeasureEntry is the entry of a webhook that the engine stops, or removes with state "".
func MeasureEntry(w *schemas.Webhook, state schemas.State, reason string) storage.Companion {
	e := AuditEntry{Action: "webhook.changed", Account: w.Account, Reason: reason}
	e.Changes = []AuditChange{{Member: "state", Before: raw(w.State), After: raw(state)}}
	if state == "" {
		e.Action, e.Changes = "webhook.removed", webhookChanges(w, nil)
	}
	return e.companion(titleOf(w))
}

// The targets of entries: a webhook has the name that its callers see, a replay too, the others have their numbers.

func titleOf(w *schemas.Webhook) func(id int64) string {
	if w.PublicID == "" {
		return number
	}
	return always(w.Title())
}

func always(title string) func(int64) string { return func(int64) string { return title } }

func number(id int64) string { return strconv.FormatInt(id, 10) }

// Members of a webhook that the audit log names and does not show, and those that say nothing about a change.
var (
	membersHidden  = []string{"secrets", "headers", "authentication", "clientCertificate", "properties", "metadata", "document"}
	membersSkipped = []string{"id", "publicId", "created", "updated"}
)

// maxAuditValue is how many bytes of a value an entry holds at most.
const maxAuditValue = 512

// auditedMembers are the members of a webhook's record that the log knows, by name. A change is found without encoding the
// record as a whole: that took as long as all else of a registration but the commit.
var auditedMembers = func() (members []auditedMember) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[WebhookRecord]()) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !slices.Contains(membersSkipped, name) {
			members = append(members, auditedMember{name, field.Index[0], slices.Contains(membersHidden, name), options == "omitzero"})
		}
	}
	slices.SortFunc(members, func(a, b auditedMember) int { return strings.Compare(a.name, b.name) })
	return members
}()

type auditedMember struct {
	name   string
	field  int
	hidden bool
	counts bool // also when it is empty: a list that is there
}

// webhookChanges compares two states of a webhook; nil for before it was there, or after it was gone.
func webhookChanges(before, after *schemas.Webhook) (changes []AuditChange) {
	was, is := audited(before), audited(after)
	changes = make([]AuditChange, 0, len(auditedMembers))
	for _, m := range auditedMembers {
		v, w := was.Field(m.field), is.Field(m.field)
		if m.bare(v) && m.bare(w) || reflect.DeepEqual(v.Interface(), w.Interface()) {
			continue
		}
		change := AuditChange{Member: m.name}
		switch from, to := m.text(v), m.text(w); {
		case bytes.Equal(from, to): // the same, spelled otherwise
			continue
		case !m.hidden && len(from)+len(to) <= maxAuditValue:
			change.Before, change.After = auditValue(m.name, from), auditValue(m.name, to)
		}
		changes = append(changes, change)
	}
	return changes
}

func audited(w *schemas.Webhook) reflect.Value {
	if w == nil {
		return reflect.ValueOf(WebhookRecord{})
	}
	return reflect.ValueOf(recordOf(w))
}

// bare reports whether a value says nothing.
func (m *auditedMember) bare(v reflect.Value) bool {
	if k := v.Kind(); !m.counts && (k == reflect.Map || k == reflect.Slice) {
		return v.Len() == 0
	}
	return v.IsZero()
}

// text is a value in JSON, nil when it says nothing.
func (m *auditedMember) text(v reflect.Value) json.RawMessage {
	if m.bare(v) {
		return nil
	}
	return raw(v.Interface())
}

// auditValue is a value as the log may show it: a URL loses what may be a credential.
func auditValue(name string, value json.RawMessage) json.RawMessage {
	if name != "endpoint" || value == nil {
		return value
	}
	u, err := url.Parse(schemas.PlainText(value))
	if err != nil {
		return nil
	}
	if u.Opaque != "" { // pull:
		return raw(u.Scheme + ":" + u.Opaque)
	}
	return raw(u.Scheme + "://" + u.Host + u.Path)
}
