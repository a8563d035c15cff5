package vision6

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

func stock() []Webhook {
	return []Webhook{
		{ID: 1, details: details{"list", "created", 0, "https://a.example.com/"}},
		{ID: 2, details: details{"list", "removed", 123, "https://b.example.com/Hook"}},
		{ID: 3, details: details{"contact", "created", 123, "https://a.example.com/"}},
		{ID: 10, details: details{"contact", "unsubscribed", 9, "http://c.example.org/"}},
	}
}

func ids(found []Webhook) []schemas.WebhookID {
	out := []schemas.WebhookID{}
	for _, w := range found {
		out = append(out, w.ID)
	}
	return out
}

// find searches the stock with the parameters of searchWebhooks after the key.
func find(params string) ([]schemas.WebhookID, error) {
	in := methods.ReadDocument(json.RawMessage(params), false)
	s := search{limit: defaultLimit, sortBy: "id", order: "ASC"}
	s.read(in)
	if err := in.Err(); err != nil {
		return nil, err
	}
	var found []Webhook
	for _, w := range stock() {
		if s.wanted(&w) {
			found = append(found, w)
		}
	}
	return ids(s.page(found)), nil
}

func TestSearchCriteria(t *testing.T) {
	t.Parallel()
	for criteria, want := range map[string][]schemas.WebhookID{
		`null`:                                {1, 2, 3, 10},
		`[]`:                                  {1, 2, 3, 10},
		`[[]]`:                                {1, 2, 3, 10},
		`[["object","exactly","list"]]`:       {1, 2},
		`["object","exactly","LIST"]`:         {1, 2},
		`[["list_id","exactly",123]]`:         {2, 3},
		`[["list_id","exactly","123"]]`:       {2, 3},
		`[["id","exactly","1"]]`:              {1},
		`[["url","contains","hook"]]`:         {2},
		`[["url","not_contains",".COM"]]`:     {10},
		`[["url","starts_with","http:"]]`:     {10},
		`[["url","ends_with",".com/"]]`:       {1, 3},
		`[["event","not_exactly","created"]]`: {2, 10},
		`[["id","greater_than",2],"AND",["id","less_than","10"]]`:                                       {3},
		`[["object","exactly","list"],["event","exactly","created"]]`:                                   {1},
		`[["id","exactly",10],"OR",["object","exactly","list"],"AND",["list_id","exactly",123]]`:        {2, 10},
		`[[["id","exactly",10],"or",["object","exactly","list"]],"and",["list_id","greater_than",0]]`:   {2, 10},
		`[["object","exactly","person"]]`:                                                               {},
		`[["id","exactly",1],"OR",["id","exactly",2],"OR",["id","exactly",3]]`:                          {1, 2, 3},
		`[[["object","exactly","contact"],["list_id","exactly",123]],"OR",[["list_id","exactly","0"]]]`: {1, 3},
	} {
		got, err := find(`{"search_criteria":` + criteria + `}`)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s finds %v, want %v (%v)", criteria, got, want, err)
		}
	}
}

func TestSearchCriteriaThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for criteria, pointer := range map[string]string{
		`5`:                                   "",
		`"object"`:                            "",
		`{"object":"list"}`:                   "",
		`[null]`:                              "/0",
		`["object"]`:                          "",
		`[["object","exactly"]]`:              "/0",
		`[["object","exactly","list"],"AND"]`: "/1",
		`[["object","exactly","list"],"XOR",["id","exactly",1]]`:       "/1",
		`[["object","exactly","list"],"AND","OR",["id","exactly",1]]`:  "/2",
		`[["color","exactly","red"]]`:                                  "/0/0",
		`[["object","resembles","list"]]`:                              "/0/1",
		`[["object","greater_than",1]]`:                                "/0/1",
		`[["id","greater_than","many"]]`:                               "/0/1",
		`[["id","exactly",[1]]]`:                                       "/0/2",
		`[[["id","exactly",1],"OR",["id","exactly",1]],"AND",[["x"]]]`: "/2/0",
		`[["object","exactly","list"],"OR",[5]]`:                       "/2/0",
	} {
		_, err := find(`{"search_criteria":` + criteria + `}`)
		e, ok := errors.AsType[*schemas.Error](err)
		if !ok || e.Kind != schemas.KindInvalidParams || e.Faults[0].Pointer != "/search_criteria"+pointer {
			t.Errorf("%s: %v, want a fault at %q", criteria, err, pointer)
		}
	}
}

func TestSearchSortsAndPages(t *testing.T) {
	t.Parallel()
	for params, want := range map[string][]schemas.WebhookID{
		`{}`:                         {1, 2, 3, 10},
		`{"sort_order":"desc"}`:      {10, 3, 2, 1},
		`{"sort_by":"url"}`:          {10, 1, 3, 2},
		`{"sort_by":"list_id"}`:      {1, 10, 2, 3},
		`{"sort_by":"event"}`:        {1, 3, 2, 10},
		`{"limit":2}`:                {1, 2},
		`{"limit":"2","offset":"3"}`: {10},
		`{"offset":4}`:               {},
		`{"offset":9000000000000}`:   {},
		`{"sort_by":"object","sort_order":"DESC","limit":1}`: {1},
	} {
		got, err := find(params)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s finds %v, want %v (%v)", params, got, want, err)
		}
	}
	for params, pointer := range map[string]string{
		`{"limit":0}`: "/limit", `{"limit":10001}`: "/limit", `{"offset":-1}`: "/offset",
		`{"sort_by":"color"}`: "/sort_by", `{"sort_order":"up"}`: "/sort_order",
	} {
		_, err := find(params)
		if e, ok := errors.AsType[*schemas.Error](err); !ok || e.Faults[0].Pointer != pointer {
			t.Errorf("%s: %v, want a fault at %s", params, err, pointer)
		}
	}
}

func TestFormOfDelete(t *testing.T) {
	t.Parallel()
	for params, want := range map[string]string{
		`["KEY",616]`: Name, `["KEY","616"]`: Name, `{"webhook_id":616}`: Name, `{"api_key":"KEY","webhook_id":616}`: Name,
		`{"id":616}`: "", `[616]`: "", `["616"]`: "", `[]`: "", ``: "", `null`: "", `5`: "",
	} {
		if got := formOfDelete(json.RawMessage(params)); got != want {
			t.Errorf("%s: form %q, want %q", params, got, want)
		}
	}
}

// FuzzCriteria: reading search criteria never panics, and what they make can be asked.
func FuzzCriteria(f *testing.F) {
	for _, seed := range []string{
		`[["name","exactly","value"],"OR",["id","less_than",5]]`, `[[],"AND",[]]`, `[[[["url","contains",""]]]]`, `[null]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, criteria string) {
		if !json.Valid([]byte(criteria)) {
			return
		}
		in := methods.ReadDocument(json.RawMessage(fmt.Sprintf(`{"search_criteria":%s}`, criteria)), false)
		wanted := readCriteria(in)
		for _, w := range stock() {
			wanted(&w)
		}
	})
}
