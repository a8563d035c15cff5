package delivery

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// tokenServer is a token endpoint that gives out t-1, t-2, …
type tokenServer struct {
	mu      sync.Mutex
	given   int
	lasts   time.Duration
	expires int
	status  int
	forms   []url.Values
	post    bool // it takes the client's secret in the form only
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	lasts := s.lasts
	s.mu.Unlock()
	time.Sleep(lasts)
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = r.ParseForm()
	id, secret, _ := r.BasicAuth()
	if s.post {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case s.status != 0:
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"not `+secret+`"}`)
		return
	case r.Method != http.MethodPost || id != "client" || secret != "client-sesame":
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.given++
	s.forms = append(s.forms, r.PostForm)
	_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"bearer","expires_in":%d}`, s.given, s.expires)
}

func (s *tokenServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.given
}

const tokenAddress = "93.184.88.1"

func oauth2Of(address string) *schemas.Authentication {
	return &schemas.Authentication{
		Type: schemas.AuthenticationOAuth2, TokenURL: "http://" + address + "/token", ClientID: "client", ClientSecret: "client-sesame",
		Scopes: []string{"hooks", "write"}, Audience: "receiver",
	}
}

// gate takes deliveries with the token that is the present one.
type gate struct {
	mu     sync.Mutex
	valid  string // "": any
	tokens []string
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	g.tokens = append(g.tokens, token)
	if g.valid != "" && token != g.valid {
		w.WriteHeader(http.StatusUnauthorized)
	}
	_, _ = io.WriteString(w, "you sent "+token)
}

func (g *gate) take() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	got := g.tokens
	g.tokens = nil
	return got
}

// withTokens registers webhook 1, which a gate receives, with the access tokens that a server gives out.
func (h *house) withTokens(server http.Handler) (*schemas.Webhook, *gate) {
	h.network.serve(tokenAddress+":80", server)
	in := &gate{}
	return h.authenticated(1, in, oauth2Of(tokenAddress)), in
}

func TestAnAccessTokenIsFetchedOnceAndUsedUntilItExpires(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		server := &tokenServer{lasts: 500 * time.Millisecond, expires: 600}
		w, in := h.withTokens(server)
		h.publish(8, "a") // warms the lane up: then there are many at once
		time.Sleep(5 * time.Second)
		h.amend(w, func(w *schemas.Webhook) { w.Authentication.Scopes = []string{"all"} })
		h.publish(20, "a")
		time.Sleep(5 * time.Second)
		if got := in.take(); len(got) != 28 || server.count() != 2 || got[0] != "token-1" || got[27] != "token-2" {
			t.Errorf("%d tokens were fetched for %v", server.count(), got)
		}
		if f := server.forms[0]; f.Get("grant_type") != "client_credentials" || f.Get("scope") != "hooks write" || f.Get("audience") != "receiver" {
			t.Errorf("asked with %v", f)
		}
		h.amend(w, func(w *schemas.Webhook) { w.Name = "another" }) // does not touch the token
		time.Sleep(9 * time.Minute)
		h.publish(1, "a")
		time.Sleep(time.Minute)
		h.publish(1, "a")
		time.Sleep(time.Second)
		if got := in.take(); !slices.Equal(got, []string{"token-2", "token-3"}) {
			t.Errorf("sent with %v: a token expires after ten minutes", got)
		}
	})
}

func TestARevokedTokenIsFetchedAnewOnce(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		w, in := h.withTokens(&tokenServer{expires: 600, post: true})
		publish := func(ok bool, tokens ...string) {
			t.Helper()
			h.publish(1, "a")
			synctest.Wait()
			if got := in.take(); !slices.Equal(got, tokens) {
				t.Errorf("sent with %v, want %v", got, tokens)
			}
			list := h.attempts(w)
			if len(list) != 1 || list[0].OK != ok || strings.Contains(list[0].ResponseBody, "token-") {
				t.Errorf("the attempts are %+v", list)
			}
		}
		publish(true, "token-1")
		in.valid = "token-2"
		publish(true, "token-1", "token-2")
		in.valid = "none"
		publish(false, "token-2", "token-3")
		publish(false, "token-4") // a token fetched for this attempt is not fetched again
	})
}

func TestWithoutATokenAnAttemptFailsAndIsMadeAgain(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Minute, time.Minute}}, func(t *testing.T, h *house) {
		server := &tokenServer{status: 400}
		w, in := h.withTokens(server)
		w2 := h.authenticated(2, in, oauth2Of("10.0.0.8")) // the guard looks at token endpoints too
		h.publish(1, "a")
		time.Sleep(31 * time.Second)
		server.mu.Lock()
		server.status, server.lasts = 0, 17*time.Second // longer than the attempt may take
		server.mu.Unlock()
		time.Sleep(90 * time.Second)
		server.mu.Lock()
		server.lasts = 0
		server.mu.Unlock()
		time.Sleep(5 * time.Minute)
		want := []string{
			"no access token: the token endpoint answered 400 invalid_client",
			"no access token: the token endpoint did not answer in time",
		}
		for i, a := range h.attempts(w) {
			if i == 2 {
				if !a.OK {
					t.Errorf("the last attempt is %+v", a)
				}
				continue
			}
			if a.OK || a.Status != 0 || a.Error != schemas.ErrorAuthentication || a.Message != want[i] || a.RequestHeaders != nil {
				t.Errorf("attempt %d is %+v", i+1, a)
			}
		}
		const refused = "no access token: the token endpoint's address is not public and is not allowed by the server"
		if list := h.attempts(w2); len(list) != 3 || list[0].Message != refused || list[0].Error != schemas.ErrorAuthentication {
			t.Errorf("got %+v", list)
		}
		if n := len(in.take()); n != 1 {
			t.Errorf("%d deliveries were sent", n)
		}
	})
}

func TestOddAnswersOfATokenEndpoint(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		var answer atomic.Pointer[http.HandlerFunc]
		w, in := h.withTokens(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*answer.Load())(w, r) }))
		for body, want := range map[string]string{
			`{"access_token":"a b","token_type":"bearer"}`:                    "the token endpoint gave no bearer token that a header can carry",
			`{"access_token":"` + strings.Repeat("x", maxTokenBytes+1) + `"}`: "the token endpoint gave no bearer token that a header can carry",
			`{"access_token":"sesame","token_type":"mac"}`:                    "the token endpoint gave no bearer token that a header can carry",
			`{"token":"sesame"}`: "no access token: the token endpoint's answer holds none",
			`<html>sesame`:       "no access token: the token endpoint's answer holds none",
			`{"error":"sesame","error_description":"sesame"}`: "no access token: the token endpoint answered 200",
			"redirect": "no access token: the token endpoint answered 302",
		} {
			f := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if body == "redirect" {
					http.Redirect(w, r, "http://93.184.88.2/", http.StatusFound)
					return
				}
				_, _ = io.WriteString(w, body)
			})
			answer.Store(&f)
			got, err := h.engine.Try(t.Context(), w, testEvent())
			if err != nil || got.Message != want || got.Error != schemas.ErrorAuthentication {
				t.Errorf("%.40s: %+v, %v", body, got, err)
			}
		}
		f := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // a lifetime and a type are optional here
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"good"}`)
		})
		answer.Store(&f)
		if got, err := h.engine.Try(t.Context(), w, testEvent()); err != nil || !got.OK {
			t.Errorf("got %+v, %v", got, err)
		}
		if got := in.take(); !slices.Equal(got, []string{"good"}) {
			t.Errorf("sent with %v", got)
		}
	})
}
