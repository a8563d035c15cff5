package superoffice

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/rest"
)

// Face is the vendor's HTTP addresses: REST below /api/v1/Webhook and the agent below /api/v1/Agents/Webhook, with or
// without a tenant's segment before them (/Cust12345). Paths count whatever their case, as with the vendor's framework.
func Face() *rest.Face {
	return &rest.Face{
		Below:      below,
		Fold:       true,
		Whose:      "getAccount",
		Credential: credential,
		Fault:      fault,
		Routes: []rest.Route{
			{Verb: "GET", Path: "/Webhook/default", Call: createDefaultCall, Reply: linked},
			{Verb: "GET", Path: "/Webhook", Call: listCall, Reply: all},
			{Verb: "POST", Path: "/Webhook", Call: postCall, Reply: linked},
			{Verb: "GET", Path: "/Webhook/{id}", Call: about("getWebhook"), Reply: linked},
			{Verb: "PUT", Path: "/Webhook/{id}", Call: putCall, Reply: linked},
			{Verb: "PATCH", Path: "/Webhook/{id}", Call: patchCall, Reply: linked},
			{Verb: "DELETE", Path: "/Webhook/{id}", Call: about("deleteWebhook"), Reply: noContent},
			{Verb: "POST", Path: "/Webhook/Test", Call: testCall, Reply: tested},
			{Verb: "GET", Path: "/Webhook/{id}/LastError", Call: about("getLastError"), Reply: lastError},
			{Verb: "POST", Path: "/Webhook/{eventName}/{primaryKey}", Call: signalCall, Reply: noContent},

			{Verb: "POST", Path: agent + "CreateDefaultWebhook", Call: createDefaultCall, Reply: plain},
			{Verb: "POST", Path: agent + "SaveWebhook", Call: saveCall, Reply: plain},
			{Verb: "POST", Path: agentGet, Call: about("getWebhook"), Reply: plain},
			{Verb: "POST", Path: agent + "GetAllWebhooks", Call: listCall, Reply: all},
			{Verb: "POST", Path: agent + "DeleteWebhook", Call: about("deleteWebhook"), Reply: noContent},
			{Verb: "POST", Path: agent + "TestWebhook", Call: agentTestCall, Reply: tested},
			{Verb: "POST", Path: agent + "SignalEvent", Call: agentSignalCall, Reply: noContent},
			{Verb: "POST", Path: agentLastError, Call: agentLastErrorCall, Reply: lastError},
		},
	}
}

// Addresses of the agent. Two of them answer null, not 404, for a webhook that is not there.
const (
	agent          = "/Agents/Webhook/"
	agentGet       = agent + "GetWebhook"
	agentLastError = agent + "GetLastError"
)

// below finds what stands behind /api/v1. A tenant's segment begins with Cust. Paths of other faces, such as
// /api/v1/webhooks, are not this one's.
func below(path string) (rest string, ok bool) {
	_, path = tenantOf(path)
	const base = "/api/v1"
	if len(path) <= len(base) || !strings.EqualFold(path[:len(base)], base) {
		return "", false
	}
	rest = path[len(base):]
	for _, own := range []string{"/Webhook", "/Agents"} {
		if len(rest) >= len(own) && strings.EqualFold(rest[:len(own)], own) && (len(rest) == len(own) || rest[len(own)] == '/') {
			return strings.TrimSuffix(rest, "/"), true
		}
	}
	return "", false
}

// tenantOf cuts a tenant's segment off a path; tenant is "" without one.
func tenantOf(path string) (tenant, rest string) {
	const prefix = "/Cust"
	if len(path) <= len(prefix) || !strings.EqualFold(path[:len(prefix)], prefix) {
		return "", path
	}
	if end := strings.IndexByte(path[1:], '/'); end >= 0 {
		return path[1 : end+1], path[end+1:]
	}
	return "", path
}

// credential is the caller's: Authorization, whose schemes methods knows, or else X-XSRF-TOKEN.
func credential(r *http.Request) string {
	if text := r.Header.Get("Authorization"); text != "" {
		return text
	}
	if token := r.Header.Get("X-XSRF-TOKEN"); token != "" {
		return "Bearer " + token
	}
	return ""
}

// query is a parameter of the query, whose name counts in any case.
func query(r *rest.Request, name string) string {
	for given, values := range r.URL.Query() {
		if strings.EqualFold(given, name) {
			return values[0]
		}
	}
	return ""
}

// about calls a method that needs nothing but the webhook: the one in the path, or at the agent, in the query.
func about(method string) func(*rest.Request) (rest.Call, error) {
	return func(r *rest.Request) (rest.Call, error) {
		id := webhookID(r)
		if id == "" {
			return rest.Call{}, faultAt("is missing", "webhookId")
		}
		return rest.Call{Method: method, Params: map[string]string{"id": id, "dialect": Name}}, nil
	}
}

func webhookID(r *rest.Request) string {
	if id := r.Value("id"); id != "" {
		return id
	}
	return query(r, "webhookId")
}

func createDefaultCall(*rest.Request) (rest.Call, error) {
	return rest.Call{Method: "createDefaultWebhook", Params: struct{}{}}, nil
}

func listCall(r *rest.Request) (rest.Call, error) {
	params, err := filters(r)
	return rest.Call{Method: "listWebhooks", Params: params}, err
}

func postCall(r *rest.Request) (rest.Call, error) {
	doc, err := entity(r)
	if err != nil {
		return rest.Call{}, err
	}
	return register(doc)
}

// register calls postWebhook with an entity as its document.
func register(doc document) (rest.Call, error) {
	doc["dialect"] = quoted(Name)
	return call("postWebhook", doc)
}

func putCall(r *rest.Request) (rest.Call, error) {
	doc, err := entity(r)
	if err != nil {
		return rest.Call{}, err
	}
	return replace(quoted(r.Value("id")), doc)
}

// replace calls putWebhook with an entity as its document.
func replace(id json.RawMessage, doc document) (rest.Call, error) {
	text, err := encode(doc)
	if err != nil {
		return rest.Call{}, err
	}
	return call("putWebhook", document{"id": id, "webhook": text, "dialect": quoted(Name)})
}

// saveCall is the agent's one call for a new entity, whose number is 0, and for one that is there.
func saveCall(r *rest.Request) (rest.Call, error) {
	doc, err := arguments(r, &webhookShape)
	if err != nil {
		return rest.Call{}, err
	}
	if doc == nil {
		return rest.Call{}, errNoEntity
	}
	id := doc["WebhookId"]
	delete(doc, "WebhookId")
	if isNull(id) || string(id) == "0" {
		return register(doc)
	}
	return replace(id, doc)
}

func patchCall(r *rest.Request) (rest.Call, error) {
	body, err := payload(r, nil)
	if err != nil {
		return rest.Call{}, err
	}
	params := document{"id": quoted(r.Value("id")), "patch": body, "dialect": quoted(Name)}
	if since, err := http.ParseTime(r.Header.Get("If-Unmodified-Since")); err == nil { // another one is to be ignored (RFC 9110, 13.1.4)
		end := since.Add(time.Second - 1) // the header counts whole seconds, changes are finer
		params["unmodifiedSince"] = quoted(end.UTC().Format(time.RFC3339Nano))
	}
	return call("patchWebhook", params)
}

func testCall(r *rest.Request) (rest.Call, error) {
	doc, err := entity(r)
	if err != nil {
		return rest.Call{}, err
	}
	return try(doc)
}

func agentTestCall(r *rest.Request) (rest.Call, error) {
	in, err := arguments(r, &testShape)
	if err != nil {
		return rest.Call{}, err
	}
	if isNull(in["Webhook"]) {
		return rest.Call{}, errNoEntity
	}
	var doc document
	if err := json.Unmarshal(in["Webhook"], &doc); err != nil {
		return rest.Call{}, err
	}
	delete(doc, "WebhookId")
	return try(doc)
}

// try calls testWebhook with an entity, which need not name any event.
func try(doc document) (rest.Call, error) {
	if isNull(doc["Events"]) || string(doc["Events"]) == "[]" {
		doc["Events"] = json.RawMessage(`["` + testEvent + `"]`)
	}
	doc["dialect"] = quoted(Name)
	text, err := encode(doc)
	if err != nil {
		return rest.Call{}, err
	}
	return call("testWebhook", document{"webhook": text})
}

func signalCall(r *rest.Request) (rest.Call, error) {
	data, err := payload(r, &shape{})
	if err != nil {
		return rest.Call{}, err
	}
	return signal(r, quoted(r.Value("eventName")), numberText(quoted(r.Value("primaryKey"))), data)
}

func agentSignalCall(r *rest.Request) (rest.Call, error) {
	in, err := arguments(r, &signalShape)
	if err != nil {
		return rest.Call{}, err
	}
	return signal(r, in["EventName"], in["PrimaryKey"], in["Data"])
}

// signal calls signalEvent. The tenant of the address is what receivers are told of as context.
func signal(r *rest.Request, event, primaryKey, data json.RawMessage) (rest.Call, error) {
	params := document{}
	for name, value := range map[string]json.RawMessage{"event": event, "primaryKey": primaryKey, "data": data} {
		if !isNull(value) {
			params[name] = value
		}
	}
	if tenant, _ := tenantOf(r.URL.Path); tenant != "" {
		params["contextIdentifier"] = quoted(tenant)
	}
	return call("signalEvent", params)
}

func agentLastErrorCall(r *rest.Request) (rest.Call, error) {
	in, err := arguments(r, &errorShape)
	if err != nil {
		return rest.Call{}, err
	}
	if isNull(in["WebhookId"]) {
		return rest.Call{}, faultAt("is missing", "WebhookId")
	}
	return call("getLastError", document{"id": in["WebhookId"], "dialect": quoted(Name)})
}

func call(method string, params document) (rest.Call, error) {
	text, err := encode(params)
	return rest.Call{Method: method, Params: json.RawMessage(text)}, err
}
