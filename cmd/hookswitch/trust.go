package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/urfave/cli/v3"
)

func caFlag() cli.Flag {
	return &cli.StringFlag{Name: "ca", Usage: "trust the certificate authorities in this PEM `FILE` too when the service is asked over TLS", Sources: env("CA"), TakesFile: true}
}

// authorities are those of the system and those in the file that a flag of c names; nil, which means the system's, when it
// names none.
func authorities(c *cli.Command, flag string) (*x509.CertPool, error) {
	file := c.String(flag)
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", sourceOf(c, flag), err)}
	}
	pool, err := x509.SystemCertPool()
	if err != nil { // a machine without any, such as an empty container
		pool = x509.NewCertPool()
	}
	if err := addAuthorities(pool, text); err != nil {
		return nil, usageError{fmt.Errorf("%s: %s %w", sourceOf(c, flag), file, err)}
	}
	return pool, nil
}

// addAuthorities adds all certificates of a PEM file; one that can't be read is an error, as it would be missed later only.
func addAuthorities(pool *x509.CertPool, text []byte) error {
	n := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		n++
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("has a certificate, number %d, that can't be read: %w", n, err)
		}
		pool.AddCert(certificate)
	}
	if n == 0 {
		return errors.New("holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")
	}
	return nil
}

// httpClient is who asks the service of c over HTTP. Its idle connections are its own.
func httpClient(c *cli.Command) (*http.Client, error) {
	pool, err := authorities(c, "ca")
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() // this program never makes it another
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport}, nil
}

// distrusted says what to do about the certificate of a service that is not trusted; "" when an error is no such.
func distrusted(err error) string {
	failed, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok {
		return ""
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](failed); ok {
		return "if that authority is your own, --ca or " + variableOf("ca") + " names its certificate, a PEM file"
	}
	if _, ok := errors.AsType[x509.HostnameError](failed); ok {
		return "--server or " + variableOf("server") + " must name the service as its certificate does"
	}
	return "the service needs another certificate, or this machine the right time"
}
