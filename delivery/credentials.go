package delivery

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch/schemas"
)

// Limits of credentials, in bytes.
const (
	maxCredential  = 1024 // of user name, password, client id and secret, audience
	maxBearerToken = maxHeaderValue - len("Bearer ")
	maxScopes      = 32 // in number
	maxScope       = 128
	maxCertificate = 32 << 10 // of the PEM text of a chain
	maxPrivateKey  = 16 << 10
)

// textMember is a member of an authentication that is a string.
type textMember struct {
	name, value string
	optional    bool
	limit       int
	check       func(value string) (problem string)
}

// authenticationMembers are the string members of an authentication by the type they belong to.
func authenticationMembers(a *schemas.Authentication) map[schemas.AuthenticationType][]textMember {
	return map[schemas.AuthenticationType][]textMember{
		schemas.AuthenticationBasic: {
			{"username", a.Username, false, maxCredential, checkUsername},
			{"password", a.Password, true, maxCredential, checkCredential}, // some receivers take a key as user name, and nothing else
		},
		schemas.AuthenticationBearer: {{"token", a.Token, false, maxBearerToken, checkVisible}},
		schemas.AuthenticationOAuth2: {
			{"tokenUrl", a.TokenURL, false, maxEndpoint, CheckEndpoint},
			{"clientId", a.ClientID, false, maxCredential, checkCredential},
			{"clientSecret", a.ClientSecret, false, maxCredential, checkCredential},
			{"audience", a.Audience, true, maxCredential, checkCredential},
		},
	}
}

// CheckAuthentication calls fault for everything that is wrong with an authentication; path leads to the member, from it.
func CheckAuthentication(a *schemas.Authentication, fault func(message string, path ...string)) {
	members := authenticationMembers(a)
	if members[a.Type] == nil {
		fault("must be basic, bearer or oauth2", "type")
		return
	}
	for _, t := range []schemas.AuthenticationType{schemas.AuthenticationBasic, schemas.AuthenticationBearer, schemas.AuthenticationOAuth2} {
		for _, m := range members[t] {
			if problem := m.problem(t == a.Type); problem != "" {
				fault(problem, m.name)
			}
		}
	}
	switch {
	case len(a.Scopes) > 0 && a.Type != schemas.AuthenticationOAuth2:
		fault("is no member of this type", "scopes")
	case len(a.Scopes) > maxScopes:
		fault("must have at most 32 scopes", "scopes")
	default:
		for i, scope := range a.Scopes {
			if scope == "" || len(scope) > maxScope || checkVisible(scope) != "" || strings.ContainsAny(scope, `"\`) { // RFC 6749, section 3.3
				fault(`must be 1 to 128 visible ASCII characters, without " and \`, "scopes", strconv.Itoa(i))
			}
		}
	}
}

// problem is what is wrong with a member; ours says that it belongs to the type that was chosen.
func (m textMember) problem(ours bool) string {
	switch {
	case !ours && m.value != "":
		return "is no member of this type"
	case !ours, m.value == "" && m.optional:
		return ""
	case m.value == "":
		return "is required"
	case m.value == masked:
		return "is the mask that reads show: give the credential itself, or leave authentication out to keep it"
	case len(m.value) > m.limit:
		return "must have at most " + strconv.Itoa(m.limit) + " bytes"
	}
	return m.check(m.value)
}

func checkUsername(text string) string {
	if strings.Contains(text, ":") { // RFC 7617, section 2
		return "must not hold a colon"
	}
	return checkCredential(text)
}

func checkCredential(text string) string {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "must not hold control characters"
	}
	return ""
}

func checkVisible(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "must be visible ASCII characters without spaces"
	}
	return ""
}

// CheckClientCertificate calls fault for everything that is wrong with a client certificate: the key has to fit, and one that
// has expired is refused, because no endpoint takes it.
func CheckClientCertificate(c *schemas.ClientCertificate, now time.Time, fault func(message string, path ...string)) {
	leaf, problem := CertificateOf(c)
	if problem == "" && now.After(leaf.NotAfter) {
		problem = "has expired at " + leaf.NotAfter.UTC().Format(time.RFC3339)
	}
	if problem != "" {
		fault(problem, "certificate")
	}
	if problem := keyProblem(c, leaf != nil); problem != "" {
		fault(problem, "privateKey")
	}
}

// CertificateOf is the client's own certificate, the first of its chain, or what is wrong with the chain.
func CertificateOf(c *schemas.ClientCertificate) (leaf *x509.Certificate, problem string) {
	if len(c.Certificate) > maxCertificate {
		return nil, "must have at most 32 KiB"
	}
	for block, rest := pem.Decode([]byte(c.Certificate)); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, "must hold certificates only, as PEM"
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, "holds a certificate that cannot be read"
		}
		if leaf == nil {
			leaf = certificate
		}
	}
	if leaf == nil {
		return nil, "must be a certificate as PEM, followed by those between it and its root"
	}
	return leaf, ""
}

func keyProblem(c *schemas.ClientCertificate, certified bool) string {
	switch {
	case c.PrivateKey == "":
		return "is required"
	case c.PrivateKey == masked:
		return "is the mask that reads show: give the key itself, or leave clientCertificate out to keep it"
	case len(c.PrivateKey) > maxPrivateKey:
		return "must have at most 16 KiB"
	case strings.Contains(c.PrivateKey, "ENCRYPTED"):
		return "must not be encrypted with a password"
	}
	for block, rest := pem.Decode([]byte(c.PrivateKey)); ; block, rest = pem.Decode(rest) {
		if block == nil {
			return "must be a private key as PEM (PKCS #8, PKCS #1 or SEC 1)"
		}
		if isPrivateKey(block.Bytes) {
			break
		}
	}
	if _, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.PrivateKey)); err != nil && certified {
		return "does not belong to the certificate, which has to be the first of its chain"
	}
	return ""
}

// isPrivateKey reports whether TLS can use a key.
func isPrivateKey(der []byte) bool {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		switch key.(type) {
		case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
			return true
		}
	}
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return true
	}
	_, err := x509.ParseECPrivateKey(der)
	return err == nil
}

// CheckCredentials calls fault for what a webhook's credentials have against its other members; path leads to the member.
func CheckCredentials(w *schemas.Webhook, fault func(message string, path ...string)) {
	if w.Authentication != nil {
		for name := range w.Headers {
			if strings.EqualFold(name, "Authorization") {
				fault("is set by authentication", "headers", name)
			}
		}
	}
	if w.ClientCertificate != nil && !strings.HasPrefix(strings.ToLower(w.Endpoint), "https:") {
		fault("needs an https endpoint", "clientCertificate")
	}
}
