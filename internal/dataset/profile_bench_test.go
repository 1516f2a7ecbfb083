package dataset_test

import (
	"fmt"
	"testing"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
)

// BenchmarkProfile counts 100,000 rows of 51 features: 20,000 events at five
// horizons.
func BenchmarkProfile(b *testing.B) {
	names := make([]string, 51)
	table := dataset.New("f1-test", names, make([]string, len(names)))
	vector := make([]float32, len(names))
	day := rail.Day("2024-10-29")
	for i := range 100_000 {
		for j := range vector {
			vector[j] = float32((i * (j + 7)) % 1000)
		}
		trip := fmt.Sprintf("%d-2410290700", i/5)
		table.Append(dataset.Row{Stop: rail.StopID(trip + "-1"), Kind: rail.Arrival, Trip: trip, ServiceDay: day, EventDay: day,
			Planned: day.Start().Add(time.Hour), Horizon: []int{120, 60, 30, 15, 5}[i%5], Category: "RE", Class: rail.Regional, Evidence: rail.ChangeObserved}, vector)
	}
	for b.Loop() {
		table.Profile(day)
	}
	b.ReportMetric(float64(len(table.Rows))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
