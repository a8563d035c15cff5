package vision6

import (
	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// Webhook is a webhook as reads show it: its id and its details.
type Webhook struct {
	ID schemas.WebhookID `json:"id"`
	details
}

// Show is the document of a read, a [Webhook]. There is no secret in it.
func Show(w *schemas.Webhook, _ methods.View) any { return shown(w) }

// Created is addWebhook's answer: the id of the new webhook, as in the vendor's example `"result": 616`.
func Created(w *schemas.Webhook, _ methods.View) any { return w.ID }

func shown(w *schemas.Webhook) Webhook { return Webhook{ID: w.ID, details: detailsOf(w)} }
