package superoffice

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/rest"
	"github.com/hookswitch/hookswitch/schemas"
)

// mediaJSON is what is answered in unless Accept wants something else.
const mediaJSON = "application/json"

// accepted is the media type that Accept likes best among those the vendor lists; JSON when there is none of them, as
// the vendor's framework does.
func accepted(r *rest.Request) string {
	best, quality := mediaJSON, 0.0
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if text, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		if offered := offer(media); offered != "" && q > quality && q <= 1 {
			best, quality = offered, q
		}
	}
	return best
}

// offer is the media type for a range of Accept, "" without one.
func offer(media string) string {
	switch media {
	case "*/*", "application/*":
		return mediaJSON
	case "text/*":
		return "text/json"
	}
	if isJSON(media) || isXML(media) {
		return media
	}
	return ""
}

func isJSON(media string) bool {
	switch media {
	case mediaJSON, "text/json", "application/json-patch+json", "application/merge-patch+json":
		return true
	}
	return false
}

func isXML(media string) bool { return media == "application/xml" || media == "text/xml" }

// answer is a document in the form that Accept wants. name is that of its root in XML.
func answer(r *rest.Request, status int, name string, doc json.RawMessage) rest.Reply {
	media := accepted(r)
	body := []byte(doc)
	if isXML(media) {
		body = writeXML(name, doc)
	}
	return rest.Reply{Status: status, Header: http.Header{"Content-Type": {media + "; charset=utf-8"}}, Body: body}
}

// noContent answers what has nothing to say.
func noContent(*rest.Request, json.RawMessage) (rest.Reply, error) {
	return rest.Reply{Status: http.StatusNoContent}, nil
}

// linked answers with an entity and its links, as REST does.
func linked(r *rest.Request, result json.RawMessage) (rest.Reply, error) {
	doc, err := selected(result, query(r, "$select"), true)
	return answer(r, http.StatusOK, "Webhook", doc), err
}

// plain answers with an entity without links, as the agents do.
func plain(r *rest.Request, result json.RawMessage) (rest.Reply, error) {
	doc, err := selected(result, query(r, "$select"), false)
	return answer(r, http.StatusOK, "Webhook", doc), err
}

// selected is an entity with null for every member but the wanted ones; wanted is a list of names, "" for all. A name may
// lead into a member ("category/id"): the member is shown whole.
func selected(entity json.RawMessage, wanted string, links bool) (json.RawMessage, error) {
	var names []string
	for name := range strings.SplitSeq(wanted, ",") {
		if name, _, _ = strings.Cut(strings.TrimSpace(name), "/"); name != "" {
			names = append(names, name)
		}
	}
	out := []byte{'{'}
	err := eachMember(entity, func(name string, value json.RawMessage) error {
		link := name == "_Links"
		if link && !links {
			return nil
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, quoted(name)...), ':')
		chosen := slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
		if !link && len(names) > 0 && !chosen {
			value = null
		}
		out = append(out, value...)
		return nil
	})
	return append(out, '}'), err
}

// attempt is what testWebhook and getLastError answer with, as far as the vendor shows it.
type attempt struct {
	OK              bool
	Status          int
	Message         string
	ResponseHeaders [][2]string
	ResponseBody    string
}

// maxLastError is the length of the vendor's column, in characters.
const maxLastError = 4000

// text is the receiver's answer, header and body, or the sentence that says why there is none.
func (a attempt) text() string {
	if a.Status == 0 {
		return a.Message
	}
	var b strings.Builder
	b.WriteString(strings.TrimSpace("HTTP " + strconv.Itoa(a.Status) + " " + http.StatusText(a.Status)))
	for _, h := range a.ResponseHeaders {
		b.WriteString("\n" + textproto.CanonicalMIMEHeaderKey(h[0]) + ": " + h[1])
	}
	b.WriteString("\n\n" + a.ResponseBody)
	all := []rune(b.String())
	return string(all[:min(len(all), maxLastError)])
}

// tested answers with what became of a test event.
func tested(r *rest.Request, result json.RawMessage) (rest.Reply, error) {
	var a attempt
	if err := json.Unmarshal(result, &a); err != nil {
		return rest.Reply{}, err
	}
	doc, err := encode(struct {
		Success         bool
		Message         string
		TableRight      any
		FieldProperties struct{}
	}{Success: a.OK, Message: a.text()})
	return answer(r, http.StatusOK, "WebhookResult", doc), err
}

// lastError answers with a text, "" when nothing has failed.
func lastError(r *rest.Request, result json.RawMessage) (rest.Reply, error) {
	var a *attempt
	if err := json.Unmarshal(result, &a); err != nil {
		return rest.Reply{}, err
	}
	message := ""
	if a != nil {
		message = a.text()
	}
	return answer(r, http.StatusOK, "string", quoted(message)), nil
}

// all answers with every webhook of a list, without links; it reads the list's pages one after another.
func all(r *rest.Request, result json.RawMessage) (rest.Reply, error) {
	params, err := filters(r)
	if err != nil {
		return rest.Reply{}, err
	}
	out := []byte{'['}
	for {
		var page struct {
			Items  []json.RawMessage `json:"items"`
			Cursor string            `json:"cursor"`
		}
		if err := json.Unmarshal(result, &page); err != nil {
			return rest.Reply{}, err
		}
		for _, entity := range page.Items {
			doc, err := selected(entity, "", false)
			if err != nil {
				return rest.Reply{}, err
			}
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, doc...)
		}
		if page.Cursor == "" {
			return answer(r, http.StatusOK, listType+"Webhook", append(out, ']')), nil
		}
		params["cursor"] = page.Cursor
		if result, err = r.Invoke(rest.Call{Method: "listWebhooks", Params: params}); err != nil {
			return rest.Reply{}, err
		}
	}
}

// filters are the parameters of a list: from the query in REST, from the body at the agent.
func filters(r *rest.Request) (map[string]any, error) {
	var in struct{ NameFilter, EventFilter, StatusFilter string }
	if r.Method == http.MethodPost {
		doc, err := arguments(r, &filterShape)
		if err != nil {
			return nil, err
		}
		for name, into := range map[string]*string{"NameFilter": &in.NameFilter, "EventFilter": &in.EventFilter, "StatusFilter": &in.StatusFilter} {
			if !isNull(doc[name]) && json.Unmarshal(doc[name], into) != nil {
				return nil, faultAt("must be a text", name)
			}
		}
	} else {
		in.NameFilter, in.EventFilter, in.StatusFilter = query(r, "nameFilter"), query(r, "eventFilter"), query(r, "statusFilter")
	}
	out := map[string]any{"dialect": Name, "limit": pageSize}
	for name, value := range map[string]string{"name": in.NameFilter, "event": in.EventFilter} {
		if value != "" {
			out[name] = value
		}
	}
	if in.StatusFilter != "" {
		s, ok := findState(in.StatusFilter)
		if !ok {
			return nil, faultAt("must be Unknown, Active, Stopped or TooManyErrors", "statusFilter")
		}
		if s.state != schemas.State("") {
			out["state"] = s.state
		}
	}
	return out, nil
}

// pageSize is how many webhooks a list reads at once: the most listWebhooks gives.
const pageSize = 1000
