package evaluate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving/servingtest"
)

// changing is so many days of one arrival at noon, known of 15 minutes before,
// and one departure ten minutes later, known of at the same moment. They are late
// together every other day.
func changing(t *testing.T, days, perDay int) *dataset.Table {
	t.Helper()
	table := dataset.New(feature.Version(), feature.Names(), make([]string, feature.Width()))
	for d := range days {
		day := rail.Day("2024-10-01").Add(d)
		for n := range perDay {
			noon := day.Start().Add(6*time.Hour + time.Duration(n)*30*time.Minute)
			delay := (n + d) % 2 * 12
			for _, side := range []struct {
				kind    rail.EventKind
				planned time.Time
				horizon int
			}{{rail.Arrival, noon, 15}, {rail.Departure, noon.Add(10 * time.Minute), 25}} {
				vector := make([]float32, feature.Width())
				table.Append(dataset.Row{Stop: rail.StopID(fmt.Sprintf("%s%d-%s-2", side.kind, n, rail.FormatTime(noon))), Kind: side.kind, Trip: fmt.Sprint(side.kind, n),
					EVA: 8000105, EventDay: day, ServiceDay: day, Planned: side.planned, Horizon: side.horizon, DelayMinutes: delay, Evidence: rail.ChangeObserved}, vector)
			}
		}
	}
	return table
}

func TestDelaysThatHangTogether(t *testing.T) {
	t.Parallel()
	model, err := forecast.Load(servingtest.Artefact())
	if err != nil {
		t.Fatal(err)
	}
	table := changing(t, 12, 20)
	got, err := transfers(model, table)
	if err != nil {
		t.Fatal(err)
	}
	if got.Pairs != 240 || got.Days != 12 || !got.Used || *got.Correlation.Low < 0.5 || *got.Brier >= *got.BrierIndependent || *got.Difference.High >= 0 {
		t.Errorf("%+v, correlation %v to %v", got, *got.Correlation.Low, *got.Correlation.High)
	}
	if got.Interval != "95 % bootstrap over 12 days" {
		t.Errorf("interval %q", got.Interval)
	}
}

func TestTooFewChangesOfTrains(t *testing.T) {
	t.Parallel()
	model, err := forecast.Load(servingtest.Artefact())
	if err != nil {
		t.Fatal(err)
	}
	few, err := transfers(model, changing(t, 2, 20))
	if err != nil || few.Used || !strings.Contains(few.Note, "independence is assumed: 40 pairs and 2 day(s)") || !strings.Contains(few.Interval, "within these 2 days only") {
		t.Errorf("few: %+v, %v", few, err)
	}
	one, err := transfers(model, changing(t, 1, 20))
	if err != nil || one.Brier != nil || one.Used {
		t.Errorf("one day: %+v, %v", one, err)
	}
	// No pair: an arrival and a departure of one trip, of other stations, known of at
	// other moments, cancelled, or never observed.
	for name, spoil := range map[string]func(*dataset.Row){
		"one trip":      func(r *dataset.Row) { r.Trip = "same" },
		"other station": func(r *dataset.Row) { r.EVA += int64(len(r.Kind)) },
		"other moment":  func(r *dataset.Row) { r.Horizon = 15 },
		"cancelled":     func(r *dataset.Row) { r.Cancelled = r.Kind == rail.Arrival },
		"unknown":       func(r *dataset.Row) { r.Evidence = "" },
	} {
		table := changing(t, 1, 3)
		for i := range table.Rows {
			spoil(&table.Rows[i])
		}
		if got, err := transfers(model, table); got != nil || err != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
