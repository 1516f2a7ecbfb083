package workers

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
)

// Metrics hands what the Temporal client and its workers count to Prometheus.
// Counters end in _total, timers are histograms in seconds.
type Metrics struct {
	families *families
	tags     map[string]string
}

// families are the metrics by name. One name has one set of labels there, and the
// client gives a name different ones: each metric gets all of labels, empty where
// a tag was not given.
type families struct {
	registry prometheus.Registerer
	mu       sync.Mutex
	counters map[string]*prometheus.CounterVec
	gauges   map[string]*prometheus.GaugeVec
	timers   map[string]*prometheus.HistogramVec
}

// labels are the tags that are kept; client_name says nothing, and failure_reason
// and cause are told by operation.
func labels() []string {
	return []string{"namespace", "task_queue", "workflow_type", "activity_type", "worker_type", "poller_type", "operation", "status_code"}
}

// NewMetrics makes a handler that registers metrics as they appear.
func NewMetrics(r prometheus.Registerer) *Metrics {
	return &Metrics{families: &families{registry: r, counters: map[string]*prometheus.CounterVec{}, gauges: map[string]*prometheus.GaugeVec{}, timers: map[string]*prometheus.HistogramVec{}}}
}

// WithTags is the handler of further tags.
func (m *Metrics) WithTags(tags map[string]string) client.MetricsHandler {
	all := maps.Clone(m.tags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	return &Metrics{m.families, all}
}

// values are the tags in the order of labels.
func (m *Metrics) values() []string {
	values := make([]string, len(labels()))
	for i, name := range labels() {
		values[i] = m.tags[name]
	}
	if at := slices.Index(labels(), "task_queue"); strings.Contains(values[at], ":") {
		values[at] = "sticky" // a name of its own for each process
	}
	return values
}

// Counter is one counter.
func (m *Metrics) Counter(name string) client.MetricsCounter {
	f := m.families
	f.mu.Lock()
	defer f.mu.Unlock()
	vector, found := f.counters[name]
	if !found {
		vector = prometheus.NewCounterVec(prometheus.CounterOpts{Name: name + "_total", Help: "Of the Temporal client."}, labels())
		f.registry.MustRegister(vector)
		f.counters[name] = vector
	}
	return counter{vector.WithLabelValues(m.values()...)}
}

// Gauge is one gauge.
func (m *Metrics) Gauge(name string) client.MetricsGauge {
	f := m.families
	f.mu.Lock()
	defer f.mu.Unlock()
	vector, found := f.gauges[name]
	if !found {
		vector = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: "Of the Temporal client."}, labels())
		f.registry.MustRegister(vector)
		f.gauges[name] = vector
	}
	return gauge{vector.WithLabelValues(m.values()...)}
}

// Timer is one histogram.
func (m *Metrics) Timer(name string) client.MetricsTimer {
	f := m.families
	f.mu.Lock()
	defer f.mu.Unlock()
	vector, found := f.timers[name]
	if !found {
		vector = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name + "_seconds", Help: "Of the Temporal client.", Buckets: prometheus.ExponentialBuckets(0.005, 4, 10)}, labels())
		f.registry.MustRegister(vector)
		f.timers[name] = vector
	}
	return timer{vector.WithLabelValues(m.values()...)}
}

type counter struct{ prometheus.Counter }

func (c counter) Inc(by int64) { c.Add(float64(by)) }

type gauge struct{ prometheus.Gauge }

func (g gauge) Update(to float64) { g.Set(to) }

type timer struct{ prometheus.Observer }

func (t timer) Record(d time.Duration) { t.Observe(d.Seconds()) }
