package workflows

import (
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/monitor"
	"puenktlich/schemas"
)

// act does what a verdict asks for. What cannot be done is noted, stored and told:
// a night is never without its verdict.
func act(ctx workflow.Context, in schemas.MonitorInput, r *schemas.MonitorResult) {
	var steps *monitor.Activities
	var err error
	switch r.Verdict.Kind {
	case schemas.VerdictRetrain, schemas.VerdictSearch:
		r.Lifecycle, err = startLifecycle(ctx, in, *r)
	case schemas.VerdictRecalibrate:
		r.Lifecycle, err = recalibrate(ctx, in, *r)
	case schemas.VerdictRollback:
		err = workflow.ExecuteActivity(with(ctx, light(schemas.QueueScore, "back to the champion before")), steps.RollBack, in, r.Signals, r.Verdict).Get(ctx, &r.Note)
	case schemas.VerdictHandover:
		err = workflow.ExecuteActivity(with(ctx, light(schemas.QueueScore, "evidence for data science")), steps.HandOver, in, r.Signals, r.Verdict).Get(ctx, &r.Evidence)
	default:
		return
	}
	switch {
	case err != nil:
		r.Act, r.Note = schemas.ActFailed, readable(err).Error()
	case strings.HasSuffix(r.Lifecycle, joined):
		r.Act = schemas.ActJoined
	default:
		r.Act = schemas.ActStarted
	}
}

// joined marks a workflow that was under way.
const joined = " (joined: it was running)"

// startLifecycle starts a lifecycle that outlives this run, or joins the one
// that is under way. The input's own terms go before the policy's.
func startLifecycle(ctx workflow.Context, in schemas.MonitorInput, r schemas.MonitorResult) (string, error) {
	var life schemas.LifecycleInput
	if in.Retrain != nil {
		life = *in.Retrain
	} else if r.Verdict.Lifecycle != nil {
		life = *r.Verdict.Lifecycle
	}
	if own := r.Verdict.Lifecycle; own != nil {
		if life.Search == nil {
			life.Search = own.Search
		}
		if life.Train.Empty() && life.NewestDays == 0 && life.TestDays == 0 {
			life.NewestDays, life.TestDays = own.NewestDays, own.TestDays
		}
		if life.HalfLifeDays == 0 {
			life.HalfLifeDays = own.HalfLifeDays
		}
	}
	life.Model, life.AsOf, life.Actor, life.Reason = in.Model, in.AsOf, "monitor", because(r)
	id := schemas.LifecycleID(in.Model)
	return begin(ctx, id, string(r.Verdict.Kind)+" after "+r.Signals.Day, RunLifecycle, life)
}

// recalibrate starts a new calibration, or joins a lifecycle that is under way: that
// one brings a calibration of its own, and a better one.
func recalibrate(ctx workflow.Context, in schemas.MonitorInput, r schemas.MonitorResult) (string, error) {
	if workflow.GetVersion(ctx, "recalibrate-joins-lifecycle", workflow.DefaultVersion, 1) != workflow.DefaultVersion {
		var steps *monitor.Activities
		var learning bool
		err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueScore, "is a lifecycle under way")), steps.Learning, in.Model).Get(ctx, &learning)
		if err != nil {
			return "", err
		}
		if learning {
			return schemas.LifecycleID(in.Model) + joined, nil
		}
	}
	return startRecalibration(ctx, in, r)
}

// startRecalibration does the same for a new calibration of the champion.
func startRecalibration(ctx workflow.Context, in schemas.MonitorInput, r schemas.MonitorResult) (string, error) {
	id := schemas.RecalibrateID(in.Model)
	return begin(ctx, id, "recalibrate after "+r.Signals.Day, RecalibrateModel,
		schemas.RecalibrateInput{Model: in.Model, AsOf: in.AsOf, Actor: "monitor", Reason: because(r)})
}

func because(r schemas.MonitorResult) string {
	return "verdict of " + r.Signals.Day + ": " + strings.Join(r.Verdict.Reasons, "; ")
}

// begin starts a child that outlives this run, or joins the one of that ID.
func begin(ctx workflow.Context, id, summary string, run, input any) (string, error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: id, StaticSummary: summary, ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON})
	err := workflow.ExecuteChildWorkflow(ctx, run, input).GetChildWorkflowExecution().Get(ctx, nil)
	if alreadyRunning(err) {
		return id + joined, nil
	}
	return id, err
}

// report writes the night's page. It is for people: a night whose page cannot be
// written is complete without it.
func report(ctx workflow.Context, in schemas.MonitorInput, r *schemas.MonitorResult) {
	var steps *monitor.Activities
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: string(schemas.QueueScore), StartToCloseTimeout: 10 * time.Minute, HeartbeatTimeout: time.Minute,
		Summary: "the night's report", RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: 3}})
	if err := workflow.ExecuteActivity(ctx, steps.Report, in, *r).Get(ctx, nil); err != nil {
		r.Report = ""
		if r.Note != "" {
			r.Note += "; "
		}
		r.Note += "no report: " + readable(err).Error()
	}
}
