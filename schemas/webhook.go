package schemas

import "encoding/json"

// EncodeWebhook returns the stored form of w, without account, number and revision: the store keeps those beside it.
func EncodeWebhook(w *Webhook) ([]byte, error) { return json.Marshal(w) }

// DecodeWebhook reads what [EncodeWebhook] wrote and puts back what the store keeps beside it.
func DecodeWebhook(body []byte, a AccountID, id WebhookID, revision uint64) (*Webhook, error) {
	w := &Webhook{Account: a, ID: id, Revision: revision}
	if err := json.Unmarshal(body, w); err != nil {
		return nil, err
	}
	return w, nil
}

// CurrentSecret is the secret that signs first, "" without one.
func (w *Webhook) CurrentSecret() string {
	if len(w.Secrets) == 0 {
		return ""
	}
	return w.Secrets[0].Value
}
