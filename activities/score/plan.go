package score

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"puenktlich/activities/failure"
	"puenktlich/internal/champion"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/internal/vectors"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Sizes of parts.
const (
	defaultPartRows = 50_000
	maxParts        = 1_000
	// windowEvents gives a part of a day about 10,000 forecasts, one insert.
	windowEvents = 2_000
	maxWindows   = 24
)

// PlanScore decides which package forecasts what, in which parts.
func (a *Activities) PlanScore(ctx context.Context, in schemas.ScoreBatchInput) (schemas.ScorePlan, error) {
	loaded, ref, err := a.Champions.Champion(ctx, in.Model)
	if errors.Is(err, champion.ErrNone) {
		return schemas.ScorePlan{}, failure.NothingToDo("score: %v", err)
	}
	if err != nil {
		return schemas.ScorePlan{}, fmt.Errorf("score: %w", err)
	}
	plan := schemas.ScorePlan{Package: ref}
	if in.File != "" {
		if in.Day != "" {
			return plan, failure.InvalidInput("score: both day %s and file %s are given; give one", in.Day, in.File)
		}
		return a.planFile(ctx, in, plan, loaded)
	}
	if in.PartRows != 0 {
		return plan, failure.InvalidInput("score: part_rows is of files; a day is cut by its events")
	}
	return a.planDay(ctx, in, plan)
}

func (a *Activities) planDay(ctx context.Context, in schemas.ScoreBatchInput, plan schemas.ScorePlan) (schemas.ScorePlan, error) {
	day, asOf, err := a.day(ctx, in)
	if err != nil {
		return plan, err
	}
	plan.Day, plan.AsOf = string(day), asOf
	_, challenger, err := a.Champions.Challenger(ctx, in.Model)
	if err != nil {
		return plan, fmt.Errorf("score: %w", err)
	}
	if challenger.Digest != "" && challenger.Digest != plan.Package.Digest {
		plan.Challenger = &challenger
	}
	events, err := a.Store.Planned(ctx, schema.TimelineQuery{Source: a.Name, From: day.Start(), Until: day.End()})
	if err != nil {
		return plan, fmt.Errorf("plan of %s: %w", day, err)
	}
	plan.Windows = cutDay(day, min((events+windowEvents-1)/windowEvents, maxWindows))
	return plan, nil
}

// cutDay cuts a day into windows of equal length, whole minutes but for the
// last.
func cutDay(day rail.Day, n int) []schemas.Window {
	var windows []schemas.Window
	from := day.Start()
	for i := range n {
		until := day.End()
		if i < n-1 {
			until = from.Add((day.End().Sub(day.Start()) / time.Duration(n)).Truncate(time.Minute))
		}
		windows = append(windows, schemas.Window{From: from, To: until})
		from = until
	}
	return windows
}

// planFile reads a file once, to know what it is. The plan that was made first
// for a file and a package holds for every later run.
func (a *Activities) planFile(ctx context.Context, in schemas.ScoreBatchInput, plan schemas.ScorePlan, loaded *modelpkg.Package) (schemas.ScorePlan, error) {
	if in.PartRows < 0 {
		return plan, failure.InvalidInput("score: part_rows is %d, at least 1 is needed", in.PartRows)
	}
	file, ref, err := a.file(ctx, schemas.ObjectRef{Key: in.File}, vectors.NewLayout(loaded.Model.Features()))
	if err != nil {
		return plan, err
	}
	if ref.Rows, err = file.Rows(ctx); err != nil {
		return plan, unfit(in.File, err)
	}
	if ref.Rows == 0 {
		return plan, failure.NothingToDo("score: file %s has no rows", in.File)
	}
	plan.Input, plan.AsOf, plan.PartRows = &ref, in.AsOf, in.PartRows
	if plan.AsOf.IsZero() {
		plan.AsOf = a.Clock.Now()
	}
	if plan.PartRows == 0 {
		plan.PartRows = max(defaultPartRows, (ref.Rows+maxParts-1)/maxParts)
	}
	if parts := plan.Parts(); parts > maxParts {
		return plan, failure.InvalidInput("score: %d rows in parts of %d are %d parts, at most %d are possible: raise part_rows", ref.Rows, plan.PartRows, parts, maxParts)
	}
	return a.first(ctx, plan)
}

// first keeps the plan, or answers the one that was kept before.
func (a *Activities) first(ctx context.Context, plan schemas.ScorePlan) (schemas.ScorePlan, error) {
	key := plan.Prefix() + "plan.json"
	body, err := json.MarshalIndent(plan, "", "  ")
	if err != nil {
		return plan, fmt.Errorf("write %s: %w", key, err)
	}
	wrote := a.Objects.PutIfAbsent(ctx, key, body)
	if wrote == nil {
		return plan, nil
	}
	kept, _, err := a.Objects.Get(ctx, key)
	if errors.Is(err, schemas.ErrObjectMissing) {
		return plan, fmt.Errorf("score: %w", wrote)
	}
	if err != nil {
		return plan, fmt.Errorf("score: %w", err)
	}
	var before schemas.ScorePlan
	if err := json.Unmarshal(kept, &before); err != nil {
		return plan, failure.Integrity(err, "plan %s", key)
	}
	return before, nil
}
