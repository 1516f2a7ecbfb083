package train

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"puenktlich/internal/feature"
	"puenktlich/internal/learn"
	"puenktlich/internal/learn/xgb"
	"puenktlich/schemas"
)

// Settings are a candidate's, checked: the error names every parameter that is
// wrong, its value and what is allowed.
func Settings(c schemas.Candidate, seed uint64, segmentRounds int) (learn.Settings, error) {
	s := learn.Settings{Algorithm: learn.Algorithm(c.How()), Rounds: c.Rounds, MaxDepth: c.MaxDepth, LearningRate: c.LearningRate, MinChild: c.MinChild,
		Subsample: c.Subsample, ColSample: c.ColSample, Lambda: c.Lambda, HalfLifeDays: c.HalfLifeDays, Seed: seed, SegmentRounds: cmp.Or(segmentRounds, xgb.DefaultSegmentRounds)}
	if err := s.Validate(); err != nil {
		return s, oneLine(err)
	}
	var err error
	s.Visible, err = visible(c.Sees())
	return s, err
}

// oneLine joins what errors.Join set below each other.
func oneLine(err error) error {
	return fmt.Errorf("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
}

// visible says which features a set holds; nil for all.
func visible(set schemas.FeatureSet) (func(name string) bool, error) {
	keep, found := featureSets()[set]
	if !found {
		return nil, fmt.Errorf("feature_set %q: want one of %s", set, strings.Join(setNames(), ", "))
	}
	if set == schemas.FeaturesAll {
		return nil, nil
	}
	names := map[string]bool{}
	for _, f := range feature.Catalogue() {
		names[f.Name] = keep(f)
	}
	return func(name string) bool { return names[name] }, nil
}

// featureSets are the sets by name, one without each group of the catalogue
// among them.
func featureSets() map[schemas.FeatureSet]func(feature.Feature) bool {
	plan := func(f feature.Feature) bool { return f.Source == feature.FromPlan || f.Source == feature.FromCalendar }
	sets := map[schemas.FeatureSet]func(feature.Feature) bool{
		schemas.FeaturesAll:          func(feature.Feature) bool { return true },
		schemas.FeaturesPlan:         plan,
		schemas.FeaturesPlanHistory:  func(f feature.Feature) bool { return plan(f) || f.Source == feature.FromHistory },
		schemas.FeaturesPlanForecast: func(f feature.Feature) bool { return plan(f) || f.Group == feature.GroupForecast },
		schemas.FeaturesPlanLive:     func(f feature.Feature) bool { return plan(f) || f.Source == feature.FromLive },
	}
	for _, f := range feature.Catalogue() {
		left := f.Group
		sets[schemas.FeaturesWithout+schemas.FeatureSet(left)] = func(f feature.Feature) bool { return f.Group != left }
	}
	return sets
}

func setNames() []string {
	var names []string
	for set := range featureSets() {
		names = append(names, string(set))
	}
	slices.Sort(names)
	return names
}
