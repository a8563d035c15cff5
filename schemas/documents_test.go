package schemas_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// superOfficeRequest is the sample request of SuperOffice's page, filler and all.
const superOfficeRequest = `{
  "WebhookId": 794,
  "Name": "Howell Group",
  "Events": [
    "non",
    "et"
  ],
  "TargetUrl": "http://www.example.com/",
  "Secret": "ea",
  "State": "Active",
  "Type": "aliquam",
  "Headers": {
    "Headers1": "laborum",
    "Headers2": "ad"
  },
  "Properties": {
    "fieldName": {}
  },
  "Registered": "2016-04-18T09:41:00.1118281+02:00",
  "RegisteredAssociate": {
    "AssociateId": 999,
    "Name": "Rau-Kozey",
    "PersonId": 86,
    "Rank": 992,
    "Tooltip": "vero",
    "Type": "AnonymousAssociate",
    "GroupIdx": 278,
    "FullName": "Pearline Jenkins",
    "FormalName": "Reilly-Jacobi",
    "Deleted": false,
    "EjUserId": 156,
    "UserName": "Boyle, Reichel and Pouros"
  },
  "Updated": "2017-09-30T09:41:00.1127872+02:00",
  "UpdatedAssociate": {
    "AssociateId": 612,
    "Name": "Bartoletti-Renner",
    "PersonId": 42,
    "Rank": 555,
    "Tooltip": "accusantium",
    "Type": "AnonymousAssociate",
    "GroupIdx": 887,
    "FullName": "Valentin Fritsch",
    "FormalName": "Haley, Bergstrom and Jacobi",
    "Deleted": true,
    "EjUserId": 252,
    "UserName": "Volkman-Wilkinson"
  }
}`

// vendorDocuments are requests as the vendors print them or as their clients send them: the params of the call, or the
// document that is the params.
var vendorDocuments = []struct{ name, method, form, params string }{
	{
		"Vision6: JSON Request", "addWebhook", "", `[
        "YOURAPIKEY",
        {
            "object": "contact",
            "event": "unsubscribed",
            "list_id": 123,
            "url": "http:\/\/example.com\/example.php"
        }
    ]`,
	},
	{"Copernica v4: JSON example", "postWebhook", "copernica", `{  
   "handler":"https://my-webhook-url.com",
   "trigger":"create",
   "callers":["ms", "publisher"],
   "database": 1
}`},
	{"Copernica v3: Voorbeeld in JSON", "postWebhook", "copernica", `{  
   "handler":"https://my-webhook-url.com",
   "trigger":"create",
   "callers":["ms", "publisher"],
   "database":1017
}`},
	{"Copernica: the PHP examples, as the vendor's class sends them", "postWebhook", "copernica", `{"handler":"https:\/\/my-webhook-url.com","trigger":"create","callers":["publisher","ms"],"database":1017}`},
	{"SuperOffice: Sample Request", "postWebhook", "superoffice", superOfficeRequest},
	{"SuperOffice: the TypeScript client, new", "postWebhook", "superoffice", `{"name":"A","events":["contact.created"],"type":"webhook","targetUrl":"https://e.com","state":1,"headers":{"X-A":"b"},"properties":{"p":1}}`},
	{"SuperOffice: the TypeScript client, fetched before", "postWebhook", "superoffice", `{"webhookId":3,"name":"My hook","events":["contact.created"],"targetUrl":"https://www.example.com/x","secret":"s3","state":"Active","type":"webhook","headers":{},"properties":{},"registered":"2018-04-24T07:50:50.000Z","registeredAssociate":null,"updated":"0001-01-01T00:00:00.000Z","updatedAssociate":null,"errorAssociates":[],"notifyVia":null,"notifyWhen":null}`},
	{"SuperOffice: the default, filled in", "postWebhook", "superoffice", `{"WebhookId":0,"Name":null,"Events":["contact.created","contact.deleted"],"ErrorsEmail":null,"TargetUrl":"https://e.com","Secret":null,"State":"Active","Type":"webhook","Headers":null,"Properties":null,"Registered":"0001-01-01T00:00:00","RegisteredAssociate":null,"Updated":"0001-01-01T00:00:00","UpdatedAssociate":null}`},
	{"Airstack: the guide", "createSubscription", "airstack", `{"endpoint":"https://webhook.site","filter_config":{"event_type":"profile.updated","filter":{"userId":"3761"},"payload":{"userId":"3761","followerCount":108}}}`},
	{"Airstack: the starter kit", "createSubscription", "airstack", `{"endpoint":"http://localhost:4000/webhook","filter_config":{"event_type":"profile.created"}}`},
	{"Airstack: swagger", "createSubscription", "airstack", `{"endpoint":"https://webhook.site","filter_config":{"eventTypes":["follow.created","follow.deleted"]}}`},
	{"Airstack: eventTypes beside filter_config", "createSubscription", "airstack", `{"endpoint":"https://webhook.site","eventTypes":["follow.created"],"filter_config":{"filter":{},"payload":null}}`},
	{"Airstack: its first documents", "createSubscription", "airstack", `{"endpoint":"https://webhook.site","filter_config":{"event_type":"ProfileCreated"}}`},
	{"native: every member", "createSubscription", "native", `{"endpoint":"https://example.com/hook","events":["contact.*","*","a.*.b"],"filter":{"list":{"$in":[1,2]}},"name":"To the CRM","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","headers":{"Authorization":"Bearer token"},"properties":{"nested":{"a":[1]}},"metadata":{"team":"sales"},"retry":[0.5,60,3600],"maxInFlight":8,"ordered":true,"rateLimit":0.5,"timeout":2.5}`},
}

func TestTheVendorsOwnRequestsPass(t *testing.T) {
	t.Parallel()
	for _, tt := range vendorDocuments {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			forms := []string{tt.params}
			if strings.HasPrefix(tt.params, "{") {
				forms = append(forms, "["+tt.params+"]")
			}
			for _, params := range forms {
				named, _, err := catalogue(t).Bind(tt.method, tt.form, json.RawMessage(params))
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(tt.params, "{") {
					sameMembers(t, tt.params, string(named))
				}
			}
		})
	}
}

// sameMembers compares two objects, names in any case, values byte for byte.
func sameMembers(t *testing.T, a, b string) {
	t.Helper()
	read := func(text string) map[string]string {
		var raw map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &raw); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for name, v := range raw {
			out[strings.ToLower(name)] = string(v)
		}
		return out
	}
	if !maps.Equal(read(a), read(b)) {
		t.Errorf("bound as %s\nfrom %s", b, a)
	}
}
