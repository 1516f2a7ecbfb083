package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"

	"puenktlich/activities/failure"
	"puenktlich/internal/learn"
	"puenktlich/schemas"
)

// Defaults of a search's budget.
const (
	defaultCandidates = 12
	defaultRungs      = 3
	defaultKeep       = 1.0 / 3
	maxRungs          = 10
)

// PlanSearch checks a search and draws its candidates: the whole space where it
// is small and of lists, else as many as the budget allows, all different. The
// same input gives the same candidates.
func (a *Activities) PlanSearch(_ context.Context, in schemas.PlanSearchInput) (schemas.SearchPlan, error) {
	plan := schemas.SearchPlan{Budget: withDefaults(in.Search.Budget)}
	if err := errors.Join(checkBudget(plan.Budget, len(in.Named)), checkSpace(in.Search.Space)); err != nil {
		return plan, failure.InvalidInput("search: %v", oneLine(err))
	}
	d := drawer{in: in, seen: map[schemas.Candidate]bool{}, random: rand.New(rand.NewPCG(in.Seed, 0x7365_6172_6368))}
	for _, c := range in.Named {
		plan.Candidates = append(plan.Candidates, c)
		d.seen[nameless(c)] = true
	}
	for _, c := range d.draw(plan.Budget.Candidates) {
		if _, err := Settings(c, in.Seed, in.SegmentRounds); err != nil {
			return plan, failure.InvalidInput("search: candidate %s: %v", c.Name, err)
		}
		plan.Candidates = append(plan.Candidates, c)
	}
	return plan, nil
}

func withDefaults(b schemas.Budget) schemas.Budget {
	b.Candidates, b.Rungs, b.Keep = cmp.Or(b.Candidates, defaultCandidates), cmp.Or(b.Rungs, defaultRungs), cmp.Or(b.Keep, defaultKeep)
	return b
}

func checkBudget(b schemas.Budget, named int) error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("budget: "+format, args...))
		}
	}
	check(b.Candidates >= 1 && b.Candidates+named <= schemas.MaxCandidates, "candidates %d beside %d named: want 1 to %d in all", b.Candidates, named, schemas.MaxCandidates)
	check(b.Rungs >= 1 && b.Rungs <= maxRungs, "rungs %d: want 1 to %d", b.Rungs, maxRungs)
	check(b.Keep > 0 && b.Keep < 1, "keep %v: want a share above 0 and below 1", b.Keep)
	check(b.Rounds >= 0, "rounds %d: want 0 (no bound) or more", b.Rounds)
	check(b.Minutes >= 0 && !math.IsInf(b.Minutes, 0), "minutes %v: want 0 (no bound) or more", b.Minutes)
	return errors.Join(problems...)
}

// checkSpace reports everything that is wrong with a space.
func checkSpace(s schemas.Space) error {
	var problems []error
	for _, algorithm := range s.Algorithms {
		if !learn.Algorithm(algorithm).Known() {
			problems = append(problems, fmt.Errorf("algorithm %q: want one of %v", algorithm, learn.Algorithms()))
		}
	}
	for _, set := range s.FeatureSets {
		if _, err := visible(set); err != nil {
			problems = append(problems, err)
		}
	}
	for _, name := range parameterNames(s) {
		problems = append(problems, checkValues(s, name))
	}
	return errors.Join(problems...)
}

// parameterNames are those the space names, in order: a map has none.
func parameterNames(s schemas.Space) []string {
	var names []string
	for name := range s.Parameters {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// checkValues refuses a parameter that no algorithm of the space has, and any
// value it may not take.
func checkValues(s schemas.Space, name string) error {
	i := slices.IndexFunc(learn.Parameters(), func(p learn.Parameter) bool { return p.Name == name })
	if i < 0 {
		var known []string
		for _, p := range learn.Parameters() {
			known = append(known, p.Name)
		}
		return fmt.Errorf("parameter %q: want one of %s", name, strings.Join(known, ", "))
	}
	p, values := learn.Parameters()[i], s.Parameters[name]
	if !slices.ContainsFunc(algorithms(s), func(a schemas.Algorithm) bool { return p.Of(learn.Algorithm(a)) }) {
		return fmt.Errorf("parameter %q: none of the algorithms %v has it", name, algorithms(s))
	}
	if len(values.Values) > 0 {
		if values.Low != 0 || values.High != 0 || values.Log {
			return fmt.Errorf("%s: give values, or low and high, not both", name)
		}
		var problems []error
		for _, value := range values.Values {
			problems = append(problems, p.Check(value))
		}
		return errors.Join(problems...)
	}
	if values.High < values.Low || values.Log && values.Low <= 0 || values.Low == 0 && values.High == 0 {
		return fmt.Errorf("%s: low %v, high %v, log %t: want values, or low below high, above 0 for log", name, values.Low, values.High, values.Log)
	}
	return errors.Join(p.Check(values.Low), p.Check(values.High))
}

func algorithms(s schemas.Space) []schemas.Algorithm {
	if len(s.Algorithms) == 0 {
		return []schemas.Algorithm{schemas.AlgorithmBuckets}
	}
	return s.Algorithms
}

func sets(s schemas.Space) []schemas.FeatureSet {
	if len(s.FeatureSets) == 0 {
		return []schemas.FeatureSet{schemas.FeaturesAll}
	}
	return s.FeatureSets
}

// drawer draws different candidates.
type drawer struct {
	in     schemas.PlanSearchInput
	seen   map[schemas.Candidate]bool
	random *rand.Rand
}

// maxDraws bounds the attempts at a candidate that was not drawn before.
const maxDraws = 200

// draw gives at most n candidates: every point of a small space of lists in
// order, else points at random.
func (d *drawer) draw(n int) []schemas.Candidate {
	var drawn []schemas.Candidate
	take := func(c schemas.Candidate) {
		if c = nameless(c); !d.seen[c] {
			d.seen[c] = true
			c.Name = fmt.Sprintf("s%02d %s", len(drawn)+1, c.How())
			if c.Sees() != schemas.FeaturesAll {
				c.Name += " " + string(c.Sees())
			}
			drawn = append(drawn, c)
		}
	}
	if points, whole := d.grid(n); whole {
		for _, c := range points {
			take(c)
		}
		return drawn
	}
	for attempt := 0; len(drawn) < n && attempt < maxDraws*n; attempt++ {
		take(d.random1())
	}
	return drawn
}

func nameless(c schemas.Candidate) schemas.Candidate {
	c.Name, c.Algorithm, c.FeatureSet = "", c.How(), c.Sees()
	return c
}

// at is the candidate of an algorithm and a feature set with the values of the
// base; a baseline sees no features.
func (d *drawer) at(algorithm schemas.Algorithm, set schemas.FeatureSet) schemas.Candidate {
	c := schemas.Candidate{Algorithm: algorithm, FeatureSet: set}
	base, err := Settings(d.in.Base, d.in.Seed, d.in.SegmentRounds)
	for _, p := range learn.Parameters() {
		if err == nil && p.Of(learn.Algorithm(algorithm)) {
			c.Set(p.Name, base.Value(p.Name))
		}
	}
	if !learn.Algorithm(algorithm).Learns() {
		c.FeatureSet = schemas.FeaturesAll
	}
	return c
}

// grid is every point of the space, where it has only lists and at most n
// points.
func (d *drawer) grid(n int) (points []schemas.Candidate, whole bool) {
	space := d.in.Search.Space
	for _, algorithm := range algorithms(space) {
		for _, set := range sets(space) {
			points = append(points, d.at(algorithm, set))
		}
	}
	for _, name := range parameterNames(space) {
		values := space.Parameters[name].Values
		if len(values) == 0 {
			return nil, false
		}
		points = spread(points, name, values)
		if points = d.different(points); len(points) > n {
			return nil, false
		}
	}
	points = d.different(points)
	return points, len(points) <= n
}

// different leaves out points that occur twice: an algorithm without a
// parameter is the same at all its values.
func (d *drawer) different(points []schemas.Candidate) []schemas.Candidate {
	var once []schemas.Candidate
	for _, c := range points {
		if !slices.Contains(once, c) {
			once = append(once, c)
		}
	}
	return once
}

// spread gives each point every value of a parameter that its algorithm has.
func spread(points []schemas.Candidate, name string, values []float64) []schemas.Candidate {
	var all []schemas.Candidate
	for _, c := range points {
		if !has(c, name) {
			all = append(all, c)
			continue
		}
		for _, value := range values {
			c.Set(name, value)
			all = append(all, c)
		}
	}
	return all
}

func has(c schemas.Candidate, parameter string) bool {
	return slices.ContainsFunc(learn.Parameters(), func(p learn.Parameter) bool { return p.Name == parameter && p.Of(learn.Algorithm(c.How())) })
}

// random1 is one point of the space. It draws every parameter, whether the
// algorithm has it or not, so that one draw does not shift the next.
func (d *drawer) random1() schemas.Candidate {
	space := d.in.Search.Space
	c := d.at(algorithms(space)[d.random.IntN(len(algorithms(space)))], sets(space)[d.random.IntN(len(sets(space)))])
	for _, name := range parameterNames(space) {
		share, values := d.random.Float64(), space.Parameters[name]
		if has(c, name) {
			c.Set(name, pick(values, share, whole(name)))
		}
	}
	return c
}

func whole(name string) bool {
	return slices.ContainsFunc(learn.Parameters(), func(p learn.Parameter) bool { return p.Name == name && p.Whole })
}

// pick is the value at a share in [0,1) of a list or a range. Numbers are kept
// to four significant digits, so that a person can read and repeat them.
func pick(v schemas.Values, share float64, whole bool) float64 {
	switch {
	case len(v.Values) > 0:
		return v.Values[int(share*float64(len(v.Values)))]
	case whole:
		if v.Log {
			return min(max(math.Floor(v.Low*math.Exp(share*math.Log((v.High+1)/v.Low))), v.Low), v.High)
		}
		return v.Low + math.Floor(share*(v.High-v.Low+1))
	case v.Log:
		return min(max(short(v.Low*math.Exp(share*math.Log(v.High/v.Low))), v.Low), v.High)
	}
	return min(max(short(v.Low+share*(v.High-v.Low)), v.Low), v.High)
}

func short(x float64) float64 {
	if x == 0 {
		return 0
	}
	unit := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*unit) / unit
}
