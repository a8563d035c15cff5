package delivery

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// keyPair is test 1 of RFC 8032 section 7.1, as Standard Webhooks writes keys.
var keyPair = struct{ seed, whole, public string }{
	"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
	"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==",
	"whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
}

func TestKeyPairsAreReadInBothForms(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{keyPair.seed, keyPair.whole} {
		if err := CheckSecret(secret); err != nil {
			t.Error(err)
		}
		if got := PublicKey(secret); got != keyPair.public {
			t.Errorf("got %s, want %s", got, keyPair.public)
		}
	}
	fresh := NewSecretFor(SignatureEd25519)
	if err := CheckSecret(fresh); err != nil || SignatureOf(fresh) != SignatureEd25519 || fresh == NewSecretFor(SignatureEd25519) {
		t.Errorf("a new key pair is not usable: %v", err)
	}
	shared := NewSecretFor(SignatureHMAC)
	if err := CheckSecret(shared); err != nil || SignatureOf(shared) != SignatureHMAC || PublicKey(shared) != "" {
		t.Errorf("a new shared secret is not usable: %v", err)
	}
}

func TestABrokenKeyPairIsRefusedWithoutQuoting(t *testing.T) {
	t.Parallel()
	other := strings.Replace(keyPair.whole, "DXWpg", "DXWpk", 1)
	for _, bad := range []string{"whsk_", "whsk_c2hvcnQ=", "whsk_???", other, keyPair.seed + "\n", keyPair.public} {
		err := CheckSecret(bad)
		if err == nil {
			t.Errorf("%q is taken", bad)
			continue
		}
		if rest := strings.TrimPrefix(bad, "whsk_"); rest != "" && strings.Contains(err.Error(), rest) {
			t.Error("the error quotes the secret")
		}
		if PublicKey(bad) != "" {
			t.Errorf("%q has a public key", bad)
		}
		if _, err := SignStandard(bad, "evt_1", time.Unix(1, 0), nil); err == nil {
			t.Errorf("%q signs", bad)
		}
	}
}

// Ed25519 checks signatures made here against the specification's text: ed25519 over "{msg_id}.{timestamp}.{payload}".
func TestEd25519SignsIDTimestampAndBody(t *testing.T) {
	t.Parallel()
	body := []byte(`{"test": 2432232314}`)
	got, err := SignStandardAll([]schemas.Secret{{Value: keyPair.whole}, {Value: NewSecret(), Expires: time.Unix(1614265331, 0)}},
		"msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), body)
	if err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(got, " ")
	text, ok := strings.CutPrefix(first, "v1a,")
	if !ok || !strings.HasPrefix(second, "v1,") {
		t.Fatalf("got %s, want a v1a and then a v1 signature", got)
	}
	signature, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	public, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(keyPair.public, "whpk_"))
	if err != nil {
		t.Fatal(err)
	}
	signed := []byte(`msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}`)
	if !ed25519.Verify(public, signed, signature) {
		t.Error("the signature does not verify")
	}
	for i := range signed {
		signed[i] ^= 1
		if ed25519.Verify(public, signed, signature) {
			t.Errorf("the signature verifies with byte %d changed", i)
		}
		signed[i] ^= 1
	}
}
