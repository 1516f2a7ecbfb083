package train

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"puenktlich/schemas"
)

var base = schemas.Candidate{Rounds: 300, MaxDepth: 2, LearningRate: 0.06, MinChild: 8, Subsample: 0.8, ColSample: 0.6, Lambda: 4}

func planned(t *testing.T, s schemas.Search, seed uint64) (schemas.SearchPlan, error) {
	t.Helper()
	return (&Activities{}).PlanSearch(t.Context(), schemas.PlanSearchInput{Search: s, Base: base, Seed: seed, SegmentRounds: 50})
}

// A small space of lists is tried whole. A baseline has no parameters and no
// features, so it is one candidate; logistic regression has lambda alone.
func TestSmallSpaceIsTriedWhole(t *testing.T) {
	t.Parallel()
	plan, err := planned(t, schemas.Search{Budget: schemas.Budget{Candidates: 20}, Space: schemas.Space{
		Algorithms:  []schemas.Algorithm{schemas.AlgorithmBuckets, schemas.AlgorithmLogistic, schemas.AlgorithmRate},
		FeatureSets: []schemas.FeatureSet{schemas.FeaturesAll, schemas.FeaturesPlan},
		Parameters:  map[string]schemas.Values{"max_depth": {Values: []float64{2, 3}}, "lambda": {Values: []float64{1, 8}}}}}, 1)
	must(t, err)
	count := map[schemas.Algorithm]int{}
	for _, c := range plan.Candidates {
		count[c.Algorithm]++
		require.NotEmpty(t, c.Name)
	}
	require.Equal(t, map[schemas.Algorithm]int{schemas.AlgorithmBuckets: 8, schemas.AlgorithmLogistic: 4, schemas.AlgorithmRate: 1}, count)
	require.Equal(t, schemas.Budget{Candidates: 20, Rungs: 3, Keep: 1.0 / 3}, plan.Budget)
	first := plan.Candidates[0]
	require.Equal(t, "s01 xgboost_buckets", first.Name)
	require.Equal(t, []float64{300, 0.06, 1, 2}, []float64{float64(first.Rounds), first.LearningRate, first.Lambda, float64(first.MaxDepth)}, "what the space does not name is the base's")
}

func TestDrawingIsSeededAndInRange(t *testing.T) {
	t.Parallel()
	space := schemas.Space{Algorithms: []schemas.Algorithm{schemas.AlgorithmBuckets, schemas.AlgorithmBinary}, Parameters: map[string]schemas.Values{
		"learning_rate": {Low: 0.01, High: 0.3, Log: true}, "max_depth": {Low: 2, High: 6}, "rounds": {Low: 50, High: 800, Log: true}, "lambda": {Values: []float64{1, 4, 16}}}}
	one, err := planned(t, schemas.Search{Space: space, Budget: schemas.Budget{Candidates: 50}}, 7)
	must(t, err)
	again, err := planned(t, schemas.Search{Space: space, Budget: schemas.Budget{Candidates: 50}}, 7)
	must(t, err)
	other, err := planned(t, schemas.Search{Space: space, Budget: schemas.Budget{Candidates: 50}}, 8)
	must(t, err)
	require.Equal(t, one, again)
	require.NotEqual(t, one.Candidates, other.Candidates)
	require.Len(t, one.Candidates, 50)
	depths, low := map[int]bool{}, 0
	for i, c := range one.Candidates {
		depths[c.MaxDepth] = true
		require.True(t, c.LearningRate >= 0.01 && c.LearningRate <= 0.3 && c.Rounds >= 50 && c.Rounds <= 800 && slices.Contains([]float64{1, 4, 16}, c.Lambda), "%+v", c)
		if c.LearningRate < math.Sqrt(0.01*0.3) {
			low++
		}
		for _, earlier := range one.Candidates[:i] {
			require.NotEqual(t, nameless(earlier), nameless(c), "each once")
		}
	}
	require.Len(t, depths, 5, "both ends are drawn")
	require.InDelta(t, 25, low, 12, "half of the logarithms lie below the middle one")
	body, err := json.Marshal(one)
	must(t, err)
	require.Less(t, len(body), 64<<10)
}

// Fewer points than asked for end the drawing.
func TestSpaceIsExhausted(t *testing.T) {
	t.Parallel()
	plan, err := planned(t, schemas.Search{Space: schemas.Space{Parameters: map[string]schemas.Values{"max_depth": {Low: 2, High: 4}}}}, 1)
	must(t, err)
	require.Len(t, plan.Candidates, 3)
}

func TestNamedCandidatesComeFirst(t *testing.T) {
	t.Parallel()
	mine := base
	mine.Name, mine.MaxDepth = "mine", 3
	plan, err := (&Activities{}).PlanSearch(t.Context(), schemas.PlanSearchInput{Named: []schemas.Candidate{mine}, Base: base, SegmentRounds: 50,
		Search: schemas.Search{Space: schemas.Space{Parameters: map[string]schemas.Values{"max_depth": {Values: []float64{2, 3}}}}}})
	must(t, err)
	require.Len(t, plan.Candidates, 2, "depth 3 is the named one")
	require.Equal(t, "mine", plan.Candidates[0].Name)
}

// Everything wrong is named before anything is trained: parameter, value, and
// what is allowed.
func TestImpossibleSearches(t *testing.T) {
	t.Parallel()
	values := func(name string, v schemas.Values) schemas.Search {
		return schemas.Search{Space: schemas.Space{Parameters: map[string]schemas.Values{name: v}}}
	}
	tests := map[string]schemas.Search{
		`parameter "max_dept": want one of rounds, max_depth, learning_rate`:     values("max_dept", schemas.Values{Values: []float64{2}}),
		`max_depth 12: want a whole number from 1 to 8`:                          values("max_depth", schemas.Values{Values: []float64{2, 12}}),
		`max_depth 2.5: want a whole number`:                                     values("max_depth", schemas.Values{Low: 2.5, High: 4}),
		`learning_rate 0: want a number above 0 to 1`:                            values("learning_rate", schemas.Values{Low: 0, High: 0.3}),
		`lambda: give values, or low and high, not both`:                         values("lambda", schemas.Values{Values: []float64{1}, High: 3}),
		`lambda: low 3, high 1, log false: want values, or low below high`:       values("lambda", schemas.Values{Low: 3, High: 1}),
		`lambda: low 0, high 1, log true: want`:                                  values("lambda", schemas.Values{High: 1, Log: true}),
		`subsample NaN`:                                                          values("subsample", schemas.Values{Values: []float64{math.NaN()}}),
		`algorithm "forest": want one of [xgboost_buckets`:                       {Space: schemas.Space{Algorithms: []schemas.Algorithm{"forest"}}},
		`feature_set "plam": want one of all, plan, plan+forecast`:               {Space: schemas.Space{FeatureSets: []schemas.FeatureSet{"plam"}}},
		`parameter "max_depth": none of the algorithms [logistic] has it`:        {Space: schemas.Space{Algorithms: []schemas.Algorithm{"logistic"}, Parameters: map[string]schemas.Values{"max_depth": {Values: []float64{2}}}}},
		`budget: candidates 1000 beside 0 named: want 1 to 60 in all`:            {Budget: schemas.Budget{Candidates: 1000}},
		`budget: rungs -1: want 1 to 10; budget: keep 2: want a share`:           {Budget: schemas.Budget{Rungs: -1, Keep: 2}},
		`budget: rounds -5: want 0 (no bound) or more; budget: minutes -1: want`: {Budget: schemas.Budget{Rounds: -5, Minutes: -1}},
	}
	for want, s := range tests {
		_, err := planned(t, s, 1)
		var said *temporal.ApplicationError
		if !errors.As(err, &said) || said.Type() != string(schemas.FailureInvalidInput) || !strings.Contains(said.Message(), want) {
			t.Errorf("%v\nwant %q", err, want)
		}
	}
}

// A bad candidate costs nothing: its data set does not even exist.
func TestBadCandidatesFailBeforeDataIsRead(t *testing.T) {
	t.Parallel()
	good := base
	for want, change := range map[string]func(*schemas.Candidate){
		"max_depth 0: want a whole number from 1 to 8":                                       func(c *schemas.Candidate) { c.MaxDepth = 0 },
		"learning_rate 1.5: want a number above 0 to 1; subsample -1":                        func(c *schemas.Candidate) { c.LearningRate, c.Subsample = 1.5, -1 },
		"rounds 300: algorithm logistic has [lambda] alone; max_depth 2: algorithm logistic": func(c *schemas.Candidate) { c.Algorithm = schemas.AlgorithmLogistic },
		"rounds 300: algorithm rate has no parameters":                                       func(c *schemas.Candidate) { c.Algorithm = schemas.AlgorithmRate },
		`algorithm "lightgbm": want one of [xgboost_buckets`:                                 func(c *schemas.Candidate) { c.Algorithm = "lightgbm" },
		`feature_set "without_luck": want one of all, plan, plan+forecast`:                   func(c *schemas.Candidate) { c.FeatureSet = "without_luck" },
	} {
		w := newWorker(t)
		c := good
		c.Name = "tried"
		change(&c)
		in := drawing(schemas.DatasetRef{ID: "none", FeatureVersion: sealedVersion()}, "bad")
		in.Candidate = c
		_, err := w.TrainCandidate(t.Context(), in)
		var said *temporal.ApplicationError
		if !errors.As(err, &said) || !said.NonRetryable() || !strings.Contains(said.Message(), "candidate tried: "+want) {
			t.Errorf("%v\nwant %q", err, want)
		}
		require.Len(t, w.runs.states, 2, "on record as failed")
	}
}

// Every kind of candidate is judged on the same held-out events. Knowing what
// was announced scores 0.09, not knowing it 0.25.
func TestEveryAlgorithmIsJudged(t *testing.T) {
	t.Parallel()
	w := newWorker(t)
	data := sealed(t, w.store.Store, 12)
	judge := func(c schemas.Candidate) schemas.CandidateResult {
		in := drawing(data, string(c.How())+"-"+string(c.Sees()))
		in.Candidate = c
		result, err := w.TrainCandidate(t.Context(), in)
		must(t, err)
		require.Equal(t, 300, result.Events)
		require.True(t, result.Finished)
		return result
	}
	trees := schemas.Candidate{Rounds: 10, MaxDepth: 3, LearningRate: 0.3, MinChild: 1, Subsample: 1, ColSample: 1, Lambda: 1}
	binary, blind := trees, trees
	binary.Algorithm, blind.FeatureSet = schemas.AlgorithmBinary, "without_forecast"
	for _, c := range []schemas.Candidate{trees, binary, {Algorithm: schemas.AlgorithmLogistic, Lambda: 1}, {Algorithm: schemas.AlgorithmForecastCalibrated}, {Algorithm: schemas.AlgorithmForecast}} {
		result := judge(c)
		require.True(t, result.Brier > 0.05 && result.Brier < 0.15, "%s: %v", c.How(), result.Brier)
	}
	for _, c := range []schemas.Candidate{blind, {Algorithm: schemas.AlgorithmRate}, {Algorithm: schemas.AlgorithmRateByCategory}} {
		result := judge(c)
		require.True(t, result.Brier > 0.22 && result.Brier < 0.3, "%s on %s: %v", c.How(), c.Sees(), result.Brier)
	}
	_, err := w.RefitModel(t.Context(), schemas.RefitInput{Model: "punctuality", Dataset: data, Best: judge(schemas.Candidate{Algorithm: schemas.AlgorithmRate})})
	require.ErrorContains(t, err, "cannot be served: want xgboost_buckets")
}

// The curve has every round of every fold, and the mean as far as all folds go.
func TestCurvesAreTracked(t *testing.T) {
	t.Parallel()
	w := newWorker(t)
	_, err := w.TrainCandidate(t.Context(), drawing(sealed(t, w.store.Store, 12), "curves"))
	must(t, err)
	for _, name := range []string{"train_log_loss", "valid_log_loss", "train_log_loss/fold-1", "valid_log_loss/fold-2"} {
		require.Len(t, w.runs.steps[name], 10, name)
		require.Less(t, w.runs.steps[name][10], w.runs.steps[name][1], name)
	}
	mean := (w.runs.steps["valid_log_loss/fold-1"][3] + w.runs.steps["valid_log_loss/fold-2"][3]) / 2
	require.InDelta(t, mean, w.runs.steps["valid_log_loss"][3], 1e-12)
}
