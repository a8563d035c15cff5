package delivery

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

func TestRecordedHeaderIsBoundedSortedAndMasked(t *testing.T) {
	t.Parallel()
	w := &schemas.Webhook{Secrets: []schemas.Secret{{Value: "sesame"}, {Value: "abc"}}, Headers: map[string]string{"x-functions-key": "f", "Accept": "text/plain"}}
	list := maskHeader(w, secretsOf(w, ""), http.Header{
		"X-Api-Key": {"k"}, "X-Functions-Key": {"f", "f"}, "B": {"open sesame open"}, "A": {"abc"}, "Z": {strings.Repeat("z", maxRecordedHeader)},
	})
	want := [][2]string{{"A", "abc"}, {"B", "open *** open"}, {"X-Api-Key", "***"}, {"X-Functions-Key", "***"}, {"X-Functions-Key", "***"}} // three letters are too common to mask
	if len(list) != len(want) {
		t.Fatalf("got %v", list)
	}
	for i := range want {
		if list[i] != want[i] {
			t.Errorf("got %v, want %v", list[i], want[i])
		}
	}
}
