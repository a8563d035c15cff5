package service

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTheRootSaysWhatAnswersHere(t *testing.T) {
	t.Parallel()
	s := open(t)
	page := s.get(t, s.url)
	if page.status != http.StatusOK || page.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Fatalf("got %d %v", page.status, page.header)
	}
	for _, want := range []string{"Hookswitch", "/rpc", "/docs", "/openrpc.json"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("it does not name %s: %s", want, page.body)
		}
	}
	for verb, status := range map[string]int{http.MethodHead: http.StatusOK, http.MethodPost: http.StatusMethodNotAllowed} {
		response := send(t, verb, s.url+"/", "", nil)
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != status || verb == http.MethodHead && len(body) > 0 {
			t.Errorf("%s: %s %q, %v", verb, response.Status, body, err)
		}
	}
	if got := s.get(t, s.url+"/nowhere"); got.status != http.StatusNotFound {
		t.Errorf("an address that is not there: %d", got.status)
	}
}
