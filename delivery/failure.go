package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/hookswitch/hookswitch/schemas"
)

// exchangeFailure sorts the errors of an http.Transport. The texts are our own, because those of net, tls and x509 name
// hosts and addresses.
func exchangeFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok { // of the dialler
		return f
	}
	if f := refusedClient(err); f != nil {
		return f
	}
	if f := tlsFailure(err); f != nil {
		return f
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &failure{schemas.ErrorTimeout, "the endpoint did not answer in time"}
	}
	if errors.Is(err, context.Canceled) {
		return &failure{schemas.ErrorTimeout, "the server stopped before the endpoint answered"}
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return &failure{schemas.ErrorTimeout, "the endpoint did not answer in time"}
	}
	if broken(err) {
		return &failure{schemas.ErrorProtocol, "the connection broke off before the answer was complete"}
	}
	if strings.Contains(err.Error(), "server response headers exceeded") {
		return &failure{schemas.ErrorProtocol, "the answer's header is too large"}
	}
	return &failure{schemas.ErrorProtocol, "the answer is not HTTP"}
}

// refusedClient is the failure of an endpoint that wants another client certificate than it got, or any; nil for other errors.
// It says nothing of the endpoint's health, so it has a kind of its own.
func refusedClient(err error) *failure {
	remote, ok := errors.AsType[*net.OpError](err)
	if !ok || remote.Op != "remote error" { // an alert of the other side
		return nil
	}
	alert := strings.TrimPrefix(remote.Err.Error(), "tls: ") // of the protocol's own list
	if !strings.Contains(alert, "certificate") && alert != "access denied" {
		return nil
	}
	return &failure{schemas.ErrorAuthentication, "the endpoint refused the client certificate: " + alert}
}

// tlsFailure names what is wrong with a receiver's TLS, nil for any other error.
func tlsFailure(err error) *failure {
	reason := ""
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		reason = "the certificate is for another host"
	} else if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		reason = "the certificate is signed by an unknown authority"
	} else if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		reason = "the certificate is not valid"
		if invalid.Reason == x509.Expired {
			reason = "the certificate has expired or is not valid yet"
		}
	} else if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		reason = "the certificate could not be verified"
	} else if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		reason = "the endpoint does not speak TLS"
	} else if strings.Contains(err.Error(), "protocol version") { // an alert of theirs, or none that we know
		reason = "the endpoint offers no TLS of version 1.2 or later"
	} else if alert, ok := strings.CutPrefix(err.Error(), "remote error: tls: "); ok {
		reason = fmt.Sprintf("the endpoint answered %q", alert) // one of a fixed set of texts
	} else if strings.HasPrefix(err.Error(), "tls: ") {
		reason = "the handshake failed"
	} else if strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		reason = "the endpoint does not speak TLS"
	}
	if reason == "" {
		return nil
	}
	return &failure{schemas.ErrorTLS, "TLS failed: " + reason}
}
