package delivery

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

const profile = `{"userId":"3761","followerCount":108,"isFarcasterPowerUser":false,"bio":null,
	"userAssociatedAddresses":["0xa3","Cry3",5],"socialCapital":{"socialCapitalRank":80,"socialCapitalScore":0.5},
	"items":[{"name":"a","n":1},{"name":"b","n":2},{"name":"c","n":3}],"profileName":"betashop.eth","dotted.key":1,
	"grid":[{"cells":[{"v":1},{"v":2}]},{"cells":[{"v":3}]}]}`

func TestFilterMatchesAsTheGrammarSays(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]bool{
		``: true, `null`: true, `{}`: true,
		`{"userId":"3761"}`:                                  true,
		`{"userId":3761}`:                                    false, // deep equality: a string is not a number
		`{"userId":"602"}`:                                   false,
		`{"followerCount":108}`:                              true,
		`{"followerCount":108.0}`:                            true,
		`{"isFarcasterPowerUser":false}`:                     true,
		`{"bio":null}`:                                       true,
		`{"bio":"x"}`:                                        false,
		`{"socialCapital":{"socialCapitalRank":80}}`:         true,
		`{"socialCapital.socialCapitalRank":80}`:             true,
		`{"socialCapital":{"socialCapitalRank":1}}`:          false,
		`{"dotted":{"key":1}}`:                               true,
		`{"userAssociatedAddresses":"0xa3"}`:                 true,
		`{"userAssociatedAddresses":5}`:                      true,
		`{"userAssociatedAddresses":"0xa"}`:                  false,
		`{"userAssociatedAddresses":["0xa3","Cry3",5]}`:      true,
		`{"userId":{"$neq":"1"}}`:                            true,
		`{"userId":{"$neq":"3761"}}`:                         false,
		`{"userId":{"$eq":"3761"}}`:                          true,
		`{"userId":{"$in":["602","3761"]}}`:                  true,
		`{"userId":{"$in":[3761]}}`:                          false,
		`{"userId":{"$nin":["602","2602"]}}`:                 true,
		`{"userId":{"$nin":["3761"]}}`:                       false,
		`{"followerCount":{"$gt":107,"$lt":109}}`:            true,
		`{"followerCount":{"$gt":107,"$lt":108}}`:            false,
		`{"followerCount":{"$gte":108}}`:                     true,
		`{"followerCount":{"$lte":108}}`:                     true,
		`{"followerCount":{"$lte":107}}`:                     false,
		`{"userId":{"$lt":9999}}`:                            false, // no number
		`{"profileName":{"$regex":"^betashop"}}`:             true,
		`{"profileName":{"$regex":"shop"}}`:                  true,
		`{"profileName":{"$regex":"^shop"}}`:                 false,
		`{"followerCount":{"$regex":"1"}}`:                   false,
		`{"$or":[{"userId":"1"},{"followerCount":108}]}`:     true,
		`{"$or":[{"userId":"1"},{"followerCount":1}]}`:       false,
		`{"$and":[{"userId":"3761"},{"followerCount":108}]}`: true,
		`{"$and":[{"userId":"3761"},{"followerCount":1}]}`:   false,
		`{"$or":[{"$and":[{"userId":"3761"},{"followerCount":1}]},{"$or":[{"userId":"3761"}]}]}`: true,
		`{"$or":[{"userId":"3761"}],"followerCount":1}`:                                          false,
		`{"absent":"x"}`:                                       false, // nothing was evaluated
		`{"absent":"x","userId":"3761"}`:                       true,  // absent keys are skipped
		`{"$and":[{"absent":"x"},{"userId":"3761"}]}`:          false, // a member of which nothing was evaluated
		`{"absent":{"$exist":false}}`:                          true,
		`{"absent":{"$exist":true},"userId":"3761"}`:           false,
		`{"userId":{"$exist":true}}`:                           true,
		`{"userId":{"$exist":false}}`:                          false,
		`{"bio":{"$exist":true}}`:                              true,
		`{"items.1.name":"b"}`:                                 true,
		`{"items":[{"name":"a"}]}`:                             true,
		`{"items.$.name":"b"}`:                                 true,
		`{"items.$.name":"c"}`:                                 false, // one wildcard stands for 0 and 1
		`{"items":{"$.name":"a"}}`:                             true,
		`{"items.$.n":{"$gt":1}}`:                              true,
		`{"items.$.absent":"b","userId":"3761"}`:               false, // not skipped
		`{"grid.$.cells.$.v":3}`:                               true,
		`{"$.socialCapital.$.socialCapitalRank":{"$lte":100}}`: false, // no such array in this data
	} {
		f, err := CompileFilter(json.RawMessage(filter))
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if got := f.Match(json.RawMessage(profile)); got != want {
			t.Errorf("%s matches: %v, want %v", filter, got, want)
		}
	}
}

// A number beyond float64 is as good as infinite, and does nothing to the others.
func TestFilterOnNumbersBeyondFloats(t *testing.T) {
	t.Parallel()
	data := json.RawMessage(`{"large":1e999,"small":-1e999,"tiny":1e-999,"long":` + strings.Repeat("1", 400) + `,"list":[1e999,5],"o":[{"n":1e999}],"n":3}`)
	for filter, want := range map[string]bool{
		`{"n":3}`:                 true,
		`{"list":5}`:              true,
		`{"large":{"$gt":1e308}}`: true,
		`{"large":{"$lt":1e308}}`: false,
		`{"small":{"$lt":0}}`:     true,
		`{"tiny":0}`:              true,
		`{"long":{"$gt":1e308}}`:  true,
		`{"large":1e308}`:         false,
		`{"large":null}`:          false,
		`{"large":{"$neq":1}}`:    true,
		`{"o.0.n":{"$gte":1}}`:    true,
	} {
		f, err := CompileFilter(json.RawMessage(filter))
		if err != nil {
			t.Fatalf("%s: %v", filter, err)
		}
		if got := f.Match(data); got != want {
			t.Errorf("%s matches: %v, want %v", filter, got, want)
		}
	}
}

func TestFilterOnDataThatIsNoObject(t *testing.T) {
	t.Parallel()
	f, err := CompileFilter(json.RawMessage(`{"0.a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	for data, want := range map[string]bool{``: false, `null`: false, `5`: false, `"x"`: false, `[]`: false, `[{"a":1}]`: true, `{`: false} {
		if got := f.Match(json.RawMessage(data)); got != want {
			t.Errorf("%q matches: %v", data, got)
		}
		if !new(Filter).Match(json.RawMessage(data)) {
			t.Errorf("the empty filter does not match %q", data)
		}
	}
}

func TestCompileFilterRefusesWithASentence(t *testing.T) {
	t.Parallel()
	many := `{"a":1`
	for i := range 300 {
		many += `,"k` + strconv.Itoa(i) + `":1`
	}
	for filter, want := range map[string]string{
		`[]`: "must be an object", `"x"`: "must be an object", `{`: "not JSON",
		`{"$foo":1}`:              "$foo starts with a $ and is not a valid operator",
		`{"a":{"$foo":1}}`:        "$foo starts with a $ and is not a valid operator",
		`{"$gt":1}`:               "$gt must stand under a key",
		`{"a":{"$or":[{"b":1}]}}`: "must not stand under a key",
		`{"$or":{"a":1}}`:         "the value of $or and $and must be an array",
		`{"$or":[1]}`:             "take filter objects",
		`{"$or":[]}`:              "at least one",
		`{"a.$":1}`:               "invalid filter syntax, found trailing $",
		`{"a.$.b.$.c.$.d.$.e":1}`: "too many segments, expected at most 3 but got 4",
		`{"a":{"$regex":"("}}`:    "not a regular expression",
		`{"a":{"$regex":1}}`:      "must be a string",
		`{"a":{"$regex":"((a{100}){10}){1}|(b{1000})|(c{1000})|(d{1000})|(e{1000})"}}`: "too complex",
		`{"a":{"$regex":"` + strings.Repeat("a", 300) + `"}}`:                          "too long",
		`{"a":{"$gt":"1"}}`:                               "must be a number",
		`{"a":{"$in":"1"}}`:                               "a list",
		`{"a":{"$exist":1}}`:                              "true or false",
		`{"a":{"b":{"c":{"d":1}}}}`:                       "nested too deeply",
		`{"$or":[{"$or":[{"$or":[{"$or":[{"a":1}]}]}]}]}`: "nested too deeply",
		many + `}`:                                        "too many conditions",
		`{"a":"` + strings.Repeat("x", 20000) + `"}`:      "too large",
		`{"a":[1,1e400]}`:                                 "a number of the filter is larger than any",
	} {
		_, err := CompileFilter(json.RawMessage(filter))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %q", filter, err, want)
		}
	}
	for _, filter := range []string{`{"a":{"b":{"c":1}}}`, `{"a":{"b":{"c":{"$gt":1}}}}`, `{"$or":[{"$and":[{"$or":[{"a":1}]}]}]}`} {
		if _, err := CompileFilter(json.RawMessage(filter)); err != nil {
			t.Errorf("%s: %v", filter, err)
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add([]byte(`{"$or":[{"a":{"$in":[1,"2"]}},{"b.$.c":{"$regex":"^x"}}],"d":{"e":{"$exist":false}}}`), []byte(profile))
	f.Add([]byte(`{"a":[{"b":1},2]}`), []byte(`{"a":[{"b":1},2]}`))
	f.Add([]byte(`{"a":{"$gt":1},"b":2}`), []byte(`{"a":1e999999999,"b":[-1e400,2]}`))
	f.Fuzz(func(t *testing.T, filter, data []byte) {
		compiled, err := CompileFilter(filter)
		if err != nil {
			return
		}
		both, err := CompileFilter([]byte(`{"$and":[` + string(filter) + `,` + string(filter) + `]}`))
		if err == nil && len(compiled.conditions) > 0 && both.Match(data) != compiled.Match(data) {
			t.Error("a filter and itself twice answer differently")
		}
	})
}
