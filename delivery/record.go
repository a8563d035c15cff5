package delivery

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch/schemas"
)

// masked stands for a secret in the record of an attempt.
const masked = "***"

// minMasked is the length from which a secret is looked for inside texts; a shorter one would blot out half of them.
const minMasked = 4

// record is the part of an attempt's record that all deliveries of one exchange share; only the number differs.
func record(w *schemas.Webhook, got *exchanged, verdict Verdict) schemas.Attempt {
	secrets := secretsOf(w, got.credential)
	a := schemas.Attempt{
		Started:         got.started.UTC(),
		Duration:        got.duration,
		OK:              verdict.OK,
		Status:          got.answer.Status,
		Error:           got.answer.Error,
		Message:         got.message,
		RequestHeaders:  maskHeader(w, secrets, got.sent),
		RequestBytes:    got.size,
		RequestSum:      got.sum,
		ResponseHeaders: maskHeader(w, secrets, got.answer.Header),
		ResponseBody:    maskText(secrets, got.body),
	}
	if !a.OK && a.Error == schemas.ErrorNone {
		a.Error = schemas.ErrorStatus
		if a.Message == "" {
			a.Message = statusMessage(a.Status)
		}
	}
	return a
}

func statusMessage(status int) string {
	text := http.StatusText(status)
	if text == "" {
		return fmt.Sprintf("the endpoint answered %d", status)
	}
	return fmt.Sprintf("the endpoint answered %d %s", status, text)
}

// maxRecordedHeader bounds what a record keeps of a header, in bytes: a receiver may answer with 64 KiB of it every time.
const maxRecordedHeader = 8 << 10

// maskHeader lists a header by name, with secrets and the webhook's own headers masked and without what goes beyond maxRecordedHeader.
func maskHeader(w *schemas.Webhook, secrets []string, h http.Header) [][2]string {
	if len(h) == 0 {
		return nil
	}
	list := make([][2]string, 0, len(h))
	for name, values := range h {
		for _, value := range values {
			if secretName(name) || ownHeader(w, name) {
				value = masked
			}
			list = append(list, [2]string{name, maskText(secrets, value)})
		}
	}
	slices.SortFunc(list, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	size := 0
	for i, field := range list {
		if size += len(field[0]) + len(field[1]); size > maxRecordedHeader {
			return list[:i]
		}
	}
	return list
}

// secretName reports whether a header of that name is likely to carry a credential.
func secretName(name string) bool {
	switch name { // the usual ones, which need no look
	case "Content-Type", "Content-Length", "Date", "Server", "User-Agent", "webhook-id", "webhook-timestamp", "webhook-signature":
		return false
	}
	lower := strings.ToLower(name)
	return slices.ContainsFunc([]string{"authoriz", "cookie", "token", "secret", "password", "api-key", "apikey"},
		func(part string) bool { return strings.Contains(lower, part) })
}

// ownHeader reports whether a webhook adds a header of that name. Its value is often a credential, whatever the name; a
// receiver that echoes it does so under the same one.
func ownHeader(w *schemas.Webhook, name string) bool {
	for own := range w.Headers {
		if strings.EqualFold(own, name) {
			return true
		}
	}
	return false
}

// secretsOf lists what must not be shown of a webhook: receivers have been seen to echo the request. credential is what the
// attempt said in the header Authorization. Credentials are chosen by people and by token endpoints, so they are looked for in
// the spellings of JSON and of forms too; our own secrets look the same in all of them.
func secretsOf(w *schemas.Webhook, credential string) []string {
	var list []string // mostly short, or none
	for _, s := range w.Secrets {
		if len(s.Value) >= minMasked {
			list = append(list, s.Value)
		}
	}
	if a := w.Authentication; a != nil {
		for _, text := range []string{credential, a.Password, a.Token, a.ClientSecret} {
			if len(text) >= minMasked {
				list = append(list, spellings(text)...)
			}
		}
	}
	return list
}

// spellings are the ways a text is written in JSON, in PHP's JSON, in forms and in HTML.
func spellings(text string) []string {
	list := []string{text}
	quoted, err := json.Marshal(text)
	if err != nil {
		return list // strings always encode
	}
	plain := string(quoted[1 : len(quoted)-1])
	for _, other := range []string{
		plain, strings.ReplaceAll(plain, "/", `\/`), url.QueryEscape(text), url.PathEscape(text), html.EscapeString(text),
	} {
		if !slices.Contains(list, other) {
			list = append(list, other)
		}
	}
	return list
}

// maskText blots out secrets.
func maskText(secrets []string, text string) string {
	for _, s := range secrets {
		if strings.Contains(text, s) {
			text = strings.ReplaceAll(text, s, masked)
		}
	}
	return text
}
