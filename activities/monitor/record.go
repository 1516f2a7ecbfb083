package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Record stores scores, drift and verdict. Repeating it changes nothing.
func (a *Activities) Record(ctx context.Context, in schemas.MonitorInput, r schemas.MonitorResult) error {
	s := r.Signals
	now := s.AsOf
	token := fmt.Sprintf("%s/%s/%s/%d/%d", s.Digest, a.Name, s.Day, s.Predictions, s.Events) // more events: other figures
	if err := a.Store.SaveScores(ctx, "scores/"+token, scores(a.Name, s, now)); err != nil {
		return fmt.Errorf("store scores of %s: %w", s.Day, err)
	}
	if err := a.Store.SaveDrift(ctx, "drift/"+token, drifts(a.Name, s, in.Policy, now)); err != nil {
		return fmt.Errorf("store drift of %s: %w", s.Day, err)
	}
	figures, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("store verdict of %s: %w", s.Day, err)
	}
	decided, err := json.Marshal(r.Verdict)
	if err != nil {
		return fmt.Errorf("store verdict of %s: %w", s.Day, err)
	}
	ref := r.Verdict.Policy
	policy, _, err := a.Objects.Get(ctx, schemas.PolicyKey(ref.SHA256))
	if err != nil {
		return fmt.Errorf("store verdict of %s: policy %s version %d: %w", s.Day, ref.Name, ref.Version, err)
	}
	verdict := schema.Verdict{VerdictID: "verdict/" + token, Model: s.Model, Version: uint32(s.Version), DataSource: a.Name, Day: s.Day,
		Action: string(r.Verdict.Kind), Rule: r.Verdict.Rule, Reason: strings.Join(r.Verdict.Reasons, "; "), Figures: string(figures), DecidedAt: now,
		PolicyName: ref.Name, PolicyVersion: uint32(ref.Version), PolicySHA256: ref.SHA256, Policy: string(policy), Decided: string(decided), Severity: string(r.Verdict.Severity),
		Act: string(r.Act), Reference: r.Lifecycle, Note: r.Note, Evidence: r.Evidence, Report: r.Report}
	verdict.WorkflowID = workflowID(ctx)
	if id := verdictID(ctx); id != "" {
		verdict.VerdictID = id
	}
	if err := a.Store.SaveVerdict(ctx, verdict); err != nil {
		return fmt.Errorf("store verdict of %s: %w", s.Day, err)
	}
	return nil
}

// verdictID names the verdict of the run that asks; empty outside of one.
func verdictID(ctx context.Context) string {
	if !activity.IsActivity(ctx) {
		return ""
	}
	return schemas.VerdictID(activity.GetInfo(ctx).WorkflowExecution.RunID)
}

func scores(source string, s schemas.Signals, now time.Time) []schema.Score {
	var rows []schema.Score
	for name, value := range map[string]*float64{"brier": s.Brier, "ece": s.ECE, "late_rate": s.LateRate} {
		if value == nil {
			continue
		}
		row := schema.Score{Model: s.Model, Version: uint32(s.Version), Digest: s.Digest, Role: schema.RoleChampion, Source: schema.PredictionSource(s.Source),
			DataSource: source, Evidence: string(rail.ChangeObserved), FromDay: s.Day, UntilDay: string(rail.Day(s.Day).Add(1)), Metric: name,
			Value: *value, Lower: math.NaN(), Upper: math.NaN(), BaselineValue: math.NaN(), Events: uint64(s.Events), Days: 1, ScoredAt: now}
		if name == "brier" && s.BrierBaseline != nil {
			row.Baseline, row.BaselineValue = "db_forecast_calibrated", *s.BrierBaseline
		}
		rows = append(rows, row)
	}
	return rows
}

func drifts(source string, s schemas.Signals, p schemas.Policy, now time.Time) []schema.Drift {
	limit := p.MaxPSI
	if limit == 0 {
		limit = schemas.DefaultPolicy().MaxPSI
	}
	var rows []schema.Drift
	for _, f := range s.Drift {
		for name, value := range map[string]float64{"psi": f.PSI, "ks": f.KS, "jsd": f.JS} {
			row := schema.Drift{Model: s.Model, Version: uint32(s.Version), DataSource: source, Day: s.Day, Subject: "feature", Name: f.Feature,
				Statistic: name, Value: value, Threshold: math.NaN(), Events: uint64(s.Predictions), Reference: "training", MeasuredAt: now}
			if name == "psi" {
				row.Threshold, row.Exceeded = limit, value > limit
			}
			rows = append(rows, row)
		}
	}
	return rows
}
