package service

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// running is a service with a listener, for one test.
type running struct {
	*Service
	url string
}

// open starts a service on a new store that may deliver to this machine, and closes it at the test's end.
func open(t testing.TB, change ...func(*Options)) running {
	t.Helper()
	o := Options{Data: t.TempDir(), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	for _, f := range change {
		f(&o)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
		server.Close()
	})
	return running{s, server.URL}
}
