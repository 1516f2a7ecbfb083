// Package evaluate holds the activities that judge a trained model on days it has
// not seen, beside the baselines and the champion, and those that give an existing
// model a new calibration.
package evaluate

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"puenktlich/activities/beat"
	"puenktlich/activities/failure"
	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/policy"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// Objects reads data sets and trained models, and keeps reports.
type Objects interface {
	dataset.Objects
	PutContent(ctx context.Context, prefix, suffix string, body []byte) (schemas.ObjectRef, error)
}

// Champions loads packages, verified.
type Champions interface {
	Champion(ctx context.Context, model string) (*modelpkg.Package, schemas.PackageRef, error)
	Package(ctx context.Context, ref schemas.PackageRef) (*modelpkg.Package, error)
}

// Store keeps runs and knows which days are settled.
type Store interface {
	SaveRun(ctx context.Context, run schema.Run) error
	SaveParams(ctx context.Context, token string, params []schema.RunParam) error
	SaveMetrics(ctx context.Context, token string, metrics []schema.RunMetric) error
	Days(ctx context.Context, source string) (schema.DaySpan, error)
}

// Activities are the steps of evaluation and recalibration. All fields but Gate are
// required.
type Activities struct {
	Objects   Objects
	Champions Champions
	Store     Store
	Clock     Clock
	// NotFound is what the object store answers, by errors.Is, for no object.
	NotFound error
	// Name of the source whose days are settled.
	Name string
	// CodeVersion is recorded with every run.
	CodeVersion string
	// Gate decides where an input brings none; the zero value is the default gate.
	Gate schemas.GatePolicy
}

// EvaluateModel scores the trained model on the test days beside the baselines and,
// on the same events, the champion, and judges it by the gate. The report is kept;
// the result carries its short form.
func (a *Activities) EvaluateModel(ctx context.Context, in schemas.EvaluateInput) (schemas.EvaluateResult, error) {
	defer beat.While(ctx, "scoring "+in.Days.String())()
	var result schemas.EvaluateResult
	if err := checkDays(&in); err != nil {
		return result, err
	}
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
	against, err := a.champion(ctx, in)
	if err != nil {
		return result, err
	}
	report, cost, err := score(model, learned.Baselines, table, against.model)
	if err != nil {
		return result, failure.Validation("evaluate run %s on %s: %v", in.Trained.RunID, in.Days, err)
	}
	cost.SizeBytes = in.Trained.Artefact.SizeBytes
	if report.Transfers, err = transfers(model, table); err != nil {
		return result, failure.Validation("evaluate run %s on %s: %v", in.Trained.RunID, in.Days, err)
	}
	report.Champion = judged(report.Champion, against)
	describe(&report, in)
	return a.conclude(ctx, in, report, cost)
}

// checkDays refuses test days that the model knows.
func checkDays(in *schemas.EvaluateInput) error {
	if in.Days.Empty() {
		in.Days = in.Dataset.Days
	}
	if overlap(in.Trained.Days, in.Days) {
		return failure.InvalidInput("evaluate run %s: test days %s overlap the training days %s: test on later days", in.Trained.RunID, in.Days, in.Trained.Days)
	}
	if r := in.Trained.Recalibrated; r != nil && overlap(r.Days, in.Days) {
		return failure.InvalidInput("evaluate run %s: test days %s overlap the calibration days %s: test on later days", in.Trained.RunID, in.Days, r.Days)
	}
	return nil
}

// describe says what was evaluated, on what.
func describe(r *schemas.Report, in schemas.EvaluateInput) {
	r.Model, r.Dataset, r.Evidence = in.Trained.Model, in.Dataset.ID, string(rail.ChangeObserved)
	r.TrainDays, r.TestDays, r.TrainEvents = in.Trained.Days, in.Days, in.Trained.Events
	if in.Trained.Recalibrated != nil {
		r.CalibrationDays = in.Trained.Recalibrated.Days
	}
}

// conclude keeps the report and its metrics, and applies the gate.
func (a *Activities) conclude(ctx context.Context, in schemas.EvaluateInput, report schemas.Report, cost schemas.ModelCost) (schemas.EvaluateResult, error) {
	rules := a.Gate
	if in.Gate != nil {
		rules = *in.Gate
	}
	result := schemas.EvaluateResult{Events: report.TestEvents, Days: report.TestDayCount, Interval: report.Interval, Worst: report.Worst,
		Comparison: report.Champion, Cost: cost, Notes: report.Notes, Gate: policy.Gate(report, cost, rules)}
	for _, h := range report.Horizons {
		h.Detail = nil
		result.Horizons = append(result.Horizons, h)
	}
	body, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return result, fmt.Errorf("write report: %w", err)
	}
	if result.Report, err = a.Objects.PutContent(ctx, schemas.EvaluationPrefix(in.Trained.RunID), ".json", body); err != nil {
		return result, fmt.Errorf("keep report of run %s: %w", in.Trained.RunID, err)
	}
	if err := a.saveMetrics(ctx, in.Trained.RunID, result.Report.SHA256, report); err != nil {
		return result, fmt.Errorf("track run %s: %w", in.Trained.RunID, err)
	}
	return result, nil
}

// testDays loads what is tested on: days after those that were trained on.
func (a *Activities) testDays(ctx context.Context, in schemas.EvaluateInput) (*dataset.Table, error) {
	if trained := in.Trained.Days; !trained.Empty() && in.Days.From < trained.To {
		return nil, failure.Validation("evaluate run %s: test days %s begin before training days %s end: test on later days", in.Trained.RunID, in.Days, trained)
	}
	table, err := a.days(ctx, in.Dataset, in.Days, "evaluate run "+in.Trained.RunID)
	if err != nil {
		return nil, err
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
		return learned, a.unread(err, "read run %s", trained.RunID)
	}
	if err := json.Unmarshal(body, &learned); err != nil {
		return learned, failure.Integrity(err, "read run %s", trained.RunID)
	}
	return learned, nil
}
