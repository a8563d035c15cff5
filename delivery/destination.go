package delivery

import (
	"container/list"
	"context"
	"crypto/tls"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// maxDestinations bounds the webhooks whose access tokens and connections with a client certificate are kept. A webhook that
// is pushed out gets a token and a connection anew.
const maxDestinations = 4096

// destinations keeps what webhooks' credentials need from one exchange to the next, the most recently used of them.
type destinations struct {
	sender *sender         // what theirs are made of
	life   context.Context // of fetching tokens

	mu     sync.Mutex
	byLane map[storage.Lane]*list.Element
	recent *list.List // of *destination, the most recent first
}

// destination is one webhook's.
type destination struct {
	lane   storage.Lane
	hook   *schemas.Webhook // whose credentials these are
	sender *sender          // with the client certificate, if there is one
	ends   time.Time        // when the client certificate does; zero without one
	tokens *tokens          // nil: no access token is needed
}

func newDestinations(s *sender, life context.Context) *destinations {
	return &destinations{sender: s, life: life, byLane: map[storage.Lane]*list.Element{}, recent: list.New()}
}

// of finds or makes a webhook's destination. One with other credentials is closed.
func (d *destinations) of(w *schemas.Webhook) (*destination, *failure) {
	lane := storage.Lane{Account: w.Account, Webhook: w.ID}
	d.mu.Lock()
	defer d.mu.Unlock()
	if place := d.byLane[lane]; place != nil {
		known := place.Value.(*destination)
		if known.hook == w || sameCredentials(known.hook, w) {
			known.hook = w
			d.recent.MoveToFront(place)
			return known, nil
		}
		d.remove(place)
	}
	made, f := d.make(lane, w)
	if f != nil {
		return nil, f
	}
	d.byLane[lane] = d.recent.PushFront(made)
	if d.recent.Len() > maxDestinations {
		d.remove(d.recent.Back())
	}
	return made, nil
}

func sameCredentials(a, b *schemas.Webhook) bool {
	return reflect.DeepEqual(a.Authentication, b.Authentication) && reflect.DeepEqual(a.ClientCertificate, b.ClientCertificate)
}

func (d *destinations) make(lane storage.Lane, w *schemas.Webhook) (*destination, *failure) {
	made := &destination{lane: lane, hook: w, sender: d.sender}
	if c := w.ClientCertificate; c != nil {
		pair, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.PrivateKey))
		if err != nil { // registration has looked at it, so this record is from another version
			return nil, &failure{schemas.ErrorAuthentication, "the client certificate cannot be read"}
		}
		made.sender, made.ends = d.sender.with(&pair), pair.Leaf.NotAfter
	}
	if a := w.Authentication; a != nil && a.Type == schemas.AuthenticationOAuth2 {
		made.tokens = newTokens(a, d.sender, d.life)
	}
	return made, nil
}

func (d *destinations) remove(place *list.Element) {
	gone := d.recent.Remove(place).(*destination)
	delete(d.byLane, gone.lane)
	if gone.sender != d.sender {
		gone.sender.close()
	}
}

// forget closes what a webhook had, unless it is for the credentials that w, its present record, has; nil: it is removed.
func (d *destinations) forget(lane storage.Lane, w *schemas.Webhook) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if place := d.byLane[lane]; place != nil && (w == nil || !sameCredentials(place.Value.(*destination).hook, w)) {
		d.remove(place)
	}
}

// close closes all idle connections, and what is kept is made anew when it is needed.
func (d *destinations) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for place := d.recent.Front(); place != nil; place = d.recent.Front() {
		d.remove(place)
	}
}

// deliver sends a request with the credentials of its webhook. The whole, fetching an access token included, takes at most
// timeout.
func (e *Engine) deliver(ctx context.Context, w *schemas.Webhook, endpoint *url.URL, r Request, timeout time.Duration) (got exchanged) {
	if w.Authentication == nil && w.ClientCertificate == nil {
		return e.sender.send(ctx, endpoint, r, timeout)
	}
	began := time.Now()
	defer func() {
		got.started, got.duration = began, time.Since(began)
		got.answer.Now = began.Add(got.duration)
	}()
	d, f := e.destinations.of(w)
	if f == nil && !d.ends.IsZero() && began.After(d.ends) {
		f = &failure{schemas.ErrorAuthentication, "the client certificate has expired"}
	}
	if f != nil {
		got.fail(f)
		return got
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if d.tokens != nil {
		return d.sendWithToken(ctx, endpoint, r, timeout)
	}
	return d.sendAs(ctx, endpoint, r, timeout, credentialOf(w.Authentication))
}

// credential is what the header Authorization says; the zero value says nothing.
type credential struct{ scheme, text string }

func credentialOf(a *schemas.Authentication) credential {
	switch {
	case a == nil:
	case a.Type == schemas.AuthenticationBasic:
		return credential{"Basic", base64.StdEncoding.EncodeToString([]byte(a.Username + ":" + a.Password))}
	case a.Type == schemas.AuthenticationBearer:
		return credential{"Bearer", a.Token}
	}
	return credential{}
}

func (d *destination) sendAs(ctx context.Context, endpoint *url.URL, r Request, timeout time.Duration, c credential) exchanged {
	if c.scheme != "" {
		if r.Header = maps.Clone(r.Header); r.Header == nil { // another try may still be reading it
			r.Header = http.Header{}
		}
		for name := range r.Header {
			if strings.EqualFold(name, "Authorization") {
				delete(r.Header, name)
			}
		}
		r.Header["Authorization"] = []string{c.scheme + " " + c.text}
	}
	got := d.sender.send(ctx, endpoint, r, timeout)
	got.credential = c.text
	return got
}

// sendWithToken sends a request with an access token. A token that was not fetched just now may have been revoked: when the
// endpoint answers 401, the request is sent once more, with a new one.
func (d *destination) sendWithToken(ctx context.Context, endpoint *url.URL, r Request, timeout time.Duration) (got exchanged) {
	for try := range 2 {
		token, fresh, f := d.tokens.get(ctx, timeout)
		if f != nil && try == 0 {
			got.fail(f)
		}
		if f != nil {
			break // after a 401 that says more
		}
		got = d.sendAs(ctx, endpoint, r, timeout, credential{"Bearer", token})
		if got.answer.Status != http.StatusUnauthorized {
			break
		}
		d.tokens.drop(token)
		if fresh {
			break
		}
	}
	return got
}
