package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hookswitch/hookswitch/service"
)

// scene is one registration of the demo, the event that reaches it, and how its delivery is checked.
type scene struct {
	name     string // the vendor's document
	method   string
	path     string // below demoPath
	document string // as printed in the vendor's document, but for the endpoint (and SuperOffice's filler events)
	event    string // the parameters of publishEvent; "" when the event of another scene reaches it too
	check    func(s *service.Service, registered json.RawMessage) (check, error)
}

func scenes(base string) []scene {
	all := []scene{
		{
			name: "Vision6", method: "addWebhook", path: "vision6", check: vision6Check,
			document: `{"object":"contact","event":"unsubscribed","list_id":123,"url":"ENDPOINT"}`,
			event:    `{"type":"contact.unsubscribed","attributes":{"list_id":123,"contact_id":142},"data":{"email":"ann@example.com"}}`,
		},
		{
			name: "Copernica v3", method: "postWebhook", path: "copernica-v3", check: copernicaCheck,
			document: `{"handler":"ENDPOINT","trigger":"create","callers":["ms","publisher"],"database":1017}`,
			event:    `{"type":"profile.created","attributes":{"profile":123,"database":1017,"caller":"publisher"},"data":{"fields":{"name":"Johny"}}}`,
		},
		{
			name: "Copernica v4", method: "postWebhook", path: "copernica-v4", check: copernicaCheck,
			document: `{"handler":"ENDPOINT","trigger":"create","callers":["ms","publisher"],"database":1}`,
			event:    `{"type":"profile.created","attributes":{"profile":124,"database":1,"caller":"ms"},"data":{"fields":{"name":"Jane"}}}`,
		},
		{
			name: "SuperOffice", method: "postWebhook", path: "superoffice", check: superofficeCheck,
			document: `{"WebhookId":794,"Name":"Howell Group","Events":["contact.created"],"TargetUrl":"ENDPOINT","Secret":"ea","State":"Active","Type":"aliquam","Headers":{"Headers1":"laborum","Headers2":"ad"},"Properties":{"fieldName":{}}}`,
			event:    `{"type":"contact.created","attributes":{"primaryKey":18,"associateId":5},"data":{"Changes":["contact_id","name"]}}`,
		},
		{
			name: "Airstack", method: "createSubscription", path: "airstack", check: airstackCheck,
			document: `{"endpoint":"ENDPOINT","filter_config":{"event_type":"profile.updated","filter":{"userId":"3761"},"payload":{"userId":"3761","followerCount":108}}}`,
			event:    `{"type":"profile.updated","data":{"userId":"3761","profileName":"tokenstaker.eth","followerCount":108}}`,
		},
		{
			name: "native", method: "createSubscription", path: "native", check: nativeCheck,
			document: `{"endpoint":"ENDPOINT","events":["contact.*","profile.updated"]}`,
		},
	}
	for i := range all {
		all[i].document = strings.ReplaceAll(all[i].document, "ENDPOINT", base+all[i].path)
	}
	return all
}

// params are the parameters as the vendor's client sends them: Vision6's have the key in front.
func (s scene) params(key string) json.RawMessage {
	if s.method == "addWebhook" {
		return json.RawMessage(fmt.Sprintf(`[%q,%s]`, key, s.document))
	}
	return json.RawMessage(s.document)
}

// curl is the registration, ready to paste; $KEY stands for the key.
func (s scene) curl(address string) string {
	document := strings.Replace(s.document, demoPath, "/", 1)
	if i, j := strings.Index(document, "http://127.0.0.1:"), strings.Index(document, "/"+s.path); i >= 0 && j > i {
		document = document[:i] + "https://example.com/hooks" + document[j:]
	}
	if s.method == "addWebhook" {
		return fmt.Sprintf("curl %s -H 'Content-Type: application/json' \\\n"+
			"  -d '{\"id\":1,\"method\":\"addWebhook\",\"params\":[\"'$KEY'\",%s]}'", toCurl(address, "/api/jsonrpcserver.php?version=3.3"), document)
	}
	return curl(address, s.method, document)
}

func curl(address, method, params string) string {
	return fmt.Sprintf("curl %s -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' \\\n"+
		"  -d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":%q,\"params\":%s}'", toCurl(address, "/rpc"), method, params)
}

// toCurl is a path at an address of the service as an argument of curl; a Unix socket takes an option besides.
func toCurl(address, path string) string {
	if socket, unix := strings.CutPrefix(address, unixPrefix); unix {
		return "--unix-socket '" + strings.ReplaceAll(socket, "'", `'\''`) + "' 'http://localhost" + path + "'"
	}
	return "'" + address + path + "'"
}
