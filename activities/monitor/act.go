package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"go.temporal.io/sdk/activity"

	"puenktlich/schemas"
)

// RollBack brings back the champion before the one that was judged. Where another
// has taken over meanwhile, it says so and does nothing.
func (a *Activities) RollBack(ctx context.Context, in schemas.MonitorInput, s schemas.Signals, v schemas.Verdict) (string, error) {
	aliases, _, err := a.Registry.Aliases(ctx, s.Model)
	if err != nil {
		return "", fmt.Errorf("roll back %s: %w", s.Model, err)
	}
	if aliases.Champion == nil || aliases.Champion.Package.Digest != s.Digest {
		return fmt.Sprintf("%s@%d is not champion any more: nothing to roll back", s.Model, s.Version), nil
	}
	id := "rollback-" + s.Digest[:min(12, len(s.Digest))]
	if activity.IsActivity(ctx) {
		id += "-" + activity.GetInfo(ctx).WorkflowExecution.RunID // a repeated request is the same one
	}
	switched, err := a.Promoter.Rollback(ctx, id, s.Model, schemas.RollbackRequest{Actor: "monitor", Reason: reason(s, v), Evidence: evidence(v), At: s.AsOf})
	if err != nil {
		return "", fmt.Errorf("roll back %s@%d: %w", s.Model, s.Version, err)
	}
	return fmt.Sprintf("%s@%d is champion again; %s", s.Model, switched.Champion.Package.Version, switched.Note), nil
}

// Learning says whether a lifecycle of the model is under way: what it trains is
// calibrated on newer days than the champion could be.
func (a *Activities) Learning(ctx context.Context, model string) (bool, error) {
	running, err := a.Promoter.Running(ctx, schemas.LifecycleID(model))
	if err != nil {
		return false, fmt.Errorf("is %s learning: %w", model, err)
	}
	return running, nil
}

// reason is a verdict in one sentence, for the audit.
func reason(s schemas.Signals, v schemas.Verdict) string {
	return "verdict of " + s.Day + ": " + strings.Join(v.Reasons, "; ")
}

// evidence is the verdict as the history of the registry keeps it; its signals are
// stored under the day.
func evidence(v schemas.Verdict) string {
	body, err := json.Marshal(v)
	if err != nil { // figures that JSON has no form for
		return err.Error()
	}
	return string(body)
}

// Tell raises an alert for each rule that fires and resolves those of rules that
// do not. What could not be measured changes nothing.
func (a *Activities) Tell(ctx context.Context, r schemas.MonitorResult) error {
	if err := a.Alerts.RaiseAlerts(ctx, r.Signals.Model, alerts(r, workflowID(ctx))); err != nil {
		return fmt.Errorf("tell what fires on %s: %w", r.Signals.Day, err)
	}
	return nil
}

func workflowID(ctx context.Context) string {
	if activity.IsActivity(ctx) {
		return activity.GetInfo(ctx).WorkflowExecution.ID
	}
	return ""
}

// The alerts that no rule of a policy stands for.
const (
	alertPackage   = "package"   // of the champion, gone or broken
	alertForecasts = "forecasts" // none was logged
	alertAction    = "action"    // a verdict could not be acted on
)

func alerts(r schemas.MonitorResult, workflow string) []schemas.Alert {
	s, v := r.Signals, r.Verdict
	told := map[string]bool{}
	var all []schemas.Alert
	add := func(name string, severity schemas.AlertSeverity, fires bool, summary string) {
		told[name] = true
		all = append(all, schemas.Alert{Name: name, Subject: s.Model, Severity: severity, Summary: summary, Since: s.AsOf, Resolved: !fires, Workflow: workflow,
			Details: details(r)})
	}
	for _, rule := range v.Rules {
		if rule.State == schemas.RuleUnknown {
			continue
		}
		fires := rule.State == schemas.RuleFires
		summary := fmt.Sprintf("%s@%d on %s: %s", s.Model, s.Version, s.Day, rule.Reason)
		if rule.Why != "" {
			summary = fmt.Sprintf("%s@%d on %s: %s (%s)", s.Model, s.Version, s.Day, rule.Why, rule.Reason)
		}
		if !fires {
			summary = fmt.Sprintf("Over on %s: %s.", s.Day, rule.Reason)
		}
		add(rule.Rule, rule.Severity, fires, summary+outcome(r, rule))
		if fires && !rule.Since.IsZero() {
			all[len(all)-1].Since = rule.Since
		}
	}
	if !told[alertPackage] {
		add(alertPackage, schemas.AlertCritical, false, "The package can be read again.")
	}
	if !told[alertForecasts] {
		add(alertForecasts, schemas.AlertWarning, false, "Forecasts are logged again.")
	}
	if r.Act == schemas.ActFailed {
		add(alertAction, schemas.AlertCritical, true, fmt.Sprintf("the verdict %s of %s was not acted on: %s", v.Kind, s.Day, r.Note))
	} else if r.Act != "" {
		add(alertAction, schemas.AlertCritical, false, "The verdict was acted on.")
	}
	return all
}

// outcome says what was done about the rule that led to the verdict.
func outcome(r schemas.MonitorResult, rule schemas.RuleState) string {
	if rule.Rule != r.Verdict.Rule || r.Act == "" {
		return ""
	}
	text := fmt.Sprintf(" %s: %s", r.Verdict.Kind, r.Act)
	if r.Lifecycle != "" {
		text += " as " + r.Lifecycle
	}
	if r.Note != "" {
		text += ", " + r.Note
	}
	return text + "."
}

// details are the numbers a person asks for next.
func details(r schemas.MonitorResult) map[string]string {
	d := map[string]string{"day": r.Signals.Day, "verdict": string(r.Verdict.Kind), "policy": fmt.Sprintf("%s version %d", r.Verdict.Policy.Name, r.Verdict.Policy.Version)}
	for name, value := range map[string]string{"workflow_started": r.Lifecycle, "evidence": r.Evidence, "report": r.Report} {
		if value != "" {
			d[name] = value
		}
	}
	return d
}
