package release

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"puenktlich/internal/policy"
	"puenktlich/schemas"
)

// Alerts tell people what no package can mend by itself.
type Alerts interface {
	RaiseAlert(ctx context.Context, alert schemas.Alert) error
}

// alertService is the name of alerts about how packages serve; one a model.
const alertService = "model-service"

// JudgeService judges how champion and challenger serve, by the limits of the
// rollout under way or else of the configured one. A champion is watched for as long after its switch as the
// rollout says, at least a day. What is beyond a limit is an alert, which ends with
// the first judgement that is fine.
func (a *Activities) JudgeService(ctx context.Context, in schemas.ServiceInput) (schemas.ServiceVerdict, error) {
	now := a.Clock.Now()
	verdict := schemas.ServiceVerdict{Act: schemas.ServiceWait, At: now}
	aliases, _, err := a.Registry.Aliases(ctx, in.Model)
	if err != nil {
		return verdict, fmt.Errorf("judge service of %s: %w", in.Model, err)
	}
	if aliases.Champion == nil {
		verdict.Reason = "no champion yet"
		return verdict, nil
	}
	before := earlier(aliases)
	watch := time.Duration(max(1, a.Rollout.WatchDays)) * 24 * time.Hour
	served := policy.Served{Champion: aliases.Champion.Package, Challenger: in.Challenger, Watched: now.Sub(aliases.Champion.Since) < watch, Before: before != nil, Rollout: in.Rollout}
	served.Tried = in.Challenger != nil && before != nil && in.Challenger.Digest == before.Digest
	verdict.Act, verdict.Reason = policy.Service(in.Reports, served, a.Rollout)
	verdict.Evidence = evidence("", map[string]any{"reports": in.Reports, "limits": limits(*cmp.Or(in.Rollout, &a.Rollout))})
	switch {
	case verdict.Act == schemas.ServiceReject && before != nil && before.Digest == in.Challenger.Digest: // it is kept to go back to
		verdict.Act, verdict.Reason = schemas.ServiceTell, verdict.Reason+"; it was champion before, and is not what answers"
	case verdict.Act == schemas.ServiceReject:
		verdict.Package = *in.Challenger
	case verdict.Act == schemas.ServiceRollback:
		verdict.Package = *before
	}
	return verdict, a.tellService(ctx, in.Model, verdict)
}

// earlier is the champion to go back to, nil for none.
func earlier(a schemas.Aliases) *schemas.PackageRef {
	for _, e := range a.History {
		if e.Package.Digest != a.Champion.Package.Digest {
			return &e.Package
		}
	}
	return nil
}

func (a *Activities) tellService(ctx context.Context, model string, v schemas.ServiceVerdict) error {
	if v.Act == schemas.ServiceWait || a.Alerts == nil {
		return nil
	}
	alert := schemas.Alert{Name: alertService, Subject: model, Severity: schemas.AlertCritical, Since: v.At, Resolved: v.Act == schemas.ServiceFine,
		Summary: fmt.Sprintf("%s is not served well: %s", model, v.Reason), Details: map[string]string{"act": string(v.Act)}}
	switch v.Act {
	case schemas.ServiceRollback:
		alert.Summary += fmt.Sprintf("; it is rolled back to version %d by itself", v.Package.Version)
	case schemas.ServiceReject:
		alert.Severity = schemas.AlertWarning
		alert.Summary += "; it is rejected by itself"
	}
	if activity.IsActivity(ctx) {
		alert.Workflow = activity.GetInfo(ctx).WorkflowExecution.ID
	}
	if err := a.Alerts.RaiseAlert(ctx, alert); err != nil {
		return fmt.Errorf("alert on the service of %s: %w", model, err)
	}
	return nil
}
