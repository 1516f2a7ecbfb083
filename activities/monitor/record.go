package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"go.temporal.io/sdk/activity"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Record stores the verdict; what it rests on Measure has stored. Repeating it changes nothing.
func (a *Activities) Record(ctx context.Context, in schemas.MonitorInput, r schemas.MonitorResult) error {
	s := r.Signals
	now := s.AsOf
	token := fmt.Sprintf("%s/%s/%s/%d/%d", s.Digest, a.Name, s.Day, s.Predictions, s.Events) // more events: other figures
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
