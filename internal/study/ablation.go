package study

import (
	"context"
	"fmt"
	"slices"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/metric"
	"puenktlich/internal/rail"
)

// Ablation is what one group of features is worth.
type Ablation struct {
	Group    feature.Group
	Features int
	// Without is the skill lost when the group is taken away, Alone the skill
	// that the group has with the schedule and nothing else; both over all days
	// and horizons together, in shares of the railway's Brier score.
	Without, Alone metric.Interval
}

// ablate takes each group away, and leaves each alone with the schedule.
func (s Steps) ablate(ctx context.Context, table *dataset.Table, days []rail.Day) ([]Ablation, error) {
	whole, err := s.chainOn(ctx, table, days, nil)
	if err != nil {
		return nil, err
	}
	var out []Ablation
	for _, group := range groups() {
		s.tell("ablation: %s", group)
		a := Ablation{Group: group, Features: count(group)}
		without, err := s.chainOn(ctx, table, days, func(f feature.Feature) bool { return f.Group != group })
		if err != nil {
			return nil, fmt.Errorf("without %s: %w", group, err)
		}
		a.Without = lost(whole, without)
		alone, err := s.chainOn(ctx, table, days, func(f feature.Feature) bool {
			return f.Group == group || f.Group == feature.GroupSchedule
		})
		if err != nil {
			return nil, fmt.Errorf("%s alone: %w", group, err)
		}
		model, railway, blocks := losses(alone.rows)
		a.Alone = skillOf(model, railway, blocks)
		out = append(out, a)
	}
	return out, nil
}

// chainOn tests all days but the first, each on a model of those before it.
func (s Steps) chainOn(ctx context.Context, table *dataset.Table, days []rail.Day, visible func(feature.Feature) bool) (scored, error) {
	var all scored
	free := table.Filter(func(r dataset.Row) bool { return slices.Contains(days, r.EventDay) })
	for _, day := range days[1:] {
		part, err := s.testOn(ctx, free, visible, day)
		if err != nil {
			return all, fmt.Errorf("test on %s: %w", day, err)
		}
		all.add(part)
	}
	return all, nil
}

// lost is the skill of one less that of another on the same events, paired.
func lost(whole, part scored) metric.Interval {
	a, railway, blocks := losses(whole.rows)
	b, _, _ := losses(part.rows)
	for i := range b {
		b[i] -= a[i]
	}
	return ratio(blocks, b, railway, func(difference, reference float64) float64 { return difference / reference })
}

// groups lists them in the order of the catalogue.
func groups() []feature.Group {
	var all []feature.Group
	for _, f := range feature.Catalogue() {
		if !slices.Contains(all, f.Group) {
			all = append(all, f.Group)
		}
	}
	return all
}

func count(group feature.Group) int {
	n := 0
	for _, f := range feature.Catalogue() {
		if f.Group == group {
			n++
		}
	}
	return n
}
