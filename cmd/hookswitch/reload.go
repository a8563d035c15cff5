package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/service"
)

// liveSettings can change while the service runs; a change of any other waits for the next start.
var liveSettings = []string{
	"allow-endpoint", "call-timeout", "log-level", "max-body", "max-connections", "max-in-flight", "max-sockets",
	"rate-limit-address", "rate-limit-key", "rate-limit-unknown", "tls-cert", "tls-key", "trusted-proxy",
}

// reloader applies a changed configuration to a running service.
type reloader struct {
	c       *cli.Command
	flags   func() []cli.Flag
	service *service.Service
	log     zerolog.Logger
	now     *settings // in effect: what can't change live is as it was at the start
}

// run reloads at each SIGHUP until ctx ends.
func (r *reloader) run(ctx context.Context) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-hangups:
			r.reload()
		case <-ctx.Done():
			return
		}
	}
}

// reload takes everything or nothing: a configuration with a fault changes nothing.
func (r *reloader) reload() {
	next, err := resolve(r.c, r.flags())
	if err == nil {
		err = r.apply(next)
	}
	if err != nil {
		r.log.Error().Strs("faults", strings.Split(err.Error(), "\n")).
			Msg("the configuration was not reloaded; the service goes on with the former one")
		return
	}
	changed, waiting := r.now.difference(next)
	for _, name := range changed {
		r.now.take(next, name)
	}
	r.log.Info().Strs("changed", changed).Msg("the configuration was reloaded")
	if len(waiting) > 0 {
		r.log.Warn().Strs("settings", waiting).Msg("these settings have changed but take effect at the next start only")
	}
}

func (r *reloader) apply(next *settings) error {
	o, err := options(next.Command, r.log)
	if err != nil {
		return err
	}
	if err := r.service.Reload(o); err != nil {
		return err
	}
	return setLevel(next.String("log-level"))
}

// difference names the settings that differ: those that change live, and those that wait for the next start.
func (s *settings) difference(next *settings) (live, waiting []string) {
	for _, f := range s.Flags {
		name := f.Names()[0]
		if slices.Equal(textsOf(s.Value(name)), textsOf(next.Value(name))) {
			continue
		}
		if slices.Contains(liveSettings, name) {
			live = append(live, name)
		} else {
			waiting = append(waiting, name)
		}
	}
	return live, waiting
}

// take makes the value of a setting that of others.
func (s *settings) take(other *settings, name string) {
	for i, f := range s.Flags {
		if f.Names()[0] == name {
			s.Flags[i] = other.Flags[i]
		}
	}
	s.sources[name] = other.sources[name]
}
