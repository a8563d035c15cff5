package methods

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
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

// auditPatience is how long a change waits for its entry: the change itself is made.
const auditPatience = 10 * time.Second

// Audit writes an entry, before the change it is about is answered. A change whose entry can't be written stays, and the
// log has the entry.
func (o *Operations) Audit(ctx context.Context, e AuditEntry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditPatience)
	defer cancel()
	e.At = time.Now().UTC()
	body := raw(e)
	if _, _, err := o.store.Register(ctx, storage.Record{Kind: storage.KindAudit, Body: body}); err != nil {
		o.log.Error().Err(err).RawJSON("entry", body).Msg("an entry of the audit log could not be written")
	}
}

// Audit writes an entry about a change by this call to a record of the caller's account.
func (c *Call) Audit(ctx context.Context, action, target string, changes ...AuditChange) {
	c.auditFor(ctx, c.Caller.Account, action, target, changes...)
}

func (c *Call) auditFor(ctx context.Context, a schemas.AccountID, action, target string, changes ...AuditChange) {
	c.Operations.Audit(ctx, AuditEntry{
		Action: action, Account: a, Target: target, Method: c.Method, By: c.Caller.Auditor(c.session), Changes: changes,
	})
}

// AuditServer writes an entry about something of the server, which belongs to no account.
func (c *Call) AuditServer(ctx context.Context, action, target string) {
	c.auditFor(ctx, 0, action, target)
}

// Auditor is the caller as the audit log names it.
func (c Caller) Auditor(session *rpc.Session) *Auditor {
	by := &Auditor{Account: c.Home, Key: c.Key, Access: c.Access}
	if address := session.Address(); address.IsValid() {
		by.Address = address.String()
	}
	return by
}

// AuditEngine writes an entry about a webhook that the engine has stopped, or removed with state "".
func (o *Operations) AuditEngine(ctx context.Context, w *schemas.Webhook, state schemas.State, reason string) {
	e := AuditEntry{Action: "webhook.changed", Account: w.Account, Target: webhookTitle(w), Reason: reason}
	e.Changes = []AuditChange{{Member: "state", Before: raw(w.State), After: raw(state)}}
	if state == "" {
		e.Action, e.Changes = "webhook.removed", webhookChanges(w, nil)
	}
	o.Audit(ctx, e)
}

func webhookTitle(w *schemas.Webhook) string {
	if w.PublicID != "" {
		return w.PublicID
	}
	return fmt.Sprint(w.ID)
}

// Members of a webhook that the audit log names and does not show, and those that say nothing about a change.
var (
	membersHidden  = []string{"secrets", "headers", "authentication", "clientCertificate", "properties", "metadata", "document"}
	membersSkipped = []string{"id", "publicId", "created", "updated"}
)

// maxAuditValue is how many bytes of a value an entry holds at most.
const maxAuditValue = 512

// webhookChanges compares two states of a webhook; nil for before it was there, or after it was gone.
func webhookChanges(before, after *schemas.Webhook) (changes []AuditChange) {
	was, is := auditMembers(before), auditMembers(after)
	names := maps.Clone(was)
	maps.Copy(names, is)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if bytes.Equal(was[name], is[name]) || slices.Contains(membersSkipped, name) {
			continue
		}
		change := AuditChange{Member: name}
		if !slices.Contains(membersHidden, name) && len(was[name])+len(is[name]) <= maxAuditValue {
			change.Before, change.After = auditValue(name, was[name]), auditValue(name, is[name])
		}
		changes = append(changes, change)
	}
	return changes
}

func auditMembers(w *schemas.Webhook) map[string]json.RawMessage {
	members := map[string]json.RawMessage{}
	if w != nil {
		_ = json.Unmarshal(raw(recordOf(w)), &members) // our own Marshal
	}
	return members
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
	return raw(u.Scheme + "://" + u.Host + u.Path)
}
