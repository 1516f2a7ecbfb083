package score_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// kept is what a run brings to the store, by id.
type kept map[string]schema.Prediction

// keeping hands a real store's knowledge on and keeps what is written.
type keeping struct {
	*house
	rows kept
}

func (k keeping) InsertPredictions(ctx context.Context, token string, rows []schema.Prediction) error {
	for _, row := range rows {
		k.rows[row.PredictionID] = row
	}
	return k.db.InsertPredictions(ctx, token, rows)
}

func (k keeping) Timelines(ctx context.Context, q schema.TimelineQuery, visit func(rail.PlannedEvent, []rail.Change) error) error {
	return k.db.Timelines(ctx, q, visit)
}

func (k keeping) Planned(ctx context.Context, q schema.TimelineQuery) (int, error) {
	return k.db.Planned(ctx, q)
}

func (k keeping) Daily(ctx context.Context, q schema.DailyQuery) ([]schema.DailySum, error) {
	return k.db.Daily(ctx, q)
}

func (k keeping) Days(ctx context.Context, source string) (schema.DaySpan, error) {
	return k.db.Days(ctx, source)
}

// A day in windows, however many, gives the rows of the day at once, bit for
// bit: trains whose earlier stops and forecasts lie in other windows among them.
func TestWindowsOfADayGiveTheDay(t *testing.T) {
	t.Parallel()
	h := open(t)
	day := rail.Day("2024-10-29")
	for i := range 40 {
		planned := day.Start().Add(time.Duration(i*37%1400) * time.Minute)
		h.train(t, i, planned, (i*5)%13)
	}
	collect := func(run func()) kept {
		rows := kept{}
		h.Store = keeping{&h, rows}
		run()
		h.Store = h.db
		return rows
	}
	in := schemas.ScoreBatchInput{Model: schemas.DefaultModel, Day: string(day), AsOf: day.End()}
	atOnce := collect(func() {
		result, err := h.ScoreDay(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, 80, result.Events)
	})
	require.Greater(t, len(atOnce), 300)
	plan, err := h.PlanScore(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, 1, plan.Parts(), "80 events are one window")
	for _, n := range []int{1, 7} {
		plan.Windows = windows(day, n)
		inParts := collect(func() {
			events := 0
			for part := range plan.Parts() {
				result, err := h.ScoreWindow(t.Context(), schemas.ScorePartInput{Plan: plan, Part: part})
				require.NoError(t, err)
				events += result.Events
			}
			require.Equal(t, 80, events)
		})
		require.Len(t, inParts, len(atOnce))
		for id, want := range atOnce {
			got := inParts[id]
			require.Equal(t, fmt.Sprint(want.Features, want.Cumulative, want.PBaseline, want.PredictedAt), fmt.Sprint(got.Features, got.Cumulative, got.PBaseline, got.PredictedAt), want.StopID)
		}
	}
}

func windows(day rail.Day, n int) []schemas.Window {
	var all []schemas.Window
	step := day.End().Sub(day.Start()) / time.Duration(n)
	for i := range n {
		all = append(all, schemas.Window{From: day.Start().Add(time.Duration(i) * step), To: day.Start().Add(time.Duration(i+1) * step)})
	}
	all[n-1].To = day.End()
	return all
}

// train stores an arrival and a departure of one stop, with a forecast polled
// two hours before.
func (h *house) train(t *testing.T, number int, planned time.Time, delay int) {
	t.Helper()
	for k, kind := range []rail.EventKind{rail.Arrival, rail.Departure} {
		trip := fmt.Sprintf("-%d-%s", number, rail.FormatTime(planned.Add(-time.Hour)))
		event := rail.PlannedEvent{EVA: 8000105, Stop: rail.StopID(trip + "-2"), Kind: kind, Trip: trip, ServiceDay: rail.DayOf(planned.Add(-time.Hour)), Index: 2,
			Train: rail.Train{Category: "RE", Number: fmt.Sprint(4600 + number), Class: rail.Regional}, Line: "54", Planned: planned.Add(time.Duration(k) * 3 * time.Minute),
			Platform: "5", Path: []string{"Hanau Hbf"}, PolledAt: planned.Add(-5 * time.Hour)}
		batch := schema.Batch{Token: fmt.Sprint("train ", number, kind), Source: "test", Group: "main"}
		require.NoError(t, h.db.InsertPlan(t.Context(), batch, []rail.PlannedEvent{event}, seq(event.PolledAt, 2*number+k)))
		polled := event.Planned.Add(-2 * time.Hour)
		require.NoError(t, h.db.InsertChanges(t.Context(), batch, []rail.Change{{EVA: event.EVA, Stop: event.Stop, Kind: kind, Seq: seq(polled, 2*number+k), PolledAt: polled,
			Changed: event.Planned.Add(time.Duration(delay) * time.Minute)}}))
	}
}

func seq(polled time.Time, n int) uint64 { return uint64(polled.UnixMilli())<<20 + uint64(n) }
