package service

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// scrape reads the service's metrics: the value of each series, by its name with labels.
func (s running) scrape(t *testing.T) map[string]float64 {
	t.Helper()
	answer, err := http.Get(s.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("/metrics answers %s", answer.Status)
	}
	series := map[string]float64{}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		series[line[:at]] = value
	}
	return series
}

// nameOf is a series without its labels.
func nameOf(series string) string {
	name, _, _ := strings.Cut(series, "{")
	return name
}

// metered is a service that has published three events to a receiver which refuses the first attempt.
func metered(t *testing.T) running {
	t.Helper()
	s := open(t)
	var calls atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(receiver.Close)
	s.do(t, "createSubscription", map[string]any{"endpoint": receiver.URL, "events": []string{"*"}, "retry": []float64{0.001}})
	for range 3 {
		s.do(t, "publishEvent", map[string]any{"type": "contact.created", "data": 1})
	}
	s.reads(t, `hookswitch_deliveries_total{dialect="native",outcome="delivered"}`, 3)
	return s
}

// do makes a call as account 1's admin.
func (s running) do(t *testing.T, method string, params any) {
	t.Helper()
	if err := s.try(t, s.LocalKey(), method, params, nil); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
}

// until waits for a series to have a value.
func (s running) reads(t *testing.T, series string, want float64) map[string]float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		got := s.scrape(t)
		if got[series] == want {
			return got
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is %v, want %v", series, got[series], want)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := metered(t)
	for _, method := range []string{"noSuchMethod", "another"} {
		if err := s.try(t, s.LocalKey(), method, nil, nil); err == nil {
			t.Error("an unknown method is answered")
		}
	}
	s.do(t, "createSubscription", map[string]any{"endpoint": "https://example.com/", "events": []string{"never"}, "name": "idle"})
	got := s.reads(t, "hookswitch_backlog", 0)
	for series, want := range map[string]float64{
		`hookswitch_rpc_requests_total{code="0",method="publishEvent"}`:              3,
		`hookswitch_rpc_requests_total{code="-32601",method="unknown"}`:              2,
		`hookswitch_rpc_duration_seconds_count{method="publishEvent"}`:               3,
		`hookswitch_events_published_total`:                                          3,
		`hookswitch_deliveries_total{dialect="native",outcome="delivered"}`:          3,
		`hookswitch_deliveries_total{dialect="native",outcome="retrying"}`:           1,
		`hookswitch_deliveries_total{dialect="vision6",outcome="dead"}`:              0,
		`hookswitch_delivery_duration_seconds_count{dialect="native"}`:               4,
		`hookswitch_publish_to_delivered_seconds_count`:                              3,
		`hookswitch_oldest_pending_seconds`:                                          0,
		`hookswitch_webhooks{state="active"}`:                                        2,
		`hookswitch_webhooks{state="failing"}`:                                       0,
		`hookswitch_sockets`:                                                         0,
		`hookswitch_storage_ready`:                                                   1,
		`hookswitch_storage_damaged`:                                                 0,
		`hookswitch_build_info{goversion="` + runtime.Version() + `",version="dev"}`: 1,
	} {
		if value, ok := got[series]; !ok || value != want {
			t.Errorf("%s is %v (there: %v), want %v", series, value, ok, want)
		}
	}
	for _, series := range []string{
		"hookswitch_storage_commit_items_count", "hookswitch_storage_commit_seconds_count", "hookswitch_storage_file_bytes", "hookswitch_storage_used_bytes",
		"hookswitch_storage_journal_bytes",
		"go_goroutines", "process_resident_memory_bytes",
	} {
		if got[series] <= 0 {
			t.Errorf("%s is %v", series, got[series])
		}
	}
}

// TestNoLabelGrowsWithTenants: more accounts, webhooks, event types and made-up methods make no more series.
func TestNoLabelGrowsWithTenants(t *testing.T) {
	t.Parallel()
	s := metered(t)
	use := func(tenant int) {
		var key struct{ Key string }
		if err := s.try(t, s.LocalKey(), "createKey", map[string]any{"access": "full", "account": fmt.Sprint("tenant ", tenant)}, &key); err != nil {
			t.Fatal(err)
		}
		for _, call := range []struct {
			method string
			params any
		}{
			{"createSubscription", map[string]any{"endpoint": fmt.Sprintf("https://example.com/%d", tenant), "events": []string{"never"}}},
			{"publishEvent", map[string]any{"type": fmt.Sprint("type.number", tenant)}},
			{fmt.Sprint("method", tenant), nil},
		} {
			_ = s.try(t, key.Key, call.method, call.params, nil)
		}
	}
	use(1)
	before := slices.Sorted(maps.Keys(s.scrape(t)))
	for tenant := range 8 {
		use(tenant + 2)
	}
	if after := slices.Sorted(maps.Keys(s.scrape(t))); !slices.Equal(before, after) {
		t.Errorf("%d series have become %d", len(before), len(after))
	}
}

// inQuery finds the names of metrics in an expression of PromQL: what begins as those of this service, Go and the process do,
// outside of quotes.
var inQuery = regexp.MustCompile(`"[^"]*"|\b(?:hookswitch|go|process|promhttp)_[a-zA-Z0-9_]+`)

// unknownMetrics are the names in an expression that no series has.
func unknownMetrics(series map[string]float64, expr string) []string {
	var unknown []string
	for _, name := range inQuery.FindAllString(expr, -1) {
		known := func(s string) bool { return nameOf(s) == name }
		if name[0] != '"' && !slices.ContainsFunc(slices.Collect(maps.Keys(series)), known) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// expressions finds what stands under the names expr, query and definition, at any depth.
func expressions(document any) []string {
	var found []string
	switch d := document.(type) {
	case map[string]any:
		for name, value := range d {
			if text, ok := value.(string); ok && (name == "expr" || name == "query" || name == "definition") {
				found = append(found, text)
			}
			found = append(found, expressions(value)...)
		}
	case []any:
		for _, value := range d {
			found = append(found, expressions(value)...)
		}
	}
	return found
}

// TestDashboardAndAlertsNameRealMetrics: a query for a metric that no service exports shows nothing, for ever, and an alert never
// fires.
func TestDashboardAndAlertsNameRealMetrics(t *testing.T) {
	t.Parallel()
	series := metered(t).scrape(t)
	for path, decode := range map[string]func([]byte, any) error{
		"../deploy/grafana/hookswitch.json":         json.Unmarshal,
		"../deploy/prometheus/hookswitch.rules.yml": yaml.Unmarshal,
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var document any
		if err := decode(text, &document); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		queries := expressions(document)
		if len(queries) < 10 {
			t.Errorf("%s has %d queries only", path, len(queries))
		}
		for _, expr := range queries {
			if unknown := unknownMetrics(series, expr); unknown != nil {
				t.Errorf("%s: nothing exports %s, in %s", path, unknown, expr)
			}
		}
	}
}

// TestUnknownMetricsAreFound is a test of the test above.
func TestUnknownMetricsAreFound(t *testing.T) {
	t.Parallel()
	series := map[string]float64{"hookswitch_backlog": 1, `hookswitch_calls_bucket{le="1"}`: 1, "go_goroutines": 1}
	for expr, want := range map[string]string{
		`sum(hookswitch_backlog) / go_goroutines`:                    "",
		`hookswitch_backlogs > 0`:                                    "hookswitch_backlogs",
		`sum(rate(hookswitch_calls_bucket{le="hookswitch_no"}[5m]))`: "",
		`rate(hookswitch_calls[5m])`:                                 "hookswitch_calls",
		`hookswitch_backlog and process_open_fds`:                    "process_open_fds",
	} {
		if got := strings.Join(unknownMetrics(series, expr), " "); got != want {
			t.Errorf("in %s %q is unknown, want %q", expr, got, want)
		}
	}
	if got := expressions(map[string]any{"a": []any{map[string]any{"expr": "x"}, map[string]any{"query": map[string]any{"query": "y"}}}}); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("the expressions %q are found", got)
	}
}

// TestEveryMetricIsDescribed: the page has each metric, and no other.
func TestEveryMetricIsDescribed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	exported := map[string]bool{}
	for series := range metered(t).scrape(t) {
		if name := nameOf(series); strings.HasPrefix(name, "hookswitch_") {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				name = strings.TrimSuffix(name, suffix)
			}
			exported[name] = true
		}
	}
	described := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(hookswitch_[a-z_]+)").FindAllStringSubmatch(string(page), -1) {
		described[row[1]] = true
	}
	if !maps.Equal(exported, described) {
		t.Errorf("exported %v,\ndescribed %v", slices.Sorted(maps.Keys(exported)), slices.Sorted(maps.Keys(described)))
	}
}

// TestAdminAddressesMove: with an admin listener the main one has no metrics, and only the admin one has profiles.
func TestAdminAddressesMove(t *testing.T) {
	t.Parallel()
	together, apart := open(t), open(t, func(o *Options) { o.SeparateAdmin = true })
	admin := httptest.NewServer(apart.AdminHandler())
	defer admin.Close()
	for url, want := range map[string]int{
		together.url + "/metrics": 200, together.url + "/debug/pprof/": 404, apart.url + "/metrics": 404, apart.url + "/readyz": 404,
		admin.URL + "/metrics": 200, admin.URL + "/livez": 200, admin.URL + "/readyz": 200, admin.URL + "/debug/pprof/": 200,
	} {
		answer, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s answers %d, want %d", url, answer.StatusCode, want)
		}
	}
}
