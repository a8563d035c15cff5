// Package portal is the web page that a link shows: the webhooks of one account, to look at. It is a client of the RPC
// methods with a key of read access, so it can do nothing a caller cannot.
package portal

import (
	"bytes"
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"time"

	_ "embed" // the page

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// Portal serves the page. Safe for concurrent use.
type Portal struct {
	secret []byte
	client func(context.Context, schemas.AccountID) *rpc.Client
	page   *template.Template
}

//go:embed page.html
var page string

// New makes a portal whose links are signed with secret (32 random bytes). client gives a client with read access to an
// account; the portal closes it.
func New(secret []byte, client func(context.Context, schemas.AccountID) *rpc.Client) *Portal {
	return &Portal{secret, client, template.Must(template.New("page").Parse(page))}
}

// item is a webhook on the page: the members of the document its dialect shows, in its order.
type item struct{ Members []member }

type member struct {
	Name  string
	Value value
}

// value is a text, the members of an object, or the items of a list; an empty object or list is an empty text.
type value struct {
	Text    string
	Members []member
	Items   []value
}

// maxItems is how many webhooks a page shows.
const maxItems = 200

// ServeHTTP shows the page that the token of the query opens.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the token is in the address
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	account, ok := p.account(r.URL.Query().Get("token"), time.Now())
	if !ok {
		http.Error(w, "This link is not valid or has expired. Ask for a new one.", http.StatusForbidden)
		return
	}
	items, more, err := p.webhooks(r.Context(), account)
	if err != nil {
		http.Error(w, "The webhooks can't be read just now.", http.StatusServiceUnavailable)
		return
	}
	var out bytes.Buffer
	if err := p.page.Execute(&out, map[string]any{"Account": account, "Items": items, "More": more}); err != nil {
		http.Error(w, "The page can't be shown.", http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes()) // whoever went away misses nothing
}

func (p *Portal) webhooks(ctx context.Context, a schemas.AccountID) (items []item, more bool, err error) {
	client := p.client(ctx, a)
	defer client.Close()
	var list struct {
		Items  []json.RawMessage `json:"items"`
		Cursor string            `json:"cursor"`
	}
	if err := client.Call(ctx, "listWebhooks", map[string]any{"limit": maxItems}, &list); err != nil {
		return nil, false, err
	}
	for _, document := range list.Items {
		members, err := read(document)
		if err != nil {
			return nil, false, err
		}
		items = append(items, item{members})
	}
	return items, list.Cursor != "", nil
}

// read lists the members of a document in its order, without those that are null.
func read(document json.RawMessage) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	var members []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		text, ok := name.(string)
		if !ok || string(value) == "null" {
			continue
		}
		shown, err := valueOf(value)
		if err != nil {
			return nil, err
		}
		members = append(members, member{text, shown})
	}
	return members, nil
}

// valueOf is a JSON value as the page shows it: the members of an object below each other, the items of a list too, strings without
// their quotes.
func valueOf(text json.RawMessage) (v value, err error) {
	switch text[0] {
	case '{':
		v.Members, err = read(text)
	case '[':
		var items []json.RawMessage
		if err = json.Unmarshal(text, &items); err != nil {
			return v, err
		}
		for _, item := range items {
			shown, err := valueOf(item)
			if err != nil {
				return v, err
			}
			v.Items = append(v.Items, shown)
		}
	default:
		v.Text = masked(schemas.PlainText(text))
	}
	return v, err
}

// masked is a text as the page shows it. Who has a link may look at endpoints, and call none: of a URL's query the page shows
// no value, whatever the dialect's own document does.
func masked(text string) string {
	if strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") {
		return schemas.MaskQuery(text)
	}
	return text
}
