// Package service wires Hookswitch together: the store, the delivery engine, the dialects, the methods and the RPC
// endpoint. It holds no rule of its own. cmd/hookswitch, the tests and programs that embed Hookswitch all start here:
//
//	s, err := service.Open(ctx, service.Options{Data: "./data"})
//	client := s.Client(ctx, s.LocalKey())
//	err = client.Call(ctx, "publishEvent", map[string]any{"type": "contact.created"}, nil)
package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/methods/airstack"
	"github.com/hookswitch/hookswitch/methods/copernica"
	"github.com/hookswitch/hookswitch/methods/native"
	"github.com/hookswitch/hookswitch/methods/superoffice"
	"github.com/hookswitch/hookswitch/methods/vision6"
	"github.com/hookswitch/hookswitch/portal"
	"github.com/hookswitch/hookswitch/reference"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/bolt"
)

// Service is a running Hookswitch. It delivers from Open until Close, with or without a listener.
type Service struct {
	log       zerolog.Logger
	store     storage.Store
	engine    *delivery.Engine
	core      *methods.Core
	server    *rpc.Server
	portal    *portal.Portal
	docs      *reference.Page
	readers   sync.Map // keys with which the portal reads, by account
	material  material
	copernica *copernica.Keys
	publicURL string // "": the address each caller used
	generated string
	failed    <-chan struct{} // closed when the store can't go on
	backups   *backups
	metrics   *metrics
	tracing   *tracing        // nil: nothing is traced
	life      context.Context // of the service's own goroutines
	proxies   rpc.Proxies
	security  *security // nil: without TLS
	stop      context.CancelFunc
	running   sync.WaitGroup // the goroutines that follow accounts and keys; stop ends them

	connections   places // of Serve
	separateAdmin bool
}

// Open starts a service on o.Data. The store is recovered, what was owed is being delivered when it returns.
func Open(ctx context.Context, o Options) (*Service, error) {
	if err := o.validate(); err != nil {
		return nil, OptionsError{err}
	}
	if o.BackupDir != "" { // before there is a store, whose admin key nobody would see
		if err := writable(o.BackupDir); err != nil {
			return nil, OptionsError{fmt.Errorf("the directory of backups (--backup-dir): %w", err)}
		}
	}
	security, err := newSecurity(o)
	if err != nil {
		return nil, OptionsError{err}
	}
	metrics := newMetrics(o.Version)
	store, err := bolt.Open(bolt.Options{Dir: o.Data, OnCommit: metrics.observers(o).commit})
	if err != nil {
		return nil, err
	}
	s := &Service{log: o.Log, store: store, metrics: metrics, material: material{store, o.Encryption}, publicURL: o.PublicURL, failed: store.Failed(),
		security: security, separateAdmin: o.SeparateAdmin}
	s.connections.bound(o.MaxConnections)
	s.proxies.Trust(o.TrustedProxies)
	s.copernica = copernica.NewKeys(s.material.copernicaKeys, o.CopernicaKeyID)
	s.life, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.start(ctx, o); err != nil {
		s.stop()
		s.tracing.close(ctx)
		return nil, errors.Join(err, store.Close())
	}
	return s, nil
}

func (s *Service) start(ctx context.Context, o Options) error {
	catalogue, err := schemas.Load()
	if err != nil {
		return fmt.Errorf("load schemas: %w", err)
	}
	sealing := encryption{s.store, o.Encryption, o.Log}
	stale, err := sealing.admit(ctx)
	if err != nil {
		return err
	}
	secret, err := s.material.linkSecret(ctx)
	if err != nil {
		return err
	}
	if err := s.copernica.Load(ctx); err != nil {
		return err
	}
	s.backups = &backups{service: s, dir: o.BackupDir}
	s.portal = portal.New(secret, s.reader)
	dialects := s.dialects(o)
	changed, err := policies(dialects, o)
	if err != nil {
		return OptionsError{err}
	}
	s.metrics.speak(dialects)
	if s.tracing, err = newTracing(ctx, o); err != nil {
		return OptionsError{fmt.Errorf("trace: %w", err)}
	}
	var tracer delivery.Tracer
	if s.tracing != nil {
		tracer = s.tracing
	}
	s.engine, err = delivery.New(delivery.Options{
		Store: s.store, Formats: formats(dialects), Policies: changed, Log: o.Log, Allow: o.Allow, Roots: o.EndpointCA,
		MaxInFlight: o.MaxInFlight, Timeout: o.Timeout, UserAgent: "Hookswitch/" + o.Version,
		AttemptLevel: o.usualLevel(), OnAttempt: s.metrics.observers(o).attempt, Tracer: tracer, PullFor: o.PullFor,
		MeasureEntry: methods.MeasureEntry, Keys: o.Encryption,
	})
	if err != nil {
		return err
	}
	s.core, err = methods.New(methods.Options{
		Store: s.store, Engine: s.engine, Catalogue: catalogue, Dialects: dialects,
		RateLimits: o.RateLimits, PublicURL: o.PublicURL, Window: o.Window, PortalLink: s.portal.Link,
		Backup: s.backups.create, Log: o.Log, Keys: o.Encryption,
	})
	if err != nil {
		return err
	}
	discovery := catalogue.OpenRPC(o.Version, o.rpcURL())
	s.docs = reference.NewPage(discovery)
	s.server, err = rpc.NewServer(rpc.Options{
		Lookup: s.core.Lookup, Admit: s.core.Throttle, ErrorOf: methods.ErrorOf, Discovery: discovery,
		Limits: o.Limits, Origins: o.Origins, OriginHeaders: []string{methods.AccountHeader, methods.IdempotencyHeader, rpc.HeaderRequestID, traceparent, tracestate}, Log: o.Log,
		CallLevel: o.usualLevel(), Observe: s.metrics.observers(o).call,
		Pushing: methods.Pushing(),
	})
	if err != nil {
		return err
	}
	if err := s.admit(ctx, o); err != nil {
		return err
	}
	if err := s.engine.Start(ctx); err != nil {
		return err
	}
	if stale {
		s.running.Go(func() { sealing.run(s.life) })
	}
	return s.metrics.registry.Register(newGauges(s))
}

// dialects is the list of all dialects: the line to add for a new one.
func (s *Service) dialects(o Options) []methods.Dialect {
	return []methods.Dialect{
		vision6.New(),
		copernica.New(copernica.Options{Keys: s.copernica}),
		superoffice.New(superoffice.Options{RequireHTTPS: o.RequireHTTPS, Ping: o.SuperOfficePing}),
		airstack.New(airstack.Options{PortalLink: func(a schemas.AccountID, publicURL string, now time.Time) string {
			return s.portal.Link(a, publicURL, now.Add(portalLinkLife))
		}}),
		native.New(),
	}
}

// formats are those of dialects, by their names.
func formats(dialects []methods.Dialect) map[string]delivery.Format {
	out := map[string]delivery.Format{}
	for _, d := range dialects {
		out[d.Name] = d.Format
	}
	return out
}

// Dialects are the names of all dialects, in order.
func Dialects() []string {
	return slices.Sorted(maps.Keys(formats((&Service{}).dialects(Options{}))))
}

// portalLinkLife is how long the link in Airstack's answer works. The vendor names no limit.
const portalLinkLife = 24 * time.Hour

// reader is a client that may look at an account. One key an account serves all of them.
func (s *Service) reader(ctx context.Context, a schemas.AccountID) *rpc.Client {
	key, ok := s.readers.Load(a)
	if !ok {
		key, _ = s.readers.LoadOrStore(a, s.core.LocalKey(a, schemas.AccessRead))
	}
	return s.Client(ctx, key.(string))
}

// admit loads accounts and keys, and makes the first of them on a new store.
func (s *Service) admit(ctx context.Context, o Options) error {
	generated, added, err := s.core.Bootstrap(ctx, o.AdminKey)
	if err != nil {
		return fmt.Errorf("make the admin key: %w", err)
	}
	s.generated = generated
	if added && generated == "" {
		s.log.Info().Msg("the given admin key was new to this store and has been added")
	}
	life := s.life
	ready, ended := make(chan struct{}), make(chan error, 1)
	s.running.Go(func() { ended <- s.core.Run(life, ready) })
	s.running.Go(func() {
		s.upkeep(life, storage.Retention{Events: o.Retention, Bytes: o.RetentionSize, IDs: o.Window}, o.AuditRetention)
	})
	s.running.Go(func() {
		s.copernica.Run(life, func(err error) { s.log.Error().Err(err).Msg("the keys of Copernica's signatures") })
	})
	select {
	case <-ready:
		return nil
	case err := <-ended:
		return fmt.Errorf("load accounts and keys: %w", err)
	}
}

// GeneratedKey is the admin key made at this, the first, start, else "". It is kept nowhere: show it now.
func (s *Service) GeneratedKey() string { return s.generated }

// LocalKey makes an admin key of account 1 that works in this process only, for the program that embeds the service.
func (s *Service) LocalKey() string { return s.core.LocalKey(1, schemas.AccessAdmin) }

// Client is an in-process client with key as its credential.
func (s *Service) Client(ctx context.Context, key string) *rpc.Client {
	return s.Connect(ctx, rpc.LocalOptions{Credential: "Bearer " + key})
}

// Connect is Client for who needs more than a key: notifications, such as those of subscribeEvents, or headers.
func (s *Service) Connect(ctx context.Context, o rpc.LocalOptions) *rpc.Client {
	return s.server.Local(ctx, o)
}

// Reload takes over from o what can change while the service runs, which each option says; it looks at nothing else. After
// an error nothing has changed.
func (s *Service) Reload(o Options) error {
	if err := o.validate(); err != nil {
		return OptionsError{err}
	}
	if err := s.security.reload(o.TLS); err != nil {
		return OptionsError{err}
	}
	s.engine.Allow(o.Allow)
	s.proxies.Trust(o.TrustedProxies)
	s.core.SetRateLimits(o.RateLimits)
	s.server.SetLimits(o.Limits)
	s.connections.bound(o.MaxConnections)
	s.engine.SetMaxInFlight(o.MaxInFlight)
	return nil
}

// Failed is closed when the store can't go on (a failed fsync); the process should end and be started again.
func (s *Service) Failed() <-chan struct{} { return s.failed }

// shutdownGrace is how long running calls and attempts may take to end.
const shutdownGrace = 20 * time.Second

// Close stops the service in the order that loses nothing: no more calls, attempts in flight end and are recorded, the
// store is flushed.
func (s *Service) Close(ctx context.Context) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	s.engine.EndPulls() // else their callers would be waited for
	err := errors.Join(s.server.Shutdown(grace), s.engine.Close(grace))
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn().Dur("grace", shutdownGrace).Msg("what had not ended was broken off; its deliveries will be sent again")
		err = nil
	}
	s.tracing.close(ctx)
	s.stop()
	s.running.Wait()
	return errors.Join(err, s.store.Close())
}
