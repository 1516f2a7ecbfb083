package study

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/learn"
	"puenktlich/internal/learn/xgb"
	"puenktlich/internal/rail"
)

var openOnce = sync.OnceValues(func() (*xgb.Library, error) {
	path, err := xgb.Locate()
	if err != nil {
		return nil, err
	}
	return xgb.Open(path)
})

func steps(t *testing.T) Steps {
	t.Helper()
	library, err := openOnce()
	if err != nil {
		t.Fatal(err)
	}
	ticks := time.Unix(0, 0)
	return Steps{Trainer: learn.Trainer{Library: library},
		Stopwatch: func() time.Time { ticks = ticks.Add(time.Second); return ticks },
		Candidates: func(int) []learn.Settings {
			return []learn.Settings{{Algorithm: learn.Buckets, SegmentRounds: 50, Rounds: 8, MaxDepth: 1, LearningRate: 0.8, MinChild: 1, Subsample: 1, ColSample: 1, Lambda: 1, Seed: 7}}
		}}
}

// days makes events of which the railway says nothing: they are late where the
// train set's previous run is. Everything else is noise.
func days(n, perDay int) *dataset.Table {
	r := rand.New(rand.NewPCG(3, uint64(n)))
	table := dataset.New(feature.Version(), feature.Names(), make([]string, feature.Width()))
	signal := slices.Index(feature.Names(), "previous_run_delay")
	vector := make([]float32, feature.Width())
	for d := range n {
		day := rail.Day("2024-10-29").Add(d)
		for i := range perDay {
			for j := range vector {
				vector[j] = float32(r.NormFloat64())
			}
			row := dataset.Row{Stop: rail.StopID(fmt.Sprintf("%d-%s-1", i, day)), Kind: rail.Arrival, Trip: fmt.Sprint(i, day), EVA: int64(i % 4),
				Horizon: []int{60, 5}[i%2], EventDay: day, Planned: day.Start().Add(time.Duration(i) * time.Minute), Category: "RE", Evidence: rail.ChangeObserved}
			if vector[signal] > 0 {
				row.DelayMinutes = 10
			}
			table.Append(row, vector)
		}
	}
	return table
}

// By hand: model errors .1² + .4² = .17, railway's .2² + .5² = .29.
func TestSkillByHand(t *testing.T) {
	t.Parallel()
	part := scored{parts: 1, rows: []outcome{
		{horizon: 60, late: false, model: 0.1, railway: 0.2, block: "a"},
		{horizon: 60, late: true, model: 0.6, railway: 0.5, block: "b"},
		{horizon: 60, late: false, model: 0.1, railway: 0.2, block: "c"},
		{horizon: 60, late: true, model: 0.6, railway: 0.5, block: "d"},
	}}
	test := part.test("by hand")
	h := test.Horizons[0]
	if len(test.Horizons) != 1 || h.Events != 4 || math.Abs(h.Brier-0.085) > 1e-12 || math.Abs(h.Railway-0.145) > 1e-12 ||
		math.Abs(h.Skill.Estimate-(1-17./29)) > 1e-12 || h.Skill.Blocks != 4 || h.LateRate != 0.5 {
		t.Errorf("%+v", h)
	}
}

func TestChainAblationAndCurve(t *testing.T) {
	t.Parallel()
	a, err := steps(t).Ask(t.Context(), Question{Name: "made", Table: turned(days(4, 200)), HeldOut: []rail.Day{"2024-11-01"}, Groups: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Chained) != 3 || a.Chained[0].TrainEvents != 200 || a.Chained[1].TrainEvents != 400 || a.Chained[2].Horizons[0].Events != 200 {
		t.Fatalf("tests %+v", a.Chained)
	}
	for _, test := range a.Chained {
		if test.Skill.Low < 0.5 {
			t.Errorf("%s: skill %+v where the model can know everything and the railway nothing", test.Name, test.Skill)
		}
	}
	for _, g := range a.Ablation {
		decisive := g.Group == feature.GroupTurn
		if decisive != (g.Without.Low > 0.5) || decisive != (g.Alone.Low > 0.5) {
			t.Errorf("%s: lost %.2f, alone %.2f", g.Group, g.Without.Estimate, g.Alone.Estimate)
		}
	}
	if len(a.Curve) != 4 || a.Curve[0].Events >= a.Curve[2].Events || a.Curve[3].Days != 2 || a.Curve[3].Events != 400 {
		t.Errorf("curve %+v", a.Curve)
	}
}

// turned makes the fourth day the opposite of the others.
func turned(table *dataset.Table) *dataset.Table {
	turned := table.Filter(func(dataset.Row) bool { return true })
	for i := range turned.Rows {
		if turned.Rows[i].EventDay == "2024-11-01" {
			turned.Rows[i].DelayMinutes = 10 - turned.Rows[i].DelayMinutes
		}
	}
	return turned
}

// What happened on a held-out day reaches nothing unless it is looked at.
func TestHeldOutDays(t *testing.T) {
	t.Parallel()
	table := days(4, 120)
	s, q := steps(t), Question{Name: "made", Table: table, HeldOut: []rail.Day{"2024-11-01"}}
	a, err := s.Ask(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	q.Table = turned(table)
	b, err := s.Ask(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	a.Days, b.Days = nil, nil // they count what the day holds
	if fmt.Sprint(a) != fmt.Sprint(b) || len(a.Looks(time.Time{}, "")) != 0 || !slices.Equal(a.Held, q.HeldOut) {
		t.Error("a held-out day was looked at")
	}
	q.Look = true
	if a, err = s.Ask(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	looks := a.Looks(time.Unix(0, 0), "the last table")
	if len(looks) != 1 || looks[0].Days[0] != "2024-11-01" || len(looks[0].Skill) != 2 || looks[0].Skill[60] > 0 {
		t.Errorf("looks %+v: the day is the opposite of the days before it", looks)
	}
	if n := len(a.Chained); n != 4 || a.Chained[n-1].Horizons[0].Events != 120 {
		t.Error("the held-out day is pooled with the others")
	}
}

// The day after a held-out one is not forecast with its help.
func TestHeldOutDayBetweenOthers(t *testing.T) {
	t.Parallel()
	a, err := steps(t).Ask(t.Context(), Question{Name: "made", Table: days(3, 120), HeldOut: []rail.Day{"2024-10-30"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Chained) != 1 || a.Chained[0].Name != "2024-10-31" || a.Chained[0].TrainEvents != 120 {
		t.Errorf("%+v, want one test on a model of the first day's 120 events", a.Chained)
	}
}

func TestTooFewDays(t *testing.T) {
	t.Parallel()
	_, err := steps(t).Ask(t.Context(), Question{Name: "made", Table: days(2, 50), HeldOut: []rail.Day{"2024-10-30"}})
	if err == nil || !strings.Contains(err.Error(), "1 days that are not held out: at least two") {
		t.Errorf("error %v", err)
	}
}

func TestRaceOnEqualMargins(t *testing.T) {
	t.Parallel()
	s := steps(t)
	v, err := s.Race(t.Context(), Question{Table: days(3, 300), HeldOut: []rail.Day{"2024-10-31"}}, s.Trainer.Library)
	if err != nil {
		t.Fatal(err)
	}
	if v.Different != 0 || v.Rows != 100_000 || v.TrainRows != 600 || v.Batch != time.Second {
		t.Errorf("%+v", v)
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	s := steps(t)
	a, err := s.Ask(t.Context(), Question{Name: "made", Table: days(2, 200)})
	if err != nil {
		t.Fatal(err)
	}
	look := Look{At: time.Unix(0, 0), Days: []rail.Day{"2024-10-30"}, Feature: "f1", Why: "the last table", Skill: map[int]float64{60: 0.08}}
	elsewhere := Look{Days: []rail.Day{"2025-09-06"}, Why: "another place"}
	text := Document{Command: "puenktlich results", Answers: []Answer{a}, Caveats: map[string]string{"made": "Made up."}, Looks: []Look{look, elsewhere}}.Markdown()
	for _, want := range []string{"`puenktlich results`", "## made", "Made up.", "| 2024-10-29 | 200 |", "| 2024-10-30 | 200 events (depth 1, ",
		"| 1970-01-01 00:00 | [2024-10-30] | `f1` | +0.0 %, +8.0 %, +0.0 %, +0.0 %, +0.0 % | the last table |"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "another place") {
		t.Error("a look at another place's day is shown")
	}
}

func TestLogOfLooks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "looks.json")
	if looks, err := ReadLooks(path); err != nil || looks != nil {
		t.Fatalf("a log that is not there: %v %v", looks, err)
	}
	want := []Look{{At: time.Unix(0, 0).UTC(), Days: []rail.Day{"2024-11-01"}, Why: "why", Skill: map[int]float64{5: 0.2}}}
	if err := WriteLooks(path, want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadLooks(path); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
}
