package copernica_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/methods/copernica"
	"github.com/hookswitch/hookswitch/schemas"
)

// vault keeps keys in memory, as a store keeps them for all processes of a service.
type vault struct {
	mu     sync.Mutex
	text   []byte // guarded by mu
	writes int    // guarded by mu
	fails  error  // guarded by mu; what the vault answers instead
}

func (v *vault) change(_ context.Context, change func([]byte) ([]byte, error)) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fails != nil {
		return nil, v.fails
	}
	text, err := change(v.text)
	if err != nil {
		return nil, err
	}
	if string(text) != string(v.text) {
		v.text, v.writes = text, v.writes+1
	}
	return v.text, nil
}

func loaded(t *testing.T, v *vault, name string) *copernica.Keys {
	t.Helper()
	keys := copernica.NewKeys(v.change, name)
	if err := keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestTheFirstKeyIsMadeInTheBackgroundWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{}
		keys := loaded(t, v, "")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			keys.Run(ctx, func(err error) { t.Error(err) })
			close(ended)
		}()
		time.Sleep(time.Hour)
		if v.writes != 0 {
			t.Error("a key was made that nobody needed")
		}
		dialect := copernica.New(copernica.Options{Keys: keys})
		dialect.Prepare() // what a registration does
		if keys.Ready() {
			t.Error("ready before the key is made: something waited for it")
		}
		synctest.Wait()
		if !keys.Ready() || v.writes != 1 {
			t.Fatalf("ready: %v, after %d writes; want one key", keys.Ready(), v.writes)
		}
		request := build(t, dialect.Format, job(webhook("https://example.com"), event("profile.created", `{}`)))
		public := publicOf(t, records(t, keys)[0])
		if err := verify(received(t, "https://example.com", request), public, "account-1234"); err != nil {
			t.Errorf("signed by another key than the listed one: %v", err)
		}
		stop()
		<-ended
	})
}

func records(t *testing.T, keys *copernica.Keys) []copernica.KeyRecord {
	t.Helper()
	list, err := keys.Records(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// publicOf reads the record as the vendor's verifier does, which knows no spaces.
func publicOf(t *testing.T, r copernica.KeyRecord) *rsa.PublicKey {
	t.Helper()
	encoded, ok := strings.CutPrefix(r.Record, "v=DKIM1;k=rsa;p=")
	der, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil {
		t.Fatalf("record %q: %v", r.Record, err)
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PublicKey)
}

func TestAVaultThatFailsIsAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{}
		keys := loaded(t, v, "")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		told := 0
		go keys.Run(ctx, func(error) { told++ })
		v.fails = errors.New("the disk is full")
		keys.Ready()
		synctest.Wait()
		if told != 1 || keys.Ready() {
			t.Fatalf("told %d errors, ready: %v; want one, and not", told, keys.Ready())
		}
		synctest.Wait()
		v.fails = nil
		keys.Ready()
		synctest.Wait()
		if !keys.Ready() {
			t.Error("not ready although the vault works again")
		}
	})
}

func TestKeysOutliveTheProcess(t *testing.T) {
	t.Parallel()
	v := &vault{}
	first := records(t, loaded(t, v, ""))
	again := loaded(t, v, "")
	if !again.Ready() {
		t.Error("a key that is kept is not ready after Load")
	}
	if got := records(t, again); !slices.Equal(got, first) || v.writes != 1 {
		t.Errorf("got %v after %d writes, want %v after one", got, v.writes, first)
	}
}

// states are the keys of a list, each by the first label of its name and its state.
func states(list []copernica.KeyRecord) string {
	var out []string
	for _, r := range list {
		label, _, _ := strings.Cut(r.KeyID, ".")
		out = append(out, label+" "+r.State)
	}
	return strings.Join(out, ", ")
}

func TestANewKeyIsListedBeforeItSignsAndTheFormerOneAfterIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{}
		keys := loaded(t, v, "")
		records(t, keys)
		made, err := keys.Rotate(t.Context(), time.Hour)
		if err != nil || made.State != "next" || made.KeyID != "one-2._domainkey.copernica.com" {
			t.Fatalf("Rotate: %+v, %v", made, err)
		}
		for _, step := range []struct {
			after time.Duration
			want  string
			signs string
		}{
			{0, "one-2 next, one current", "one"},
			{time.Hour - time.Second, "one-2 next, one current", "one"},
			{time.Second, "one-2 current, one former", "one-2"},
			{7*24*time.Hour - time.Second, "one-2 current, one former", "one-2"},
			{time.Second, "one-2 current", "one-2"},
		} {
			time.Sleep(step.after)
			if got := states(records(t, keys)); got != step.want {
				t.Errorf("at %v: %s, want %s", time.Now(), got, step.want)
			}
			j := job(webhook("https://example.com"), event("profile.created", `{}`))
			j.Now = time.Now()
			request := build(t, copernica.New(copernica.Options{Keys: keys}).Format, j)
			signature := request.Header["Signature"][0]
			if want := `keyId="` + step.signs + `._domainkey.copernica.com"`; !strings.HasPrefix(signature, want) {
				t.Errorf("at %v: %.60s, want %s", time.Now(), signature, want)
			}
		}
		if _, err := keys.Rotate(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if got := states(records(t, keys)); got != "one-3 current, one-2 former" {
			t.Errorf("rotated at once: %s", got)
		}
	})
}

func TestAWaitingKeyCanOnlyBeHurried(t *testing.T) {
	t.Parallel()
	keys := loaded(t, &vault{}, "hooks._domainkey.shop.example")
	records(t, keys)
	for range 2 {
		_, err := keys.Rotate(t.Context(), time.Hour)
		if got := states(records(t, keys)); got != "hooks-2 next, hooks current" {
			t.Errorf("%s (%v)", got, err)
		}
	}
	if _, err := keys.Rotate(t.Context(), time.Hour); schemas.KindOf(err) != schemas.KindWrongState {
		t.Errorf("a second waiting key: %v, want the wrong state", err)
	}
	if made, err := keys.Rotate(t.Context(), 0); err != nil || made.KeyID != "hooks-2._domainkey.shop.example" || made.State != "current" {
		t.Errorf("hurried: %+v, %v", made, err)
	}
}

func TestAnotherProcessLearnsOfARotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{}
		one, other := loaded(t, v, ""), loaded(t, v, "")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go other.Run(ctx, func(err error) { t.Error(err) })
		records(t, one)
		if records(t, other)[0].Record != records(t, one)[0].Record {
			t.Error("two processes made two first keys")
		}
		if _, err := one.Rotate(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := states(records(t, other)); got != "one-2 next, one current" {
			t.Errorf("the other process lists %s", got)
		}
	})
}

func TestWhatIsKeptBrokenIsNotQuoted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"keys":"hush"}`, `{"keys":[{"number":1,"pkcs1":"aHVzaA=="}]}`, `hush`} {
		err := copernica.NewKeys((&vault{text: []byte(text)}).change, "").Load(t.Context())
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
