package delivery

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/hookswitch/hookswitch/schemas"
)

// The vector of the Svix tests, which reference/peers.md section 7 has re-computed.
func TestSignStandardGivesThePublishedVector(t *testing.T) {
	t.Parallel()
	got, err := SignStandard("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
		time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestStandardWebhooksLibraryAcceptsEverySecretInRotation(t *testing.T) {
	t.Parallel()
	now, body := time.Now(), []byte(`{"a":1}`)
	current, former, expired := NewSecret(), NewSecret(), NewSecret()
	header, err := SignStandardAll([]schemas.Secret{
		{Value: current}, {Value: former, Expires: now.Add(time.Hour)}, {Value: expired, Expires: now},
	}, "evt_1", now, body)
	if err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]bool{current: true, former: true, expired: false} {
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		h.Set("webhook-id", "evt_1")
		h.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
		h.Set("webhook-signature", header)
		if got := verifier.Verify(body, h) == nil; got != want {
			t.Errorf("verified: %v, want %v", got, want)
		}
	}
}

func TestDecodeSecretRefusesWithoutQuoting(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_???", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"} {
		key, err := DecodeSecret(bad)
		if err == nil {
			t.Errorf("%q gives %d bytes", bad, len(key))
			continue
		}
		if rest := strings.TrimPrefix(bad, "whsec_"); rest != "" && strings.Contains(err.Error(), rest) {
			t.Error("the error quotes the secret")
		}
	}
	if a, b := NewSecret(), NewSecret(); a == b || !EqualSecret(a, a) || EqualSecret(a, b) {
		t.Error("secrets are not told apart")
	}
	if key, err := DecodeSecret(NewSecret()); err != nil || len(key) != 32 {
		t.Errorf("a new secret has %d bytes, %v", len(key), err)
	}
}
