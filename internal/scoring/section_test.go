package scoring

import (
	"testing"

	"puenktlich/internal/rail"
	"puenktlich/schemas/clickhouse"
)

func TestSectionsByHand(t *testing.T) {
	t.Parallel()
	tally := NewTally(nil)
	over := func(neighbour string, kind rail.EventKind, j *clickhouse.Judged) {
		j.Neighbour, j.Kind = neighbour, string(kind)
		tally.Add(j, nil)
	}
	over("Mainz Hbf", rail.Arrival, judged("1", 8, 60, 0.9, 0))
	over("Mainz Hbf", rail.Arrival, judged("1", 8, 5, 0.7, 0)) // the same event
	over("Mainz Hbf", rail.Arrival, judged("2", 9, 60, 0.5, 9))
	over("Mainz Hbf", rail.Departure, judged("3", 9, 60, 0.2, 9))
	over("", rail.Departure, judged("4", 9, 60, 0.2, 9)) // the plan does not say
	voice := Voice{7, "d", "champion", string(rail.ChangeObserved)}
	got := tally.Sections(voice)
	if len(got) != 2 {
		t.Errorf("%v, want two sections", got)
	}
	s := got["arrival at 8000105 from Mainz Hbf"]
	if s.Events != 2 {
		t.Errorf("%d events, want 2", s.Events)
	}
	near(t, "share late", s.LateRate, 1.0/3)
	near(t, "mean forecast", s.Forecast, (0.1+0.3+0.5)/3)
	near(t, "variance", s.Expected, (0.09+0.21+0.25)/3)
	near(t, "departures", got["departure at 8000105 towards Mainz Hbf"].Forecast, 0.8)
	stored := 0
	for _, row := range tally.Rows(Labels{Model: "m", From: day, Until: "2024-10-31"}) {
		if row.SliceKind == SliceSection {
			stored++
			if row.Metric == "mean_forecast" && row.Slice == "arrival at 8000105 from Mainz Hbf" {
				near(t, "stored", row.Value, 0.3)
			}
		}
	}
	if stored != 6 {
		t.Errorf("%d rows of sections, want three of each", stored)
	}
	voice.Version = 8
	if other := tally.Sections(voice); len(other) > 0 {
		t.Errorf("another version has %v", other)
	}
}
