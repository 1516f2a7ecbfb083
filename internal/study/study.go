// Package study asks what the model is worth on recorded days: every day is
// forecast by a model of the days before it, made by the same steps as in
// production, and scored beside the railway's own calibrated forecast. It also
// says which features that rests on, how it grows with days of training, and how
// fast training and evaluation are. Markdown writes it all down.
package study

import (
	"context"
	"fmt"
	"slices"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/learn"
	"puenktlich/internal/rail"
)

// Question is what is to be found out from one data set.
type Question struct {
	Name  string         // of the recordings
	Table *dataset.Table // every settled event of all days, at all horizons
	// HeldOut days are tested on, if at all, in the table of days alone: choices
	// rest on the others.
	HeldOut []rail.Day
	// Look says that the held-out days may be tested on.
	Look bool
	// Groups asks for the ablation and the learning curve, which take many
	// trainings.
	Groups bool
}

// free is the days that are not held out.
func (q Question) free() *dataset.Table {
	return q.Table.Filter(func(r dataset.Row) bool { return !slices.Contains(q.HeldOut, r.EventDay) })
}

// Steps make a model as production does.
type Steps struct {
	Trainer learn.Trainer
	// Candidates are tried on so many training events.
	Candidates func(events int) []learn.Settings
	// Stopwatch tells real time, for the speed alone.
	Stopwatch func() time.Time
	// Progress is told what is being done; may be nil.
	Progress func(what string)
}

func (s Steps) tell(format string, args ...any) {
	if s.Progress != nil {
		s.Progress(fmt.Sprintf(format, args...))
	}
}

// Answer is what was found out from one data set.
type Answer struct {
	Name    string
	Feature string // version of the catalogue
	Days    []DaySummary
	// Chained has an element for every day that was tested on, then one for all
	// of them that were not held out, if there are several.
	Chained  []Test
	Ablation []Ablation
	Curve    []Point
	Held     []rail.Day // not tested on
}

// DaySummary is what a day holds.
type DaySummary struct {
	Day          rail.Day
	Events, Late int // that ran, with an observed change
	HeldOut      bool
}

// Ask answers a question.
func (s Steps) Ask(ctx context.Context, q Question) (Answer, error) {
	a := Answer{Name: q.Name, Feature: q.Table.Version, Days: summarise(q)}
	free := make([]rail.Day, 0, len(a.Days))
	for _, d := range a.Days {
		switch {
		case !d.HeldOut:
			free = append(free, d.Day)
		case !q.Look:
			a.Held = append(a.Held, d.Day)
		}
	}
	if len(free) < 2 {
		return a, fmt.Errorf("study %s: %d days that are not held out: at least two are needed, one to train on and one to test on", q.Name, len(free))
	}
	var err error
	if a.Chained, err = s.chain(ctx, q); err != nil {
		return a, fmt.Errorf("study %s: %w", q.Name, err)
	}
	if !q.Groups {
		return a, nil
	}
	first := s.first()
	if a.Ablation, err = first.ablate(ctx, q.Table, free); err != nil {
		return a, fmt.Errorf("study %s: ablation: %w", q.Name, err)
	}
	a.Curve, err = first.curve(ctx, q.Table, free)
	if err != nil {
		return a, fmt.Errorf("study %s: learning curve: %w", q.Name, err)
	}
	return a, nil
}

// first leaves the first candidate alone: ablation and learning curve compare
// data, not parameters, and take many trainings.
func (s Steps) first() Steps {
	all := s.Candidates
	s.Candidates = func(events int) []learn.Settings { return all(events)[:1] }
	return s
}

func summarise(q Question) []DaySummary {
	events, late := map[rail.Day]map[rail.EventKey]bool{}, map[rail.Day]int{}
	for _, row := range q.Table.Ran().Rows {
		day := row.EventDay
		if events[day] == nil {
			events[day] = map[rail.EventKey]bool{}
		}
		if !events[day][row.Key()] && row.Late() {
			late[day]++
		}
		events[day][row.Key()] = true
	}
	var days []DaySummary
	for day, seen := range events {
		days = append(days, DaySummary{Day: day, Events: len(seen), Late: late[day], HeldOut: slices.Contains(q.HeldOut, day)})
	}
	slices.SortFunc(days, func(a, b DaySummary) int { return compare(a.Day, b.Day) })
	return days
}

func compare(a, b rail.Day) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// chain tests every day but the first on a model of the days before it. Days that
// choices rest on are forecast without the held-out ones.
func (s Steps) chain(ctx context.Context, q Question) ([]Test, error) {
	var tests []Test
	var all scored
	days := summarise(q)
	before := 0 // days the test may be trained on
	for _, d := range days {
		trained := before > 0
		if !d.HeldOut {
			before++
		}
		if !trained || d.HeldOut && !q.Look {
			continue
		}
		table := q.Table
		if !d.HeldOut {
			table = q.free()
		}
		part, err := s.testOn(ctx, table, nil, d.Day)
		if err != nil {
			return nil, fmt.Errorf("test on %s: %w", d.Day, err)
		}
		test := part.test(string(d.Day))
		test.Held = d.HeldOut
		tests = append(tests, test)
		if !d.HeldOut {
			all.add(part)
		}
	}
	if all.parts < 2 {
		return tests, nil
	}
	return append(tests, all.test(fmt.Sprintf("all %d days that choices rest on", all.parts))), nil
}

// testOn forecasts a day by a model of all days before it; visible, where not
// nil, says which features it may use.
func (s Steps) testOn(ctx context.Context, table *dataset.Table, visible func(feature.Feature) bool, day rail.Day) (scored, error) {
	train := table.Filter(func(r dataset.Row) bool { return r.EventDay < day })
	test := table.Filter(func(r dataset.Row) bool { return r.EventDay == day }).Ran()
	return s.fitAndScore(ctx, see(train, visible), see(test, visible))
}

// see hides the features that may not be used: they are never known.
func see(table *dataset.Table, visible func(feature.Feature) bool) *dataset.Table {
	if visible == nil {
		return table
	}
	seen := table.Filter(func(dataset.Row) bool { return true })
	for i, f := range feature.Catalogue() {
		if visible(f) {
			continue
		}
		for at := i; at < len(seen.Features); at += len(seen.Names) {
			seen.Features[at] = missing
		}
	}
	return seen
}
