package backtest

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const file = "../../docs/backtest/experiment.yaml"

// The days of a run follow from the file by counting: 14 + 3 from 12 January,
// four quiet nights, and for a change that grows over 21 days 21 more.
func TestDaysOfARun(t *testing.T) {
	t.Parallel()
	e, err := Parse([]byte(small))
	must(t, err)
	for name, want := range map[string]struct{ change, nights, changed, until string }{
		"none":   {"", "2026-01-29/2026-02-12", "", "2026-02-13"},
		"abrupt": {"2026-02-02", "2026-01-29/2026-02-15", "2026-02-02", "2026-03-03"},
		"slow":   {"2026-02-02", "2026-01-29/2026-03-08", "2026-02-23", "2026-03-24"},
	} {
		s, err := e.Scenario(name)
		must(t, err)
		p := e.Plan(s, "x")
		changed := ""
		if p.Input.Grading != nil {
			changed = p.Input.Grading.Changed
		}
		if string(p.Change) != want.change || p.Input.Nights.String() != want.nights || changed != want.changed || string(p.Until) != want.until {
			t.Errorf("%s: change %s, nights %s, changed %s, until %s; want %+v", name, p.Change, p.Input.Nights, changed, p.Until, want)
		}
		if first := p.Input.First; first.Train.String() != "2026-01-12/2026-01-26" || first.Test.String() != "2026-01-26/2026-01-29" {
			t.Errorf("%s: first model of %s and %s", name, first.Train, first.Test)
		}
	}
}

const small = `
title: t
stations: 3
first_day: "2026-01-12"
train_days: 14
test_days: 3
quiet_nights: 4
quiet_weeks: 2
min_events: 1500
enough_days: 3
graded_from: 4
graded_to: 10
oracle_days: 14
oracle_test_days: 1
min_recovered: 0.8
max_false_retrains: 0.018
min_loss: 0.001
judging_seeds: [1, 2]
tuning_seeds: [101]
scenarios: [{name: none, what: quiet}, {name: abrupt, what: at once}, {name: slow, complete_after_days: 21, what: slowly}]
contenders: [{name: frozen, frozen: true}, {name: loop, retrain: {newest_days: 8, rollout: {}}}]
`

func TestExperimentRefuses(t *testing.T) {
	t.Parallel()
	for change, want := range map[[2]string]string{
		{"min_loss: 0.001", "min_lost: 0.001"}: `unknown field "min_lost"`,
		{"newest_days: 8", "newest_day: 8"}:    `unknown field "newest_day"`,
		{"name: slow", "name: control_7"}:      `scenario "control_7": names that begin with control_`,
		{"[101]", "[2]"}:                       "seed 2 both tunes and judges",
		{"stations: 3", "stations: 0"}:         "stations is 0",
		{"graded_to: 10", "graded_to: 3"}:      "graded_from 4 to graded_to 3",
		{`"2026-01-12"`, `"2026-01-32"`}:       "first_day",
		{"quiet_weeks: 2", "quiet_weeks: -1"}:  "quiet_weeks is -1",
	} {
		if _, err := Parse([]byte(strings.Replace(small, change[0], change[1], 1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", change[1], err, want)
		}
	}
	e, err := Read(file)
	must(t, err)
	if _, err := e.Scenario("snow"); err == nil || !strings.Contains(err.Error(), `scenario "snow" is not in the experiment: it has none, feature_break`) {
		t.Errorf("error %v", err)
	}
	if len(e.JudgingSeeds) != 5 || e.GradedFrom != 4 || e.GradedTo != 10 || e.MinRecovered != 0.8 || e.QuietWeeks != 8 {
		t.Errorf("what was fixed beforehand is another: %+v", e)
	}
}

// A control has the days of its change, the quiet railway, and nobody who acts.
func TestControlOfAChange(t *testing.T) {
	t.Parallel()
	e, err := Parse([]byte(small))
	must(t, err)
	slow, err := e.Scenario("slow")
	must(t, err)
	control := slow.Control()
	if control.Name != "control_21" || control.Railway() != "none" || slow.Railway() != "slow" {
		t.Errorf("%+v plays %s", control, control.Railway())
	}
	got, want := e.Plan(control, "x"), e.Plan(slow, "x")
	if c := got.Input.Contenders; len(c) != 1 || !c[0].Frozen {
		t.Errorf("contenders %+v, want the frozen one alone", c)
	}
	got.Input.Contenders = want.Input.Contenders
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want the days of %+v", got, want)
	}
	if len(e.Contenders) != 2 {
		t.Error("the experiment lost a contender")
	}
}

// a control of told: the frozen model is off by what is given.
func calm(seed uint64, loss float64) Run {
	r := told(seed, 0.2-loss)
	r.Scenario, r.Report.Contenders = "control_0", r.Report.Contenders[:1]
	return r
}

// Of 0.1 and 0.02 that the frozen model loses, 0.03 and 0.05 are lost anyway; other days
// and other seeds do not count.
func TestCostIsBeyondTheControl(t *testing.T) {
	t.Parallel()
	changes, otherDays := []Run{told(1, 0.1), told(2, 0.18)}, calm(2, 0.9)
	otherDays.Report.Graded = &schemas.GradedDays{Graded: schemas.DayRange{From: "2026-02-03", To: "2026-02-06"}}
	p := Pool("loop", changes).Against(changes, []Run{calm(1, 0.03), calm(2, 0.05), calm(3, 0.9), otherDays})
	if p.Controls != 2 || math.Abs(p.Control-0.04) > 1e-12 || math.Abs(p.Loss()-0.06) > 1e-12 || math.Abs(p.Cost()-0.02) > 1e-12 {
		t.Errorf("%+v: lost %v, cost %v", p, p.Loss(), p.Cost())
	}
	if p := Pool("loop", changes).Against(changes, nil); p.Controls != 0 || p.Control != 0 {
		t.Errorf("without controls: %+v", p)
	}
}

// a run of five nights whose change begins on the third: the loop raises an
// alarm on the first quiet night, finds the change on the second night after it,
// and retrains on the third.
func told(seed uint64, oracle float64) Run {
	nights := []schemas.BacktestNight{}
	verdicts := []schemas.VerdictKind{schemas.VerdictAlert, schemas.VerdictNothing, schemas.VerdictNothing, schemas.VerdictAlert, schemas.VerdictRetrain}
	days := rail.Days("2026-02-01", "2026-02-06")
	for i, day := range days {
		n := schemas.BacktestNight{Contender: "loop", Day: string(day), Version: 1, Champion: 1, Verdict: verdicts[i], Seconds: float64(i + 1)}
		if verdicts[i] == schemas.VerdictRetrain {
			n.Started, n.Trained, n.Champion, n.ActionSeconds, n.Reason = "lifecycle/x", 2, 2, 30, "retrain: it is worse"
		}
		nights = append(nights, schemas.BacktestNight{Contender: "frozen", Day: string(day), Version: 1, Champion: 1, Verdict: schemas.VerdictRetrain}, n)
	}
	scores := []schemas.BacktestDay{{Day: "2026-02-03", Forecasts: 100, Brier: map[string]float64{"frozen": 0.9, "loop": 0.9}},
		{Day: "2026-02-04", Forecasts: 100, Baseline: 0.2, Brier: map[string]float64{"frozen": 0.20, "loop": 0.12, "oracle": oracle}},
		{Day: "2026-02-05", Forecasts: 300, Baseline: 0.2, Brier: map[string]float64{"frozen": 0.20, "loop": 0.10, "oracle": oracle}}}
	return Run{Scenario: "abrupt", Seed: seed, Change: "2026-02-03", Report: schemas.BacktestReport{Name: "x", Days: schemas.DayRange{From: "2026-02-01", To: "2026-02-06"},
		Contenders: []schemas.Contender{{Name: "frozen", Frozen: true}, {Name: "loop"}}, Nights: nights, Scores: scores,
		Graded: &schemas.GradedDays{Graded: schemas.DayRange{From: "2026-02-04", To: "2026-02-06"}}}}
}

func TestOutcomeByHand(t *testing.T) {
	t.Parallel()
	all := told(1, 0.1).Outcomes()
	if len(all) != 1 {
		t.Fatalf("%d outcomes, want that of the loop alone", len(all))
	}
	o := all[0]
	if o.QuietNights != 2 || o.FalseAlarms != 1 || o.FalseRetrains != 0 || o.AlarmAfter != 2 || o.RetrainAfter != 3 || o.Retrained != 1 || o.Promoted != 1 {
		t.Errorf("%+v", o)
	}
	// 400 forecasts: the loop (100*0.12 + 300*0.10)/400 = 0.105, so 0.095 of 0.1 recovered.
	if !o.Graded || o.Forecasts != 400 || math.Abs(o.Loop-0.105) > 1e-12 || math.Abs(o.Recovered-0.95) > 1e-9 {
		t.Errorf("%+v", o)
	}
	if o.NightSeconds != 2.5 || o.ActionSeconds != 30 {
		t.Errorf("a night %v s, an action %v s", o.NightSeconds, o.ActionSeconds)
	}
}

// Over seeds the ratio is that of the sums: 0.095 + 0.095 of 0.1 + 0.02.
func TestPooledOverSeeds(t *testing.T) {
	t.Parallel()
	p := Pool("loop", []Run{told(1, 0.1), told(2, 0.18)})
	if p.Seeds != 2 || p.Detected != 2 || math.Abs(p.Recovered-0.19/0.12) > 1e-9 || math.Abs(p.Lowest-0.95) > 1e-9 || math.Abs(p.Highest-4.75) > 1e-9 {
		t.Errorf("%+v", p)
	}
	e := Experiment{MinLoss: 0.001, MinRecovered: 0.8, JudgingSeeds: []uint64{1, 2}}
	for _, tt := range []struct {
		p         Pooled
		learnable string
		reached   string
	}{
		{Pooled{Seeds: 2, Controls: 2, Frozen: 0.2, Oracle: 0.1, Recovered: 0.8}, "yes", "yes"},
		{Pooled{Seeds: 2, Controls: 2, Frozen: 0.2, Oracle: 0.1, Recovered: 0.79}, "yes", "**no**"},
		{Pooled{Seeds: 1, Controls: 1, Frozen: 0.2, Oracle: 0.1, Recovered: 0.9}, "yes", "yes, on 1 of 2 seeds"},
		{Pooled{Seeds: 2, Controls: 2, Frozen: 0.1005, Oracle: 0.1, Recovered: -3}, "no", "-"},
		{Pooled{Seeds: 2, Controls: 2, Frozen: 0.2, Oracle: 0.1, Control: 0.0995, Recovered: 1}, "no", "-"},
		{Pooled{Seeds: 2, Controls: 2, Frozen: 0.1005, Oracle: 0.1, Control: -0.001, Recovered: 1}, "yes", "yes"},
		{Pooled{Seeds: 2, Controls: 1, Frozen: 0.2, Oracle: 0.1, Recovered: 1}, "control run on 1 of 2 seeds", "-"},
	} {
		if learnable, reached := e.verdict(tt.p); learnable != tt.learnable || reached != tt.reached {
			t.Errorf("%+v: %s, %s", tt.p, learnable, reached)
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	e, err := Parse([]byte(small))
	must(t, err)
	quiet := told(1, 0.1)
	quiet.Scenario, quiet.Change, quiet.Report.Graded = Quiet, "", nil
	recorded := Run{Recordings: "frankfurt-hbf", Report: told(0, 0).Report}
	recorded.Report.Graded = nil
	tuned := told(101, 0.1)
	tuned.Note = "cut short"
	tuned.Experiment = "earlier"
	e.EarlierEditions = []Edition{{Digest: "earlier", Differs: "other limits"}}
	page := Page{Experiment: e, Runs: []Run{told(1, 0.1), calm(1, 0.04), quiet, recorded, tuned}, Pictures: "backtest"}
	text := page.Markdown()
	for _, want := range []string{
		"| abrupt: at once | loop | 1 | 1 | 0.2000 | 0.1050 | 0.1000 | +0.1000 | +0.0400 | +0.0600 | 0.95 (0.95 to 0.95) | yes | yes, on 1 of 2 seeds |",
		"| slow: slowly | | 0 | | | | | | | | | not run | |",
		"| control_0 | 1 | 2026-02-04/2026-02-06 | 400 | 0.2000 | 0.1600 | +0.0400 | another edition of the file, program",
		"edition 1 of the file, program", "Edition 1, SHA-256 `earlier`, makes the same runs; it differs in this: other limits",
		"| 1 | loop | 5 | 3 | 1 | 1 | 0.3400 | 0.2640 |", // (100*0.9 + 400*0.2)/500, (90 + 12 + 30)/500
		"1 of 2 seeds run: 1 retrainings in 5 quiet nights, 0.2000 a night; the limit of 0.018 is **exceeded**",
		"| abrupt | 1 | loop | 2 | 1 | 0 | 2 | 3 | 1 | 1 | 0.2000 | 0.1050 | 0.1000 | 0.95 |",
		"## Tuning seeds", "## Recorded days: frankfurt-hbf", "Few days", "another edition of the file", "- abrupt 101: cut short",
		"![Brier score by day](backtest/abrupt.svg)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	for name, svg := range page.Drawings() {
		read := xml.NewDecoder(strings.NewReader(string(svg)))
		for {
			if _, err := read.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if !strings.Contains(string(svg), "frozen") {
			t.Errorf("%s does not name the frozen model", name)
		}
	}
	if empty := (Page{Experiment: e}).Markdown(); !strings.Contains(empty, "Not run yet.") {
		t.Errorf("without a run:\n%s", empty)
	}
}
