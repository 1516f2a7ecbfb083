package prepare

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"puenktlich/activities/failure"
	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/livestate"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// PlanDataset fills in the defaults: every settled day, the grid of horizons.
func (a *Activities) PlanDataset(ctx context.Context, in schemas.PrepareInput) (schemas.PreparePlan, error) {
	plan := schemas.PreparePlan{Horizons: in.Horizons, AsOf: a.asOf(in.AsOf), FeatureVersion: feature.Version()}
	if len(plan.Horizons) == 0 {
		plan.Horizons = rail.Horizons()
	}
	for _, h := range plan.Horizons {
		if h < 1 || h > 24*60 {
			return plan, failure.InvalidInput("horizons: %d minutes: want 1 to 1440", h)
		}
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
	for _, day := range rail.Days(from, to) {
		plan.Days = append(plan.Days, string(day))
	}
	return plan, nil
}

// PreparePart computes the features of one day's settled events at every
// horizon, knowing at each cut-off only what had been polled by then. A day
// without truth gives an empty part without an object.
func (a *Activities) PreparePart(ctx context.Context, in schemas.PreparePartInput) (schemas.DatasetPart, error) {
	part := schemas.DatasetPart{Day: in.Day}
	day, err := rail.ParseDay(in.Day)
	if err != nil {
		return part, failure.InvalidInput("prepare: %v", err)
	}
	truths, err := a.truths(ctx, day, a.asOf(in.AsOf))
	if err != nil || len(truths) == 0 {
		return part, err
	}
	table, err := a.vectorise(ctx, day, in.Horizons, truths)
	if err != nil {
		return part, err
	}
	if err := table.CheckFinite(); err != nil {
		return part, failure.Validation("prepare %s: %v", day, err)
	}
	body, err := table.Encode()
	if err != nil {
		return part, fmt.Errorf("prepare %s: %w", day, err)
	}
	part.Object, err = a.Objects.PutContent(ctx, "datasets/parts/"+in.Day+"/", ".parquet", body)
	part.Object.Rows = int64(len(table.Rows))
	ran := table.Ran()
	part.Events = ran.Events()
	part.Late = ran.Filter(dataset.Row.Late).Events()
	return part, err
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

func (a *Activities) vectorise(ctx context.Context, day rail.Day, horizons []int, truths []rail.Truth) (*dataset.Table, error) {
	state, err := livestate.Fill(ctx, a.Store, livestate.Span{Source: a.Name, From: day.Start(), Until: day.End()}, a.Lag)
	if err != nil {
		return nil, err
	}
	histories := livestate.Histories{Store: a.Store, Source: a.Name}
	table := newTable()
	table.Grow(len(truths) * len(horizons))
	vector := make([]float32, feature.Width())
	for i, truth := range truths {
		if i%500 == 0 && activity.IsActivity(ctx) {
			activity.RecordHeartbeat(ctx, i)
		}
		for _, horizon := range horizons {
			cutoff := truth.Planned.Add(-time.Duration(horizon) * time.Minute)
			known, found := state.At(rail.EventKey{Stop: truth.Stop, Kind: truth.Kind}, cutoff)
			if !found {
				continue // its plan was not known yet at the cut-off: nobody could have asked
			}
			history, err := histories.At(ctx, cutoff)
			if err != nil {
				return nil, err
			}
			feature.Vector(vector, &known, history)
			table.Append(rowOf(&known, truth, horizon), vector)
		}
	}
	return table, nil
}

func newTable() *dataset.Table {
	var units []string
	for _, f := range feature.Catalogue() {
		units = append(units, string(f.Unit))
	}
	return dataset.New(feature.Version(), feature.Names(), units)
}

func rowOf(k *feature.Knowledge, truth rail.Truth, horizon int) dataset.Row {
	row := dataset.Row{Stop: truth.Stop, Kind: truth.Kind, Trip: k.Plan.Trip, EVA: truth.EVA, ServiceDay: k.Plan.ServiceDay,
		EventDay: rail.DayOf(truth.Planned), Planned: truth.Planned, Horizon: horizon, Category: k.Plan.Train.Category,
		Class: k.Plan.Train.Class, Line: k.Plan.Line, Cancelled: truth.Cancelled, Evidence: truth.Evidence}
	if delay, known := k.Own.DelayMinutes(); known {
		row.DBDelay = delay
	}
	if !truth.Cancelled {
		row.DelayMinutes = truth.DelayMinutes()
	}
	return row
}
