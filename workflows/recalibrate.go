package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/evaluate"
	"puenktlich/schemas"
)

// RecalibrateModel makes a new version out of an existing one, the champion by
// default: the same trees with a calibration of newer days. It is for a base rate that
// moved, and takes the time of preparing some days. Then it goes on as a lifecycle.
func RecalibrateModel(ctx workflow.Context, in schemas.RecalibrateInput) (schemas.LifecycleResult, error) {
	in = recalibrateDefaults(in)
	tell(ctx, schemas.AttributeModel, in.Model)
	var steps *evaluate.Activities
	var plan schemas.RecalibratePlan
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueTrain, "package and days")), steps.PlanRecalibration, in).Get(ctx, &plan)
	if err != nil {
		return schemas.LifecycleResult{}, readable(err)
	}
	run := &recalibration{plan: plan, lifecycle: lifecycle{
		in:   schemas.LifecycleInput{Model: plan.Package.Model, AsOf: in.AsOf, Actor: in.Actor, Reason: in.Reason, KeepChampion: in.KeepChampion, Gate: in.Gate},
		plan: schemas.LifecyclePlan{Train: plan.Days, Test: plan.Test, AsOf: plan.AsOf}}}
	for _, step := range []struct {
		name string
		do   func(workflow.Context) error
	}{
		{"prepare", run.prepare}, {"calibrate", run.calibrate}, {"evaluate", run.evaluate}, {"package", run.pack}, {"promote", run.promote},
	} {
		run.at(ctx, step.name)
		if err := step.do(ctx); err != nil {
			run.result.Decision = "failed at " + step.name
			show(ctx, run.card())
			return run.result, readable(err)
		}
	}
	run.at(ctx, "done")
	return run.result, nil
}

func recalibrateDefaults(in schemas.RecalibrateInput) schemas.RecalibrateInput {
	if in.Model == "" {
		in.Model = schemas.DefaultModel
	}
	if in.Reason == "" {
		in.Reason = "started by hand"
	}
	in.Actor = actor(in.Actor)
	return in
}

// recalibration is a lifecycle whose training is a calibration: Train of its plan are
// the calibration days.
type recalibration struct {
	lifecycle
	plan schemas.RecalibratePlan
}

func (r *recalibration) calibrate(ctx workflow.Context) error {
	var steps *evaluate.Activities
	return workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueTrain, "calibrate on "+span(r.plan.Days))), steps.Recalibrate, schemas.RecalibrateStep{
		Plan: r.plan, Dataset: r.result.Dataset, RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID + "-calibrated",
		Actor: r.in.Actor, Reason: r.in.Reason}).Get(ctx, &r.result.Trained)
}

// at shows the stage on the card and in the search attributes.
func (r *recalibration) at(ctx workflow.Context, stage string) {
	r.stage = stage
	tell(ctx, schemas.AttributeStage, stage)
	show(ctx, r.card())
}

// card is the run told as Markdown.
func (r *recalibration) card() string {
	var b strings.Builder
	b.WriteString(fmt.Sprintf("## %s: new calibration, %s\nStarted by %s: %s\n\n", versionName(r.plan.Package), r.stage, r.in.Actor, r.in.Reason))
	b.WriteString(fmt.Sprintf("The trees of %s, trained on %s, stay. Calibrated on %s, tested on the later %s: the two share no day.\n\n",
		versionName(r.plan.Package), span(r.plan.Trained), span(r.plan.Days), span(r.plan.Test)))
	if r.result.Dataset.ID != "" {
		b.WriteString(datasetCard(r.result.Dataset) + "\n")
	}
	if c := r.result.Trained.Recalibrated; c != nil {
		b.WriteString(calibrationCard(*c) + "\n")
	}
	b.WriteString(r.verdictCard())
	return b.String()
}

// calibrationCard is the choice of the method.
func calibrationCard(c schemas.Recalibration) string {
	var b strings.Builder
	b.WriteString(fmt.Sprintf("### Calibration: %s, on %d events\n\nLog loss on these days %.4f, with the former calibration %.4f. Chosen by the log loss on days that a method was not fitted on:\n\n| method | log loss | forecasts |\n|---|--:|--:|\n",
		c.Method, c.Events, c.LogLossFitted, c.LogLossBefore))
	for _, m := range c.Tried {
		if m.Note != "" {
			b.WriteString(fmt.Sprintf("| %s | %s | |\n", m.Method, m.Note))
			continue
		}
		b.WriteString(fmt.Sprintf("| %s | %.4f | %d |\n", m.Method, m.LogLoss, m.Rows))
	}
	return b.String()
}
