// Package evaluate holds the activity that scores a trained model on days it
// has not seen, beside the baselines every model has to beat.
package evaluate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"puenktlich/activities/failure"
	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Objects reads data sets and trained models, and keeps reports.
type Objects interface {
	dataset.Objects
	PutContent(ctx context.Context, prefix, suffix string, body []byte) (schemas.ObjectRef, error)
}

// Activities are the steps of evaluation. All fields are required.
type Activities struct {
	Objects Objects
}

// EvaluateModel scores the trained model on the test days and judges it by the
// gate. The report is kept; the result carries its short form.
func (a *Activities) EvaluateModel(ctx context.Context, in schemas.EvaluateInput) (schemas.EvaluateResult, error) {
	var result schemas.EvaluateResult
	learned, err := a.load(ctx, in.Trained)
	if err != nil {
		return result, err
	}
	model, err := forecast.Load(learned.Artefact)
	if err != nil {
		return result, failure.Integrity(err, "evaluate run %s", in.Trained.RunID)
	}
	table, err := a.testDays(ctx, in)
	if err != nil {
		return result, err
	}
	report, err := score(model, learned.Baselines, table)
	if err != nil {
		return result, failure.Validation("evaluate run %s: %v", in.Trained.RunID, err)
	}
	report.Model, report.Dataset = in.Trained.Model, in.Dataset.ID
	report.TrainDays, report.TestDays, report.TrainEvents = in.Trained.Days, in.Days, in.Trained.Events
	report.Evidence = string(rail.ChangeObserved)
	body, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return result, fmt.Errorf("write report: %w", err)
	}
	result.Report, err = a.Objects.PutContent(ctx, "runs/"+in.Trained.RunID+"/evaluation/", ".json", body)
	result.Events, result.Horizons, result.Gate = report.TestEvents, report.Horizons, gate(report)
	return result, err
}

// testDays loads what is tested on: days after those that were trained on.
func (a *Activities) testDays(ctx context.Context, in schemas.EvaluateInput) (*dataset.Table, error) {
	if trained := in.Trained.Days; !trained.Empty() && in.Days.From < trained.To {
		return nil, failure.Validation("evaluate run %s: test days %s begin before training days %s end: test on later days", in.Trained.RunID, in.Days, trained)
	}
	table, _, err := dataset.Load(ctx, a.Objects, in.Dataset, in.Days)
	switch {
	case errors.Is(err, dataset.ErrNoPart):
		return nil, failure.NothingToDo("evaluate run %s: %v", in.Trained.RunID, err)
	case dataset.Unfit(err):
		return nil, failure.Validation("evaluate run %s: %v", in.Trained.RunID, err)
	case err != nil:
		return nil, fmt.Errorf("evaluate run %s: %w", in.Trained.RunID, err)
	}
	if in.Dataset.ID != in.Trained.Dataset.ID {
		// Training left out the trips over midnight of its own data set alone.
		table = table.Filter(func(r dataset.Row) bool { return string(r.ServiceDay) >= in.Trained.Days.To })
	}
	return table, nil
}

func (a *Activities) load(ctx context.Context, trained schemas.TrainedModel) (learn.Learned, error) {
	var learned learn.Learned
	body, err := a.Objects.GetContent(ctx, trained.Artefact)
	if err != nil {
		return learned, fmt.Errorf("read run %s: %w", trained.RunID, err)
	}
	if err := json.Unmarshal(body, &learned); err != nil {
		return learned, failure.Integrity(err, "read run %s", trained.RunID)
	}
	return learned, nil
}

// minEvents of an evaluation, below which nothing can be said.
const minEvents = 100

// gate passes a first model that is better than the railway's own forecast at
// every horizon.
func gate(r schemas.Report) schemas.Gate {
	g := schemas.Gate{Passed: true}
	check := func(ok bool, format string, args ...any) {
		mark := "holds: "
		if !ok {
			mark, g.Passed = "FAILS: ", false
		}
		g.Reasons = append(g.Reasons, mark+fmt.Sprintf(format, args...))
	}
	check(r.TestEvents >= minEvents, "%d test events, at least %d", r.TestEvents, minEvents)
	check(len(r.Horizons) > 0, "%d of the horizons %v were scored, at least 1", len(r.Horizons), rail.Horizons())
	for _, h := range r.Horizons {
		check(h.Brier < h.Baselines.DBForecast.Brier, "%d min: Brier %.4f below the railway's forecast %.4f on %d events",
			h.Minutes, h.Brier, h.Baselines.DBForecast.Brier, h.Events)
	}
	return g
}
