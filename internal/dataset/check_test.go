package dataset_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	columns "puenktlich/schemas/dataset"
)

// good is three days of 300 events at two horizons that pass every check.
type good struct {
	want   dataset.Expected
	tables []*dataset.Table
	around []columns.Surroundings
}

func newGood() *good {
	g := &good{want: dataset.Expected{Version: "f1-test", Horizons: []int{60, 5}, Days: []string{"2024-10-28", "2024-10-29", "2024-10-30"},
		Columns: []dataset.Column{
			{Name: "delay", Unit: "min", Low: -100, High: 100, MayMiss: true},
			{Name: "late_share", Unit: "share", Low: 0, High: 1},
			{Name: "history", Unit: "share", Low: 0, High: 1, MayMiss: true, FromHistory: true},
		}}}
	for n, day := range g.want.Days {
		g.tables = append(g.tables, goodDay(rail.Day(day), n))
		g.around = append(g.around, columns.Surroundings{Planned: 320, Settled: 300, StationHours: 24, PlanKnown: 24})
	}
	return g
}

func goodDay(day rail.Day, n int) *dataset.Table {
	t := dataset.New("f1-test", []string{"delay", "late_share", "history"}, []string{"min", "share", "share"})
	for i := range 300 {
		planned := day.Start().Add(time.Duration(i) * 4 * time.Minute)
		trip := fmt.Sprintf("%d-%s", i, rail.FormatTime(planned))
		row := dataset.Row{Stop: rail.StopID(trip + "-2"), Kind: rail.Arrival, Trip: trip, EVA: 1, ServiceDay: day, EventDay: day,
			Planned: planned, Category: []string{"RE", "S"}[i%2], Class: rail.Regional, DelayMinutes: i % 8, Evidence: rail.ChangeObserved}
		for _, row.Horizon = range []int{60, 5} {
			history := float32(i%3) / 10
			if n == 0 {
				history = nan
			}
			t.Append(row, []float32{float32(i%8) - 1, float32(i%5) / 4, history})
		}
	}
	return t
}

var nan = float32(math.NaN())

func (g *good) check() []schemas.Check {
	var parts []schemas.DatasetPart
	var profiles []columns.Profile
	for n, table := range g.tables {
		if table == nil {
			continue
		}
		day := g.want.Days[n]
		profile := table.Profile(rail.Day(day))
		profile.Surroundings = g.around[n]
		parts = append(parts, schemas.DatasetPart{Day: day, Object: schemas.ObjectRef{Key: "parts/" + day, Rows: int64(len(table.Rows))}})
		profiles = append(profiles, profile)
	}
	return dataset.Check(g.want, parts, profiles)
}

func TestAGoodDataSetPassesEveryCheck(t *testing.T) {
	t.Parallel()
	all := newGood().check()
	require.Empty(t, schemas.FailedChecks(all), schemas.CheckTable(all))
	require.False(t, schemas.Stops(all))
	require.Empty(t, schemas.CheckTable(all))
	seen := map[string]bool{}
	for _, c := range all {
		require.NotEmpty(t, c.Name)
		require.NotEmpty(t, c.Detail, c.Name)
		require.False(t, seen[c.Name], c.Name+" stands twice")
		seen[c.Name] = true
	}
}

// each row changes values of the second day.
func each(change func(i int, row *dataset.Row, features []float32)) func(*good) {
	return func(g *good) {
		table := g.tables[1]
		for i := range table.Rows {
			change(i, &table.Rows[i], table.Vector(i))
		}
	}
}

// Every fault is found by the check that names it and by no other of the same
// severity, and says where it is.
func TestEveryFaultIsFound(t *testing.T) {
	t.Parallel()
	const second = "2024-10-29"
	at := func(i int, horizon int) string {
		planned := rail.Day(second).Start().Add(time.Duration(i) * 4 * time.Minute)
		return fmt.Sprintf("%d-%s-2/arrival at %d min", i, rail.FormatTime(planned), horizon)
	}
	tests := map[string]struct {
		check    string
		severity schemas.Severity
		plant    func(*good)
		want     schemas.Finding
	}{
		"another feature version": {"feature_version", schemas.SeverityStop, func(g *good) { g.tables[1].Version = "f0-old" },
			schemas.Finding{Day: second, Value: "f0-old", Limit: "f1-test"}},
		"another unit": {"schema", schemas.SeverityStop, func(g *good) { g.tables[1].Units = []string{"s", "share", "share"} },
			schemas.Finding{Day: second, Column: "delay", Value: "delay in s", Limit: "delay in min"}},
		"one row less than the manifest says": {"row_counts", schemas.SeverityStop, func(g *good) { g.around[1].Settled = 299 },
			schemas.Finding{Day: second, Value: "600 rows", Limit: "299 settled events at 2 horizons"}},
		"a row twice": {"duplicates", schemas.SeverityStop, func(g *good) {
			g.tables[1].Rows[3] = g.tables[1].Rows[1]
		}, schemas.Finding{Day: second, Value: "1 rows", Limit: "0 rows", Where: at(0, 5)}},
		"a row of another day": {"days", schemas.SeverityStop, each(func(i int, r *dataset.Row, _ []float32) {
			if i == 4 {
				r.EventDay = "2024-10-30"
			}
		}), schemas.Finding{Day: second, Column: "event_day", Value: "1 rows", Limit: second, Where: at(2, 60)}},
		"a trip of last week": {"days", schemas.SeverityStop, each(func(i int, r *dataset.Row, _ []float32) {
			if i == 4 {
				r.ServiceDay = "2024-10-22"
			}
		}), schemas.Finding{Day: second, Column: "event_day", Value: "1 rows", Limit: second, Where: at(2, 60)}},
		"an infinite value": {"infinite", schemas.SeverityStop, each(func(i int, _ *dataset.Row, f []float32) {
			if i == 7 {
				f[0] = float32(math.Inf(-1))
			}
		}), schemas.Finding{Day: second, Column: "delay", Value: "1 rows", Limit: "finite or NaN", Where: at(3, 5)}},
		"a share above one": {"ranges", schemas.SeverityStop, each(func(i int, _ *dataset.Row, f []float32) {
			if i == 7 {
				f[1] = 1.5
			}
		}), schemas.Finding{Day: second, Column: "late_share", Value: "1.5", Limit: "0 to 1", Where: at(3, 5)}},
		"a delay of a month": {"ranges", schemas.SeverityStop, each(func(i int, r *dataset.Row, _ []float32) {
			if i == 8 {
				r.DelayMinutes = -43200
			}
		}), schemas.Finding{Day: second, Column: "delay_minutes", Value: "-43200", Limit: "-10080 to 10080", Where: at(4, 60)}},
		"a value that is never missing": {"never_missing", schemas.SeverityStop, each(func(i int, _ *dataset.Row, f []float32) {
			if i == 8 {
				f[1] = nan
			}
		}), schemas.Finding{Day: second, Column: "late_share", Value: "1 of 600 rows missing", Limit: "0 rows"}},
		"a kind that is none": {"names", schemas.SeverityStop, each(func(i int, r *dataset.Row, _ []float32) {
			if i < 2 {
				r.Kind = "passage"
			}
		}), schemas.Finding{Day: second, Column: "kind", Value: `"passage" in 2 rows`, Limit: `one of ["arrival" "departure"]`}},
		"a class that is new": {"classes", schemas.SeverityWarning, each(func(i int, r *dataset.Row, _ []float32) {
			if i < 2 {
				r.Class = "X"
			}
		}), schemas.Finding{Day: second, Column: "class", Value: `"X" in 2 rows`, Limit: `one of ["?" "F" "N" "S" "D" ""]`}},
		"a horizon too many": {"horizons", schemas.SeverityStop, each(func(i int, r *dataset.Row, _ []float32) {
			if i == 0 {
				r.Horizon = 90
			}
		}), schemas.Finding{Day: second, Column: "horizon_minutes", Value: "90 min", Limit: "[60 5]"}},
		"a horizon that is nowhere": {"horizons", schemas.SeverityStop, func(g *good) { g.want.Horizons = []int{60, 30, 5} },
			schemas.Finding{Column: "horizon_minutes", Value: "0 rows at 30 min", Limit: "at least 1"}},
		"nothing ran": {"events", schemas.SeverityStop, func(g *good) {
			for _, table := range g.tables {
				for i := range table.Rows {
					table.Rows[i].Cancelled = true
				}
			}
		}, schemas.Finding{Value: "0 events", Limit: "at least 1"}},
		"all late": {"late_rate", schemas.SeverityStop, func(g *good) {
			for _, table := range g.tables {
				for i := range table.Rows {
					table.Rows[i].DelayMinutes = 6
				}
			}
		}, schemas.Finding{Column: "delay_minutes", Value: "1.0000 late", Limit: "0.002 to 0.9"}},
		"one day all late": {"late_rate_by_day", schemas.SeverityWarning, each(func(_ int, r *dataset.Row, _ []float32) { r.DelayMinutes = 60 }),
			schemas.Finding{Day: second, Column: "delay_minutes", Value: "1.0000 late", Limit: "within 0.4 of 0.4978"}},
		"few rows at a horizon": {"horizons_by_day", schemas.SeverityWarning, func(g *good) {
			g.tables[1] = g.tables[1].Filter(func(r dataset.Row) bool { return r.Horizon == 5 || r.Planned.Minute() == 0 })
		}, schemas.Finding{Day: second, Column: "horizon_minutes", Value: "20 rows at 60 min", Limit: "at least 0.25 of 300"}},
		"a feature that fell silent": {"missing_rate", schemas.SeverityWarning, each(func(_ int, _ *dataset.Row, f []float32) { f[0] = nan }),
			schemas.Finding{Day: second, Column: "delay", Value: "1.0000 missing", Limit: "within 0.3 of the other days' 0.0000"}},
		"a feature that never speaks": {"missing_rate", schemas.SeverityWarning, func(g *good) {
			for _, table := range g.tables {
				for i := range table.Rows {
					table.Vector(i)[0] = nan
				}
			}
		}, schemas.Finding{Column: "delay", Value: "never known", Limit: "known somewhere"}},
		"a feature that never changes": {"constant", schemas.SeverityWarning, func(g *good) {
			for _, table := range g.tables {
				for i := range table.Rows {
					table.Vector(i)[0] = 3
				}
			}
		}, schemas.Finding{Column: "delay", Value: "3 in every row", Limit: "more than one value"}},
		"a new category": {"categories", schemas.SeverityWarning, each(func(i int, r *dataset.Row, _ []float32) {
			if i%4 == 0 {
				r.Category = "FLX"
			}
		}), schemas.Finding{Day: second, Column: "category", Value: "FLX in 0.2500 of the rows", Limit: "on another day too"}},
		"classes that are lacking": {"unknown_category", schemas.SeverityWarning, each(func(_ int, r *dataset.Row, _ []float32) { r.Class = rail.ClassUnknown }),
			schemas.Finding{Day: second, Column: "class", Value: "1.0000 unknown", Limit: "at most 0.5"}},
		"an empty day": {"empty_days", schemas.SeverityWarning, func(g *good) { g.tables[1] = nil },
			schemas.Finding{Day: second, Value: "0 rows", Limit: "settled events"}},
		"plan files that are lacking": {"coverage", schemas.SeverityWarning, func(g *good) { g.around[1].PlanKnown = 12 },
			schemas.Finding{Day: second, Value: "plan of 12 of 24 station-hours", Limit: "at least 0.9"}},
		"hours without a poll": {"coverage", schemas.SeverityWarning, func(g *good) { g.around[1].Unwatched = 5 },
			schemas.Finding{Day: second, Value: "5 of 24 station-hours without a poll", Limit: "at most 0.1"}},
		"half a day": {"rows_by_day", schemas.SeverityWarning, func(g *good) {
			g.tables[1] = g.tables[1].Filter(func(r dataset.Row) bool { return r.Planned.Before(rail.Day(second).Start().Add(8 * time.Hour)) })
		}, schemas.Finding{Day: second, Value: "240 rows", Limit: "at least 0.5 of 600"}},
		"little truth": {"settled_of_planned", schemas.SeverityWarning, func(g *good) { g.around[1].Planned = 3000 },
			schemas.Finding{Day: second, Value: "0.1 settled for each planned event", Limit: "at least 0.5 of 0.9375"}},
	}
	reached := map[string]bool{}
	for name, test := range tests {
		reached[test.check] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGood()
			test.plant(g)
			all := g.check()
			table := schemas.CheckTable(all)
			for _, c := range schemas.FailedChecks(all) {
				if c.Name == test.check {
					require.Equal(t, test.severity, c.Severity)
					require.Contains(t, c.Findings, test.want, table)
					continue
				}
				require.NotEqual(t, schemas.SeverityStop, c.Severity, "also found by:\n"+table)
			}
			require.Contains(t, table, "| "+test.check)
			require.Equal(t, test.severity == schemas.SeverityStop, schemas.Stops(all))
		})
	}
	for _, c := range newGood().check() {
		require.True(t, reached[c.Name], "no fault reaches the check "+c.Name)
	}
}

// A table holds a few findings of each check and counts the rest.
func TestManyFindings(t *testing.T) {
	t.Parallel()
	g := newGood()
	g.want.Horizons = []int{1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 60, 5}
	table := schemas.CheckTable(g.check())
	require.Contains(t, table, "and 2 more")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	for _, line := range lines {
		require.Len(t, []rune(line), len([]rune(lines[0])), "a table whose columns stand below each other")
	}
	require.Contains(t, lines[2], "stop")
}

// The page of data sets names every check with its severity.
func TestThePageNamesEveryCheck(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/datasets.md")
	require.NoError(t, err)
	for _, c := range newGood().check() {
		named := false
		for line := range strings.Lines(string(page)) {
			cells := strings.Split(line, "|")
			named = named || len(cells) == 5 && strings.Contains(cells[1], "`"+c.Name+"`") && strings.TrimSpace(cells[2]) == string(c.Severity)
		}
		require.True(t, named, "docs/datasets.md lacks %s, severity %s", c.Name, c.Severity)
	}
}
