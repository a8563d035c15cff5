package service

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/methods/native"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// Options configure a Service. Data is needed; every other zero value is the documented default.
type Options struct {
	// Data is the directory of the embedded store; it is made when it is missing. One process at a time.
	Data string
	// PublicURL is the base of the links the service gives out, such as "https://hooks.example.com". "" takes the
	// address each caller used.
	PublicURL string
	// Allow are networks endpoints may be in besides the public internet, such as 10.1.0.0/16. None: loopback,
	// private and other special addresses are refused when a delivery is about to be sent. Reload changes it.
	Allow []netip.Prefix
	// EndpointCA are the authorities that endpoints' certificates are verified by; nil: the system's.
	EndpointCA *x509.CertPool
	// AdminKey is an admin key to add when the store does not have it. "" generates one at first start
	// (see [Service.GeneratedKey]).
	AdminKey string
	// Encryption encrypts what is secret in the store; nil stores it as it is. See [ParseEncryptionKeys].
	Encryption *EncryptionKeys
	// Log takes one line per call and attempt, never a key, secret or payload: debug for what went well, info for what was
	// refused or will be tried again, warn for what failed. The zero value logs nothing.
	Log zerolog.Logger
	// AccessLog makes the lines of what went well info too.
	AccessLog bool
	// OTLPEndpoint is the base of an OpenTelemetry collector that traces are sent to by OTLP over HTTP, such as
	// "http://127.0.0.1:4318"; "" takes the one of the variable OTEL_EXPORTER_OTLP_ENDPOINT, and without that there are no traces.
	// OpenTelemetry's other variables hold too.
	OTLPEndpoint string

	// MaxInFlight is how many deliveries are sent at once; 0 means 256. Reload changes it.
	MaxInFlight int
	// Timeout is the limit for one attempt of a webhook that names none (native ones may); 0 means 15 s, MaxTimeout is the most.
	Timeout time.Duration
	// PullFor is how long an event that can be pulled waits for somebody to take it; then its delivery is dead. 0 means 7 days.
	PullFor time.Duration
	// Window is how long a repeated event id is answered with the first result; 0 means 24 hours.
	Window time.Duration
	// Retention is how long events are kept, with their deliveries and attempts; what is still owed stays. 0 means
	// 30 days.
	Retention time.Duration
	// RetentionSize is how many bytes of the store's file may be in use before the oldest events are deleted, whatever
	// their age; what is still owed stays, and so does the latest stretch of events, up to 64 MiB. 0 sets no bound.
	RetentionSize int64
	// AuditRetention is how long entries of the audit log are kept, 100,000 of them at most; 0 means 365 days.
	AuditRetention time.Duration
	// BackupDir is where the method createBackup writes; it must be there. "" refuses that method.
	BackupDir string
	// Limits of the RPC endpoint. Reload changes them; see [rpc.Server.SetLimits].
	Limits rpc.Limits
	// Origins are web origins whose pages may call ("https://app.example.com"); none: the service's own.
	Origins []string

	// TLS is how the service shows callers who it is.
	TLS TLS
	// MaxConnections is how many connections Serve has open at once; further ones wait to be accepted. 0 means 10000.
	// Reload changes it.
	MaxConnections int
	// SeparateAdmin leaves AdminHandler's addresses to ServeAdmin; else Serve answers them too, but for profiles.
	SeparateAdmin bool

	// RateLimits are the rates callers are held to. Those of keys and addresses set no bound by default; that of unknown
	// keys is 1 a second with a burst of 100, and less than 0 sets no bound. Reload changes them.
	RateLimits RateLimits
	// TrustedProxies are networks of proxies in front of the service, whose X-Forwarded-For, -Proto and -Host are
	// believed; nobody else's are. Whoever comes by a Unix socket counts as 127.0.0.1. Reload changes it.
	TrustedProxies []netip.Prefix

	// Policies change what dialects do about failed deliveries, by the dialect's name.
	Policies map[string]Policy
	// RequireHTTPS makes SuperOffice's documents refuse an http TargetUrl, as that vendor does.
	RequireHTTPS bool
	// SuperOfficePing saves a SuperOffice webhook only when its receiver answers a test event with 200, as that vendor does.
	SuperOfficePing bool
	// CopernicaKeyID is the DNS name under which receivers look up the key of Copernica's signatures; "" means
	// "one._domainkey.copernica.com".
	CopernicaKeyID string
	// Version is what the service says of itself.
	Version string

	// unmeasured leaves out what counts for the metrics: the yardstick of the benchmark of its cost.
	unmeasured bool
}

// Rate bounds how often something may happen, and RateLimits are the rates callers are held to.
type (
	Rate       = methods.Rate
	RateLimits = methods.RateLimits
)

// EncryptionKeys encrypt what is secret in a store (AES-256-GCM): of webhooks the secrets, headers, credentials and the
// vendor's document, and the server's own signing keys. The first encrypts; the others only decrypt what was encrypted when
// they were the first. A store that has been encrypted once does not open without the keys in use.
type EncryptionKeys = schemas.Keyring

// ParseEncryptionKeys reads keys, each 32 bytes in base64 or hex, one a line or separated by commas or spaces; what follows
// # on a line is a comment.
func ParseEncryptionKeys(text string) (*EncryptionKeys, error) { return schemas.ParseKeyring(text) }

// NewEncryptionKey makes such a key.
func NewEncryptionKey() string { return schemas.NewEncryptionKey() }

// MaxTimeout is the longest limit for one attempt, by Options and by a webhook of its own.
const MaxTimeout = native.MaxTimeout

// minAdminKey is the least length of an admin key: with fewer characters it can be guessed.
const minAdminKey = 32

func notInKey(r rune) bool { return r <= ' ' || r > '~' }

// usualLevel is that of the log's lines of what went well.
func (o *Options) usualLevel() zerolog.Level {
	if o.AccessLog {
		return zerolog.InfoLevel
	}
	return zerolog.DebugLevel
}

// OptionsError is an error of [Open] or [Service.Reload] about Options that are wrong on any machine and with any store, a file of
// certificates that they name included, or that lack the key of an encrypted store: trying again does not help.
type OptionsError struct{ error }

// Unwrap is what is wrong.
func (e OptionsError) Unwrap() error { return e.error }

func (o *Options) validate() error {
	if o.Data == "" {
		return errors.New("no data directory is given")
	}
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("public URL %q: must be like https://hooks.example.com", o.PublicURL)
		}
		o.Origins = append(slices.Clone(o.Origins), u.Scheme+"://"+u.Host)
	}
	if o.AdminKey != "" && (len(o.AdminKey) < minAdminKey || strings.ContainsFunc(o.AdminKey, notInKey)) {
		return fmt.Errorf("the admin key (HOOKSWITCH_ADMIN_KEY) must have at least %d characters, visible ASCII without spaces", minAdminKey)
	}
	switch {
	case o.MaxInFlight < 0:
		return errors.New("the number of deliveries in flight must not be negative")
	case o.Timeout < 0 || o.Timeout > MaxTimeout:
		return fmt.Errorf("the timeout must be 0 to %s", MaxTimeout)
	case o.PullFor < 0:
		return errors.New("the time events wait to be pulled must not be negative")
	case o.Window < 0:
		return errors.New("the idempotency window must not be negative")
	case o.AuditRetention < 0:
		return errors.New("the retention of the audit log must not be negative")
	case o.Retention < 0:
		return errors.New("the retention must not be negative")
	case o.RetentionSize < 0:
		return errors.New("the retention by size must not be negative")
	case o.MaxConnections < 0:
		return errors.New("the number of connections must not be negative")
	}
	if err := o.TLS.validate(); err != nil {
		return err
	}
	if o.RateLimits.Unknown == (Rate{}) {
		o.RateLimits.Unknown = Rate{PerSecond: 1, Burst: 100}
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 10_000
	}
	if o.AuditRetention == 0 {
		o.AuditRetention = 365 * 24 * time.Hour
	}
	if o.Window == 0 {
		o.Window = 24 * time.Hour
	}
	if o.Retention == 0 {
		o.Retention = 30 * 24 * time.Hour
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	return nil
}

// rpcURL is where the service takes calls, as far as the options tell; else "".
func (o *Options) rpcURL() string {
	if o.PublicURL == "" {
		return ""
	}
	return strings.TrimSuffix(o.PublicURL, "/") + "/rpc"
}
