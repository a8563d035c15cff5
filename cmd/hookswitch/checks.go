package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/hookswitch/hookswitch/service"
)

// check verifies a delivery as its receiver would, independently of the code that signed it. It says in a few words what
// it verified.
type check func(r *http.Request, body []byte) (how string, err error)

// vision6Check: the vendor signs nothing, so the body is read and compared with the registration.
func vision6Check(*service.Service, json.RawMessage) (check, error) {
	return func(_ *http.Request, body []byte) (string, error) {
		var events []struct {
			ListID    int    `json:"list_id"`
			ContactID int    `json:"contact_id"`
			Object    string `json:"object"`
			Event     string `json:"event"`
			Timestamp int64  `json:"timestamp"`
		}
		if err := json.Unmarshal(body, &events); err != nil {
			return "", fmt.Errorf("the body is not a list of events: %w", err)
		}
		for _, e := range events {
			if e.ListID != 123 || e.Object != "contact" || e.Event != "unsubscribed" || e.Timestamp == 0 {
				return "", errors.New("the body has an event that was not asked for")
			}
		}
		return fmt.Sprintf("%s, body as registered (the vendor has no signature): %s", counted(len(events), "event", "events"), short(body)), nil
	}, nil
}

func superofficeCheck(*service.Service, json.RawMessage) (check, error) {
	return func(r *http.Request, body []byte) (string, error) {
		mac := hmac.New(sha256.New, []byte("ea"))
		mac.Write(body)
		want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if !hmac.Equal([]byte(want), []byte(r.Header.Get("X-SuperOffice-Signature"))) {
			return "", errors.New("X-SuperOffice-Signature is wrong")
		}
		return "X-SuperOffice-Signature (HMAC-SHA256) verified: " + short(body), nil
	}, nil
}

func airstackCheck(_ *service.Service, registered json.RawMessage) (check, error) {
	var got struct {
		Authentication struct {
			Name  string `json:"header_name"`
			Value string `json:"header_value"`
		} `json:"authentication"`
	}
	if err := json.Unmarshal(registered, &got); err != nil || got.Authentication.Value == "" {
		return nil, errors.Join(errors.New("the answer has no authentication"), err)
	}
	return func(r *http.Request, body []byte) (string, error) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get(got.Authentication.Name)), []byte(got.Authentication.Value)) != 1 {
			return "", errors.New(got.Authentication.Name + " is wrong")
		}
		return got.Authentication.Name + " verified: " + short(body), nil
	}, nil
}

// nativeCheck uses the official Standard Webhooks library.
func nativeCheck(_ *service.Service, registered json.RawMessage) (check, error) {
	var got struct {
		Secret string `json:"secret"`
	}
	if err := json.Unmarshal(registered, &got); err != nil {
		return nil, err
	}
	webhook, err := standardwebhooks.NewWebhook(got.Secret)
	if err != nil {
		return nil, err
	}
	return func(r *http.Request, body []byte) (string, error) {
		if err := webhook.Verify(body, r.Header); err != nil {
			return "", err
		}
		return "webhook-signature (Standard Webhooks v1) verified: " + short(body), nil
	}, nil
}

// copernicaCheck verifies the HTTP signature with the public key of the DNS record, as Copernica's own verifier does.
func copernicaCheck(s *service.Service, _ json.RawMessage) (check, error) {
	var listed signingKeys
	client := s.Client(context.Background(), s.LocalKey()) // in-process, and a moment only
	defer client.Close()
	if err := client.Call(context.Background(), "getSigningKeys", signer{Dialect: "copernica"}, &listed); err != nil {
		return nil, err
	}
	_, encoded, _ := strings.Cut(listed.Keys[0].Record, "p=")
	der, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the DNS record holds no RSA key")
	}
	return func(r *http.Request, body []byte) (string, error) {
		sum := sha256.Sum256(body)
		if r.Header.Get("Digest") != "sha-256="+base64.StdEncoding.EncodeToString(sum[:]) {
			return "", errors.New("the Digest is not the body's")
		}
		parts := map[string]string{}
		for _, m := range signatureParts.FindAllStringSubmatch(r.Header.Get("Signature"), -1) {
			parts[m[1]] = m[2]
		}
		signature, err := base64.StdEncoding.DecodeString(parts["signature"])
		if err != nil {
			return "", err
		}
		hash := sha256.Sum256(signingString(r, strings.Fields(parts["headers"])))
		if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, hash[:], signature); err != nil {
			return "", errors.New("the Signature does not verify")
		}
		return "Signature (RSA-SHA256) and Digest verified: " + short(body), nil
	}, nil
}

var signatureParts = regexp.MustCompile(`([a-zA-Z]*)="(.*?)"`)

// signingString is the text an HTTP signature (draft-cavage-http-signatures) is over.
func signingString(r *http.Request, names []string) []byte {
	var b bytes.Buffer
	for i, name := range names {
		if i > 0 {
			b.WriteByte('\n')
		}
		value := r.Header.Get(name)
		switch name {
		case "(request-target)":
			value = "post " + r.URL.RequestURI()
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		b.WriteString(name + ": " + strings.TrimSpace(value))
	}
	return b.Bytes()
}
