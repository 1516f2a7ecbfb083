package workers_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"puenktlich/workers"
)

// TestTemporalMetrics: the client gives one name different tags at different
// times; Prometheus must take them all.
func TestTemporalMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := workers.NewMetrics(registry)
	m.Counter("temporal_request").Inc(2)
	m.WithTags(map[string]string{"operation": "StartWorkflow", "client_name": "x"}).Counter("temporal_request").Inc(3)
	queue := m.WithTags(map[string]string{"task_queue": "score"})
	queue.Gauge("temporal_num_pollers").Update(4)
	queue.WithTags(map[string]string{"task_queue": "host:17:abc", "activity_type": "Measure"}).Timer("temporal_activity_execution_latency").Record(1500 * time.Millisecond)
	gathered, err := registry.Gather()
	require.NoError(t, err)
	got := map[string]float64{}
	for _, family := range gathered {
		for _, metric := range family.Metric {
			tags := ""
			for _, label := range metric.Label {
				if label.GetValue() != "" {
					tags += " " + label.GetName() + "=" + label.GetValue()
				}
			}
			got[family.GetName()+tags] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + metric.GetHistogram().GetSampleSum()
		}
	}
	require.Equal(t, map[string]float64{"temporal_request_total": 2, "temporal_request_total operation=StartWorkflow": 3, "temporal_num_pollers task_queue=score": 4,
		"temporal_activity_execution_latency_seconds activity_type=Measure task_queue=sticky": 1.5}, got)
}
