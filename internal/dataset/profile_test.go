package dataset_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
	columns "puenktlich/schemas/dataset"
)

// Counted by hand.
func TestProfile(t *testing.T) {
	t.Parallel()
	table := dataset.New("f1-test", []string{"age"}, []string{"min"})
	add := func(stop string, horizon int, value float32, change func(*dataset.Row)) {
		row := dataset.Row{Stop: rail.StopID(stop), Kind: rail.Arrival, Trip: "trip " + stop, ServiceDay: "2024-10-29", EventDay: "2024-10-29",
			Horizon: horizon, Category: "RE", Class: rail.Regional, DBDelay: 3, DelayMinutes: 7, Evidence: rail.ChangeObserved}
		if change != nil {
			change(&row)
		}
		table.Append(row, []float32{value})
	}
	add("a", 60, 4, nil)
	add("a", 5, nan, nil)
	add("b", 60, -2, func(r *dataset.Row) { r.Cancelled, r.DelayMinutes = true, 999 })
	add("c", 60, float32(math.Inf(1)), func(r *dataset.Row) { r.ServiceDay, r.DelayMinutes = "2024-10-28", 5 })
	add("d", 60, 9, func(r *dataset.Row) { r.Evidence, r.DelayMinutes = rail.PolledWithoutChange, 0 })
	add("d", 60, 9, func(r *dataset.Row) { r.Evidence, r.DelayMinutes, r.DBDelay = rail.PolledWithoutChange, 0, -1 })
	add("e", 5, 1, func(r *dataset.Row) { r.EventDay = "2024-10-30" })
	require.Equal(t, columns.Profile{
		Day: "2024-10-29", FeatureVersion: "f1-test", Rows: 7, Events: 5, Ran: 3, Late: 2, Cancelled: 1,
		Duplicates: columns.Rows{Rows: 1, First: "d/arrival at 60 min"},
		Misplaced:  columns.Rows{Rows: 1, First: "e/arrival at 5 min"},
		Horizons:   []columns.Tally{{Value: "5", Rows: 2}, {Value: "60", Rows: 5}},
		Kinds:      []columns.Tally{{Value: "arrival", Rows: 7}},
		Classes:    []columns.Tally{{Value: "N", Rows: 7}},
		Categories: []columns.Tally{{Value: "RE", Rows: 7}},
		Evidence:   []columns.Tally{{Value: "change_observed", Rows: 5}, {Value: "polled_without_change", Rows: 2}},
		Columns: []columns.ColumnProfile{
			{Name: "age", Unit: "min", Known: 5, Infinite: columns.Rows{Rows: 1, First: "c/arrival at 60 min"},
				Low: columns.Extreme{Value: -2, At: "b/arrival at 60 min"}, High: columns.Extreme{Value: 9, At: "d/arrival at 60 min"}},
			{Name: "db_delay_minutes", Unit: "min", Known: 7, Low: columns.Extreme{Value: -1, At: "d/arrival at 60 min"}, High: columns.Extreme{Value: 3, At: "a/arrival at 60 min"}},
			{Name: "delay_minutes", Unit: "min", Known: 6, Low: columns.Extreme{Value: 0, At: "d/arrival at 60 min"}, High: columns.Extreme{Value: 7, At: "a/arrival at 60 min"}},
		},
		Overnight: []string{"trip c"},
	}, table.Profile("2024-10-29"))
}

func TestEveryFixedColumnIsDescribed(t *testing.T) {
	t.Parallel()
	for _, field := range columns.Fields() {
		about := columns.AboutOf(field)
		require.NotEmpty(t, about.Unit, field.Name)
		require.NotEmpty(t, about.Source, field.Name)
		require.NotEmpty(t, about.KnownAt, field.Name)
		require.NotEmpty(t, about.Meaning, field.Name)
	}
}

func TestDescriptionsTravelWithTheRows(t *testing.T) {
	t.Parallel()
	table := sample()
	table.Abouts = []columns.About{{Unit: "min", Source: "live", KnownAt: "polled", Meaning: "a delay"}, {Unit: "min", Source: "live", KnownAt: "polled", Meaning: "an age"}}
	kept := table.Filter(func(dataset.Row) bool { return true })
	body, err := kept.Encode()
	require.NoError(t, err)
	got, err := dataset.Decode(body)
	require.NoError(t, err)
	require.Equal(t, table.Abouts, got.Abouts)
	joined, err := dataset.Concat(got, got)
	require.NoError(t, err)
	require.Equal(t, table.Abouts, joined.Abouts)
}
