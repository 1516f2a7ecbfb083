package workflows

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/train"
	"puenktlich/schemas"
)

// trial is the candidates of one training and what has become of them.
type trial struct {
	in      schemas.TrainInput
	run     string // of the workflow, which names the candidates' runs
	begun   time.Time
	entries []schemas.CandidateResult // in the order in which they were named or drawn
	tried   []bool                    // in this rung
	plan    schemas.SearchPlan        // of a search
	rung    int                       // 0 without a search
	note    string
}

// judge tries every candidate; the error is that of a search that cannot be
// planned, or the reason why all of them failed.
func (t *trial) judge(ctx workflow.Context) error {
	if t.in.Search != nil {
		return t.search(ctx)
	}
	t.admit(t.in.Candidates)
	t.tryAll(ctx)
	return t.verdict(ctx)
}

func (t *trial) admit(candidates []schemas.Candidate) {
	for _, c := range candidates {
		t.entries = append(t.entries, schemas.CandidateResult{Candidate: c.Aged(t.in.HalfLifeDays)})
	}
	t.tried = make([]bool, len(candidates))
}

// tryAll trains every candidate with all of its rounds.
func (t *trial) tryAll(ctx workflow.Context) {
	fan := newFanOut(ctx, len(t.entries))
	for i := range t.entries {
		fan.start(func(ctx workflow.Context) workflow.Future { return t.begin(ctx, i, 0) })
	}
	_ = fan.wait(func(i int, done workflow.Future) error { // an error is the entry's own
		t.take(ctx, i, done)
		return nil
	})
}

// begin trains one candidate with at most so many rounds, 0 for all of its own.
func (t *trial) begin(ctx workflow.Context, i, rounds int) workflow.Future {
	var steps *train.Activities
	candidate := t.entries[i].Candidate
	return workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueTrain, candidate.Name)), steps.TrainCandidate, schemas.CandidateInput{
		Model: t.in.Model, Dataset: t.in.Dataset, Days: t.in.Days, Candidate: candidate, Seed: t.in.Seed, SegmentRounds: t.in.SegmentRounds,
		RunID: schemas.RungID(schemas.RunID(t.run, i+1), t.rung), Rung: t.rung, Rounds: rounds,
		Actor: actor(t.in.Actor), Reason: t.in.Reason})
}

// maxReason bounds what a result carries of an error.
const maxReason = 200

// take waits for a candidate and shows the table. A later rung that fails
// leaves the scores of the one before.
func (t *trial) take(ctx workflow.Context, i int, done workflow.Future) {
	var result schemas.CandidateResult
	t.tried[i] = true
	if err := done.Get(ctx, &result); err == nil {
		t.entries[i] = result
	} else if reason := clip(reasonOf(err)); t.entries[i].Folds > 0 {
		t.entries[i].Dropped = reason
	} else {
		t.entries[i].FailReason = reason
	}
	t.say(ctx, t.note)
}

func reasonOf(err error) string {
	var said *temporal.ApplicationError
	if errors.As(readable(err), &said) {
		return said.Message()
	}
	return err.Error()
}

// clip keeps the beginning of a text, whole characters.
func clip(text string) string {
	characters := []rune(text)
	if len(characters) <= maxReason {
		return text
	}
	return string(characters[:maxReason]) + "..."
}

// verdict fails a training that was cancelled or has no candidate left.
func (t *trial) verdict(ctx workflow.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var reasons []string
	for _, e := range t.entries {
		if e.FailReason == "" {
			return nil
		}
		reasons = append(reasons, e.FailReason)
	}
	return refuse(schemas.FailureValidation, "%s", strings.Join(slices.Compact(reasons), "; "))
}

// sorted lists the candidates best first, failed ones last.
func (t *trial) sorted() []schemas.CandidateResult {
	all := slices.Clone(t.entries)
	rank := func(c schemas.CandidateResult) int {
		switch {
		case c.FailReason != "":
			return 2
		case c.RunID == "":
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b schemas.CandidateResult) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.LogLoss, b.LogLoss))
	})
	return all
}

func (t *trial) say(ctx workflow.Context, note string) {
	t.note = note
	table, _ := t.table()
	show(ctx, candidatesCard(table))
}

// table is the state as it is asked for from outside.
func (t *trial) table() (schemas.SearchTable, error) {
	table := schemas.SearchTable{Rung: t.rung, Rungs: t.plan.Budget.Rungs, Candidates: t.sorted(), Note: t.note}
	for _, tried := range t.tried {
		if !tried {
			table.Waiting++
		}
	}
	return table, nil
}
