package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"

	"github.com/hookswitch/hookswitch/schemas"
)

// Bounds of access tokens.
const (
	tokenMargin   = 30 * time.Second // a token is not used so long before it expires, or the last half of a shorter life
	tokenLife     = time.Hour        // of one whose endpoint does not say
	maxTokenBytes = 16 << 10         // more fits into few servers' headers
)

// tokens fetches and keeps the access token of one webhook (RFC 6749, section 4.4). However many exchanges want one, there is
// one fetch at a time.
type tokens struct {
	config *clientcredentials.Config // remembers in which of the two ways the endpoint wants its client's secret
	client *http.Client
	life   context.Context // ends fetches
	flight singleflight.Group

	mu    sync.Mutex // guards what follows
	value string
	until time.Time
}

func newTokens(a *schemas.Authentication, s *sender, life context.Context) *tokens {
	config := &clientcredentials.Config{ClientID: a.ClientID, ClientSecret: a.ClientSecret, TokenURL: a.TokenURL, Scopes: a.Scopes}
	if a.Audience != "" {
		config.EndpointParams = url.Values{"audience": {a.Audience}}
	}
	return &tokens{
		config: config, life: life,
		client: &http.Client{
			Transport:     s,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// get is the access token, and whether it was fetched for this call. A fetch takes less than timeout, and outlasts the callers
// that give up waiting for it.
func (t *tokens) get(ctx context.Context, timeout time.Duration) (value string, fresh bool, f *failure) {
	if value := t.kept(); value != "" {
		return value, false, nil
	}
	fetched := t.flight.DoChan("", func() (any, error) { return t.fetch(timeout) })
	select {
	case got := <-fetched:
		if got.Err != nil {
			return "", true, tokenFailure(got.Err)
		}
		return got.Val.(string), true, nil
	case <-ctx.Done():
		return "", true, tokenFailure(ctx.Err())
	}
}

func (t *tokens) kept() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Now().Before(t.until) {
		return t.value
	}
	return ""
}

// drop gives up a token that the endpoint does not take.
func (t *tokens) drop(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value == value {
		t.value, t.until = "", time.Time{}
	}
}

func (t *tokens) fetch(timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(t.life, timeout-timeout/10) // less than its callers have, so that they hear its reason
	defer cancel()
	got, err := t.config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client)) // this is how the library takes a client
	if err != nil {
		return "", err
	}
	token := got.AccessToken
	if got.Type() != "Bearer" || len(token) > maxTokenBytes || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errUnusableToken
	}
	now := time.Now()
	until := now.Add(tokenLife)
	if !got.Expiry.IsZero() {
		until = got.Expiry.Add(-min(tokenMargin, got.Expiry.Sub(now)/2))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.value, t.until = token, until
	return token, nil
}

var errUnusableToken = &failure{schemas.ErrorAuthentication, "the token endpoint gave no bearer token that a header can carry"}

// tokenFailure says why there is no access token, without the words of the endpoint, which may hold anything.
func tokenFailure(err error) *failure {
	text := "the token endpoint's answer holds none"
	if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		text = fmt.Sprintf("the token endpoint answered %d", refusal.Response.StatusCode)
		if slices.Contains(tokenErrors(), refusal.ErrorCode) {
			text += " " + refusal.ErrorCode
		}
	} else if known, ok := errors.AsType[*failure](err); ok && known.kind == schemas.ErrorAuthentication {
		return known
	} else if _, sent := errors.AsType[*url.Error](err); sent || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		text = strings.ReplaceAll(exchangeFailure(err).text, "the endpoint", "the token endpoint")
	}
	return &failure{schemas.ErrorAuthentication, "no access token: " + text}
}

// tokenErrors are the error codes of RFC 6749, section 5.2.
func tokenErrors() []string {
	return []string{
		"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	}
}
