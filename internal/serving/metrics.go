package serving

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Metrics are the counters of this package.
type Metrics struct {
	loads     *prometheus.CounterVec
	info      *prometheus.GaugeVec
	forecasts *prometheus.CounterVec
	requested prometheus.Counter // that of forecasts for requests, by far the most asked for
	failed    *prometheus.CounterVec
	panelLag  prometheus.Gauge
	skipped   prometheus.Counter
}

// NewMetrics registers the metrics; with nil nobody can read them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		loads: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "puenktlich_package_loads_total",
			Help: "Packages this instance was asked to serve, by outcome: served, refused or unavailable."}, []string{"outcome"}),
		info: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "puenktlich_champion_info",
			Help: "1 for the package that answers."}, []string{"model", "version", "digest"}),
		forecasts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "puenktlich_forecasts_total",
			Help: "Forecasts made and logged, by who wanted them."}, []string{"source"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "puenktlich_forecasts_failed_total",
			Help: "Forecasts that a package could not make, by role; of the champion those of the panel."}, []string{"role"}),
		panelLag: prometheus.NewGauge(prometheus.GaugeOpts{Name: "puenktlich_panel_behind_seconds",
			Help: "Domain time by which the panel is behind the clock."}),
		skipped: prometheus.NewCounter(prometheus.CounterOpts{Name: "puenktlich_panel_skipped_seconds_total",
			Help: "Domain time the panel left out, because it had been down for longer than it catches up."}),
	}
	m.requested = m.forecasts.WithLabelValues(string(schema.FromRequest))
	if r != nil {
		r.MustRegister(m.loads, m.info, m.forecasts, m.failed, m.panelLag, m.skipped)
	}
	return m
}

func (m *Metrics) champion(ref schemas.PackageRef) {
	m.info.Reset()
	m.info.WithLabelValues(ref.Model, strconv.Itoa(ref.Version), ref.Digest).Set(1)
}

// made counts forecasts of a source.
func (m *Metrics) made(source schema.PredictionSource) prometheus.Counter {
	if source == schema.FromRequest {
		return m.requested
	}
	return m.forecasts.WithLabelValues(string(source))
}
