package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/evaluate"
	"puenktlich/activities/experiment"
	"puenktlich/activities/train"
	"puenktlich/schemas"
)

// ReproduceRun makes a recorded run again from its record, as a run of its own:
// data set, candidate or new calibration, and where the run had them the training
// on all days and the evaluation. It says whether data set, metrics and calibration
// agree.
func ReproduceRun(ctx workflow.Context, in schemas.ReproduceInput) (schemas.ReproduceResult, error) {
	var result schemas.ReproduceResult
	if in.RunID == "" {
		return result, refuse(schemas.FailureInvalidInput, "reproduce: the input names no run: give {\"run_id\": \"...\"}")
	}
	var steps *experiment.Activities
	var plan schemas.ReproducePlan
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueRelease, "record of "+in.RunID)), steps.PlanReproduction, in).Get(ctx, &plan)
	if err != nil {
		return result, readable(err)
	}
	recorded, model := plan.Recipe.Run()
	tell(ctx, schemas.AttributeModel, model)
	rebuilt, err := rebuild(ctx, in, plan)
	if err != nil {
		return result, readable(err)
	}
	err = workflow.ExecuteActivity(with(ctx, light(schemas.QueueRelease, "compare with "+recorded)), steps.CompareRuns,
		schemas.CompareRunsInput{Recorded: recorded, Rebuilt: rebuilt, SkipTest: plan.TestDays.Empty()}).Get(ctx, &result)
	result.Note = plan.Note
	show(ctx, reproduceCard(result))
	return result, readable(err)
}

// rebuild answers the id of the new run.
func rebuild(ctx workflow.Context, in schemas.ReproduceInput, plan schemas.ReproducePlan) (string, error) {
	recorded, _ := plan.Recipe.Run()
	reason := "reproduces run " + recorded
	if in.Reason != "" {
		reason += ": " + in.Reason
	}
	var dataset schemas.DatasetRef
	err := workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "prepare"), "data set "+span(plan.Recipe.Prepare.Days)), PrepareDataset, plan.Recipe.Prepare).Get(ctx, &dataset)
	if err != nil {
		return "", err
	}
	tell(ctx, schemas.AttributeDataset, short(dataset.ID))
	id := schemas.RunID(workflow.GetInfo(ctx).WorkflowExecution.RunID, 1)
	var trained schemas.TrainedModel
	if step := plan.Recipe.Recalibrate; step != nil {
		step.RunID, step.Dataset, step.Actor, step.Reason = id, dataset, actor(in.Actor), reason
		trained, err = calibrateAgain(ctx, *step)
	} else {
		candidate := plan.Recipe.Candidate
		candidate.RunID, candidate.Dataset, candidate.Actor, candidate.Reason = id, dataset, actor(in.Actor), reason
		trained, err = trainAgain(ctx, candidate, plan.Refit)
	}
	if err != nil || trained.RunID == "" || plan.TestDays.Empty() {
		return id, err
	}
	return id, workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "evaluate"), "test on "+span(plan.TestDays)), EvaluateModel,
		schemas.EvaluateInput{Trained: trained, Dataset: dataset, Days: plan.TestDays}).Get(ctx, nil)
}

// trainAgain judges the candidate and, with refit, trains it on all days; without,
// what it answers is empty.
func trainAgain(ctx workflow.Context, candidate schemas.CandidateInput, refit bool) (trained schemas.TrainedModel, err error) {
	var steps *train.Activities
	var judged schemas.CandidateResult
	err = workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueTrain, candidate.Candidate.Name)), steps.TrainCandidate, candidate).Get(ctx, &judged)
	if err != nil || !refit {
		return trained, err
	}
	err = workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueTrain, candidate.Candidate.Name+" on all days")), steps.RefitModel,
		schemas.RefitInput{Model: candidate.Model, Dataset: candidate.Dataset, Days: candidate.Days, Best: judged, Seed: candidate.Seed, SegmentRounds: candidate.SegmentRounds}).Get(ctx, &trained)
	return trained, err
}

// calibrateAgain calibrates the same package's trees on the same days.
func calibrateAgain(ctx workflow.Context, step schemas.RecalibrateStep) (trained schemas.TrainedModel, err error) {
	var steps *evaluate.Activities
	err = workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueTrain, "calibrate on "+span(step.Plan.Days))), steps.Recalibrate, step).Get(ctx, &trained)
	return trained, err
}

func reproduceCard(r schemas.ReproduceResult) string {
	var b strings.Builder
	verdict := "**does not agree** with"
	if r.Agrees {
		verdict = "agrees with"
	}
	b.WriteString(fmt.Sprintf("### Run `%s` %s its record `%s`\n\n| | recorded | rebuilt | |\n|---|--:|--:|---|\n", r.Rebuilt, verdict, r.Recorded))
	for _, f := range r.Findings {
		mark := "**differs**"
		if f.Agrees {
			mark = "agrees"
		}
		b.WriteString(fmt.Sprintf("| %s | %s | %s | %s |\n", f.Name, f.Recorded, f.Rebuilt, mark))
	}
	if len(r.Environment) > 0 {
		b.WriteString("\nWhat else differs:\n")
	}
	for _, f := range r.Environment {
		b.WriteString(fmt.Sprintf("- %s: %s, now %s\n", f.Name, f.Recorded, f.Rebuilt))
	}
	if r.Note != "" {
		b.WriteString("\n" + r.Note + "\n")
	}
	return b.String()
}
