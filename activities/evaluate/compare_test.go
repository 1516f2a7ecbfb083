package evaluate

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/champion"
	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
)

// timid answers nearly one half whatever it sees: a slope of 0.01 on the log odds of 1
// is 0.4975 or 0.5025.
func timid(t *testing.T) *forecast.Model {
	t.Helper()
	a := servingtest.Artefact()
	a.Calibration = calibrate.Horizons{Pooled: calibrate.Platt{Slope: 0.01}}
	m, err := forecast.Load(a)
	must(t, err)
	return m
}

// days are some days of 40 events, of which the railway is right about right in ten.
func days(n, right int) *dataset.Table {
	rows := table()
	for d := range n {
		for i := range 40 {
			announced := 9 * (i % 2)
			delay := announced
			if (i/2+d)%10 >= right { // each day other trains
				delay = 9 - announced
			}
			put(rows, event{day: rail.Day("2024-10-01").Add(d), eva: int64(i), hour: i % 24, category: "RE", announced: announced, delay: delay})
		}
	}
	return rows
}

// With nine of ten right the tiny model's Brier score is 0.9·0.0723295 + 0.1·0.5344466
// = 0.1185412, and the timid one's 0.9·0.2475062 + 0.1·0.2525062 = 0.2480062.
func TestComparisonWithTheChampion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name            string
		days, right     int
		verdict, within schemas.EvidenceVerdict
	}{
		{"better on twelve days", 12, 9, schemas.VerdictBetter, schemas.VerdictBetter},
		{"better within two days", 2, 9, schemas.VerdictNotEnoughDays, schemas.VerdictBetter},
		{"worse on twelve days", 12, 4, schemas.VerdictWorse, schemas.VerdictWorse},
	} {
		report, _, err := score(model(t), servingtest.Baselines(), days(tt.days, tt.right), timid(t))
		must(t, err)
		c := report.Champion
		if c.Verdict != tt.verdict || c.Overall.Verdict != tt.verdict || c.Overall.Within != tt.within || len(c.Horizons) != 1 || c.Horizons[0].Minutes != 60 || c.Overall.Rows != 40*tt.days {
			t.Errorf("%s: %+v", tt.name, c)
		}
		if tt.right == 9 && (!near(c.Overall.Brier, 0.1185412) || abs(c.Overall.ChampionBrier-0.2480062) > 2e-6 || abs(*c.Overall.Difference.Value+0.129465) > 2e-6) {
			t.Errorf("%s: %+v", tt.name, c.Overall)
		}
	}
	// The same model as its own champion differs by nothing.
	report, _, err := score(model(t), servingtest.Baselines(), days(12, 8), model(t))
	must(t, err)
	if c := report.Champion.Overall; *c.Difference.Value != 0 || *c.Difference.Low != 0 || *c.Difference.High != 0 || c.Verdict != schemas.VerdictNoDifference {
		t.Errorf("against itself %+v", c)
	}
}

func abs(v float64) float64 { return max(v, -v) }

// Why there is no comparison is a sentence; only a store that is away is an error.
func TestChampionThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	ref := schemas.PackageRef{Model: "punctuality", Version: 3, Digest: "abc"}
	trainedOn := func(from, to string) *modelpkg.Package {
		return &modelpkg.Package{Model: model(t), Trained: schemas.TrainedModel{Days: schemas.DayRange{From: from, To: to}}}
	}
	calibratedOn := trainedOn("2024-09-01", "2024-10-01")
	calibratedOn.Trained.Recalibrated = &schemas.Recalibration{Days: schemas.DayRange{From: "2024-10-20", To: "2024-10-30"}}
	in := schemas.EvaluateInput{Trained: schemas.TrainedModel{RunID: "r", Model: "punctuality"}, Days: schemas.DayRange{From: "2024-10-29", To: "2024-10-31"}}
	for _, tt := range []struct {
		name  string
		crown crown
		note  string // empty: compared
	}{
		{"compared", crown{loaded: trainedOn("2024-10-01", "2024-10-29"), ref: ref}, ""},
		{"trained on the test days", crown{loaded: trainedOn("2024-10-01", "2024-10-30"), ref: ref}, "it was trained on 2024-10-01/2024-10-30 and knows the test days 2024-10-29/2024-10-31"},
		{"calibrated on them", crown{loaded: calibratedOn, ref: ref}, "it was calibrated on 2024-10-20/2024-10-30"},
		{"other features", crown{ref: ref, err: fmt.Errorf("load: %w", &modelpkg.IntegrityError{File: "features.json", Reason: "is of feature version f0-1, this program computes f1-2"})}, "is of feature version f0-1, this program computes f1-2"},
		{"gone", crown{ref: ref, err: fmt.Errorf("fetch punctuality@3: %w", objstore.ErrNotFound)}, "its package is gone: fetch punctuality@3"},
	} {
		a := &Activities{Champions: tt.crown, NotFound: objstore.ErrNotFound}
		got, err := a.champion(t.Context(), in)
		must(t, err)
		if (got.model != nil) != (tt.note == "") || got.comparison.Champion != ref || !strings.Contains(got.comparison.Note, tt.note) {
			t.Errorf("%s: %+v", tt.name, got.comparison)
		}
		if tt.note != "" && judged(nil, got).Verdict != schemas.VerdictNotComparable {
			t.Errorf("%s: verdict %q", tt.name, got.comparison.Verdict)
		}
	}
	first := &Activities{Champions: crown{err: fmt.Errorf("model punctuality: %w", champion.ErrNone)}, NotFound: objstore.ErrNotFound}
	if got, err := first.champion(t.Context(), in); err != nil || got.comparison != nil || judged(nil, got) != nil {
		t.Errorf("no champion yet: %+v, %v", got, err)
	}
	away := &Activities{Champions: crown{err: errors.New("connection refused")}, NotFound: objstore.ErrNotFound}
	var final *temporal.ApplicationError
	if _, err := away.champion(t.Context(), in); err == nil || errors.As(err, &final) {
		t.Errorf("a store that is away: %v, want an error that is tried again", err)
	}
}

// A model and rows of other features are told apart before anything is forecast.
func TestOtherFeaturesAreRefused(t *testing.T) {
	t.Parallel()
	rows := days(1, 9)
	rows.Version = "f0-other"
	if _, _, err := score(model(t), servingtest.Baselines(), rows, nil); err == nil || !strings.Contains(err.Error(), "the data set has features f0-other, the model was trained on f1-") {
		t.Errorf("error %v", err)
	}
}

// An infinite feature is named with its event; what is no probability never is scored.
func TestForecastsThatAreNoProbability(t *testing.T) {
	t.Parallel()
	rows := days(1, 9)
	rows.Features[3*len(rows.Names)+1] = float32(inf())
	if _, _, err := score(model(t), servingtest.Baselines(), rows, nil); err == nil || !strings.Contains(err.Error(), string(rows.Rows[3].Stop)) {
		t.Errorf("error %v, want one that names %s", err, rows.Rows[3].Stop)
	}
	for _, p := range []float64{-0.1, 1.1, inf(), inf() - inf()} {
		if probability(p) {
			t.Errorf("%v passes for a probability", p)
		}
	}
}

func inf() float64 { return math.Inf(1) }
