package service

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/storage/bolt"
)

// gauges reads what the parts of a service hold when somebody looks.
type gauges struct {
	service *Service
	list    []gauge
}

// gauge is a metric read from a moment of the service.
type gauge struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*moment) float64
}

// moment is what the parts say of themselves.
type moment struct {
	engine  delivery.Stats
	server  rpc.Stats
	backlog int64
	oldest  time.Duration
	bytes   int64 // of the file
	journal int64 // bytes of the journal
	used    int64 // of these
	ready   bool
	damaged bool
}

// checkWait bounds how long a scrape waits for the store.
const checkWait = 5 * time.Second

func newGauges(s *Service) *gauges {
	g := &gauges{service: s}
	add := func(name, help string, kind prometheus.ValueType, read func(*moment) float64) {
		g.list = append(g.list, gauge{prometheus.NewDesc(name, help, nil, nil), kind, read})
	}
	state := func(value string, read func(*moment) float64) {
		desc := prometheus.NewDesc("hookswitch_webhooks", "Webhooks by state.", nil, prometheus.Labels{"state": value})
		g.list = append(g.list, gauge{desc, prometheus.GaugeValue, read})
	}
	const level, sum = prometheus.GaugeValue, prometheus.CounterValue
	add("hookswitch_events_published_total", "Events accepted, repeats not counted.", sum, func(m *moment) float64 { return float64(m.engine.Published) })
	add("hookswitch_backlog", "Deliveries that are owed, whatever they wait for.", level, func(m *moment) float64 { return float64(m.backlog) })
	add("hookswitch_oldest_pending_seconds", "How long the most overdue delivery to an active webhook has been due.", level, func(m *moment) float64 { return m.oldest.Seconds() })
	add("hookswitch_exchanges_in_flight", "Exchanges with receivers under way.", level, func(m *moment) float64 { return float64(m.engine.InFlight) })
	add("hookswitch_deliveries_held", "Deliveries in memory, on their way.", level, func(m *moment) float64 { return float64(m.engine.Held) })
	add("hookswitch_origins_silent", "Receivers' origins that do not answer and are only probed.", level, func(m *moment) float64 { return float64(m.engine.Silent) })
	state("active", func(m *moment) float64 { return float64(m.engine.Webhooks.Active) })
	state("stopped", func(m *moment) float64 { return float64(m.engine.Webhooks.Stopped) })
	state("failing", func(m *moment) float64 { return float64(m.engine.Webhooks.Failing) })
	add("hookswitch_rpc_running", "Calls and batches being answered.", level, func(m *moment) float64 { return float64(m.server.Running) })
	add("hookswitch_sockets", "Open WebSocket connections.", level, func(m *moment) float64 { return float64(m.server.Sockets) })
	add("hookswitch_storage_file_bytes", "Size of the store's file.", level, func(m *moment) float64 { return float64(m.bytes) })
	add("hookswitch_storage_journal_bytes", "Size of the journal, the two files in front of the store's file.", level, func(m *moment) float64 { return float64(m.journal) })
	add("hookswitch_storage_used_bytes", "What of the store's file is in use; the rest is used again before it grows.", level, func(m *moment) float64 { return float64(m.used) })
	add("hookswitch_storage_ready", "1 while the store can serve, else 0.", level, func(m *moment) float64 { return one(m.ready) })
	add("hookswitch_storage_damaged", "1 when a damaged record was met since the start, else 0.", level, func(m *moment) float64 { return one(m.damaged) })
	return g
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, each := range g.list {
		out <- each.desc
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	now := g.service.moment()
	for _, each := range g.list {
		out <- prometheus.MustNewConstMetric(each.desc, each.kind, each.read(&now))
	}
}

// moment asks every part.
func (s *Service) moment() moment {
	ctx, cancel := context.WithTimeout(s.life, checkWait)
	defer cancel()
	health, err := s.store.Check(ctx)
	damaged := errors.Is(err, bolt.ErrDamaged)
	return moment{
		engine: s.engine.Stats(), server: s.server.Stats(),
		backlog: health.Open, oldest: health.Oldest, bytes: health.FileBytes, used: health.UsedBytes, journal: health.JournalBytes,
		ready: err == nil || damaged, damaged: damaged,
	}
}
