package schemas

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// EncodeWebhook returns the stored form of w, without account, number and revision: the store keeps those beside it. Nothing
// in it is encrypted.
func EncodeWebhook(w *Webhook) ([]byte, error) { return (*Keyring)(nil).EncodeWebhook(w) }

// DecodeWebhook reads what [EncodeWebhook] wrote and puts back what the store keeps beside it.
func DecodeWebhook(body []byte, a AccountID, id WebhookID, revision uint64) (*Webhook, error) {
	return (*Keyring)(nil).DecodeWebhook(body, a, id, revision)
}

// secretPart is what is encrypted of a webhook's record, as one text. The vendor's document may repeat what is in the others.
type secretPart struct {
	Secrets           []Secret           `json:"secrets,omitempty"`
	Headers           map[string]string  `json:"headers,omitempty"`
	Authentication    *Authentication    `json:"authentication,omitempty"`
	ClientCertificate *ClientCertificate `json:"clientCertificate,omitempty"`
	Document          json.RawMessage    `json:"document,omitempty"`
}

// part takes the secret part out of w.
func (w *Webhook) part() secretPart {
	p := secretPart{w.Secrets, w.Headers, w.Authentication, w.ClientCertificate, w.Document}
	w.put(secretPart{})
	return p
}

func (w *Webhook) put(p secretPart) {
	w.Secrets, w.Headers, w.Authentication, w.ClientCertificate, w.Document =
		p.Secrets, p.Headers, p.Authentication, p.ClientCertificate, p.Document
}

func (p *secretPart) empty() bool {
	return len(p.Secrets) == 0 && len(p.Headers) == 0 && p.Authentication == nil && p.ClientCertificate == nil && len(p.Document) == 0
}

// sealedWebhook is the stored form of a webhook whose secret part is encrypted.
type sealedWebhook struct {
	*Webhook
	Sealed string `json:"sealed,omitempty"`
}

// webhookPlace binds a secret part to its account. It cannot be bound to the webhook, which has no number before it is stored.
func webhookPlace(a AccountID) string { return "webhook/" + strconv.FormatInt(int64(a), 10) }

// EncodeWebhook is the function of that name with the secret part encrypted.
func (k *Keyring) EncodeWebhook(w *Webhook) ([]byte, error) {
	if k == nil {
		return json.Marshal(w)
	}
	open := *w
	part := open.part()
	if part.empty() {
		return json.Marshal(w)
	}
	text, err := json.Marshal(part)
	if err != nil {
		return nil, err
	}
	return json.Marshal(sealedWebhook{&open, string(k.Seal(webhookPlace(w.Account), text))})
}

// DecodeWebhook reads a webhook's record, encrypted or not.
func (k *Keyring) DecodeWebhook(body []byte, a AccountID, id WebhookID, revision uint64) (*Webhook, error) {
	w := &Webhook{Account: a, ID: id, Revision: revision}
	stored := sealedWebhook{Webhook: w}
	if err := json.Unmarshal(body, &stored); err != nil {
		return nil, err
	}
	if stored.Sealed == "" {
		return w, nil
	}
	text, err := k.Open(webhookPlace(a), []byte(stored.Sealed))
	if err != nil {
		return nil, err
	}
	var part secretPart
	if err := json.Unmarshal(text, &part); err != nil {
		return nil, fmt.Errorf("decode the encrypted part: %w", err)
	}
	w.put(part)
	return w, nil
}

// OutlineWebhook reads a webhook's record and leaves out what is encrypted of it: a server starts with all of them.
func OutlineWebhook(body []byte, a AccountID, id WebhookID, revision uint64) (*Webhook, error) {
	w := &Webhook{Account: a, ID: id, Revision: revision}
	return w, json.Unmarshal(body, w)
}

// ResealWebhook encrypts the secret part of an account's record that is not encrypted, or not by the current key; false when
// there is nothing to do.
func (k *Keyring) ResealWebhook(body []byte, a AccountID) ([]byte, bool, error) {
	var stored struct {
		Sealed string `json:"sealed"`
		secretPart
	}
	if err := json.Unmarshal(body, &stored); err != nil {
		return nil, false, err
	}
	id, _, _ := cutSeal([]byte(stored.Sealed))
	if k == nil || id == k.Current() && stored.empty() || stored.Sealed == "" && stored.empty() {
		return body, false, nil
	}
	w, err := k.DecodeWebhook(body, a, 0, 0)
	if err != nil {
		return nil, false, err
	}
	body, err = k.EncodeWebhook(w)
	return body, err == nil, err
}

// CurrentSecret is the secret that signs first, "" without one.
func (w *Webhook) CurrentSecret() string {
	if len(w.Secrets) == 0 {
		return ""
	}
	return w.Secrets[0].Value
}
