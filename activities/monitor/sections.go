package monitor

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"puenktlich/internal/drift"
	"puenktlich/internal/rail"
	"puenktlich/internal/scoring"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Numbers of what is watched section by section; docs/policy.md says how they were chosen.
// A section that is one standard error off from all the others, in one night, is chance, and
// none counts for more than two: it takes five nights to find anything, as ordinary works of a
// few days look like works that stay.
const (
	sectionEvents    = 10
	sectionAllowance = 1
	sectionMost      = 2
	sectionThreshold = 4.5
)

// sectionDrift adds up, night by night and on each side, how far each section's bias lies
// from that of all others, and takes the section that is farthest off.
func (n *measuring) sectionDrift(ctx context.Context) error {
	nights, err := n.pastSections(ctx)
	if err != nil {
		return err
	}
	own := n.champion(0)
	tonight := map[string]drift.Part{}
	for name, s := range n.tally.Sections(own.Voice) {
		tonight[name] = drift.Part{Events: s.Events, Bias: s.LateRate - s.Forecast, Variance: s.Expected}
	}
	apart := drift.Apart(tonight, sectionEvents)
	series := map[string][]float64{}
	for _, night := range nights {
		for name, z := range drift.Apart(night, sectionEvents) {
			series[name] = append(series[name], z)
		}
	}
	worst, value, late := "", math.NaN(), false
	for _, name := range slices.Sorted(maps.Keys(apart)) {
		up, down := drift.CUSUM{Allowance: sectionAllowance, Most: sectionMost}.Statistics(append(series[name], apart[name]))
		// As bounded sums are often equal, tonight decides which section is named.
		if v := max(up, down) / sectionThreshold; worst == "" || v > value || v == value && math.Abs(apart[name]) > math.Abs(apart[worst]) {
			worst, value, late = name, v, up >= down
		}
	}
	n.board.measured(schemas.SignalSliceBiasDrift, value, tonight[worst].Events, "no section has enough events beside others that have, or the plan does not name any")
	if worst == "" {
		return nil
	}
	side := "more are late than forecast"
	if !late {
		side = "fewer are late than forecast"
	}
	s := n.board[schemas.SignalSliceBiasDrift]
	s.Subject, s.Limit = worst+": "+side, exists(1)
	n.board[schemas.SignalSliceBiasDrift] = s
	n.board.note(schemas.SignalSliceBiasDrift, "beside all other sections; tonight %.1f standard errors, over %d nights of this version, the farthest of %d", apart[worst], len(nights)+1, len(apart))
	n.stat("loss", worst, "cusum", value, 1, value > 1, uint64(len(nights)+1))
	return nil
}

// pastSections are the champion's nights before this one, oldest first, by section. Nights
// scored before there were sections have none.
func (n *measuring) pastSections(ctx context.Context) ([]map[string]drift.Part, error) {
	from := n.day.Add(-trendNights)
	type sums struct {
		late, forecast, expected float64
		events                   int
	}
	nights, names := map[string]map[string]*sums{}, map[string]string{}
	err := n.a.Store.VisitScores(ctx, schema.MonitorQuery{Model: n.s.Model, From: string(from), Until: string(n.day), AsOf: n.asOf,
		Digest: n.ref.Digest, DataSource: n.a.Name, Metrics: []string{"late_rate", "mean_forecast", "brier_expected"}, Slices: []string{scoring.SliceSection}}, func(s *schema.Score) error {
		if s.Role != schema.RoleChampion || s.Evidence != string(rail.ChangeObserved) || s.UntilDay != string(rail.Day(s.FromDay).Add(1)) {
			return nil
		}
		name, known := names[s.Slice]
		if !known { // one text for all nights
			name = strings.Clone(s.Slice)
			names[name] = name
		}
		night := nights[s.FromDay]
		if night == nil {
			night = map[string]*sums{}
			nights[strings.Clone(s.FromDay)] = night
		}
		f := night[name]
		if f == nil {
			f = new(sums)
			night[name] = f
		}
		switch s.Metric {
		case "late_rate":
			f.late = s.Value
		case "mean_forecast":
			f.forecast = s.Value
		case "brier_expected":
			f.expected = s.Value
		}
		f.events = int(s.Events)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []map[string]drift.Part
	for _, day := range rail.Days(from, n.day) {
		if nights[string(day)] == nil {
			continue
		}
		night := map[string]drift.Part{}
		for name, f := range nights[string(day)] {
			night[name] = drift.Part{Events: f.events, Bias: f.late - f.forecast, Variance: f.expected}
		}
		delete(nights, string(day))
		all = append(all, night)
	}
	return all, nil
}
