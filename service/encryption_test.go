package service

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/methods/methodstest"
	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/bolt"
)

const encryptionTestAdmin = "the-admin-key-of-the-tests-of-encryption"

// sesame are the secrets that registerSecrets registers.
var sesame = []string{
	"whsec_c2VzYW1lLW9wZW4tZm9yLW1lLXBsZWFzZS4u", "sesame-header", "sesame-user", "sesame-password", "sesame-token", "sesame-client-secret",
	"sesame-superoffice",
}

// registerSecrets registers a webhook of every dialect, with every kind of secret it takes, and delivers to Copernica's, so
// that its key is made. It returns what else must not be in the store's files.
func (s running) registerSecrets(t *testing.T, in *inbox) (hidden []string) {
	t.Helper()
	pair := methodstest.ClientPair(t, "sesame", time.Now().Add(time.Hour))
	native := func(path string, members map[string]any) {
		t.Helper()
		doc := map[string]any{"endpoint": in.url + path, "events": []string{"sesame.opened"}}
		for name, value := range members {
			doc[name] = value
		}
		var made subscription
		s.call(t, encryptionTestAdmin, "createSubscription", doc, &made)
		hidden = append(hidden, made.Secret)
	}
	native("/basic", map[string]any{"secret": sesame[0], "headers": map[string]string{"X-Key": sesame[1]}, "authentication": map[string]string{"type": "basic", "username": sesame[2], "password": sesame[3]}})
	native("/bearer", map[string]any{"authentication": map[string]string{"type": "bearer", "token": sesame[4]}})
	native("/oauth2", map[string]any{"authentication": map[string]string{"type": "oauth2", "tokenUrl": in.url + "/token", "clientId": "id", "clientSecret": sesame[5]}})
	native("/mtls", map[string]any{"endpoint": "https://example.com/mtls", "clientCertificate": pair})
	var airstack struct {
		Authentication struct {
			Value string `json:"header_value"`
		} `json:"authentication"`
	}
	s.call(t, encryptionTestAdmin, "createSubscription", map[string]any{"endpoint": in.url + "/airstack", "filter_config": map[string]any{"event_type": "profile.updated"}}, &airstack)
	s.call(t, encryptionTestAdmin, "postWebhook", map[string]any{"Name": "Sales", "Events": []string{"contact.created"}, "TargetUrl": in.url + "/superoffice", "Secret": sesame[6], "Headers": map[string]string{"X-Key": sesame[1]}}, nil)
	s.call(t, encryptionTestAdmin, "postWebhook", map[string]any{"handler": in.url + "/copernica", "trigger": "create"}, nil)
	s.call(t, encryptionTestAdmin, "addWebhook", []any{encryptionTestAdmin, map[string]any{"object": "contact", "event": "unsubscribed", "list_id": 123, "url": in.url + "/vision6"}}, nil)
	s.publish(t, encryptionTestAdmin, map[string]any{"type": "profile.created", "data": map[string]any{"profile": 7}}, 1)
	in.next(t, "/copernica")
	body := strings.Split(strings.TrimSpace(pair.PrivateKey), "\n")
	return append(hidden, airstack.Authentication.Value, body[1], body[2], "PRIVATE KEY", "sesame-header")
}

// found lists which of the texts are in the files of a data directory.
func found(t *testing.T, dir string, texts []string) (there []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the files of the store are %v, %v", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if text == "" || bytes.Contains(b, []byte(text)) {
				there = append(there, filepath.Base(file)+": "+text)
			}
		}
	}
	return there
}

func encryptedWithKeys(t *testing.T, dir string, keys ...string) func(*Options) {
	t.Helper()
	var ring *EncryptionKeys
	if len(keys) > 0 {
		var err error
		if ring, err = ParseEncryptionKeys(strings.Join(keys, "\n")); err != nil {
			t.Fatal(err)
		}
	}
	return func(o *Options) { o.Data, o.AdminKey, o.Encryption = dir, encryptionTestAdmin, ring }
}

func TestNoSecretIsInTheFilesOfAnEncryptedStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := NewEncryptionKey()
	hidden := append(sesame, encryptionTestAdmin, key)
	t.Run("a process", func(t *testing.T) {
		s := open(t, encryptedWithKeys(t, dir, key))
		hidden = append(hidden, s.registerSecrets(t, receive(t, "/copernica"))...)
		if there := found(t, dir, hidden); len(there) > 0 {
			t.Errorf("while it runs the files hold %q", there)
		}
	})
	if there := found(t, dir, hidden); len(there) > 0 {
		t.Errorf("after its end the files hold %q", there)
	}
	plain := t.TempDir()
	t.Run("without encryption", func(t *testing.T) { // what is looked for would be found
		s := open(t, encryptedWithKeys(t, plain))
		s.registerSecrets(t, receive(t, "/copernica"))
	})
	if there := found(t, plain, sesame); len(there) < len(sesame) {
		t.Errorf("a plain store holds only %q", there)
	}
}

// logged is a log whose lines can be waited for.
type logged chan string

func (l logged) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

func (l logged) await(t *testing.T, text string) string {
	t.Helper()
	for {
		select {
		case line := <-l:
			if strings.Contains(line, text) {
				return line
			}
		case <-t.Context().Done():
			t.Fatalf("the log never says %q", text)
		}
	}
}

func TestAPlainStoreIsEncryptedAndItsKeyChanged(t *testing.T) {
	t.Parallel()
	dir, in := t.TempDir(), receive(t, "/copernica", "/basic", "/superoffice", "/airstack")
	first, second := NewEncryptionKey(), NewEncryptionKey()
	var links string
	run := func(name string, f func(t *testing.T, s running, log logged), keys ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			log := make(logged, 1024)
			s := open(t, encryptedWithKeys(t, dir, keys...), func(o *Options) { o.Log = zerolog.New(log) })
			f(t, s, log)
			if got := s.keys(t, encryptionTestAdmin); links == "" {
				links = got
			} else if got != links {
				t.Errorf("the key of Copernica's signatures is\n%s\nand was\n%s", got, links)
			}
		})
	}
	refused := func(keys ...string) {
		t.Helper()
		o := Options{Data: dir}
		encryptedWithKeys(t, dir, keys...)(&o)
		s, err := Open(t.Context(), o)
		if err == nil {
			_ = s.Close(context.Background())
			t.Fatal("the store opens without its key")
		}
		if text := err.Error(); !strings.Contains(text, "encrypted with the key") || !strings.Contains(text, "--encryption-key-file") || strings.Contains(text, "\n") {
			t.Errorf("refused with %q", text)
		}
	}
	delivers := func(t *testing.T, s running) {
		t.Helper()
		s.publish(t, encryptionTestAdmin, map[string]any{"type": "profile.updated", "data": map[string]any{}}, 1)
		if got := in.next(t, "/airstack").header.Get("X-Airstack-Webhook"); got == "" {
			t.Error("Airstack's header is not there")
		}
		s.publish(t, encryptionTestAdmin, map[string]any{"type": "contact.created"}, 1)
		if got := in.next(t, "/superoffice"); got.header.Get("X-Key") != "sesame-header" {
			t.Errorf("got %v", got.header)
		}
	}
	run("plain", func(t *testing.T, s running, _ logged) {
		s.registerSecrets(t, in)
		delivers(t, s)
	})
	run("encrypted", func(t *testing.T, s running, log logged) {
		line := log.await(t, "all secrets in the store are encrypted")
		if !strings.Contains(line, `"records":10`) { // 8 webhooks, two secrets of the server
			t.Errorf("the log says %s", line)
		}
		delivers(t, s)
	}, first)
	refused()
	refused(second)
	run("another key first", func(t *testing.T, s running, log logged) {
		log.await(t, "all secrets in the store are encrypted")
		delivers(t, s)
	}, second, first)
	refused(first)
	if _, _, err := Compact(t.Context(), dir, nil); err != nil { // what was deleted stays in the file until then
		t.Fatal(err)
	}
	if there := found(t, dir, sesame); len(there) > 0 {
		t.Errorf("the files hold %q", there)
	}
	run("the new key alone", func(t *testing.T, s running, log logged) {
		delivers(t, s)
		if len(log) > 0 && strings.Contains(<-log, "encrypted with the first key") {
			t.Error("everything was encrypted again")
		}
	}, second)
}

// meddler changes every record that is about to be amended, once, as another caller would.
type meddler struct {
	storage.Store
	met map[int64]bool
}

func (m meddler) Amend(ctx context.Context, r storage.Record, with ...storage.Companion) (storage.Record, error) {
	if r.Kind == storage.KindWebhook && !m.met[r.ID] {
		m.met[r.ID] = true
		present, err := m.Get(ctx, r.Kind, r.Account, r.ID)
		if err != nil {
			return present, err
		}
		present.Body = bytes.Replace(present.Body, []byte(`"name":"old"`), []byte(`"name":"new"`), 1)
		if _, err := m.Store.Amend(ctx, present); err != nil {
			return present, err
		}
	}
	return m.Store.Amend(ctx, r, with...)
}

func TestEncryptingAnewLosesNoChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, err := bolt.Open(bolt.Options{Dir: t.TempDir(), NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		keys, err := ParseEncryptionKeys(NewEncryptionKey())
		if err != nil {
			t.Fatal(err)
		}
		register := func(body []byte) storage.Record {
			t.Helper()
			got, _, err := store.Register(t.Context(), storage.Record{Kind: storage.KindWebhook, Account: 1, Body: body})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		good := register([]byte(`{"name":"old","secrets":[{"value":"sesame"}]}`))
		bad := register([]byte(`{`))
		e := encryption{meddler{store, map[int64]bool{}}, keys, zerolog.Nop()}
		again := func() (state encryptedWith) {
			t.Helper()
			if stale, err := e.admit(t.Context()); err != nil || !stale {
				t.Fatalf("nothing is to be done: %v", err)
			}
			e.run(t.Context())
			_, state, err := e.read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return state
		}
		if state := again(); !state.Plain {
			t.Error("a record that cannot be read counts as encrypted")
		}
		r, err := store.Get(t.Context(), storage.KindWebhook, 1, good.ID)
		if err != nil {
			t.Fatal(err)
		}
		w, err := keys.DecodeWebhook(r.Body, 1, 1, 1)
		if err != nil || w.Name != "new" || w.CurrentSecret() != "sesame" || bytes.Contains(r.Body, []byte("sesame")) {
			t.Errorf("got %s, %v", r.Body, err)
		}
		if _, err := store.Remove(t.Context(), storage.KindWebhook, 1, bad.ID, 0); err != nil {
			t.Fatal(err)
		}
		if state := again(); state.Plain || len(state.Keys) != 1 || state.Keys[0] != keys.Current() {
			t.Errorf("the record says %+v", state)
		}
		if stale, err := e.admit(t.Context()); err != nil || stale {
			t.Errorf("there is still something to do: %v", err)
		}
	})
}
