package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// TLS says how the service shows callers who it is: by a certificate in files or by one it gets itself. The zero value
// serves without TLS.
type TLS struct {
	// CertFile and KeyFile are PEM: the certificate with those between it and its root, and its private key. A change
	// of the files is taken over within seconds, or by Reload at once, which can also name others.
	CertFile, KeyFile string
	// ACMEHosts are the host names to get certificates for from an ACME server, as callers address them. They have to
	// lead to the service: to the listener at port 443, or to ServeChallenges at port 80. The certificates are kept
	// below the data directory. To name a host is to accept the terms of the ACME server.
	ACMEHosts []string
	// ACMEOverHTTP says that ServeChallenges will be called; else the ACME server is asked to look at port 443 only.
	ACMEOverHTTP bool
	// ACMEEmail is where the ACME server may write to; "" for nowhere.
	ACMEEmail string
	// ACMEDirectory is the address of the ACME server's directory; "" means Let's Encrypt's.
	ACMEDirectory string
}

// Enabled reports whether the service answers over TLS.
func (t *TLS) Enabled() bool { return t.CertFile != "" || len(t.ACMEHosts) > 0 }

func (t *TLS) validate() error {
	switch {
	case (t.CertFile == "") != (t.KeyFile == ""):
		return errors.New("TLS needs both files, the certificate (--tls-cert) and its key (--tls-key)")
	case t.CertFile != "" && len(t.ACMEHosts) > 0:
		return errors.New("TLS takes a certificate from files (--tls-cert) or by ACME (--acme-host), not both")
	case len(t.ACMEHosts) == 0 && (t.ACMEEmail != "" || t.ACMEDirectory != "" || t.ACMEOverHTTP):
		return errors.New("ACME needs the host names to get certificates for (--acme-host)")
	}
	for _, host := range t.ACMEHosts {
		if !strings.Contains(strings.Trim(host, "."), ".") || strings.ContainsAny(host, ":/* ") {
			return fmt.Errorf("ACME host %q: must be a full host name such as hooks.example.com", host)
		}
	}
	return nil
}

// security is the service's side of TLS.
type security struct {
	config *tls.Config
	pair   *pair        // nil with ACME
	hosts  []string     // of ACME
	front  http.Handler // for ServeChallenges; nil without
}

// newSecurity reads the files; nil without TLS.
func newSecurity(o Options) (*security, error) {
	s := &security{}
	switch {
	case !o.TLS.Enabled():
		return nil, nil
	case o.TLS.CertFile != "":
		s.pair = &pair{log: o.Log}
		if err := s.pair.use(o.TLS.CertFile, o.TLS.KeyFile); err != nil {
			return nil, err
		}
		s.config = &tls.Config{GetCertificate: s.pair.get, NextProtos: []string{"h2", "http/1.1"}}
	default:
		s.hosts = o.TLS.ACMEHosts
		s.useACME(o)
	}
	s.config.MinVersion = tls.VersionTLS12
	return s, nil
}

func (s *security) useACME(o Options) {
	listed := autocert.HostWhitelist(s.hosts...)
	manager := &autocert.Manager{
		Prompt: autocert.AcceptTOS,
		Cache:  autocert.DirCache(filepath.Join(o.Data, "acme")),
		HostPolicy: func(ctx context.Context, host string) error {
			if name, _, err := net.SplitHostPort(host); err == nil { // an ACME server of one's own may ask at any port
				host = name
			}
			return listed(ctx, host)
		},
		Email:  o.TLS.ACMEEmail,
		Client: &acme.Client{DirectoryURL: o.TLS.ACMEDirectory, UserAgent: "Hookswitch/" + o.Version},
	}
	if o.TLS.ACMEDirectory == "" {
		manager.Client.DirectoryURL = acme.LetsEncryptURL
	}
	s.config = manager.TLSConfig()
	s.config.GetCertificate = s.telling(s.config.GetCertificate, o.Log)
	if o.TLS.ACMEOverHTTP {
		s.front = manager.HTTPHandler(nil)
	}
}

// reload reads the files again, or those that o names now.
func (s *security) reload(o TLS) error {
	switch {
	case s == nil && o.Enabled(), s != nil && (s.pair != nil) != (o.CertFile != ""):
		return errors.New("TLS can't be switched on, off or between files and ACME while the service runs; start it again")
	case s == nil || s.pair == nil:
		return nil
	}
	return s.pair.use(o.CertFile, o.KeyFile)
}

// obtain gets the certificates of all hosts, so that no caller has to wait for them, and so that the log tells of what
// keeps them from being got.
func (s *security) obtain(log zerolog.Logger) {
	for _, host := range s.hosts {
		_, err := s.config.GetCertificate(&tls.ClientHelloInfo{
			ServerName:       host,
			CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
			SupportedCurves:  []tls.CurveID{tls.CurveP256},
		})
		if err == nil {
			log.Info().Str("host", host).Msg("the certificate of ACME is there")
		}
	}
}

// telling logs why there is no certificate for one of our hosts. Names that are not ours are what strangers try.
func (s *security) telling(get certificateFunc, log zerolog.Logger) certificateFunc {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		certificate, err := get(hello)
		if err != nil && slices.Contains(s.hosts, strings.ToLower(hello.ServerName)) {
			log.Error().Err(err).Str("host", hello.ServerName).Msg("there is no certificate by ACME; the next call tries again")
		}
		return certificate, err
	}
}

// certificateFunc is tls.Config.GetCertificate.
type certificateFunc = func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// challenges answers what an ACME server asks at port 80, and sends everybody else to https.
func (s *security) challenges() http.Handler {
	if s == nil || s.front == nil {
		return http.NotFoundHandler()
	}
	return s.front
}

// lookEvery is how often a handshake looks at whether the files have changed.
const lookEvery = 5 * time.Second

// pair is a certificate and its key in files.
type pair struct {
	log zerolog.Logger

	mu        sync.Mutex
	cert, key string           // paths; guarded by mu
	current   *tls.Certificate // guarded by mu
	stamp     string           // of the files as last read, good or not; guarded by mu
	looked    time.Time        // guarded by mu
}

// use reads the two files and serves with them from then on; after an error all is as it was.
func (p *pair) use(cert, key string) error {
	stamp := stampOf(cert) + stampOf(key)
	loaded, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("TLS certificate %s with key %s: %w", cert, key, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cert, p.key, p.current, p.stamp, p.looked = cert, key, &loaded, stamp, time.Now()
	return nil
}

// get is the certificate for a handshake. Files that have changed are read; while they are no good, the former
// certificate stays.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.looked) < lookEvery {
		return p.current, nil
	}
	p.looked = time.Now()
	stamp := stampOf(p.cert) + stampOf(p.key)
	if stamp == p.stamp {
		return p.current, nil
	}
	p.stamp = stamp
	loaded, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		p.log.Error().Err(err).Msg("the changed TLS files are not usable; the former certificate stays")
		return p.current, nil
	}
	p.current = &loaded
	p.log.Info().Msg("the changed TLS certificate is in use")
	return p.current, nil
}

// stampOf changes when a file does.
func stampOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "-"
	}
	return fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size(), ";")
}
