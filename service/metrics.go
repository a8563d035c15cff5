package service

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// metrics counts what the service does, in a registry of its own. docs/observability.md says what each metric means. No label
// has a value that a caller or a tenant can choose.
type metrics struct {
	registry *prometheus.Registry

	requests  *prometheus.CounterVec   // by method, code
	calls     *prometheus.HistogramVec // by method
	answered  sync.Map                 // method → *called: what the usual call needs, without a look by labels
	sent      map[string]*exchanges    // by dialect; does not change
	delivered prometheus.Histogram
	items     prometheus.Histogram
	commits   prometheus.Histogram
}

// called are the metrics of one method's successes.
type called struct {
	ok   prometheus.Counter
	took prometheus.Observer
}

// exchanges are the metrics of one dialect.
type exchanges struct {
	outcomes map[schemas.DeliveryState]prometheus.Counter
	took     prometheus.Observer
}

// Bounds of the histograms, in seconds but for commitItems.
var (
	callSeconds     = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	exchangeSeconds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60}
	deliverySeconds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400}
	commitSeconds   = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}
	commitItems     = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}
)

func newMetrics(version string) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), sent: map[string]*exchanges{}}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hookswitch_rpc_requests_total",
		Help: "Calls by method and by the code of their error, 0 for success. The method unknown stands for all that there are none of.",
	}, []string{"method", "code"})
	m.calls = prometheus.NewHistogramVec(histogram("hookswitch_rpc_duration_seconds", "How long calls took.", callSeconds), []string{"method"})
	m.delivered = prometheus.NewHistogram(histogram("hookswitch_publish_to_delivered_seconds",
		"Time from the acceptance of an event until a receiver took it, retries and waits included.", deliverySeconds))
	m.items = prometheus.NewHistogram(histogram("hookswitch_storage_commit_items", "Writes of callers that shared a commit.", commitItems))
	m.commits = prometheus.NewHistogram(histogram("hookswitch_storage_commit_seconds", "How long commits took, until they were on the disk.", commitSeconds))
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "hookswitch_build_info", Help: "1, with the version of the build as labels.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.calls, m.delivered, m.items, m.commits, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func histogram(name, help string, bounds []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}
}

// observers are who is told of calls, attempts and commits.
type observers struct {
	call    func(method string, code int64, took time.Duration)
	attempt func(delivery.AttemptReport)
	commit  func(items int, took time.Duration)
}

func (m *metrics) observers(o Options) observers {
	if o.unmeasured {
		return observers{}
	}
	return observers{m.call, m.attempt, m.commit}
}

// speak makes the metrics of the dialects, so that what never happened reads 0. To be called once, before the engine starts.
func (m *metrics) speak(dialects []methods.Dialect) {
	outcomes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hookswitch_deliveries_total",
		Help: "What attempts did to deliveries: delivered, retrying (failed and made again later) or dead (given up).",
	}, []string{"outcome", "dialect"})
	took := prometheus.NewHistogramVec(histogram("hookswitch_delivery_duration_seconds",
		"How long one exchange with a receiver took.", exchangeSeconds), []string{"dialect"})
	m.registry.MustRegister(outcomes, took)
	for _, d := range dialects {
		e := &exchanges{outcomes: map[schemas.DeliveryState]prometheus.Counter{}, took: took.WithLabelValues(d.Name)}
		for _, state := range []schemas.DeliveryState{schemas.DeliveryDelivered, schemas.DeliveryRetrying, schemas.DeliveryDead} {
			e.outcomes[state] = outcomes.WithLabelValues(string(state), d.Name)
		}
		m.sent[d.Name] = e
	}
}

// call counts one call. method is one that there is, or "unknown".
func (m *metrics) call(method string, code int64, took time.Duration) {
	known, ok := m.answered.Load(method)
	if !ok {
		known, _ = m.answered.LoadOrStore(method, &called{m.requests.WithLabelValues(method, "0"), m.calls.WithLabelValues(method)})
	}
	c := known.(*called)
	c.took.Observe(took.Seconds())
	if code == 0 {
		c.ok.Inc()
		return
	}
	m.requests.WithLabelValues(method, strconv.FormatInt(code, 10)).Inc()
}

// attempt counts one exchange.
func (m *metrics) attempt(r delivery.AttemptReport) {
	e := m.sent[r.Dialect]
	e.took.Observe(r.Attempt.Duration.Seconds())
	for _, d := range r.Deliveries {
		e.outcomes[d.State].Inc()
		if d.State == schemas.DeliveryDelivered {
			m.delivered.Observe(d.Age.Seconds())
		}
	}
}

// commit counts one commit of the store.
func (m *metrics) commit(items int, took time.Duration) {
	m.items.Observe(float64(items))
	m.commits.Observe(took.Seconds())
}

// handler answers with all metrics.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 4})
}
