package evaluate

import (
	"math/rand/v2"
	"testing"

	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving/servingtest"
)

// BenchmarkScore is a whole evaluation of 200,000 rows, at five horizons, with the
// champion: over 20 days, and over the 1,440 station-hours of three.
func BenchmarkScore(b *testing.B) {
	m, err := forecast.Load(servingtest.Artefact())
	if err != nil {
		b.Fatal(err)
	}
	for name, n := range map[string]int{"20 days": 20, "3 days": 3} {
		rows := month(n)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := score(m, servingtest.Baselines(), rows, m); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(rows.Rows)), "rows/op")
		})
	}
}

// month is 40,000 events of some days at 60 stations, each at every horizon.
func month(days int) *dataset.Table {
	random := rand.New(rand.NewPCG(1, 2))
	rows := table()
	for i := range 40_000 {
		e := event{day: rail.Day("2024-10-01").Add(i % days), eva: int64(i % 60), hour: i / days % 24, category: []string{"RE", "ICE", "S"}[i%3], announced: random.IntN(20), delay: random.IntN(20)}
		for _, minutes := range rail.Horizons() {
			put(rows, e)
			rows.Rows[len(rows.Rows)-1].Horizon = minutes
		}
	}
	return rows
}
