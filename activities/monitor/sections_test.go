package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Sections of the tests: eight trains a day go a way that is too rare to judge, the others
// by turns to the north, the south and the east.
func way(i int) string {
	if i < 8 {
		return "Nebenstrecke"
	}
	return []string{"Nord", "Süd", "Ost"}[i%3]
}

// lived forecasts a day, lets those trains be late that are said to be, and measures it.
func (r *railway) lived(day rail.Day, late func(i int) bool) schemas.Signals {
	r.t.Helper()
	events := r.plan(day)
	r.forecast(day, events, schema.FromPanel)
	var truths []rail.Truth
	for i, e := range events {
		delay := 0
		if late(i) {
			delay = 8
		}
		truths = append(truths, rail.Truth{EVA: e.EVA, Stop: e.Stop, Kind: e.Kind, Planned: e.Planned, Actual: e.Planned.Add(time.Duration(delay) * time.Minute), Evidence: rail.ChangeObserved,
			LastSeen: e.Planned.Add(time.Hour)})
	}
	at := day.End().Add(2 * time.Hour)
	require.NoError(r.t, r.db.InsertTruth(r.t.Context(), schema.Batch{Token: "truth/" + string(day), Source: "test", Group: "g"}, at, truths))
	return r.measure(schemas.MonitorInput{Day: string(day), AsOf: at.Add(2 * time.Hour)})
}

// A section where every train is late is two standard errors off and more, and counts for
// two less the one that is allowed: four such nights are 4 of 4.5, five are found. So are the
// rare trains late, which never say anything.
func TestASectionThatChangedIsFoundAfterFiveNights(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	r.next = way
	changed := func(i int) bool { return i < 8 || way(i) == "Nord" || i%5 == 0 }
	for n := 1; n <= 5; n++ {
		s := r.lived(measured.Add(n-5), changed)
		one := s.Signal(schemas.SignalSliceBiasDrift)
		require.InDelta(t, float64(n)/4.5, valueOf(t, s, schemas.SignalSliceBiasDrift), 1e-12, "night %d: %s", n, one.Note)
		require.Equal(t, "departure at 8000105 towards Nord: more are late than forecast", one.Subject)
		require.Contains(t, one.Note, fmt.Sprintf("over %d nights of this version, the farthest of 3", n))
	}
	// The same night measured again says the same, from what is stored.
	again := r.measure(schemas.MonitorInput{Day: string(measured), AsOf: measured.End().Add(5 * time.Hour)})
	require.InDelta(t, 5/4.5, valueOf(t, again, schemas.SignalSliceBiasDrift), 1e-12)
}

// A night on which every train of all sections is late says nothing of any of them.
func TestAStormIsInAllSections(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	r.next = way
	for n := range 3 {
		s := r.lived(measured.Add(n), func(int) bool { return true })
		require.Less(t, valueOf(t, s, schemas.SignalSliceBiasDrift), 1/4.5, "%s", s.Signal(schemas.SignalSliceBiasDrift).Note)
		require.Greater(t, valueOf(t, s, schemas.SignalBias), 0.2)
	}
}

// Where there is one section, there is nothing to hold it against.
func TestOneSectionAloneIsNotMeasured(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	s := r.lived(measured, func(i int) bool { return i%3 == 0 })
	one := s.Signal(schemas.SignalSliceBiasDrift)
	require.Nil(t, one.Value)
	require.Contains(t, one.Note, "no section has enough events beside others")
}
