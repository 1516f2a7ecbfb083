package alert

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what a process tells of its alerts.
type Metrics struct {
	sent, failures prometheus.Counter
	untold         prometheus.Gauge
}

// NewMetrics registers the metrics; with nil nobody can read them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		sent:     prometheus.NewCounter(prometheus.CounterOpts{Name: "puenktlich_alert_messages_total", Help: "Messages about alerts that the webhook took."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "puenktlich_alert_failures_total", Help: "Messages that it did not take."}),
		untold:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "puenktlich_alerts_untold", Help: "Alerts whose present state nobody was told."}),
	}
	if r != nil {
		r.MustRegister(m.sent, m.failures, m.untold)
	}
	return m
}
