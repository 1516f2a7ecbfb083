package workflows

import (
	"fmt"
	"math"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/backtest"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// keptNights bounds the nights a run holds: more are put into the object store.
const keptNights = 24

// replayed is one run of BacktestPolicy.
type replayed struct {
	in     schemas.BacktestInput
	kept   []schemas.ObjectRef
	nights []schemas.BacktestNight // not kept yet
	told   []schemas.BacktestNight // all of this run, for the query
	begun  time.Time
	graded *schemas.GradedDays
	asOf   time.Time
	steps  *backtest.Activities
}

// BacktestPolicy lives through nights again, for several contenders on the same
// observations: SettleTruth, ScoreBatch, MonitorModel and whatever a verdict
// starts, as in production. Moments of domain time are stepped; a night begins
// when everything the night before started has ended.
func BacktestPolicy(ctx workflow.Context, in schemas.BacktestInput) (schemas.BacktestResult, error) {
	r := &replayed{in: in, begun: workflow.Now(ctx)}
	if in.Resume != nil {
		r.kept, r.nights, r.begun = in.Resume.Kept, in.Resume.Nights, in.Resume.Begun
	}
	if err := workflow.SetQueryHandler(ctx, schemas.QueryNights, func() ([]schemas.BacktestNight, error) { return r.told, nil }); err != nil {
		return schemas.BacktestResult{}, err
	}
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueScore, "check the input")), r.steps.CheckBacktest, in).Get(ctx, nil)
	if err != nil {
		return schemas.BacktestResult{}, readable(err)
	}
	if in.Resume == nil {
		if err := r.firstModels(ctx); err != nil {
			return schemas.BacktestResult{}, readable(err)
		}
	}
	if err := r.live(ctx); err != nil {
		if workflow.IsContinueAsNewError(err) {
			return schemas.BacktestResult{}, err
		}
		return schemas.BacktestResult{}, readable(err)
	}
	if err := r.oracle(ctx); err != nil {
		return schemas.BacktestResult{}, readable(err)
	}
	result, err := r.grade(ctx)
	return result, readable(err)
}

// nightAfter is the moment at which a day is judged: when it enters the history.
func nightAfter(day rail.Day) time.Time { return day.End().Add(rail.HistoryDelay) }

// model is the name of a contender's model.
func (r *replayed) model(contender string) string { return r.in.Name + "-" + contender }

// firstModels trains one model, and packages and promotes it under every
// contender's name: they begin alike.
func (r *replayed) firstModels(ctx workflow.Context) error {
	first := r.in.First
	asOf := nightAfter(rail.Day(first.Test.To).Add(-1))
	days := schemas.DayRange{From: first.Train.From, To: first.Test.To}
	show(ctx, fmt.Sprintf("## %s: first model, trained on %s\n", r.in.Name, span(first.Train)))
	if err := r.settle(ctx, "settle/first", schemas.SettleInput{Days: days, AsOf: asOf}); err != nil {
		return err
	}
	var names []string
	for _, c := range r.in.Contenders {
		names = append(names, c.Name)
	}
	return r.introduce(ctx, "first", names, first, asOf)
}

// introduce takes the steps of a lifecycle to a model that several names begin
// with.
func (r *replayed) introduce(ctx workflow.Context, step string, names []string, life schemas.LifecycleInput, asOf time.Time) error {
	days := schemas.DayRange{From: life.Train.From, To: life.Test.To}
	reason := "first model of " + strings.Join(names, ", ")
	var dataset schemas.DatasetRef
	err := workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "prepare/"+step), "data set "+span(days)), PrepareDataset,
		schemas.PrepareInput{Days: days, AsOf: asOf}).Get(ctx, &dataset)
	if err != nil {
		return err
	}
	var trained schemas.TrainResult
	err = workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "train/"+step), "train on "+span(life.Train)), TrainModel,
		schemas.TrainInput{Model: r.model(names[0]), Dataset: dataset, Days: life.Train, Candidates: life.Candidates, Search: life.Search, HalfLifeDays: life.HalfLifeDays, Seed: life.Seed, Actor: "backtest", Reason: reason}).Get(ctx, &trained)
	if err != nil {
		return err
	}
	if trained.Trained.RunID == "" {
		return refuse(schemas.FailureValidation, "backtest: %s", trained.Note)
	}
	var evaluated schemas.EvaluateResult
	err = workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "evaluate/"+step), "test on "+span(life.Test)), EvaluateModel,
		schemas.EvaluateInput{Trained: trained.Trained, Dataset: dataset, Days: life.Test, Gate: life.Gate}).Get(ctx, &evaluated)
	if err != nil {
		return err
	}
	if !evaluated.Gate.Passed {
		return refuse(schemas.FailureValidation, "backtest: the %s does not pass the gate: %s", reason, strings.Join(evaluated.Gate.Reasons, "; "))
	}
	for _, name := range names {
		if err := r.promote(ctx, name, schemas.PackageInput{Trained: trained.Trained, Evaluate: evaluated}, asOf); err != nil {
			return err
		}
	}
	return nil
}

// promote packages a model under a contender's name, and makes it champion.
func (r *replayed) promote(ctx workflow.Context, name string, in schemas.PackageInput, asOf time.Time) error {
	in.Trained.Model = r.model(name)
	var made schemas.PackageRef
	err := workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "package/"+name), "package"), PackageModel, in).Get(ctx, &made)
	if err != nil {
		return err
	}
	return workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "promote/"+name), "promote "+versionName(made)), PromoteModel,
		schemas.PromoteInput{Package: made, Actor: "backtest", Reason: "first model of " + name, AsOf: asOf, Rollout: &schemas.Rollout{}}).Get(ctx, nil)
}

func (r *replayed) settle(ctx workflow.Context, step string, in schemas.SettleInput) error {
	return workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, step), "ground truth"), SettleTruth, in).Get(ctx, nil)
}

// live steps through the nights.
func (r *replayed) live(ctx workflow.Context) error {
	first := rail.Day(r.in.Nights.From)
	if r.in.Resume != nil {
		first = rail.Day(r.in.Resume.Next)
	}
	for _, day := range rail.Days(first, rail.Day(r.in.Nights.To)) {
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			next := r.in
			next.Resume = &schemas.BacktestResume{Next: string(day), Kept: r.kept, Nights: r.nights, Begun: r.begun}
			return workflow.NewContinueAsNewError(ctx, BacktestPolicy, next)
		}
		if err := r.night(ctx, day); err != nil {
			return err
		}
	}
	return nil
}

// night settles once, since truth is everybody's, and then runs the contenders
// beside each other.
func (r *replayed) night(ctx workflow.Context, day rail.Day) error {
	r.asOf = nightAfter(day)
	begun := workflow.Now(ctx)
	if err := r.settle(ctx, "settle/"+string(day), schemas.SettleInput{AsOf: r.asOf}); err != nil {
		return err
	}
	settled := workflow.Now(ctx).Sub(begun)
	nights, errs := make([]schemas.BacktestNight, len(r.in.Contenders)), make([]error, len(r.in.Contenders))
	all := workflow.NewWaitGroup(ctx)
	for i, c := range r.in.Contenders {
		all.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer all.Done()
			nights[i], errs[i] = r.contend(ctx, c, day)
			nights[i].Seconds += settled.Seconds()
		})
	}
	all.Wait(ctx)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	r.nights, r.told = append(r.nights, nights...), append(r.told, nights...)
	show(ctx, r.card())
	return r.keep(ctx)
}

// contend is a contender's night.
func (r *replayed) contend(ctx workflow.Context, c schemas.Contender, day rail.Day) (schemas.BacktestNight, error) {
	begun, model := workflow.Now(ctx), r.model(c.Name)
	night := schemas.BacktestNight{Contender: c.Name, Day: string(day)}
	step := c.Name + "/" + string(day)
	err := workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "score/"+step), "forecast the day"), ScoreBatch,
		schemas.ScoreBatchInput{Model: model, Day: string(day), AsOf: r.asOf}).Get(ctx, nil)
	if err != nil {
		return night, err
	}
	var judged schemas.MonitorResult
	err = workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "monitor/"+step), "judge the day"), MonitorModel,
		schemas.MonitorInput{Model: model, Day: string(day), AsOf: r.asOf, DryRun: c.Frozen, Policy: c.Policy, PolicyFile: c.PolicyFile, Retrain: c.Retrain}).Get(ctx, &judged)
	if err != nil {
		return night, err
	}
	night = nightOf(night, judged)
	decided := workflow.Now(ctx)
	err = workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueScore, "wait for what the night started")), r.steps.CloseNight,
		schemas.CloseNightInput{Model: model, AsOf: r.asOf, Night: night}).Get(ctx, &night)
	ended := workflow.Now(ctx)
	night.Seconds = ended.Sub(begun).Seconds()
	if night.Started != "" {
		night.ActionSeconds = ended.Sub(decided).Seconds()
	}
	return night, err
}

// nightOf is what stays of a verdict.
func nightOf(night schemas.BacktestNight, judged schemas.MonitorResult) schemas.BacktestNight {
	s := judged.Signals
	night.Version, night.Forecasts, night.Brier, night.BrierExpected, night.BrierBaseline = s.Version, s.Events, s.Brier, s.BrierExpected, s.BrierBaseline
	night.LateRate, night.MeanForecast = s.LateRate, s.MeanForecast
	night.Verdict, night.Started = judged.Verdict.Kind, judged.Lifecycle
	night.Values, night.Limits = map[schemas.SignalName]float64{}, map[schemas.SignalName]float64{}
	for _, signal := range s.Signals {
		if signal.Value == nil {
			continue
		}
		night.Values[signal.Name] = fourDigits(*signal.Value)
		if signal.Limit != nil {
			night.Limits[signal.Name] = fourDigits(*signal.Limit)
			if *signal.Value > *signal.Limit {
				night.Beyond = append(night.Beyond, signal.Name)
			}
		}
	}
	for _, rule := range judged.Verdict.Rules {
		if rule.State != schemas.RuleFires {
			continue
		}
		night.Rules = append(night.Rules, rule.Rule)
		if rule.Rule == judged.Verdict.Rule {
			night.Reason = rule.Rule + ": " + rule.Reason
			night.Reason = night.Reason[:min(len(night.Reason), maxReasonBytes)]
		}
	}
	return night
}

// fourDigits is what a reader compares.
func fourDigits(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// maxReasonBytes bounds what is kept of a reason; the whole stands in the verdict.
const maxReasonBytes = 240

// keep puts nights into the object store once they are many.
func (r *replayed) keep(ctx workflow.Context) error {
	if len(r.nights) < keptNights {
		return nil
	}
	var ref schemas.ObjectRef
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueScore, "keep the nights")), r.steps.KeepNights, r.in.Name, r.nights).Get(ctx, &ref)
	if err == nil {
		r.kept, r.nights = append(r.kept, ref), nil
	}
	return err
}

// oracle trains a model on days of the changed world after those that are
// graded, and forecasts the graded days by it.
func (r *replayed) oracle(ctx workflow.Context) error {
	if r.in.Grading == nil {
		return nil
	}
	r.graded = &schemas.GradedDays{}
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueScore, "days to grade")), r.steps.FindGradedDays, r.in, r.asOf).Get(ctx, r.graded)
	if err != nil {
		return err
	}
	r.asOf = nightAfter(rail.Day(r.graded.Test.To).Add(-1))
	show(ctx, fmt.Sprintf("## %s: oracle, trained on %s\n", r.in.Name, span(r.graded.Train)))
	if err := r.settle(ctx, "settle/oracle", schemas.SettleInput{Days: schemas.DayRange{From: r.in.Nights.To, To: r.graded.Test.To}, AsOf: r.asOf}); err != nil {
		return err
	}
	life := r.in.First
	life.Train, life.Test = r.graded.Train, r.graded.Test
	// Nobody is served by it, so no gate keeps it back: a stormy test day is no reason
	// to lose the nights.
	gate := schemas.DefaultGate()
	gate.MinEvents, gate.MinSkill, gate.Champion = 1, -1000, schemas.ChampionIgnored
	life.Gate = &gate
	if err := r.introduce(ctx, schemas.OracleName, []string{schemas.OracleName}, life, r.asOf); err != nil {
		return err
	}
	for _, day := range rail.Days(rail.Day(r.graded.Graded.From), rail.Day(r.graded.Graded.To)) {
		err := workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "score/oracle/"+string(day)), "forecast the day"), ScoreBatch,
			schemas.ScoreBatchInput{Model: r.model(schemas.OracleName), Day: string(day), AsOf: nightAfter(day)}).Get(ctx, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *replayed) grade(ctx workflow.Context) (schemas.BacktestResult, error) {
	var result schemas.BacktestResult
	in := r.in
	in.Resume = nil
	err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueScore, "grade on the same events")), r.steps.Grade, schemas.GradeInput{Input: in, Kept: r.kept,
		Nights: r.nights, Graded: r.graded, AsOf: r.asOf, Seconds: workflow.Now(ctx).Sub(r.begun).Seconds()}).Get(ctx, &result)
	return result, err
}

// shownNights bounds the card.
const shownNights = 24

func (r *replayed) card() string {
	var b strings.Builder
	b.WriteString(fmt.Sprintf("## %s: nights through %s\n\n| day | contender | version | forecasts with a truth | Brier | verdict | what came of it | s |\n|---|---|--:|--:|--:|---|---|--:|\n", r.in.Name, r.asOf.Format("2006-01-02")))
	for _, n := range r.told[max(0, len(r.told)-shownNights):] {
		b.WriteString(fmt.Sprintf("| %s | %s | %d | %d | %s | %s | %s | %.1f |\n", n.Day, n.Contender, n.Version, n.Forecasts, figure(n.Brier), n.Verdict, n.Decision, n.Seconds))
	}
	return b.String()
}
