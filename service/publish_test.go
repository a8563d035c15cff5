package service

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// nested is an array that is n levels deep.
func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// What is JSON is passed on as it was published, whatever a receiver, a filter or encoding/json makes of its numbers.
func TestDataIsPassedOnByteForByte(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/all", "/filtered", "/cloud", "/airstack")
	key := s.fullKey(t, "bytes")
	for path, document := range map[string]map[string]any{
		"/all":      {"events": []string{"follow.created"}},
		"/filtered": {"events": []string{"follow.created"}, "filter": map[string]any{"n": map[string]any{"$exist": true}, "last": 1}},
		"/cloud":    {"events": []string{"follow.created"}, "format": "cloudevents"},
		"/airstack": {"filter_config": map[string]any{"event_type": "follow.created"}},
	} {
		document["endpoint"] = in.url + path
		s.call(t, key, "createSubscription", document, nil)
	}
	numbers := []string{
		strings.Repeat("7", 50), "0." + strings.Repeat("1", 60), "1e401", "-1E-999999999", "1e999999999", strings.Repeat("1", 100_000), nested(98),
	}
	for i, number := range numbers {
		data := fmt.Sprintf(`{"n":%s , "last":1}`, number)
		params := fmt.Sprintf(`{"type":"follow.created","data":%s}`, data)
		text := `{"jsonrpc":"2.0","id":1,"method":"publishEvent","params":` + params + `}`
		if i%2 == 1 {
			text = `{"jsonrpc":"2.0","id":1,"method":"publishEvents","params":[[null,` + params + `]]}`
		}
		if got := s.posted(t, key, "", text); !strings.Contains(got, `"matched":4,"duplicate":false}`) {
			t.Fatalf("%.20s: %.400s", number, got)
		}
		for path := range in.arrivals {
			if got := in.next(t, path); !strings.Contains(got.body, data) {
				t.Errorf("%.20s arrives at %s in %.200s", number, path, got.body)
			}
		}
	}
}

// One bad event of many answers for itself.
func TestABadEventRefusesNoneOfItsNeighbours(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "apart")
	for name, c := range map[string]struct{ bad, pointer, message string }{
		"null":             {`null`, "", "must be an object"},
		"a text":           {`"a"`, "", "must be an object"},
		"an array":         {`["a",1]`, "", "must be an object"},
		"no object, deep":  {nested(900), "", "must be an object"},
		"deep data":        {`{"type":"a","data":` + nested(100) + `}`, "/data", "is nested too deep: at most 100 levels"},
		"deeper data":      {`{"type":"a","data":` + nested(900) + `}`, "/data", "is nested too deep: at most 100 levels"},
		"a deep member":    {`{"type":"a","b":{"c":` + nested(900) + `}}`, "/b", "is nested too deep: at most 100 levels"},
		"a vast attribute": {`{"type":"a","attributes":{"n":1e999999999}}`, "/attributes/n", "must be a number with an exponent of at most 400"},
		"no type":          {`{}`, "/type", "is missing"},
	} {
		for _, form := range []string{`{"events":[%s]}`, `[[%s]]`, `{"event\u0073":[%s]}`} {
			params := fmt.Sprintf(form, `{"type":"a"},`+c.bad+`,{"type":"a"}`)
			var answer struct {
				Result struct {
					Results []struct {
						ID    string
						Error struct {
							Code int
							Data struct {
								Faults []struct{ Pointer, Message string }
							}
						}
					}
				}
			}
			got := s.posted(t, key, "", `{"jsonrpc":"2.0","id":1,"method":"publishEvents","params":`+params+`}`)
			if err := json.Unmarshal([]byte(got), &answer); err != nil || len(answer.Result.Results) != 3 {
				t.Errorf("%s: %v in %.300s", name, err, got)
				continue
			}
			results := answer.Result.Results
			if results[0].ID == "" || results[2].ID == "" || results[1].Error.Code != 310 {
				t.Errorf("%s: %.300s", name, got)
			}
			prefix := "/params/events/1"
			if params[0] == '[' {
				prefix = "/params/0/1"
			}
			faults := results[1].Error.Data.Faults
			if len(faults) == 0 || faults[len(faults)-1].Pointer != prefix+c.pointer || !strings.HasPrefix(faults[len(faults)-1].Message, c.message) {
				t.Errorf("%s: faults %v, want %s %s", name, faults, prefix+c.pointer, c.message)
			}
		}
	}
}

// These, and no others, refuse a whole call of publishEvents before its events are looked at.
func TestWhatRefusesAWholePublishIsSaidPlainly(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "whole")
	call := func(element string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"publishEvents","params":{"events":[{"type":"a"},` + element + `]}}`
	}
	for name, c := range map[string]struct {
		text, want string
		status     int
	}{
		"beyond the transport's depth": {call(nested(998)), `"code":-32600,"message":"Invalid Request","data":"nested deeper than 1000 levels"},"id":1}`, 200},
		"beyond what is read":          {call(nested(100_000)), `"code":-32700,"message":"Parse error","data":"nested deeper than 10000 levels, and read no further"},"id":null}`, 200},
		"no JSON":                      {call(`{"type":}`), `"code":-32700,"message":"Parse error"},"id":null}`, 200},
		"too large":                    {call(`"` + strings.Repeat("x", 4<<20) + `"`), `"code":-32600,"message":"Invalid Request","data":"larger than 4194304 bytes"},"id":null}`, 413},
		"too many":                     {call(strings.Repeat(`{},`, 999) + `{}`), `"code":310,"message":"Invalid Method Parameters"`, 200},
	} {
		response := send(t, http.MethodPost, s.url+"/rpc", c.text, map[string]string{
			"Content-Type": "application/json", "Authorization": "Bearer " + key,
		})
		got, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != c.status || !strings.Contains(string(got), c.want) {
			t.Errorf("%s: status %d, %.300s, %v", name, response.StatusCode, got, err)
		}
	}
}
