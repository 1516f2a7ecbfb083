package prepare

import (
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// failureType is the type under which a workflow sees the error, empty for one
// that is tried again, as Temporal does with every error that wraps another.
func failureType(err error) schemas.FailureType {
	application, ok := err.(*temporal.ApplicationError)
	if !ok || !application.NonRetryable() {
		return ""
	}
	return schemas.FailureType(application.Type())
}

const tuesday = rail.Day("2024-10-29")

// A night train's correction comes after the day has entered the history: the
// truth follows it, the history stays as it was known.
func TestHistoryHoldsWhatWasKnown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	end := tuesday.End() // 23:00 UTC
	knownAt := end.Add(3 * time.Hour)
	night := h.plan(t, "77", end.Add(-10*time.Minute))
	h.say(t, night, end.Add(-15*time.Minute), 2)
	h.say(t, night, end.Add(4*time.Hour), 8) // German time 04:00
	noon := h.plan(t, "78", on("11:00"))
	h.say(t, noon, on("10:50"), 12)

	if counts := h.settle(t, string(tuesday), knownAt.Add(-time.Millisecond)); counts.Observed != 2 || h.stored(t, "feature_daily") != 0 {
		t.Errorf("before the day is over and settled: %+v, %d rows of history", counts, h.stored(t, "feature_daily"))
	}
	if counts := h.settle(t, string(tuesday), knownAt.Add(8*time.Hour)); counts.Late != 2 || counts.Revised != 1 {
		t.Errorf("the day after: %+v, want the night train late and revised", counts)
	}
	want := schema.DailySum{KeyKind: "all", Days: 1, Events: 2, Late: 1, DelaySum: 14}
	for _, asked := range []time.Time{knownAt, knownAt.Add(24 * time.Hour)} {
		if got := h.all(t, tuesday, asked); got != want {
			t.Errorf("history as of %s: %+v, want %+v", asked, got, want)
		}
	}
	if got := h.all(t, tuesday, knownAt.Add(-time.Millisecond)); got != (schema.DailySum{}) {
		t.Errorf("history before it is known: %+v", got)
	}
	rows := h.stored(t, "feature_daily")
	h.settle(t, string(tuesday), knownAt.Add(30*time.Hour))
	if again := h.stored(t, "feature_daily"); again != rows {
		t.Errorf("%d rows of history became %d", rows, again)
	}
}

// A settlement as of one moment finds more when more of the past was imported
// in between: nothing of it is lost, as truth or as history.
func TestMoreOfThePastComesIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	asOf := tuesday.End().Add(12 * time.Hour)
	one := h.plan(t, "1", on("09:00"))
	h.say(t, one, on("08:50"), 7)
	h.settle(t, string(tuesday), asOf)
	two := h.plan(t, "2", on("10:00"))
	h.say(t, two, on("09:50"), 1)
	counts := h.settle(t, string(tuesday), asOf)
	truths, err := h.truths(t.Context(), tuesday, asOf)
	must(t, err)
	if counts.Observed != 2 || counts.Revised != 0 || len(truths) != 2 {
		t.Errorf("%+v, %d truths stored, want 2", counts, len(truths))
	}
	if got, want := h.all(t, tuesday, asOf), (schema.DailySum{KeyKind: "all", Days: 1, Events: 2, Late: 1, DelaySum: 8}); got != want {
		t.Errorf("history %+v, want %+v", got, want)
	}
}

// An earlier moment is settled as it was then, whatever was found out later.
func TestSettlingAnEarlierMoment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	event := h.plan(t, "1", on("09:00"))
	h.say(t, event, on("08:50"), 1)
	h.say(t, event, on("11:30"), 9)
	h.settle(t, string(tuesday), on("15:00"))
	if counts := h.settle(t, string(tuesday), on("11:00")); counts.Revised != 0 || counts.Late != 0 || counts.Observed != 1 {
		t.Errorf("as of 11:00: %+v", counts)
	}
	for asOf, delay := range map[string]int{"11:00": 1, "15:00": 9} {
		truths, err := h.truths(t.Context(), tuesday, on(asOf))
		must(t, err)
		if len(truths) != 1 || truths[0].DelayMinutes() != delay {
			t.Errorf("as of %s: %+v, want %d minutes", asOf, truths, delay)
		}
	}
}

func TestPlanSettlement(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if _, err := h.PlanSettlement(t.Context(), schemas.SettleInput{}); failureType(err) != schemas.FailureNothingToDo {
		t.Errorf("an empty store: %v", err)
	}
	first := h.plan(t, "1", on("09:00").AddDate(0, 0, -6))
	h.say(t, first, first.Planned, 3)
	for back := range 6 {
		h.plan(t, "1", on("09:00").AddDate(0, 0, -back))
	}
	asOf := on("12:00")
	h.settle(t, "2024-10-23", asOf)
	tests := map[string]struct {
		in   schemas.SettleInput
		want string
	}{
		"what has no truth, and the newest three": {schemas.SettleInput{AsOf: asOf}, "2024-10-24 2024-10-25 2024-10-26 2024-10-27 2024-10-28 2024-10-29"},
		"by the clock":                       {schemas.SettleInput{}, "2024-10-24 2024-10-25 2024-10-26 2024-10-27 2024-10-28 2024-10-29"},
		"the settled one, where it is named": {schemas.SettleInput{AsOf: asOf, Days: schemas.DayRange{From: "2024-10-23", To: "2024-10-25"}}, "2024-10-23 2024-10-24"},
	}
	for name, test := range tests {
		plan, err := h.PlanSettlement(t.Context(), test.in)
		must(t, err)
		if got := strings.Join(plan.Days, " "); got != test.want || plan.AsOf.IsZero() {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, bad := range []schemas.DayRange{{From: "2024-10-29", To: "2024-10-29"}, {From: "yesterday", To: "2024-10-29"}, {From: "2024-10-29"}} {
		if _, err := h.PlanSettlement(t.Context(), schemas.SettleInput{Days: bad}); failureType(err) != schemas.FailureInvalidInput {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// The identifier follows from what is in the parts, not from when or by whom.
func TestIdentity(t *testing.T) {
	t.Parallel()
	base := schemas.DatasetManifest{FeatureVersion: "f1", Horizons: []int{60}, AsOf: on("12:00"),
		Parts: []schemas.DatasetPart{{Day: "2024-10-29", Object: schemas.ObjectRef{Key: "a", SHA256: "1"}}}}
	same := base
	same.AsOf, same.Sources = on("13:00"), []schemas.Provenance{{Source: "another"}}
	if identify(base) != identify(same) {
		t.Error("the same parts have two identifiers")
	}
	for name, change := range map[string]func(*schemas.DatasetManifest){
		"features": func(m *schemas.DatasetManifest) { m.FeatureVersion = "f2" },
		"horizons": func(m *schemas.DatasetManifest) { m.Horizons = []int{6, 0} },
		"content": func(m *schemas.DatasetManifest) {
			m.Parts = []schemas.DatasetPart{{Day: "2024-10-29", Object: schemas.ObjectRef{SHA256: "2"}}}
		},
		"day": func(m *schemas.DatasetManifest) {
			m.Parts = []schemas.DatasetPart{{Day: "2024-10-30", Object: schemas.ObjectRef{SHA256: "1"}}}
		},
		"parts": func(m *schemas.DatasetManifest) { m.Parts = append(m.Parts[:1:1], m.Parts[0]) },
	} {
		other := base
		change(&other)
		if identify(other) == identify(base) {
			t.Errorf("other %s, the same identifier", name)
		}
	}
}

func TestPlanLifecycle(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		days, train, test string
		asOf              time.Time
	}{
		{"2024-10-28 2024-10-29", "2024-10-28/2024-10-29", "2024-10-29/2024-10-30", on("12:00").AddDate(0, 0, 1)},
		{"2024-10-25 2024-10-29", "2024-10-25/2024-10-29", "2024-10-29/2024-10-30", on("12:00").AddDate(0, 0, 1)},
		{"2024-10-25 2024-10-29", "2024-10-25/2024-10-28", "2024-10-28/2024-10-29", on("12:00")}, // the 29th is not over
		{"2024-10-20 2024-10-29", "2024-10-20/2024-10-28", "2024-10-28/2024-10-30", on("12:00").AddDate(0, 0, 9)},
		{"2024-08-01 2024-10-29", "2024-08-01/2024-10-23", "2024-10-23/2024-10-30", on("12:00").AddDate(0, 0, 1)},
	} {
		first, last, _ := strings.Cut(test.days, " ")
		a := &Activities{Store: span{first: first, last: last}, Clock: fixedClock(test.asOf)}
		plan, err := a.PlanLifecycle(t.Context(), schemas.LifecycleInput{})
		must(t, err)
		if plan.Train.String() != test.train || plan.Test.String() != test.test {
			t.Errorf("%s as of %s: train %s, test %s; want %s and %s", test.days, test.asOf, plan.Train, plan.Test, test.train, test.test)
		}
	}
}

// After a change of the world the newest days alone are a good example of it.
func TestPlanLifecycleOfTheNewestDays(t *testing.T) {
	t.Parallel()
	a := &Activities{Store: span{first: "2024-10-01", last: "2024-10-29"}, Clock: fixedClock(on("12:00").AddDate(0, 0, 1))}
	for _, test := range []struct {
		newest, tests int
		train, test   string
	}{
		{10, 0, "2024-10-20/2024-10-28", "2024-10-28/2024-10-30"},
		{10, 1, "2024-10-20/2024-10-29", "2024-10-29/2024-10-30"},
		{0, 3, "2024-10-01/2024-10-27", "2024-10-27/2024-10-30"},
		{90, 1, "2024-10-01/2024-10-29", "2024-10-29/2024-10-30"}, // all there are
		{0, 90, "2024-10-01/2024-10-02", "2024-10-02/2024-10-30"}, // one is left to train on
	} {
		plan, err := a.PlanLifecycle(t.Context(), schemas.LifecycleInput{NewestDays: test.newest, TestDays: test.tests})
		must(t, err)
		if plan.Train.String() != test.train || plan.Test.String() != test.test {
			t.Errorf("newest %d, %d of them test: train %s, test %s; want %s and %s", test.newest, test.tests, plan.Train, plan.Test, test.train, test.test)
		}
	}
}

func TestPlanLifecycleRefuses(t *testing.T) {
	t.Parallel()
	two := schemas.DayRange{From: "2024-10-27", To: "2024-10-29"}
	tests := map[string]struct {
		store span
		in    schemas.LifecycleInput
		want  schemas.FailureType
	}{
		"nothing settled":        {span{}, schemas.LifecycleInput{}, schemas.FailureNothingToDo},
		"one day":                {span{first: "2024-10-28", last: "2024-10-28"}, schemas.LifecycleInput{}, schemas.FailureNothingToDo},
		"training days alone":    {span{}, schemas.LifecycleInput{Train: two}, schemas.FailureInvalidInput},
		"tested on what it knew": {span{}, schemas.LifecycleInput{Train: two, Test: schemas.DayRange{From: "2024-10-28", To: "2024-10-30"}}, schemas.FailureInvalidInput},
		"tested on earlier days": {span{}, schemas.LifecycleInput{Train: two, Test: schemas.DayRange{From: "2024-10-20", To: "2024-10-21"}}, schemas.FailureInvalidInput},
		"days named and counted": {span{}, schemas.LifecycleInput{Train: two, Test: schemas.DayRange{From: "2024-10-29", To: "2024-10-30"}, TestDays: 1}, schemas.FailureInvalidInput},
		"one newest day":         {span{}, schemas.LifecycleInput{NewestDays: 1}, schemas.FailureInvalidInput},
		"all newest days test":   {span{}, schemas.LifecycleInput{NewestDays: 3, TestDays: 3}, schemas.FailureInvalidInput},
		"no such day":            {span{}, schemas.LifecycleInput{Train: two, Test: schemas.DayRange{From: "2024-10-29", To: "2024-10-32"}}, schemas.FailureInvalidInput},
	}
	for name, test := range tests {
		a := &Activities{Store: test.store, Clock: fixedClock(on("12:00"))}
		if _, err := a.PlanLifecycle(t.Context(), test.in); failureType(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
