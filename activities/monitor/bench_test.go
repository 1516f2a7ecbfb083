package monitor

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/drift"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// forecasts is the size of the day that is measured: -forecasts 1000000 after
// -args takes minutes to make.
var forecasts = flag.Int("forecasts", 5_000, "forecasts of the day that is measured")

// BenchmarkMeasure measures a day of forecasts with all features of the catalogue,
// every statistic, beside a plain scan of the same columns.
func BenchmarkMeasure(b *testing.B) {
	w := newWeighed(b, *forecasts)
	b.Run(fmt.Sprint("scan-", *forecasts), func(b *testing.B) {
		w.weigh(b, func() { w.scan(b) })
	})
	n := 0
	b.Run(fmt.Sprint("night-", *forecasts), func(b *testing.B) {
		w.weigh(b, func() {
			n++ // a moment of its own: scores are made anew, and counts after forget
			_, err := w.Measure(b.Context(), schemas.MonitorInput{Model: schemas.DefaultModel, Day: string(measured), AsOf: morning.Add(time.Duration(n) * time.Second)})
			require.NoError(b, err)
			b.StopTimer()
			w.forget(b)
			b.StartTimer()
		})
	})
}

// weigh runs do and reports the processor's and the memory's share.
func (w *weighed) weigh(b *testing.B, do func()) {
	b.Helper()
	meter := testenv.StartMeter(b)
	runs := 0
	for b.Loop() {
		do()
		runs++
	}
	used := meter.Stop()
	b.ReportMetric(used.CPU.Seconds()/float64(runs), "cpu-s/op")
	b.ReportMetric(float64(used.PeakBytes)/(1<<20), "peak-MB")
	b.ReportMetric(float64(used.ServersPeakBytes)/(1<<20), "servers-MB")
}

// nobody knows no champion's past.
type nobody struct{}

func (nobody) Aliases(context.Context, string) (schemas.Aliases, string, error) {
	return schemas.Aliases{}, "", nil
}

// weighed is a store with a day of forecasts.
type weighed struct {
	*Activities
	db     *warehouse.DB
	number int
}

func newWeighed(b *testing.B, forecasts int) *weighed {
	b.Helper()
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(b)))
	require.NoError(b, err)
	b.Cleanup(func() { _ = db.Close() })
	_, err = db.Migrate(b.Context())
	require.NoError(b, err)
	model, err := forecast.Load(servingtest.Artefact())
	require.NoError(b, err)
	body, err := json.Marshal(servingtest.Baselines())
	require.NoError(b, err)
	loaded := &modelpkg.Package{Model: model, Baselines: body, Report: schemas.Report{TrainDays: schemas.DayRange{From: string(firstDay), To: string(measured)}}}
	random := rand.New(rand.NewPCG(1, 1))
	loaded.References = referencesOf(b, random)
	for _, h := range rail.Horizons() {
		loaded.Report.Horizons = append(loaded.Report.Horizons, schemas.HorizonScore{Minutes: h, Score: schemas.Score{Brier: 0.2}})
	}
	w := &weighed{db: db, Activities: &Activities{Store: db, Champions: &crown{loaded: loaded}, Registry: nobody{}, Clock: fixed(morning), Name: "test"}}
	w.fill(b, random, forecasts)
	return w
}

// referencesOf are distributions of every feature on ten days.
func referencesOf(b *testing.B, random *rand.Rand) []drift.Reference {
	b.Helper()
	var all []drift.Reference
	for _, name := range feature.Names() {
		sample := make([]float64, 2000)
		for i := range sample {
			sample[i] = random.NormFloat64()
		}
		r, err := drift.NewReference(name, sample, 10)
		require.NoError(b, err)
		for d := range 10 {
			counts := r.NewCounts()
			require.NoError(b, r.Add(&counts, sample[200*d:200*d+200]))
			r.Days = append(r.Days, drift.DayCounts{Day: string(firstDay.Add(d)), Counts: counts})
		}
		all = append(all, r)
	}
	return all
}

// fill writes the day: five horizons an event, 100 stations.
func (w *weighed) fill(b *testing.B, random *rand.Rand, forecasts int) {
	b.Helper()
	horizons := rail.Horizons()
	var events []rail.PlannedEvent
	var truths []rail.Truth
	for i := range forecasts / len(horizons) {
		planned := measured.Start().Add(time.Duration(i%1200)*time.Minute + 2*time.Hour).Truncate(time.Minute)
		stop := rail.StopID(fmt.Sprintf("%d-%s-2", i, rail.FormatTime(planned.Add(-time.Hour))))
		e := rail.PlannedEvent{EVA: int64(8000000 + i%100), Stop: stop, Kind: rail.Departure, Trip: string(stop), ServiceDay: measured, Train: rail.Train{Category: []string{"RE", "S", "ICE"}[i%3]}, Planned: planned, PolledAt: measured.Start().Add(-time.Hour)}
		events = append(events, e)
		truths = append(truths, rail.Truth{EVA: e.EVA, Stop: stop, Kind: e.Kind, Planned: planned, Actual: planned.Add(time.Duration(random.IntN(12)) * time.Minute), Evidence: rail.ChangeObserved, LastSeen: planned})
	}
	require.NoError(b, w.db.InsertPlan(b.Context(), schema.Batch{Token: "p", Source: "test", Group: "g"}, events, 1))
	require.NoError(b, w.db.InsertTruth(b.Context(), schema.Batch{Token: "t", Source: "test", Group: "g"}, measured.End().Add(2*time.Hour), truths))
	var rows []schema.Prediction
	for i, e := range events {
		for _, h := range horizons {
			v := make([]float32, feature.Width())
			for k := range v {
				v[k] = float32(random.NormFloat64())
			}
			p := 0.5 + 0.4*random.Float64()
			rows = append(rows, schema.Prediction{RequestID: "r", PredictionID: fmt.Sprintf("%d-%d", i, h), Source: schema.FromBatch, DataSource: "test", Group: "g", Model: schemas.DefaultModel, Version: 7,
				Digest: "d7", Role: schema.RoleChampion, Instance: "a", EVA: e.EVA, StopID: string(e.Stop), Kind: string(e.Kind), EventDay: string(measured), Planned: e.Planned,
				PredictedAt: e.Planned.Add(-time.Duration(h) * time.Minute), HorizonMinutes: int32(h), Features: v, Cumulative: []float64{0.1, 0.2, 0.3, p, 0.95, 0.97, 0.99}, POnTime: p, PBaseline: 0.7})
		}
		if len(rows) >= 50_000 || i == len(events)-1 {
			require.NoError(b, w.db.InsertPredictions(b.Context(), fmt.Sprint("f", i), rows))
			rows = rows[:0]
		}
	}
	w.number = forecasts
}

// scan reads the columns that a night reads, and does nothing with them.
func (w *weighed) scan(b *testing.B) {
	b.Helper()
	judged, vectors := 0, 0
	q := schema.JudgedQuery{Model: schemas.DefaultModel, Source: schema.FromBatch, DataSource: "test", From: string(measured), Until: string(measured.Add(1)), AsOf: morning}
	require.NoError(b, w.db.Judged(b.Context(), q, func(*schema.Judged) error { judged++; return nil }))
	v := schema.VectorQuery{Model: schemas.DefaultModel, Digest: "d7", Source: schema.FromBatch, DataSource: "test", Day: string(measured), AsOf: morning}
	require.NoError(b, w.db.Vectors(b.Context(), v, func(*schema.Vector) error { vectors++; return nil }))
	require.Equal(b, []int{w.number, w.number}, []int{judged, vectors})
}

// forget makes the counts of the day no longer match its forecasts, so that the next
// night counts again.
func (w *weighed) forget(b *testing.B) {
	b.Helper()
	q := schema.CountsQuery{Model: schemas.DefaultModel, Digest: "d7", DataSource: "test", Source: schema.FromBatch, From: string(measured), Until: string(measured.Add(1))}
	counts, err := w.db.DriftCounts(b.Context(), q)
	require.NoError(b, err)
	for i := range counts {
		counts[i].Total, counts[i].CountedAt = 0, counts[i].CountedAt.Add(time.Millisecond)
	}
	require.NotEmpty(b, counts)
	require.NoError(b, w.db.SaveDriftCounts(b.Context(), fmt.Sprint("forget", counts[0].CountedAt.UnixMilli()), counts))
}
