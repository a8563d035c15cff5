package schemas

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// Whatever member an attempt gets, its stored form must have it.
func TestTheStoredFormOfAnAttemptHasEveryMember(t *testing.T) {
	t.Parallel()
	full := Attempt{
		Number: 3, Started: time.Date(2026, 11, 27, 1, 2, 3, 4, time.UTC), Duration: time.Second, OK: true, Status: 200,
		Error: ErrorStatus, Message: "it said \"no\"\x00\u2028", RequestHeaders: [][2]string{{"A", "b"}, {"C", ""}},
		RequestBytes: 9, RequestSum: 1 << 31, Batch: []uint64{7, 1 << 40}, ResponseHeaders: [][2]string{{"D", "é<"}}, ResponseBody: "line\nline",
	}
	for i, v := 0, reflect.ValueOf(full); i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Fatalf("this test must fill in %s", v.Type().Field(i).Name)
		}
	}
	for _, want := range []Attempt{full, {}, {Started: time.Now()}} {
		var got, reflected Attempt
		text, err := json.Marshal(want)
		if err == nil {
			err = json.Unmarshal(text, &reflected)
		}
		if err != nil {
			t.Fatal(err)
		}
		stored := AppendAttempt([]byte("before"), &want)
		if err := json.Unmarshal(stored[len("before"):], &got); err != nil || !reflect.DeepEqual(got, reflected) {
			t.Errorf("%s: got %+v, %v; want %+v", stored, got, err, reflected)
		}
	}
}
