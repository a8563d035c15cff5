package airstack_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/delivery"
)

// sample is a payload as the vendor documents it, with the rank that its filters use.
const sample = `{"id":"b9f6","eventTimestamp":"2024-05-11T08:43:50.531Z","dappName":"farcaster","userId":"3761",
	"userAddress":"0xa3a7","userAssociatedAddresses":["0xa3a7","Cry3","0xcbfb"],"isDefault":false,"profileName":"betashop.eth",
	"userRecoveryAddress":"0x0000","profileMetadata":null,"isFarcasterPowerUser":true,"followingCount":117,"followerCount":108,
	"socialCapital":{"socialCapitalScore":0.00151243059,"socialCapitalScoreRaw":"151243059","socialCapitalRank":80},
	"followers":[{"name":"a","tags":[{"id":1},{"id":2}]},{"name":"b","tags":[{"id":3}]}]}`

// TestFiltersFollowTheGrammarLineByLine goes through the vendor's table of forms and Convoy 24.5.1's rules of evaluation, in
// the order in which the project's reference of the dialect lists them (section 3). A refusal is written as its sentence.
func TestFiltersFollowTheGrammarLineByLine(t *testing.T) {
	t.Parallel()
	const yes, no = "true", "false"
	for _, test := range []struct{ rule, filter, want string }{
		{"direct", `{"userId":"3761"}`, yes},
		{"direct", `{"userId":"602"}`, no},
		{"direct, bool", `{"isFarcasterPowerUser":true}`, yes},
		{"direct, null", `{"profileMetadata":null}`, yes},
		{"nested", `{"socialCapital":{"socialCapitalRank":80}}`, yes},
		{"nested", `{"socialCapital":{"socialCapitalRank":1}}`, no},
		{"nested, dotted", `{"socialCapital.socialCapitalRank":80}`, yes},
		{"array contains", `{"userAssociatedAddresses":"0xa3a7"}`, yes},
		{"array contains", `{"userAssociatedAddresses":"0xa3"}`, no},
		{"$neq", `{"userId":{"$neq":"1"}}`, yes},
		{"$neq", `{"userId":{"$neq":"3761"}}`, no},
		{"$eq", `{"userId":{"$eq":"3761"}}`, yes},
		{"$or", `{"$or":[{"userId":"1"},{"followerCount":108}]}`, yes},
		{"$or", `{"$or":[{"userId":"1"},{"followerCount":1}]}`, no},
		{"$and", `{"$and":[{"userId":"3761"},{"followerCount":108}]}`, yes},
		{"$and", `{"$and":[{"userId":"3761"},{"followerCount":1}]}`, no},
		{"$or in $and", `{"$and":[{"$or":[{"userId":"1"},{"userId":"3761"}]},{"followerCount":108}]}`, yes},
		{"$in", `{"userId":{"$in":["602","3761"]}}`, yes},
		{"$in", `{"userId":{"$in":["602","2602"]}}`, no},
		{"$nin", `{"userId":{"$nin":["602","2602"]}}`, yes},
		{"$nin", `{"userId":{"$nin":["602","3761"]}}`, no},
		{"$gt", `{"followerCount":{"$gt":107}}`, yes},
		{"$gt", `{"followerCount":{"$gt":108}}`, no},
		{"$gte", `{"followerCount":{"$gte":108}}`, yes},
		{"$lt", `{"followerCount":{"$lt":109}}`, yes},
		{"$lt", `{"followerCount":{"$lt":108}}`, no},
		{"$lte, nested", `{"socialCapital":{"socialCapitalRank":{"$lte":100}}}`, yes},
		{"positional", `{"followers.$.name":"b"}`, yes},
		{"positional, two", `{"followers.$.tags.$.id":{"$gte":3}}`, yes},
		{"positional, the vendor's own example, which no array answers", `{"$.socialCapital.$.socialCapitalRank":{"$lte":100}}`, no},
		{"$regex", `{"profileName":{"$regex":"^betashop"}}`, yes},
		{"$regex, unanchored", `{"profileName":{"$regex":"shop"}}`, yes},
		{"$regex", `{"profileName":{"$regex":"^shop"}}`, no},
		{"$exist", `{"userId":{"$exist":true}}`, yes},
		{"$exist", `{"userId":{"$exist":false}}`, no},
		{"at most 3 levels", `{"a":{"b":{"c":1}},"userId":"3761"}`, yes},
		{"at most 3 levels", `{"a":{"b":{"c":{"d":1}}}}`, "nested too deeply"},

		{"all conditions AND", `{"userId":"3761","followerCount":108}`, yes},
		{"all conditions AND", `{"userId":"3761","followerCount":1}`, no},
		{"an absent key is skipped", `{"absent":1,"userId":"3761"}`, yes},
		{"nothing evaluated is no match", `{"absent":1}`, no},
		{"an empty filter matches all", `{}`, yes},
		{"numbers as float64", `{"followerCount":108.0}`, yes},
		{"deep equality", `{"userId":3761}`, no},
		{"deep equality, lists", `{"userAssociatedAddresses":["0xa3a7","Cry3","0xcbfb"]}`, yes},
		{"several operators AND", `{"followerCount":{"$gt":100,"$lt":110}}`, yes},
		{"several operators AND", `{"followerCount":{"$gt":100,"$lt":105}}`, no},
		{"unknown operator", `{"userId":{"$foo":1}}`, "$foo starts with a $ and is not a valid operator"},
		{"unknown operator", `{"$foo":1}`, "$foo starts with a $ and is not a valid operator"},
		{"$or is an array", `{"$or":{"userId":"1"}}`, "the value of $or and $and must be an array"},
		{"$and is an array", `{"$and":"x"}`, "the value of $or and $and must be an array"},
		{"trailing $", `{"followers.$":"b"}`, "invalid filter syntax, found trailing $"},
		{"at most 3 wildcards", `{"a.$.b.$.c.$.d.$.e":1}`, "too many segments, expected at most 3 but got 4"},
		{"one wildcard is 0 and 1", `{"followers.$.name":"a"}`, yes},
		{"a positional key that nothing answers is no match", `{"followers.$.absent":1,"userId":"3761"}`, no},
	} {
		filter, err := delivery.CompileFilter(json.RawMessage(test.filter))
		switch {
		case err != nil:
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %s: %v, want %s", test.rule, test.filter, err, test.want)
			}
		case filter.Match(json.RawMessage(sample)) != (test.want == yes) || test.want != yes && test.want != no:
			t.Errorf("%s: %s is not %s", test.rule, test.filter, test.want)
		}
	}
}
