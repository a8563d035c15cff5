package schemas_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

func ring(t testing.TB, keys ...string) *schemas.Keyring {
	t.Helper()
	k, err := schemas.ParseKeyring(strings.Join(keys, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// secretive is a webhook all of whose secrets hold the word sesame.
func secretive() *schemas.Webhook {
	return &schemas.Webhook{
		Account: 2, ID: 7, Revision: 9, PublicID: "sub_1", Dialect: "native", Endpoint: "https://example.com/", State: schemas.StateActive,
		Match:             schemas.Match{Types: []string{"a.*"}, Filter: json.RawMessage(`{"a":1}`)},
		Secrets:           []schemas.Secret{{Value: "sesame-1"}, {Value: "sesame-2", Expires: time.Unix(2e9, 0).UTC()}},
		Headers:           map[string]string{"X-Key": "sesame-3"},
		Authentication:    &schemas.Authentication{Type: schemas.AuthenticationBasic, Username: "sesame-4", Password: "sesame-5"},
		ClientCertificate: &schemas.ClientCertificate{Certificate: "sesame-6", PrivateKey: "sesame-7"},
		Document:          json.RawMessage(`{"Secret":"sesame-8"}`),
		Metadata:          map[string]string{"team": "sales"},
		Created:           time.Unix(1e9, 0).UTC(), Updated: time.Unix(1e9, 0).UTC(),
	}
}

func TestAWebhooksSecretsAreEncryptedAndReadBack(t *testing.T) {
	t.Parallel()
	keys, w := ring(t, schemas.NewEncryptionKey()), secretive()
	body, err := keys.EncodeWebhook(w)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(body, []byte("sesame")) || !bytes.Contains(body, []byte("sealed:1:"+keys.Current()+":")) {
		t.Errorf("stored as %s", body)
	}
	if !reflect.DeepEqual(w, secretive()) {
		t.Error("encoding changed the webhook")
	}
	got, err := keys.DecodeWebhook(body, 2, 7, 9)
	if err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, w)
	}
	outline, err := schemas.OutlineWebhook(body, 2, 7, 9)
	if err != nil || outline.Secrets != nil || outline.Document != nil || !reflect.DeepEqual(outline.Match, w.Match) {
		t.Errorf("the outline is %+v, %v", outline, err)
	}
	for name, read := range map[string]func() (*schemas.Webhook, error){
		"without keys": func() (*schemas.Webhook, error) { return schemas.DecodeWebhook(body, 2, 7, 9) },
		"with another key": func() (*schemas.Webhook, error) {
			return ring(t, schemas.NewEncryptionKey()).DecodeWebhook(body, 2, 7, 9)
		},
		"in another account": func() (*schemas.Webhook, error) { return keys.DecodeWebhook(body, 3, 7, 9) },
	} {
		if _, err := read(); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", name, err)
		}
	}
	plain, err := schemas.EncodeWebhook(w)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := keys.DecodeWebhook(plain, 2, 7, 9); err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("a plain record: %+v, %v", got, err)
	}
}

func TestRecordsMoveToTheFirstKey(t *testing.T) {
	t.Parallel()
	first, second := schemas.NewEncryptionKey(), schemas.NewEncryptionKey()
	former, both, later := ring(t, first), ring(t, second, first), ring(t, second)
	body, err := schemas.EncodeWebhook(secretive())
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range []*schemas.Keyring{former, both} {
		renewed, changed, err := keys.ResealWebhook(body, 2)
		if err != nil || !changed {
			t.Fatalf("changed %v: %v", changed, err)
		}
		if again, changed, err := keys.ResealWebhook(renewed, 2); err != nil || changed || !bytes.Equal(again, renewed) {
			t.Errorf("it is encrypted a second time: %v", err)
		}
		body = renewed
	}
	if got, err := later.DecodeWebhook(body, 2, 7, 9); err != nil || !reflect.DeepEqual(got, secretive()) {
		t.Errorf("with the second key alone: %+v, %v", got, err)
	}
	if _, err := former.DecodeWebhook(body, 2, 7, 9); err == nil {
		t.Error("the first key still decrypts")
	}
	if _, changed, err := (*schemas.Keyring)(nil).ResealWebhook(body, 2); err != nil || changed {
		t.Errorf("without keys: %v, %v", changed, err)
	}
	bare := []byte(`{"dialect":"copernica"}`)
	if _, changed, err := later.ResealWebhook(bare, 2); err != nil || changed {
		t.Errorf("without secrets: %v, %v", changed, err)
	}
	text, changed, err := former.Reseal("material/a", []byte("plain"))
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	if text, changed, err = both.Reseal("material/a", text); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if got, err := later.Open("material/a", text); err != nil || string(got) != "plain" {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := later.Open("material/b", text); err == nil {
		t.Error("what is encrypted can be read at another place")
	}
}

func TestKeysAreReadFromAFile(t *testing.T) {
	t.Parallel()
	one, two := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{0xfb}, 32)
	text := "# made in 2026\n\n" + base64.StdEncoding.EncodeToString(one) + "  # the present one\r\n" + hex.EncodeToString(two) + "\n"
	keys := ring(t, text)
	for _, same := range []string{hex.EncodeToString(one), base64.RawStdEncoding.EncodeToString(one), strings.ToUpper(hex.EncodeToString(one))} {
		if ring(t, same).Current() != keys.Current() {
			t.Errorf("%s is another key", same)
		}
	}
	if id := ring(t, base64.URLEncoding.EncodeToString(two)).Current(); !keys.Has(id) || id == keys.Current() {
		t.Errorf("the second key is not in the ring")
	}
	const short = "c2hvcnQ="
	for text, want := range map[string]string{
		"":                                   "there is no encryption key",
		"# " + schemas.NewEncryptionKey():    "there is no encryption key",
		short:                                "encryption key 1 must be 32 bytes in base64",
		text + "," + short:                   "encryption key 3 must be 32 bytes in base64",
		text + " " + hex.EncodeToString(one): "encryption key 3 is there twice",
	} {
		if _, err := schemas.ParseKeyring(text); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), short) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzOpenRefusesWhatItDidNotSeal(f *testing.F) {
	keys := ring(f, hex.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	whole := keys.Seal("here", []byte("secret"))
	f.Add(whole)
	f.Add(whole[:len(whole)-4])
	f.Add([]byte("sealed:1:" + keys.Current() + ":AAAA"))
	f.Add([]byte("sealed:1:"))
	f.Add([]byte("plain"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := keys.Open("here", body)
		if err != nil || bytes.Equal(got, body) {
			return
		}
		// Nobody makes a text that opens without the key; bits of base64 that mean nothing may differ.
		if !bytes.HasPrefix(body, []byte("sealed:1:"+keys.Current())) || string(got) != "secret" {
			t.Errorf("%q opened as %q", body, got)
		}
	})
}

func FuzzParseKeyring(f *testing.F) {
	f.Add("# comment\n" + schemas.NewEncryptionKey() + ",\r\n" + strings.Repeat("0a", 32))
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := schemas.ParseKeyring(text)
		if err != nil {
			return
		}
		got, err := keys.Open("p", keys.Seal("p", []byte(text)))
		if err != nil || string(got) != text {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
