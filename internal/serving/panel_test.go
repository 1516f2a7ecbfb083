package serving_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/serving"
	schema "puenktlich/schemas/clickhouse"
)

func panel(t testing.TB, w *world, file string) *serving.Panel {
	t.Helper()
	return serving.NewPanel(serving.PanelOptions{Forecaster: w.forecaster(t), Boards: w, Clock: w, File: file})
}

// advance moves the clock and lets the panel look.
func advance(t testing.TB, w *world, p *serving.Panel, by time.Duration) {
	t.Helper()
	w.mu.Lock()
	w.now = w.now.Add(by)
	w.mu.Unlock()
	if err := p.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// moments are what was forecast: minutes from now to the planned time, horizon.
func (w *world) moments() []string {
	var all []string
	for _, row := range w.rows {
		all = append(all, fmt.Sprintf("%v at %d", row.Planned.Sub(now), row.HorizonMinutes))
	}
	slices.Sort(all)
	return all
}

func TestThePanelForecastsEachMomentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.add(30, 0)  // its 30-minute moment is now: before the panel began
	w.add(31, 0)  // 30 minutes before it in one minute
	w.add(120, 0) // 120 minutes before it is now
	w.add(125, 9) // in five minutes
	w.add(6, 9)   // 5 minutes before it in one minute
	p := panel(t, w, filepath.Join(t.TempDir(), "panel.json"))
	advance(t, w, p, 0)
	if len(w.rows) != 0 {
		t.Fatalf("forecast before any time passed: %v", w.moments())
	}
	for range 4 { // a step of a second, then to the exact minute, and on
		advance(t, w, p, time.Second)
	}
	advance(t, w, p, 56*time.Second)
	advance(t, w, p, 0)
	if got, want := w.moments(), []string{"31m0s at 30", "6m0s at 5"}; !slices.Equal(got, want) {
		t.Errorf("after one minute: %v, want %v", got, want)
	}
	for _, row := range w.rows {
		if want := row.Planned.Add(-time.Duration(row.HorizonMinutes) * time.Minute); !row.PredictedAt.Equal(want) || row.Source != schema.FromPanel {
			t.Errorf("forecast at %v by %s, want exactly %v by the panel", row.PredictedAt, row.Source, want)
		}
	}
	advance(t, w, p, 4*time.Minute)
	if got, want := w.moments(), []string{"2h5m0s at 120", "31m0s at 30", "6m0s at 5"}; !slices.Equal(got, want) {
		t.Errorf("after five minutes: %v, want %v", got, want)
	}
}

func TestARestartDoublesNothingAndCatchesUpTenMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld()
	file := filepath.Join(t.TempDir(), "panel.json")
	for minutes := 6; minutes <= 60; minutes += 6 {
		w.add(minutes, 0)
	}
	p := panel(t, w, file)
	advance(t, w, p, 0)
	advance(t, w, p, 2*time.Minute)
	first := slices.Clone(w.rows)
	// The process dies before it kept where it was: the same moments again,
	// under the same ids.
	again := panel(t, w, file+".never-written")
	w.now, w.rows = now, nil
	advance(t, w, again, 0)
	advance(t, w, again, 2*time.Minute)
	if len(first) == 0 || len(first) != len(w.rows) {
		t.Fatalf("%d forecasts, then %d", len(first), len(w.rows))
	}
	for i := range first {
		if first[i].PredictionID != w.rows[i].PredictionID {
			t.Errorf("forecast %d has another id after the restart", i)
		}
	}
	again.Save()
	p.Save()
	w.rows = nil
	advance(t, w, panel(t, w, file), 30*time.Minute) // down for half an hour
	// It is 32 minutes after now; the moments of the last ten are made up for.
	if got, want := w.moments(), []string{"1h0m0s at 30", "30m0s at 5", "36m0s at 5", "42m0s at 15", "54m0s at 30"}; !slices.Equal(got, want) {
		t.Errorf("after half an hour down: %v, want %v", got, want)
	}
}

func TestThePanelWaitsForTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.add(31, 0)
	p := panel(t, w, filepath.Join(t.TempDir(), "panel.json"))
	advance(t, w, p, 0)
	w.fail = errors.New("disk full")
	w.now = w.now.Add(2 * time.Minute)
	if err := p.Step(t.Context()); !errors.Is(err, serving.ErrNotLogged) {
		t.Fatalf("got %v", err)
	}
	w.fail = nil
	advance(t, w, p, time.Second)
	if got := w.moments(); !slices.Equal(got, []string{"31m0s at 30"}) {
		t.Errorf("after the log came back: %v", got)
	}
}
