package dataset_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
)

func BenchmarkEncode(b *testing.B) {
	var names, units []string
	for i := range 50 {
		names, units = append(names, fmt.Sprintf("f%d", i)), append(units, "min")
	}
	table := dataset.New("v", names, units)
	vector := make([]float32, len(names))
	for i := range 20_000 {
		for j := range vector {
			if vector[j] = float32((i*j)%977) / 3; (i+j)%7 == 0 {
				vector[j] = float32(math.NaN())
			}
		}
		event := fmt.Sprintf("%d-2410290800", i/5)
		table.Append(dataset.Row{Stop: rail.StopID(event + "-3"), Kind: rail.Arrival, Trip: event, EVA: 8000105, ServiceDay: "2024-10-29",
			EventDay: "2024-10-29", Planned: time.Unix(int64(1_730_000_000+i), 0), Horizon: 5, Category: "RE", DelayMinutes: i % 13}, vector)
	}
	for b.Loop() {
		if _, err := table.Encode(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(table.Rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
}
