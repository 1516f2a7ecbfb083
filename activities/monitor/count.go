package monitor

import (
	"context"
	"slices"
	"time"

	"puenktlich/internal/drift"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Subjects of drift counts and statistics.
const (
	subjectFeature  = "feature"
	subjectForecast = "forecast"
	subjectCategory = "category"
	subjectLabel    = "label"
	subjectDays     = "classifier"
	subjectHealth   = "health"
)

// count puts the day's forecasts into the bins of the package's references,
// hour by hour. An hour whose forecasts were all counted before is not read.
func (n *measuring) count(ctx context.Context) error {
	if n.loaded == nil || len(n.forecasts) == 0 {
		return nil
	}
	hours, err := n.a.Store.VectorHours(ctx, n.vectors())
	if err != nil {
		return err
	}
	stored, err := n.stored(ctx)
	if err != nil {
		return err
	}
	for _, c := range stored {
		if hours[c.Hour] == c.Total {
			delete(hours, c.Hour)
		}
	}
	n.counts = slices.DeleteFunc(stored, func(c schema.DriftCounts) bool { _, again := hours[c.Hour]; return again })
	if len(hours) == 0 {
		return nil
	}
	rows, err := n.counted(ctx, hours)
	if err != nil || len(rows) == 0 {
		return err
	}
	n.counts = append(n.counts, rows...)
	return n.a.Store.SaveDriftCounts(ctx, n.token("counts", rows), rows)
}

func (n *measuring) vectors() schema.VectorQuery {
	return schema.VectorQuery{Model: n.s.Model, Digest: n.ref.Digest, Source: schema.PredictionSource(n.s.Source), DataSource: n.a.Name, Day: string(n.day), AsOf: n.asOf}
}

func (n *measuring) stored(ctx context.Context) ([]schema.DriftCounts, error) {
	return n.a.countsOf(ctx, n.s)
}

// countsOf reads the counts of the forecasts that signals are of.
func (a *Activities) countsOf(ctx context.Context, s schemas.Signals) ([]schema.DriftCounts, error) {
	return a.Store.DriftCounts(ctx, schema.CountsQuery{Model: s.Model, Digest: s.Digest, DataSource: a.Name, Source: schema.PredictionSource(s.Source),
		From: s.Day, Until: string(rail.Day(s.Day).Add(1))})
}

// counted reads the forecasts of some hours, each row once.
func (n *measuring) counted(ctx context.Context, hours map[time.Time]uint64) ([]schema.DriftCounts, error) {
	references, columns := n.loaded.References, n.columns()
	byHour := map[time.Time][]drift.Counts{}
	q := n.vectors()
	for hour := range hours {
		q.Hours = append(q.Hours, hour)
	}
	slices.SortFunc(q.Hours, time.Time.Compare)
	one := make([]float64, 1)
	err := n.a.Store.Vectors(ctx, q, func(v *schema.Vector) error {
		if len(v.Features) != len(n.loaded.Model.Features()) {
			n.refused++
			return nil
		}
		hour := v.Planned.Truncate(time.Hour)
		counts := byHour[hour]
		if counts == nil {
			for _, r := range references {
				counts = append(counts, r.NewCounts())
			}
			byHour[hour] = counts
		}
		for i, column := range columns {
			if one[0] = 1 - v.POnTime; column >= 0 {
				one[0] = float64(v.Features[column])
			}
			references[i].Count(&counts[i], one[0])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var rows []schema.DriftCounts
	for _, hour := range q.Hours {
		for i, counts := range byHour[hour] {
			row := schema.DriftCounts{Model: n.s.Model, Version: uint32(n.ref.Version), Digest: n.ref.Digest, DataSource: n.a.Name, Source: q.Source, Day: string(n.day), Hour: hour,
				Subject: subjectFeature, Name: references[i].Feature, Labels: []string{}, Bins: counts.Bins, Missing: counts.Missing, Total: hours[hour], CountedAt: n.asOf}
			if columns[i] < 0 {
				row.Subject = subjectForecast
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// columns is where each reference's feature stands in a vector; -1 for P(late).
func (n *measuring) columns() []int {
	position := map[string]int{drift.ForecastName: -1}
	for i, name := range n.loaded.Model.Features() {
		position[name] = i
	}
	columns := make([]int, len(n.loaded.References))
	for i, r := range n.loaded.References {
		columns[i] = position[r.Feature]
	}
	return columns
}

// merged adds up the counts of a day by reference.
func merged(counts []schema.DriftCounts) (map[string]drift.Counts, error) {
	all := map[string]drift.Counts{}
	for _, c := range counts {
		sum, found := all[c.Name]
		if !found {
			sum = drift.Counts{Bins: make([]uint64, len(c.Bins))}
		}
		if err := sum.Merge(drift.Counts{Bins: c.Bins, Missing: c.Missing}); err != nil {
			return nil, err
		}
		all[c.Name] = sum
	}
	return all, nil
}
