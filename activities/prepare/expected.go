package prepare

import (
	"context"
	"fmt"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/livestate"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
	columns "puenktlich/schemas/dataset"
)

// newTable is an empty part with the features of the catalogue.
func newTable() *dataset.Table {
	table := dataset.New(feature.Version(), feature.Names(), nil)
	for _, f := range feature.Catalogue() {
		table.Units = append(table.Units, string(f.Unit))
		table.Abouts = append(table.Abouts, columns.About{Unit: string(f.Unit), Source: string(f.Source), KnownAt: string(f.KnownAt), Meaning: f.Meaning})
	}
	return table
}

// Expected is what this program's catalogue says of a data set of days and
// horizons.
func Expected(days []string, horizons []int) dataset.Expected {
	want := dataset.Expected{Version: feature.Version(), Days: days, Horizons: horizons}
	for _, f := range feature.Catalogue() {
		low, high := f.Range()
		_, may := f.Missing()
		want.Columns = append(want.Columns, dataset.Column{Name: f.Name, Unit: string(f.Unit), Low: low, High: high,
			MayMiss: may, FromHistory: f.Source == feature.FromHistory})
	}
	return want
}

// ValidateDataset reads a data set again, valid or not, and checks it anew with
// this program's catalogue.
func ValidateDataset(ctx context.Context, objects dataset.Objects, m schemas.DatasetManifest) ([]schemas.Check, error) {
	var days []string
	for _, day := range rail.Days(rail.Day(m.Query.Days.From), rail.Day(m.Query.Days.To)) {
		days = append(days, string(day))
	}
	return dataset.Validate(ctx, objects, m, Expected(days, m.Horizons))
}

// counted is a store that counts the planned events of a day as they are read.
type counted struct {
	livestate.Store
	day     rail.Day
	planned int
}

func (c *counted) Timelines(ctx context.Context, q schema.TimelineQuery, visit func(rail.PlannedEvent, []rail.Change) error) error {
	from, until := c.day.Start(), c.day.End()
	return c.Store.Timelines(ctx, q, func(plan rail.PlannedEvent, changes []rail.Change) error {
		if !plan.Planned.Before(from) && plan.Planned.Before(until) {
			c.planned++
		}
		return visit(plan, changes)
	})
}

// surroundings says how well the stations of a day were watched.
func (a *Activities) surroundings(ctx context.Context, day rail.Day) (columns.Surroundings, error) {
	hours, err := a.Store.Coverage(ctx, schema.CoverageQuery{Source: a.Name, From: day.Start(), Until: day.End()})
	if err != nil {
		return columns.Surroundings{}, fmt.Errorf("coverage of %s: %w", day, err)
	}
	var s columns.Surroundings
	stations := map[int64]struct{}{}
	for _, h := range hours {
		stations[h.EVA] = struct{}{}
		if !h.PlanKnown {
			continue
		}
		s.PlanKnown++
		if h.Polls == 0 {
			s.Unwatched++
		}
	}
	s.StationHours = len(stations) * int(day.End().Sub(day.Start())/time.Hour)
	return s, nil
}
