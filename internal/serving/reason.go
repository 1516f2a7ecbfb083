package serving

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
)

// reasonCount is how many reasons an answer gives.
const reasonCount = 3

// meanings of the features by name.
var meanings = func() map[string]feature.Feature {
	all := map[string]feature.Feature{}
	for _, f := range feature.Catalogue() {
		all[f.Name] = f
	}
	return all
}()

// Reasons explains a logged forecast by the package that made it; nil where that
// package is neither the champion nor its challenger, or knows other features.
func (c *Champion) Reasons(digest string, vector []float32) []Reason {
	loaded := c.current.Load()
	if trial := c.Trial(); trial != nil && trial.Ref.Digest == digest {
		loaded = trial.Loaded
	}
	if loaded == nil || loaded.Ref.Digest != digest || len(vector) != len(loaded.Model.Features()) {
		return nil
	}
	return reasons(loaded.Model, vector)
}

// reasons are the strongest contributions in words, strongest first.
func reasons(m *forecast.Model, vector []float32) []Reason {
	all := m.Contributions(vector)
	values := make(map[string]float64, len(all))
	for i, name := range m.Features() {
		values[name] = float64(vector[i])
	}
	slices.SortStableFunc(all, func(a, b forecast.Contribution) int { return cmp.Compare(math.Abs(b.Value), math.Abs(a.Value)) })
	out := make([]Reason, 0, reasonCount)
	for _, c := range all[:min(reasonCount, len(all))] {
		if c.Value != 0 {
			out = append(out, reason(c, values[c.Feature]))
		}
	}
	return out
}

func reason(c forecast.Contribution, value float64) Reason {
	f := meanings[c.Feature]
	r := Reason{Feature: c.Feature, Unit: string(f.Unit), Towards: TowardsOnTime, Contribution: c.Value}
	if c.Value > 0 {
		r.Towards = TowardsLate
	}
	if !math.IsNaN(value) {
		r.Value = &value
	}
	r.Text = sentence(f, r)
	return r
}

// sentence is the meaning of a feature, its value and which way it pulls.
func sentence(f feature.Feature, r Reason) string {
	meaning, _, _ := strings.Cut(f.Meaning, "; NaN")
	pulls := "speaks for on time"
	if r.Towards == TowardsLate {
		pulls = "speaks for a delay"
	}
	return fmt.Sprintf("%s: %s. This %s.", strings.TrimSuffix(meaning, "."), inWords(f.Unit, r.Value), pulls)
}

func inWords(unit feature.Unit, value *float64) string {
	if value == nil {
		return "not known"
	}
	number := strconv.FormatFloat(math.Round(*value*10)/10, 'f', -1, 64)
	switch unit {
	case feature.Flag:
		if *value != 0 {
			return "yes"
		}
		return "no"
	case feature.Minutes:
		return number + " min"
	case feature.Share:
		return strconv.Itoa(int(math.Round(*value*100))) + " %"
	case feature.Excess:
		return fmt.Sprintf("%+d points", int(math.Round(*value*100)))
	}
	return number
}
