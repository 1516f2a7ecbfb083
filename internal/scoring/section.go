package scoring

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	schema "puenktlich/schemas/clickhouse"
)

// Section is what the forecasts of one section came to on average. An arrival belongs to
// the section it came over, a departure to the one it leaves on.
type Section struct {
	Events    int     // distinct
	LateRate  float64 // share late
	Forecast  float64 // mean P(late)
	Expected  float64 // mean of p(1-p), the variance of one outcome that the forecast promises
	forecasts int
	lastEvent string
}

// SectionOf names the section of a forecast; empty where the plan does not say.
func SectionOf(j *schema.Judged) string {
	if j.Neighbour == "" {
		return ""
	}
	way := "towards"
	if j.Kind == "arrival" {
		way = "from"
	}
	return fmt.Sprintf("%s at %d %s %s", j.Kind, j.EVA, way, j.Neighbour)
}

// travel adds a forecast to the means of its section. There are thousands of sections
// in a country, so these are sums, without rows or intervals.
func (t *Tally) travel(voice Voice, j *schema.Judged, p float64, late bool, event string) {
	name := SectionOf(j)
	if name == "" {
		return
	}
	g := Group{voice, 0, SliceSection, name}
	s := t.sections[g]
	if s == nil {
		s = &Section{}
		t.sections[g] = s
	}
	if s.lastEvent != event {
		s.Events, s.lastEvent = s.Events+1, event
	}
	outcome := 0.0
	if late {
		outcome = 1
	}
	s.forecasts++
	part := 1 / float64(s.forecasts)
	s.LateRate += part * (outcome - s.LateRate)
	s.Forecast += part * (p - s.Forecast)
	s.Expected += part * (p*(1-p) - s.Expected)
}

// Sections are the sections of one voice by name.
func (t *Tally) Sections(v Voice) map[string]Section {
	all := map[string]Section{}
	for g, s := range t.sections {
		if g.Voice == v {
			all[g.Slice] = *s
		}
	}
	return all
}

// sectionRows are the means of sections as they are stored, in a fixed order.
func (t *Tally) sectionRows(l Labels) []schema.Score {
	groups := slices.SortedFunc(maps.Keys(t.sections), func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Evidence, b.Evidence), cmp.Compare(a.Slice, b.Slice))
	})
	var all []schema.Score
	for _, g := range groups {
		s := t.sections[g]
		for _, m := range []struct {
			name  string
			value float64
		}{{"late_rate", s.LateRate}, {"mean_forecast", s.Forecast}, {"brier_expected", s.Expected}} {
			all = append(all, schema.Score{Model: l.Model, Version: g.Version, Digest: g.Digest, Role: g.Role, Source: l.Source, DataSource: l.DataSource, Evidence: g.Evidence,
				FromDay: l.From, UntilDay: l.Until, SliceKind: g.SliceKind, Slice: g.Slice, Metric: m.name, Value: m.value, Lower: math.NaN(), Upper: math.NaN(),
				BaselineValue: math.NaN(), Events: uint64(s.Events), Days: uint32(t.Days()), ScoredAt: l.ScoredAt})
		}
	}
	return all
}
