package prepare

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"puenktlich/activities/beat"
	"puenktlich/activities/failure"
	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/livestate"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
	columns "puenktlich/schemas/dataset"
)

// PlanDataset fills in the defaults: every settled day, the grid of horizons.
func (a *Activities) PlanDataset(ctx context.Context, in schemas.PrepareInput) (schemas.PreparePlan, error) {
	plan := schemas.PreparePlan{AsOf: a.asOf(in.AsOf), FeatureVersion: feature.Version()}
	var err error
	if plan.Horizons, err = horizons(in.Horizons); err != nil {
		return plan, err
	}
	span, err := a.Store.Days(ctx, a.Name)
	if err != nil {
		return plan, fmt.Errorf("days of %s: %w", a.Name, err)
	}
	if span.FirstSettled == "" {
		return plan, failure.NothingToDo("prepare data set: no truth of the %s is settled yet: run SettleTruth first", a.Name)
	}
	from, to, err := dayRange(in.Days, rail.Day(span.FirstSettled), rail.Day(span.LastSettled).Add(1))
	if err != nil {
		return plan, err
	}
	if to <= rail.Day(span.FirstSettled) || from > rail.Day(span.LastSettled) {
		return plan, failure.NothingToDo("prepare data set: no day of %s has truth of the %s: settled are %s to %s", in.Days, a.Name, span.FirstSettled, span.LastSettled)
	}
	for _, day := range rail.Days(from, to) {
		plan.Days = append(plan.Days, string(day))
	}
	return plan, nil
}

// maxHorizons of one data set.
const maxHorizons = 24

// horizons are those asked for, the longest first, or the grid.
func horizons(asked []int) ([]int, error) {
	if len(asked) == 0 {
		return rail.Horizons(), nil
	}
	if len(asked) > maxHorizons {
		return nil, failure.InvalidInput("horizons: %d of them: want at most %d", len(asked), maxHorizons)
	}
	sorted := slices.Clone(asked)
	slices.SortFunc(sorted, func(x, y int) int { return cmp.Compare(y, x) })
	for i, h := range sorted {
		switch {
		case h < 1 || h > 24*60:
			return nil, failure.InvalidInput("horizons: %d minutes: want 1 to 1440", h)
		case i > 0 && h == sorted[i-1]:
			return nil, failure.InvalidInput("horizons: %d minutes stands twice", h)
		}
	}
	return sorted, nil
}

// PreparePart computes the features of one day's settled events at every
// horizon, knowing at each cut-off only what had been polled by then, and
// writes them with a profile of what they are. A day without truth gives an
// empty part without an object.
func (a *Activities) PreparePart(ctx context.Context, in schemas.PreparePartInput) (schemas.DatasetPart, error) {
	defer beat.While(ctx)()
	part := schemas.DatasetPart{Day: in.Day}
	day, err := rail.ParseDay(in.Day)
	if err != nil {
		return part, failure.InvalidInput("prepare: %v", err)
	}
	truths, err := a.truths(ctx, day, a.asOf(in.AsOf))
	if err != nil || len(truths) == 0 {
		return part, err
	}
	table, planned, err := a.vectorise(ctx, day, in.Horizons, truths)
	if err != nil {
		return part, err
	}
	around, err := a.surroundings(ctx, day)
	if err != nil {
		return part, err
	}
	around.Planned, around.Settled = planned, len(truths)
	return a.store(ctx, day, table, around)
}

// store writes the part and then its profile. What is wrong with the rows is
// written too: the data set that they make is invalid, and can be looked into.
func (a *Activities) store(ctx context.Context, day rail.Day, table *dataset.Table, around columns.Surroundings) (schemas.DatasetPart, error) {
	profile := table.Profile(day)
	profile.Surroundings = around
	part := schemas.DatasetPart{Day: string(day), Events: profile.Ran, Late: profile.Late}
	body, err := table.Encode()
	if err != nil {
		return part, fmt.Errorf("prepare %s: %w", day, err)
	}
	prefix := "datasets/parts/" + string(day) + "/"
	if part.Object, err = a.Objects.PutContent(ctx, prefix, ".parquet", body); err != nil {
		return part, fmt.Errorf("prepare %s: %w", day, err)
	}
	part.Object.Rows = int64(len(table.Rows))
	if body, err = json.Marshal(profile); err != nil {
		return part, fmt.Errorf("prepare %s: profile: %w", day, err)
	}
	if part.Profile, err = a.Objects.PutContent(ctx, prefix, ".profile.json", body); err != nil {
		return part, fmt.Errorf("prepare %s: %w", day, err)
	}
	return part, nil
}

// truths reads what was settled of a day by asOf, in a fixed order.
func (a *Activities) truths(ctx context.Context, day rail.Day, asOf time.Time) ([]rail.Truth, error) {
	var truths []rail.Truth
	query := schema.TruthQuery{Source: a.Name, From: string(day), Until: string(day.Add(1)), SettledUntil: asOf}
	if err := a.Store.Truth(ctx, query, func(t rail.Truth) error { truths = append(truths, t); return nil }); err != nil {
		return nil, fmt.Errorf("truth of %s: %w", day, err)
	}
	slices.SortFunc(truths, func(x, y rail.Truth) int {
		return cmp.Or(x.Planned.Compare(y.Planned), cmp.Compare(x.Stop, y.Stop), cmp.Compare(x.Kind, y.Kind))
	})
	return truths, nil
}

func (a *Activities) vectorise(ctx context.Context, day rail.Day, horizons []int, truths []rail.Truth) (table *dataset.Table, planned int, err error) {
	counting := &counted{Store: a.Store, day: day}
	state, err := livestate.Fill(ctx, counting, livestate.Span{Source: a.Name, From: day.Start(), Until: day.End()}, a.Lag)
	if err != nil {
		return nil, 0, err
	}
	histories := livestate.Histories{Store: a.Store, Source: a.Name, Cache: a.Histories}
	table = newTable()
	table.Grow(len(truths) * len(horizons))
	vector := make([]float32, feature.Width())
	for _, truth := range truths {
		eventDay := rail.DayOf(truth.Planned)
		for _, horizon := range horizons {
			cutoff := truth.Planned.Add(-time.Duration(horizon) * time.Minute)
			known, found := state.At(rail.EventKey{Stop: truth.Stop, Kind: truth.Kind}, cutoff)
			if !found {
				continue // its plan was not known yet at the cut-off: nobody could have asked
			}
			history, err := histories.At(ctx, cutoff)
			if err != nil {
				return nil, 0, err
			}
			feature.Vector(vector, &known, history)
			row := rowOf(&known, truth, horizon)
			row.EventDay = eventDay
			table.Append(row, vector)
		}
	}
	return table, counting.planned, nil
}

// rowOf is the row but for its event day.
func rowOf(k *feature.Knowledge, truth rail.Truth, horizon int) dataset.Row {
	row := dataset.Row{Stop: truth.Stop, Kind: truth.Kind, Trip: k.Plan.Trip, EVA: truth.EVA, ServiceDay: k.Plan.ServiceDay,
		Planned: truth.Planned, Horizon: horizon, Category: k.Plan.Train.Category,
		Class: k.Plan.Train.Class, Line: k.Plan.Line, Cancelled: truth.Cancelled, Evidence: truth.Evidence}
	if delay, known := k.Own.DelayMinutes(); known {
		row.DBDelay = delay
	}
	if !truth.Cancelled {
		row.DelayMinutes = truth.DelayMinutes()
	}
	return row
}
