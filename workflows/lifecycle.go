package workflows

import (
	"fmt"
	"strings"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/prepare"
	"puenktlich/activities/release"
	"puenktlich/schemas"
)

// lifecycle is one run of RunLifecycle, told step by step on its card.
type lifecycle struct {
	in     schemas.LifecycleInput
	plan   schemas.LifecyclePlan
	result schemas.LifecycleResult
	trials schemas.SearchTable
	stage  string
}

// RunLifecycle goes from observations to a served champion: settle, prepare,
// train, evaluate, gate, package, promote.
func RunLifecycle(ctx workflow.Context, in schemas.LifecycleInput) (schemas.LifecycleResult, error) {
	if in.Model == "" {
		in.Model = schemas.DefaultModel
	}
	if in.Reason == "" {
		in.Reason = "started by hand"
	}
	in.Actor = actor(in.Actor)
	if !releasable(in.Candidates, in.Search) {
		return schemas.LifecycleResult{}, refuse(schemas.FailureInvalidInput, "train: none of the candidates can be released: add one of algorithm %s", schemas.AlgorithmBuckets)
	}
	tell(ctx, schemas.AttributeModel, in.Model)
	run := &lifecycle{in: in}
	for _, step := range []struct {
		name string
		do   func(workflow.Context) error
	}{
		{"settle", run.settle}, {"prepare", run.prepare}, {"train", run.train},
		{"evaluate", run.evaluate}, {"package", run.pack}, {"promote", run.promote},
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

// at shows the stage on the card and in the search attributes.
func (l *lifecycle) at(ctx workflow.Context, stage string) {
	l.stage = stage
	tell(ctx, schemas.AttributeStage, stage)
	show(ctx, l.card())
}

func (l *lifecycle) settle(ctx workflow.Context) error {
	var settled schemas.SettleResult
	err := workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "settle"), "ground truth"), SettleTruth, schemas.SettleInput{AsOf: l.in.AsOf}).Get(ctx, &settled)
	if err != nil {
		return err
	}
	var steps *prepare.Activities
	return workflow.ExecuteActivity(with(ctx, light(schemas.QueuePrepare, "training and test days")), steps.PlanLifecycle, l.in).Get(ctx, &l.plan)
}

func (l *lifecycle) prepare(ctx workflow.Context) error {
	days := schemas.DayRange{From: min(l.plan.Train.From, l.plan.Test.From), To: max(l.plan.Train.To, l.plan.Test.To)}
	err := workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "prepare"), "data set "+span(days)), PrepareDataset,
		schemas.PrepareInput{Days: days, AsOf: l.plan.AsOf}).Get(ctx, &l.result.Dataset)
	if err == nil {
		tell(ctx, schemas.AttributeDataset, short(l.result.Dataset.ID))
	}
	return err
}

func (l *lifecycle) train(ctx workflow.Context) error {
	var trained schemas.TrainResult
	err := workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "train"), "train on "+span(l.plan.Train)), TrainModel,
		schemas.TrainInput{Model: l.in.Model, Dataset: l.result.Dataset, Days: l.plan.Train, Candidates: l.in.Candidates, Search: l.in.Search,
			HalfLifeDays: l.in.HalfLifeDays, Seed: l.in.Seed,
			Actor: l.in.Actor, Reason: l.in.Reason}).Get(ctx, &trained)
	l.result.Trained, l.trials = trained.Trained, schemas.SearchTable{Candidates: trained.Candidates, Note: trained.Note}
	if err == nil && trained.Trained.RunID == "" {
		return refuse(schemas.FailureValidation, "train: %s", trained.Note)
	}
	return err
}

func (l *lifecycle) evaluate(ctx workflow.Context) error {
	return workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "evaluate"), "test on "+span(l.plan.Test)), EvaluateModel,
		schemas.EvaluateInput{Trained: l.result.Trained, Dataset: l.result.Dataset, Days: l.plan.Test, Gate: l.in.Gate}).Get(ctx, &l.result.Evaluate)
}

// pack packages every evaluated model, promoted or not: what was refused can
// still be looked at.
func (l *lifecycle) pack(ctx workflow.Context) error {
	err := workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "package"), "package"), PackageModel,
		schemas.PackageInput{Trained: l.result.Trained, Evaluate: l.result.Evaluate}).Get(ctx, &l.result.Package)
	if err == nil {
		tell(ctx, schemas.AttributeVersion, versionName(l.result.Package))
	}
	return err
}

func (l *lifecycle) promote(ctx workflow.Context) error {
	switch {
	case l.in.KeepChampion:
		l.result.Decision = "not promoted: the input asked to keep the champion"
	case !l.result.Evaluate.Gate.Passed:
		l.result.Decision = "not promoted: the gate failed"
	default:
		if err := l.handOver(ctx); err != nil {
			return err
		}
	}
	tell(ctx, schemas.AttributeDecision, strings.SplitN(l.result.Decision, ":", 2)[0])
	return nil
}

// handOver gives the package to PromoteModel, and waits where that needs
// neither truth nor a person. Without a moment of its own the rollout begins when
// the package is there, not when the lifecycle began.
func (l *lifecycle) handOver(ctx workflow.Context) error {
	request := schemas.PromoteInput{Package: l.result.Package, Actor: l.in.Actor, Reason: l.in.Reason, AsOf: l.in.AsOf, Rollout: l.in.Rollout}
	var plan schemas.RolloutPlan
	var steps *release.Activities
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueRelease, "plan the rollout")), steps.PlanRollout, request).Get(ctx, &plan)
	if err != nil {
		return err
	}
	if plan.Ends() {
		var promoted schemas.PromoteResult
		err := workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "promote"), "promote "+versionName(l.result.Package)), PromoteModel, request).Get(ctx, &promoted)
		l.result.Switch, l.result.Decision = promoted.Switch, "promoted: the gate holds"
		return err
	}
	l.result.Rollout = schemas.PromoteID(l.in.Model)
	own := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: l.result.Rollout, StaticSummary: "roll out " + versionName(l.result.Package),
		ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON})
	err = workflow.ExecuteChildWorkflow(own, PromoteModel, request).GetChildWorkflowExecution().Get(ctx, nil)
	if alreadyRunning(err) {
		l.result.Decision = fmt.Sprintf("not promoted: %s is trying another version; reject that one, or start PromoteModel when it has ended", l.result.Rollout)
		return nil
	}
	l.result.Decision = fmt.Sprintf("handed over: the gate holds, %s tries it", l.result.Rollout)
	return err
}

// card is the run told as Markdown.
func (l *lifecycle) card() string {
	var b strings.Builder
	b.WriteString(fmt.Sprintf("## %s: %s\nStarted by %s: %s\n\n", l.in.Model, l.stage, l.in.Actor, l.in.Reason))
	if l.plan.Train.From != "" {
		b.WriteString(fmt.Sprintf("Trained on %s, tested on %s.\n\n", span(l.plan.Train), span(l.plan.Test)))
	}
	if l.result.Dataset.ID != "" {
		b.WriteString(datasetCard(l.result.Dataset) + "\n")
	}
	if len(l.trials.Candidates) > 0 {
		b.WriteString(candidatesCard(l.trials) + "\n")
	}
	b.WriteString(l.verdictCard())
	return b.String()
}

// verdictCard is what came of the evaluation.
func (l *lifecycle) verdictCard() string {
	var b strings.Builder
	if len(l.result.Evaluate.Horizons) > 0 {
		b.WriteString(scoresCard(l.result.Evaluate) + "\n### Gate\n")
		for _, reason := range l.result.Evaluate.Gate.Reasons {
			b.WriteString("- " + reason + "\n")
		}
	}
	if l.result.Package.Digest != "" {
		b.WriteString(fmt.Sprintf("\n### Package %s\nmanifest `%s`\n", versionName(l.result.Package), l.result.Package.Digest))
	}
	if l.result.Decision != "" {
		b.WriteString(fmt.Sprintf("\n**Decision: %s**\n", l.result.Decision))
	}
	if l.result.Switch != nil {
		b.WriteString(fmt.Sprintf("\n%s. Not confirmed: %s.\n", l.result.Switch.Note, list(l.result.Switch.Unconfirmed)))
	}
	return b.String()
}
