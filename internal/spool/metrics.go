package spool

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the figures of a Log.
type Metrics struct {
	records, bytes             prometheus.Gauge
	shipped, failures, refused prometheus.Counter
	syncs                      prometheus.Histogram
}

// NewMetrics registers the metrics; with nil nobody can read them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "puenktlich_spool_" + name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "puenktlich_spool_" + name, Help: help})
	}
	m := &Metrics{
		records:  gauge("records", "Predictions on disk that have not arrived in ClickHouse."),
		bytes:    gauge("bytes", "Bytes of these."),
		shipped:  counter("shipped_total", "Predictions that arrived."),
		failures: counter("ship_failures_total", "Batches that the store did not take."),
		refused:  counter("refused_total", "Groups of predictions that could not be made durable."),
		syncs: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "puenktlich_spool_sync_seconds",
			Help: "Time of one grouped write and fsync.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 14)}),
	}
	if r != nil {
		r.MustRegister(m.records, m.bytes, m.shipped, m.failures, m.refused, m.syncs)
	}
	return m
}
