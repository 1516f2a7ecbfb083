package train

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"go.temporal.io/sdk/activity"

	"puenktlich/activities/meter"
	"puenktlich/internal/dataset"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Versions of a run's row, each superseding the one before.
const (
	versionRunning = iota + 1
	versionEnded
	versionRefit
)

// track writes the state of a run; a later state supersedes.
func (a *Activities) track(ctx context.Context, in schemas.CandidateInput, work meter.Stint, status schema.RunStatus, problem string) error {
	run := a.describe(ctx, in)
	run.Status, run.Error, run.StartedAt, run.Version = status, problem, work.StartedAt, versionRunning
	if status != schema.RunRunning {
		run.EndedAt, run.Version = a.Clock.Now(), versionEnded
		run.DurationSeconds, run.PeakMemoryBytes = work.Cost()
	}
	return a.save(ctx, run)
}

func (a *Activities) save(ctx context.Context, run schema.Run) error {
	if err := a.Runs.SaveRun(ctx, run); err != nil {
		return fmt.Errorf("track run %s: %w", run.RunID, err)
	}
	return nil
}

// describe is what is known of a run before it has computed anything.
func (a *Activities) describe(ctx context.Context, in schemas.CandidateInput) schema.Run {
	run := schema.Run{RunID: in.RunID, Experiment: in.Model, Name: in.Candidate.Name, Algorithm: string(in.Candidate.How()),
		DatasetID: in.Dataset.ID, DatasetSHA256: in.Dataset.Manifest.SHA256, Model: in.Model, ArtifactKey: artifacts(in.RunID),
		CodeVersion: a.CodeVersion, Seed: int64(in.Seed), FeatureVersion: in.Dataset.FeatureVersion, Actor: in.Actor, Reason: in.Reason,
		Environment: a.environment()}
	if activity.IsActivity(ctx) {
		run.WorkflowID = activity.GetInfo(ctx).WorkflowExecution.ID
	}
	return run
}

func artifacts(runID string) string { return "runs/" + runID + "/" }

// recipe is what the run can be made from again, as JSON.
func (a *Activities) recipe(ctx context.Context, in schemas.CandidateInput) (string, error) {
	asked, err := dataset.Asked(ctx, a.Objects, in.Dataset)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(schemas.Recipe{Candidate: in, Prepare: asked})
	if err != nil {
		return "", fmt.Errorf("write recipe: %w", err)
	}
	return string(text), nil
}

// finish writes the parameters and the scores of a run.
func (a *Activities) finish(ctx context.Context, in schemas.CandidateInput, r schemas.CandidateResult, work meter.Stint) error {
	params, err := paramsOf(in)
	if err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	if err := a.Runs.SaveParams(ctx, "params/"+in.RunID, rows(in.RunID, params)); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	now := a.Clock.Now()
	metrics := []schema.RunMetric{
		{RunID: in.RunID, Name: "oof_brier", Value: r.Brier, RecordedAt: now},
		{RunID: in.RunID, Name: "oof_log_loss", Value: r.LogLoss, RecordedAt: now},
		{RunID: in.RunID, Name: "rounds", Value: float64(r.Rounds), RecordedAt: now},
		{RunID: in.RunID, Name: "events", Value: float64(r.Events), RecordedAt: now},
	}
	if err := a.Runs.SaveMetrics(ctx, "metrics/"+in.RunID, metrics); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	run := a.describe(ctx, in)
	if run.Recipe, err = a.recipe(ctx, in); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	run.Status, run.StartedAt, run.EndedAt, run.Version = schema.RunFinished, work.StartedAt, now, versionEnded
	run.DurationSeconds, run.PeakMemoryBytes = work.Cost()
	run.Artifacts = map[string]string{schema.ArtifactOutOfFold: r.OutOfFold.Key}
	return a.save(ctx, run)
}

// trackRefit adds the training on all days to a run that was judged before.
func (a *Activities) trackRefit(ctx context.Context, trained schemas.TrainedModel, work meter.Stint) error {
	run, err := a.Runs.Run(ctx, trained.RunID)
	if err != nil {
		return fmt.Errorf("track run %s: %w", trained.RunID, err)
	}
	if run.Artifacts == nil {
		run.Artifacts = map[string]string{}
	}
	run.Artifacts[schema.ArtifactLearned] = trained.Artefact.Key
	seconds, peak := work.Cost()
	run.DurationSeconds += seconds
	run.PeakMemoryBytes = max(run.PeakMemoryBytes, peak)
	run.EndedAt, run.Version = a.Clock.Now(), versionRefit
	return a.save(ctx, run)
}

// paramsOf is every field of the candidate under its name on the wire, one inside
// another joined by a dot, the days it is trained on, and what bounds a search
// sets.
func paramsOf(in schemas.CandidateInput) (map[string]string, error) {
	body, err := json.Marshal(in.Candidate)
	if err != nil {
		return nil, fmt.Errorf("parameters of %s: %w", in.Candidate.Name, err)
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // as they were written
	if err := decoder.Decode(&fields); err != nil {
		return nil, fmt.Errorf("parameters of %s: %w", in.Candidate.Name, err)
	}
	delete(fields, "name")
	params := map[string]string{}
	flatten(params, "", fields)
	days := in.Days
	if days.Empty() {
		days = in.Dataset.Days
	}
	params["train_days"] = days.String()
	params["feature_set"] = string(in.Candidate.Sees())
	for name, value := range map[string]int{"segment_rounds": in.SegmentRounds, "rung": in.Rung, "rung_rounds": in.Rounds} {
		if value > 0 {
			params[name] = strconv.Itoa(value)
		}
	}
	return params, nil
}

func flatten(into map[string]string, prefix string, fields map[string]any) {
	for name, value := range fields {
		switch v := value.(type) {
		case map[string]any:
			flatten(into, prefix+name+".", v)
		case []any:
			body, _ := json.Marshal(v) // it was JSON before
			into[prefix+name] = string(body)
		default:
			into[prefix+name] = fmt.Sprint(v)
		}
	}
}

func rows(runID string, params map[string]string) []schema.RunParam {
	all := make([]schema.RunParam, 0, len(params))
	for name, value := range params {
		all = append(all, schema.RunParam{RunID: runID, Name: name, Value: value})
	}
	slices.SortFunc(all, func(x, y schema.RunParam) int { return cmp.Compare(x.Name, y.Name) })
	return all
}
