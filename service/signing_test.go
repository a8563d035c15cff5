package service

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/schemas"
)

// keys is what getSigningKeys answers.
func (s running) keys(t *testing.T, key string) string {
	t.Helper()
	var list json.RawMessage
	s.call(t, key, "getSigningKeys", map[string]string{"dialect": "copernica"}, &list)
	return string(list)
}

func TestCopernicasKeysAreMadeRotatedAndKept(t *testing.T) {
	t.Parallel()
	const admin = "the-admin-key-of-the-test-of-copernicas-keys"
	dir, in := t.TempDir(), receive(t, "/copernica")
	here := func(o *Options) { o.Data, o.AdminKey, o.CopernicaKeyID = dir, admin, "hooks._domainkey.shop.example" }
	signedBy := func(s running, name string) {
		t.Helper()
		s.publish(t, admin, map[string]any{"type": "profile.created", "data": map[string]any{"profile": 7}}, 1)
		if got := in.next(t, "/copernica").header.Get("Signature"); !strings.HasPrefix(got, `keyId="`+name+`._domainkey.shop.example"`) {
			t.Errorf("signed as %.60s, want %s", got, name)
		}
	}
	var kept string
	t.Run("the first process", func(t *testing.T) {
		s := open(t, here)
		s.call(t, admin, "postWebhook", map[string]any{"handler": in.url + "/copernica", "trigger": "create"}, nil)
		signedBy(s, "hooks")
		s.call(t, admin, "rotateSigningKey", []any{"copernica"}, nil)
		signedBy(s, "hooks")
		s.call(t, admin, "rotateSigningKey", []any{"copernica", 0}, nil)
		signedBy(s, "hooks-2")
		kept = s.keys(t, admin)
	})
	s := open(t, here)
	if got := s.keys(t, s.makeKey(t, "main", schemas.AccessRead)); got != kept || strings.Count(got, "v=DKIM1;k=rsa;p=") != 2 {
		t.Errorf("after a restart the keys are\n%s\nand were\n%s", got, kept)
	}
	signedBy(s, "hooks-2")
	err := s.try(t, s.fullKey(t, "main"), "rotateSigningKey", []any{"copernica"}, nil)
	if e, ok := errors.AsType[*jsonrpc2.Error](err); !ok || e.Code != 355 {
		t.Errorf("rotated with full access: %v, want 355", err)
	}
}
