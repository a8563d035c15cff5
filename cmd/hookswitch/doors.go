package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/service"
)

// doors are the listeners of a service.
type doors struct {
	main, admin, challenges net.Listener // the last two may be nil
}

// openDoors listens wherever c says.
func openDoors(c *cli.Command) (*doors, error) {
	d := &doors{}
	for flag, door := range map[string]*net.Listener{
		"listen": &d.main, "admin-listen": &d.admin, "acme-http-listen": &d.challenges,
	} {
		if c.String(flag) == "" {
			continue
		}
		listener, err := listen(c.String(flag))
		if err != nil {
			d.close()
			return nil, fmt.Errorf("--%s: %w", flag, err)
		}
		*door = listener
	}
	if d.main == nil {
		d.close()
		return nil, usageError{errors.New("--listen must not be empty")}
	}
	return d, nil
}

// close shuts what is still open.
func (d *doors) close() {
	for _, l := range []net.Listener{d.main, d.admin, d.challenges} {
		if l != nil {
			_ = l.Close() // a server that ended well has closed it
		}
	}
}

// serve answers at every door until ctx ends or the main one fails.
func (d *doors) serve(ctx context.Context, s *service.Service, log zerolog.Logger) error {
	for name, side := range map[string]struct {
		listener net.Listener
		serve    func(context.Context, net.Listener) error
	}{"admin": {d.admin, s.ServeAdmin}, "acme-http": {d.challenges, s.ServeChallenges}} {
		if side.listener == nil {
			continue
		}
		log.Info().Str("address", addressOf(side.listener, false)).Msg("serving " + name)
		go func() { // ends with ctx
			if err := side.serve(ctx, side.listener); err != nil && ctx.Err() == nil {
				log.Error().Err(err).Msg("no longer serving " + name)
			}
		}()
	}
	return s.Serve(ctx, d.main)
}

// unixPrefix begins the address of a Unix socket.
const unixPrefix = "unix:"

// listen listens on host:port or unix:/path. Its errors say what to do.
func listen(address string) (net.Listener, error) {
	path, unix := strings.CutPrefix(address, unixPrefix)
	if unix {
		if err := removeStale(path); err != nil {
			return nil, err
		}
		return net.Listen("unix", path)
	}
	listener, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("another process listens on %s already; end it or choose another address", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is no address of this machine", address)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("this user may not listen on %s; choose a port of 1024 or above, or give the process CAP_NET_BIND_SERVICE", address)
	}
	return listener, err
}

// removeStale removes a socket that a process left which has ended without removing it.
func removeStale(path string) error {
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSocket == 0 {
		return nil // what stands there else makes listening fail
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("another process listens on %s already; end it or choose another path", path)
	}
	return os.Remove(path)
}

// addressOf is how callers on this machine address a listener.
func addressOf(l net.Listener, secure bool) string {
	scheme := "http://"
	switch {
	case l.Addr().Network() == "unix":
		scheme = unixPrefix
	case secure:
		scheme = "https://"
	}
	return scheme + l.Addr().String()
}
