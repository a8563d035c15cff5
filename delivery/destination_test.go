package delivery

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// settled waits, by the real clock, until nothing is owed to a webhook any more.
func (h *house) settled(w *schemas.Webhook) {
	h.t.Helper()
	until(h.t, func() bool { return h.deliveries(w)[schemas.DeliveryPending] == 0 })
}

// until waits, by the real clock, for something that happens on real connections.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never happens")
		}
	}
}

// attempts are those of a webhook's newest delivery.
func (h *house) attempts(w *schemas.Webhook) []schemas.Attempt {
	h.t.Helper()
	list, _, err := h.store.Deliveries(h.t.Context(), w.Account, storage.DeliveryQuery{Webhook: w.ID, Page: storage.Page{Limit: 1}})
	if err != nil || len(list) == 0 {
		h.t.Fatalf("no delivery: %v", err)
	}
	got, err := h.store.Attempts(h.t.Context(), storage.Ref{Account: w.Account, Webhook: w.ID, Seq: list[0].Seq}, storage.MaxAttempts)
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// authenticated registers a webhook whose endpoint is h, at a public address of the memory network.
func (h *house) authenticated(n int, r http.Handler, a *schemas.Authentication) *schemas.Webhook {
	h.t.Helper()
	address := fmt.Sprintf("93.184.77.%d", n)
	h.network.serve(address+":80", r)
	return h.register(&schemas.Webhook{
		Account: 1, Dialect: "test", Endpoint: "http://" + address + "/hook", State: schemas.StateActive,
		Match: schemas.Match{Types: []string{"a"}}, Authentication: a, Headers: map[string]string{"authorization": "mine"},
	})
}

// echo answers with everything it got, and in spellings of its own.
func echo(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	authorization := r.Header.Get("Authorization")
	_, token, _ := strings.Cut(authorization, " ")
	w.Header().Set("X-Seen", authorization)
	_ = json.NewEncoder(w).Encode(map[string]string{"user": user, "password": password, "all": authorization})
	_, _ = fmt.Fprintf(w, "form=%s&slashes=%s", url.QueryEscape(password+token), strings.ReplaceAll(token, "/", `\/`))
}

func TestTheEndpointLearnsWhoCallsAndTheRecordDoesNot(t *testing.T) {
	const password, token = `p"ä/ss & <xyzzy>`, "sesame/token+1=="
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		got := make(chan []string, 2)
		check := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got <- r.Header["Authorization"]
			echo(w, r)
		})
		basic := h.authenticated(1, check, &schemas.Authentication{Type: schemas.AuthenticationBasic, Username: "ann", Password: password})
		bearer := h.authenticated(2, check, &schemas.Authentication{Type: schemas.AuthenticationBearer, Token: token})
		h.publish(1, "a")
		synctest.Wait()
		sent := []string{strings.Join(<-got, "|"), strings.Join(<-got, "|")}
		slices.Sort(sent)
		request := http.Request{Header: http.Header{"Authorization": {sent[0]}}}
		if user, pass, _ := request.BasicAuth(); user != "ann" || pass != password || sent[1] != "Bearer "+token {
			t.Errorf("the endpoints got %q", sent)
		}
		encoded := strings.TrimPrefix(sent[0], "Basic ")
		for _, w := range []*schemas.Webhook{basic, bearer} {
			tried, err := h.engine.Try(t.Context(), w, testEvent())
			if err != nil {
				t.Fatal(err)
			}
			<-got
			for _, a := range append(h.attempts(w), tried) {
				text := fmt.Sprintf("%+v", a)
				for _, part := range []string{encoded, "ss &", "ss+", "xyzzy", "sesame", "mine"} {
					if strings.Contains(text, part) {
						t.Errorf("the record tells %q: %s", part, text)
					}
				}
				if !a.OK || !slices.Contains(a.RequestHeaders, [2]string{"Authorization", masked}) || !strings.Contains(a.ResponseBody, masked) {
					t.Errorf("the record is %s", text)
				}
			}
		}
	})
}
