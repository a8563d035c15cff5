package superoffice

import (
	"bytes"
	"encoding/json"
	"mime"
	"strings"

	"github.com/hookswitch/hookswitch/rest"
)

// errNoEntity has the vendor's words.
var errNoEntity = faultAt("Bad request. Entity to save is not in request body.")

// entity is the webhook in a body, without its number: the address names it.
func entity(r *rest.Request) (document, error) {
	doc, err := arguments(r, &webhookShape)
	if err == nil && doc == nil {
		err = errNoEntity
	}
	delete(doc, "WebhookId")
	return doc, err
}

// arguments is the object in a body, nil for none.
func arguments(r *rest.Request, s *shape) (doc document, err error) {
	text, err := payload(r, s)
	if err != nil {
		return nil, err
	}
	return doc, json.Unmarshal(text, &doc)
}

// payload is a body as JSON, by its Content-Type; without one it is taken for JSON. A nil shape is a patch's: JSON as it
// is, and the entity in other types.
func payload(r *rest.Request, s *shape) (json.RawMessage, error) {
	if credential(r.Request) == "" {
		return nil, errNoCredential // before anything is said of the body
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Header.Get("Content-Type") == "" {
		media, err = mediaJSON, nil
	}
	charset := strings.ToLower(params["charset"])
	if err != nil || charset != "" && charset != "utf-8" && charset != "us-ascii" {
		return nil, errMediaType
	}
	patch := s == nil
	if patch {
		s = &webhookShape
		if isJSON(media) {
			s = &shape{}
		}
	}
	var doc json.RawMessage
	switch {
	case isJSON(media):
		doc, err = s.readJSON(r.Body)
	case isXML(media):
		doc, err = s.readXML(r.Body)
	case media == "application/x-www-form-urlencoded":
		doc, err = s.readForm(bytes.TrimSpace(r.Body))
	default:
		return nil, errMediaType
	}
	if err == nil && patch && isNull(doc) {
		err = errNoEntity
	}
	return doc, err
}
