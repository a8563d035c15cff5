package reference

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Path is where the page is served.
const Path = "/docs"

var (
	//go:embed page.html
	pageTemplate string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

// Page is the reference as one web page, which loads nothing else and works without its script. It is made when it is
// first asked for. Safe for concurrent use.
type Page struct{ rendered func() (*rendered, error) }

type rendered struct {
	html   []byte
	policy string
	etag   string
}

// NewPage is the page of an OpenRPC document.
func NewPage(openrpc []byte) *Page {
	return &Page{sync.OnceValues(func() (*rendered, error) { return render(openrpc) })}
}

func render(openrpc []byte) (*rendered, error) {
	d, err := Read(openrpc)
	if err != nil {
		return nil, err
	}
	page, err := template.New("page").Funcs(template.FuncMap{
		"prose": prose, "typed": d.linked, "meaning": meaning, "indented": indented,
	}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = page.Execute(&out, map[string]any{
		"Document": d, "Intro": intro, "Refusals": refusals, "Server": exampleServer, // the script puts the page's own
		"Style": template.CSS(pageStyle), "Script": template.JS(pageScript),
	})
	if err != nil {
		return nil, fmt.Errorf("render the reference: %w", err)
	}
	policy := fmt.Sprintf("default-src 'none'; img-src data:; style-src '%s'; script-src '%s'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'", hash(pageStyle), hash(pageScript))
	return &rendered{out.Bytes(), policy, `"` + hash(out.String()) + `"`}, nil
}

// hash names a text as a Content-Security-Policy does.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// ServeHTTP shows the page. It holds nothing secret and needs no key.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, err := p.rendered()
	if err != nil {
		http.Error(w, "The page can't be shown.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", page.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", page.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(page.html))
}

// prose is a sentence, with what stands between backticks as code.
func prose(text string) template.HTML {
	var out strings.Builder
	for i, part := range strings.Split(text, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		out.WriteString(part)
	}
	return template.HTML(out.String()) // escaped above
}

var typeName = regexp.MustCompile(`\b[A-Z]\w*\b`)

// linked is the type of a schema, in which the names of the document's types are links.
func (d *Document) linked(s Schema) template.HTML {
	escaped := template.HTMLEscapeString(s.Expression())
	return template.HTML(typeName.ReplaceAllStringFunc(escaped, func(name string) string {
		if !slices.ContainsFunc(d.Types, func(t entry[Schema]) bool { return t.Name == name }) {
			return name
		}
		return `<a href="#type-` + name + `">` + name + `</a>`
	}))
}
