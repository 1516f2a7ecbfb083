package workflows

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/train"
	"puenktlich/schemas"
)

// searchWindow bounds the candidates of a search that are under way at once:
// enough for a few train workers, few enough that a budget is kept to.
const searchWindow = 4

// search draws candidates and compares them rung by rung: the better share goes
// on with more rounds, from the checkpoints it left. Source: K. Jamieson and A.
// Talwalkar, "Non-stochastic best arm identification and hyperparameter
// optimization", AISTATS 2016 (successive halving).
func (t *trial) search(ctx workflow.Context) error {
	var steps *train.Activities
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueTrain, "draw candidates")), steps.PlanSearch, schemas.PlanSearchInput{
		Search: *t.in.Search, Named: t.in.Candidates, Base: DefaultCandidates(t.in.Dataset.Events)[0], Seed: t.in.Seed, SegmentRounds: t.in.SegmentRounds}).Get(ctx, &t.plan)
	if err != nil {
		return err
	}
	t.admit(t.plan.Candidates)
	alive := make([]int, len(t.entries))
	for i := range alive {
		alive[i] = i
	}
	for t.rung = 1; t.rung <= t.plan.Budget.Rungs; t.rung++ {
		t.climb(ctx, alive)
		if err := t.verdict(ctx); err != nil {
			return err
		}
		if alive = t.better(alive); len(alive) == 0 || t.rung == t.plan.Budget.Rungs {
			return nil
		}
		if len(alive) == 1 {
			t.rung = t.plan.Budget.Rungs - 1 // nobody is left to compare it with
		}
	}
	return nil
}

// climb trains some candidates with the rounds of this rung, a few at a time,
// until the budget is spent.
func (t *trial) climb(ctx workflow.Context, alive []int) {
	type started struct {
		entry int
		done  workflow.Future
	}
	var running []started
	next := func() {
		t.take(ctx, running[0].entry, running[0].done)
		running = running[1:]
	}
	for _, i := range alive {
		t.tried[i] = false
	}
	for _, i := range alive {
		if len(running) == searchWindow {
			next()
		}
		if spent := t.spent(ctx); spent != "" {
			t.pass(i, spent)
			continue
		}
		running = append(running, started{i, t.begin(ctx, i, t.bound(i))})
	}
	for len(running) > 0 {
		next()
	}
}

// bound is the rounds of a candidate in this rung, 0 for all.
func (t *trial) bound(i int) int {
	left := t.plan.Budget.Rungs - t.rung
	if left <= 0 {
		return 0
	}
	return max(1, int(math.Ceil(float64(t.entries[i].Candidate.Rounds)*math.Pow(t.plan.Budget.Keep, float64(left)))))
}

// spent says which bound of the budget has been reached.
func (t *trial) spent(ctx workflow.Context) string {
	rounds, budget := 0, t.plan.Budget
	for _, e := range t.entries {
		rounds += e.RoundsTrained
	}
	if budget.Rounds > 0 && rounds >= budget.Rounds {
		return fmt.Sprintf("the budget of %d rounds is spent", budget.Rounds)
	}
	if minutes := workflow.Now(ctx).Sub(t.begun).Minutes(); budget.Minutes > 0 && minutes >= budget.Minutes {
		return fmt.Sprintf("the budget of %v minutes is spent", budget.Minutes)
	}
	return ""
}

// pass leaves a candidate out of this rung.
func (t *trial) pass(i int, why string) {
	t.tried[i] = true
	if t.rung == 1 {
		t.entries[i].FailReason = "not tried: " + why
		return
	}
	t.entries[i].Dropped = why
}

// better are the candidates that go on: the better share of those that could
// train more rounds, and one that can be released among them.
func (t *trial) better(alive []int) []int {
	var open []int
	for _, i := range alive {
		if e := t.entries[i]; e.FailReason == "" && e.Dropped == "" && !e.Finished {
			open = append(open, i)
		}
	}
	slices.SortStableFunc(open, func(a, b int) int { return cmp.Compare(t.entries[a].LogLoss, t.entries[b].LogLoss) })
	n := min(len(open), int(math.Ceil(float64(len(open))*t.plan.Budget.Keep)))
	good := slices.Clone(open[:n])
	servable := func(i int) bool { return t.entries[i].Candidate.Servable() }
	if first := slices.IndexFunc(open, servable); first >= n {
		good = append(good, open[first])
	}
	if t.rung == t.plan.Budget.Rungs {
		return good
	}
	for _, i := range open {
		if !slices.Contains(good, i) {
			t.entries[i].Dropped = fmt.Sprintf("stopped at rung %d of %d", t.rung, t.plan.Budget.Rungs)
		}
	}
	return good
}
