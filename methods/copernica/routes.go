package copernica

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/rest"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// Version is one of the vendor's REST APIs, the first segment of its paths.
type Version string

// The versions there are. They differ in what they make of a POST where there is only a PUT: v3 says in its introduction
// that it is that PUT, and v2 is taken for the same; v4 says that POST adds and PUT overwrites.
const (
	V2 Version = "v2"
	V3 Version = "v3"
	V4 Version = "v4"
)

// Face is the addresses of one version. publicURL is the base of X-location; "" takes the address each caller used.
func Face(v Version, publicURL string) *rest.Face {
	return &rest.Face{
		Below: v.below, Routes: v.routes(strings.TrimSuffix(publicURL, "/")), Credential: credential, Fault: fault,
		Whose: "getAccount",
	}
}

// routes is the table of addresses. Adding is plural, the rest is singular.
func (v Version) routes(publicURL string) []rest.Route {
	created := func(r *rest.Request, result json.RawMessage) (rest.Reply, error) {
		return v.created(publicURL, r, result)
	}
	routes := []rest.Route{
		{Verb: http.MethodPost, Path: "/webhooks", Call: post, Reply: created},
		{Verb: http.MethodGet, Path: "/webhook/{id}", Call: named("getWebhook"), Reply: shown},
		{Verb: http.MethodPut, Path: "/webhook/{id}", Call: put, Reply: changed},
		{Verb: http.MethodDelete, Path: "/webhook/{id}", Call: named("deleteWebhook"), Reply: deleted},
		{Verb: http.MethodGet, Path: "/identity", Call: identity, Reply: identified},
	}
	if v != V4 {
		routes = append(routes,
			rest.Route{Verb: http.MethodPost, Path: "/webhook/{id}", Call: put, Reply: changed},
			// The PHP example of the Dutch page of v3 adds to this address; what it calls an id says nothing.
			rest.Route{Verb: http.MethodPost, Path: "/webhooks/{id}", Call: post, Reply: created},
		)
	}
	return routes
}

// below is the path after the version. Case counts; extra slashes do not.
func (v Version) below(path string) (rest string, ok bool) {
	var out strings.Builder
	for segment := range strings.SplitSeq(path, "/") {
		if segment != "" {
			out.WriteString("/" + segment)
		}
	}
	rest, ok = strings.CutPrefix(out.String(), "/"+string(v))
	return rest, ok && (rest == "" || rest[0] == '/')
}

// credential takes the token from the header, as the pages of v4 say, or from the query, as the older ones do and the
// vendor's own PHP class does for every version.
func credential(r *http.Request) string {
	header := r.Header.Get("Authorization")
	if scheme, _, found := strings.Cut(header, " "); found && strings.EqualFold(scheme, "Bearer") {
		return header
	}
	if token := r.URL.Query().Get("access_token"); token != "" {
		return "Bearer " + token
	}
	return ""
}

// post adds a webhook. The dialect is named, so that what lacks a handler is not taken for another vendor's document.
func post(r *rest.Request) (rest.Call, error) {
	doc, err := documentIn(r)
	if err != nil {
		return rest.Call{}, err
	}
	return rest.Call{Method: "postWebhook", Params: ofDialect(doc)}, nil
}

// ofDialect puts the member dialect in front of an object's members.
func ofDialect(doc json.RawMessage) json.RawMessage {
	members := strings.TrimLeft(strings.TrimPrefix(string(doc), "{"), " \t\r\n")
	if members != "}" {
		members = "," + members
	}
	return json.RawMessage(`{"dialect":"` + Name + `"` + members)
}

// parameters are those of the methods about one webhook.
type parameters struct {
	ID      string          `json:"id"`
	Webhook json.RawMessage `json:"webhook,omitempty"`
	Dialect string          `json:"dialect"`
}

// named calls a method with the id in the path. A body is ignored: the vendor's PHP class sends one with DELETE.
func named(method string) func(*rest.Request) (rest.Call, error) {
	return func(r *rest.Request) (rest.Call, error) {
		return rest.Call{Method: method, Params: parameters{ID: r.Value("id"), Dialect: Name}}, nil
	}
}

func put(r *rest.Request) (rest.Call, error) {
	doc, err := documentIn(r)
	if err != nil {
		return rest.Call{}, err
	}
	return rest.Call{Method: "putWebhook", Params: parameters{r.Value("id"), doc, Name}}, nil
}

func identity(*rest.Request) (rest.Call, error) { return rest.Call{Method: "getAccount"}, nil }

// created answers with the id in a header, where all known clients look for it, and nothing else.
func (v Version) created(publicURL string, r *rest.Request, result json.RawMessage) (rest.Reply, error) {
	if publicURL == "" {
		publicURL = rpc.SessionOf(r.Request).BaseURL()
	}
	id := string(result)
	return rest.Reply{Status: http.StatusCreated, Header: http.Header{
		"X-Created":  {id},
		"X-location": {publicURL + "/" + string(v) + "/webhook/" + id},
	}}, nil
}

func shown(_ *rest.Request, result json.RawMessage) (rest.Reply, error) {
	return answer(http.StatusOK, result), nil
}

func changed(*rest.Request, json.RawMessage) (rest.Reply, error) {
	return rest.Reply{Status: http.StatusNoContent}, nil
}

func deleted(r *rest.Request, _ json.RawMessage) (rest.Reply, error) {
	return rest.Reply{Status: http.StatusNoContent, Header: http.Header{"X-deleted": {"webhook " + r.Value("id")}}}, nil
}

// identified answers with what a client needs of its account: the number, which X-Copernica-ID carries, as text.
func identified(_ *rest.Request, result json.RawMessage) (rest.Reply, error) {
	var account struct {
		ID   schemas.AccountID `json:"id"`
		Name string            `json:"name"`
	}
	if err := json.Unmarshal(result, &account); err != nil {
		return rest.Reply{}, err
	}
	body, err := json.Marshal(struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}{strconv.FormatInt(int64(account.ID), 10), account.Name})
	return answer(http.StatusOK, body), err
}

// answer is a JSON body. Its type has no parameter: the vendor's PHP class decodes nothing else.
func answer(status int, body []byte) rest.Reply {
	return rest.Reply{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}
