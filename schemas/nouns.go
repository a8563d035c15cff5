package schemas

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// AccountID numbers a tenant. Account 1 is made at first start.
type AccountID int64

// WebhookID numbers a webhook inside its account. The store gives it out; numbers increase, gaps happen.
type WebhookID int64

// KeyID numbers an API key inside its account.
type KeyID int64

// Account is a tenant: everything else belongs to exactly one.
type Account struct {
	ID      AccountID `json:"-"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

// Access says what a key may do; each level includes the ones before it.
type Access string

// The levels of access, weakest first.
const (
	AccessRead    Access = "read"    // look at webhooks, events and deliveries; secrets stay hidden
	AccessPublish Access = "publish" // publish events
	AccessFull    Access = "full"    // change webhooks, see their secrets
	AccessAdmin   Access = "admin"   // create keys and accounts, act for any account
)

var accessRank = map[Access]int{AccessRead: 1, AccessPublish: 2, AccessFull: 3, AccessAdmin: 4}

// Allows reports whether a key of level a may do what needs level need. An unknown level allows nothing.
func (a Access) Allows(need Access) bool {
	return accessRank[a] > 0 && accessRank[a] >= accessRank[need]
}

// Key is an API key of an account. The key itself is never kept: Hash is the lower-case hex SHA-256 of it.
type Key struct {
	ID      KeyID     `json:"-"`
	Account AccountID `json:"-"`
	Hash    string    `json:"hash"`
	Access  Access    `json:"access"`
	Name    string    `json:"name,omitempty"`
	Created time.Time `json:"created"`
}

// State says whether a webhook is sent events.
type State string

// The states of a webhook.
const (
	StateActive  State = "active"  // sent events
	StateStopped State = "stopped" // its owner stopped it, or the receiver answered 410 Gone
	StateFailing State = "failing" // stopped because deliveries failed for too long; its owner makes it active again
)

// Secret is what signs deliveries. Value is the text shown to the owner; what kind of secret it is shows in its prefix, and
// of a key pair ("whsk_") it is the private half, which is shown to nobody.
type Secret struct {
	Value   string    `json:"value"`
	Expires time.Time `json:"expires,omitzero"` // zero: current. Otherwise a former secret that signs until then.
}

// Constraint is a demand on one attribute of an event: it must be present and its text must be one of Values.
// A number is compared by its JSON text.
type Constraint struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// Match says which events a webhook wants. All given parts must hold.
type Match struct {
	// Types are event types; "*" stands for one segment, a last "*" for the rest, a bare "*" for every type but
	// the reserved "webhook.*". None matches nothing.
	Types []string `json:"types"`
	// Attributes must all hold. An attribute that the event lacks does not match.
	Attributes []Constraint `json:"attributes,omitempty"`
	// Filter is a filter document over the event (see delivery.CompileEventFilter); empty matches everything.
	Filter json.RawMessage `json:"filter,omitempty"`
}

// Webhook is a registration: where events go, which ones, and in whose wire format.
type Webhook struct {
	ID       WebhookID `json:"-"`
	Account  AccountID `json:"-"`
	Revision uint64    `json:"-"` // the store's; amendments name the one they saw

	// PublicID is the string form that Airstack's and the native dialect show, fixed at creation; "" in dialects
	// that show the number.
	PublicID string `json:"publicId,omitempty"`
	// Dialect is fixed at creation and decides how reads show the webhook and how deliveries look.
	Dialect  string `json:"dialect"`
	Endpoint string `json:"endpoint"`
	// Format names one of the wire formats of a dialect that has several; "" is the dialect's usual one.
	Format string `json:"format,omitempty"`
	Match  Match  `json:"match"`
	State  State  `json:"state"`
	Name   string `json:"name,omitempty"`

	Secrets    []Secret                   `json:"secrets,omitempty"` // current first
	Headers    map[string]string          `json:"headers,omitempty"` // added to every delivery
	Properties map[string]json.RawMessage `json:"properties,omitempty"`
	Metadata   map[string]string          `json:"metadata,omitempty"`

	// Authentication and ClientCertificate say who the server is to the endpoint, in every delivery; nil: nothing.
	Authentication    *Authentication    `json:"authentication,omitempty"`
	ClientCertificate *ClientCertificate `json:"clientCertificate,omitempty"`

	MaxInFlight int `json:"maxInFlight,omitempty"` // attempts at once; 0: the server's default
	// Ordered delivers strictly in the order of acceptance: the next delivery begins once the one before is delivered or dead.
	Ordered bool `json:"ordered,omitempty"`
	// RateLimit bounds the deliveries that begin in a second, fractions allowed; 0: no bound.
	RateLimit float64       `json:"rateLimit,omitempty"`
	Timeout   time.Duration `json:"timeout,omitempty"` // of one attempt; 0: the server's default
	// IdleTimeout removes a webhook that is pulled when nobody took its events for so long; 0: never.
	IdleTimeout time.Duration `json:"idleTimeout,omitempty"`
	Retry       []Seconds     `json:"retry,omitzero"` // waits between attempts; nil: the dialect's policy; empty: no 2nd attempt

	// Document is the vendor's own registration document, so that a read gives back what was registered.
	Document json.RawMessage `json:"document,omitempty"`

	Created   time.Time `json:"created"`
	CreatedBy KeyID     `json:"createdBy,omitempty"`
	Updated   time.Time `json:"updated"`
	UpdatedBy KeyID     `json:"updatedBy,omitempty"`
}

// Title is the webhook's id as its callers see it: its string form or, in dialects that have none, its number.
func (w *Webhook) Title() string {
	if w.PublicID != "" {
		return w.PublicID
	}
	return strconv.FormatInt(int64(w.ID), 10)
}

// AuthenticationType says what the header Authorization of deliveries is made of.
type AuthenticationType string

// The types of authentication.
const (
	AuthenticationBasic  AuthenticationType = "basic"  // Username and Password
	AuthenticationBearer AuthenticationType = "bearer" // Token
	AuthenticationOAuth2 AuthenticationType = "oauth2" // an access token of TokenURL, by the client credentials grant
)

// Authentication is what a webhook's endpoint asks for. Of the members only those of its type are set.
type Authentication struct {
	Type         AuthenticationType `json:"type"`
	Username     string             `json:"username,omitempty"`
	Password     string             `json:"password,omitempty"`
	Token        string             `json:"token,omitempty"`
	TokenURL     string             `json:"tokenUrl,omitempty"`
	ClientID     string             `json:"clientId,omitempty"`
	ClientSecret string             `json:"clientSecret,omitempty"`
	Scopes       []string           `json:"scopes,omitempty"`
	Audience     string             `json:"audience,omitempty"`
}

// ClientCertificate is what deliveries show in the TLS handshake when the endpoint asks who they come from.
type ClientCertificate struct {
	Certificate string `json:"certificate"` // PEM: the certificate, then those between it and its root
	PrivateKey  string `json:"privateKey"`  // PEM, not encrypted
}

// Seconds is a wait as the wire writes it: a number of seconds.
type Seconds float64

// Duration is s as a time.Duration.
func (s Seconds) Duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// Event is something that happened, in CloudEvents' terms. An Event is not changed once it is published.
type Event struct {
	Account AccountID
	Seq     uint64 // the store's number of it, increasing in an account; 0 before it is accepted

	ID      string // the publisher's (= its idempotency key) or generated; see [CheckEventID]
	Type    string // dotted, such as "contact.unsubscribed"
	Source  string
	Subject string
	Time    time.Time
	// Data is any JSON value, byte for byte as published; nil when there is none.
	Data json.RawMessage
	// Attributes are what matching and dialects read. A value is the JSON text of a string, number or boolean.
	Attributes map[string]json.RawMessage
	// Traceparent is the W3C trace context of its publication, kept so that every attempt belongs to that trace; "" when it was
	// not traced.
	Traceparent string
	// Tracestate is what goes with Traceparent, of those the trace came through; "" when there is none.
	Tracestate string
}

// Attribute returns an attribute as plain text: a string without its quotes, a number or boolean as written.
func (e *Event) Attribute(name string) (text string, ok bool) {
	raw, ok := e.Attributes[name]
	if !ok {
		return "", false
	}
	return PlainText(raw), true
}

// PlainText is the text of a JSON scalar: a string without its quotes and escapes, anything else as written.
func PlainText(raw json.RawMessage) string {
	if len(raw) < 2 || raw[0] != '"' {
		return string(raw)
	}
	inner := string(raw[1 : len(raw)-1])
	if !strings.ContainsRune(inner, '\\') {
		return inner
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return inner
	}
	return s
}

// EventType is what an account says about its events of one type. Only types it says something about are kept; events of
// all others are taken as they are.
type EventType struct {
	Type        string `json:"type"` // exact, not a pattern
	Description string `json:"description,omitempty"`
	// Schema is the JSON Schema that the data of such events must satisfy, see [CompileEventSchema]; nil takes any.
	Schema  json.RawMessage `json:"schema,omitempty"`
	Created time.Time       `json:"created"`
	Updated time.Time       `json:"updated"`
}

// AttemptError names why an attempt failed before or without a usable answer.
type AttemptError string

// The kinds of failed attempt. An answer with an unwelcome status is ErrorStatus.
const (
	ErrorNone     AttemptError = ""
	ErrorStatus   AttemptError = "status"
	ErrorDNS      AttemptError = "dns"
	ErrorRefused  AttemptError = "address_refused" // the guarded dialler does not allow the address
	ErrorConnect  AttemptError = "connect"
	ErrorTLS      AttemptError = "tls"
	ErrorTimeout  AttemptError = "timeout"
	ErrorProtocol AttemptError = "protocol" // the answer is not HTTP, or breaks off
	ErrorFormat   AttemptError = "format"   // the dialect could not build the request
	ErrorTaker    AttemptError = "taker"    // who took the delivery by pullEvents said that it failed
	ErrorLease    AttemptError = "lease"    // who took the delivery said nothing until the lease ran out
	ErrorUntaken  AttemptError = "untaken"  // nobody took the delivery in time
	// ErrorAuthentication: no access token or no valid client certificate was there, or the endpoint wants another one.
	ErrorAuthentication AttemptError = "authentication"
)

// MaxResponseBody is how much of a receiver's answer an attempt keeps, in bytes.
const MaxResponseBody = 16 << 10

// Attempt is one HTTP exchange for a delivery, or one time that it was pulled.
type Attempt struct {
	Number         int           `json:"number"` // 1 is the first
	Started        time.Time     `json:"started"`
	Duration       time.Duration `json:"duration"` // nanoseconds
	OK             bool          `json:"ok"`
	Status         int           `json:"status,omitempty"` // 0: no answer
	Error          AttemptError  `json:"error,omitempty"`
	Message        string        `json:"message,omitempty"`        // one sentence, without URL, secret or payload
	RequestHeaders [][2]string   `json:"requestHeaders,omitempty"` // as sent, secrets masked
	RequestBytes   int           `json:"requestBytes,omitempty"`   // length of the body sent
	RequestSum     uint32        `json:"requestSum,omitempty"`     // its CRC-32C, by which one that is built anew is known
	// Batch are the numbers of the events that went out in one request, in its order, in the attempt of the first of them;
	// in that of another, the first one's number. Empty for an event that went alone.
	Batch           []uint64    `json:"batch,omitempty"`
	ResponseHeaders [][2]string `json:"responseHeaders,omitempty"`
	ResponseBody    string      `json:"responseBody,omitempty"` // its first MaxResponseBody bytes
}

// Tally counts what happened to a webhook. The store keeps it with the attempts.
type Tally struct {
	Calls        int64     `json:"calls"`
	Errors       int64     `json:"errors"`
	Consecutive  int64     `json:"consecutive"`           // failed attempts since the last success
	Dropped      int64     `json:"dropped"`               // deliveries given up since the last success
	FailingSince time.Time `json:"failingSince,omitzero"` // the first of the consecutive failures
	LastError    string    `json:"lastError,omitempty"`   // the last failed attempt's message
	LastErrorAt  time.Time `json:"lastErrorAt,omitzero"`
	LastSuccess  time.Time `json:"lastSuccess,omitzero"`
}
