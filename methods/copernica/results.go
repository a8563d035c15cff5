package copernica

import (
	"strconv"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// Webhook is a webhook as reads show it. The vendor writes ID as a string of digits.
type Webhook struct {
	ID string `json:"ID"`
	document
}

// Show is the document of a read, a [Webhook]. There is no secret in it.
func Show(w *schemas.Webhook, _ methods.View) any {
	return Webhook{ID: strconv.FormatInt(int64(w.ID), 10), document: documentOf(w)}
}

// Created is the answer to a registration: the id. The vendor's REST face sends it as the header X-Created.
func Created(w *schemas.Webhook, _ methods.View) any { return w.ID }
