package naming

import (
	"cmp"
	"slices"
	"strings"

	"puenktlich/internal/rail"
)

// Train is an event with the names a caller may give its train, the surest first:
// category and number, category and line, number, line.
type Train struct {
	Plan  *rail.PlannedEvent
	names [4]string
}

// NewTrain names the train of an event.
func NewTrain(plan *rail.PlannedEvent) Train {
	line := ""
	if plan.Line != "" {
		line = squeeze(plan.Train.Category + plan.Line)
	}
	return Train{plan, [4]string{squeeze(plan.Train.Category + plan.Train.Number), line, squeeze(plan.Train.Number), squeeze(plan.Line)}}
}

// Trains are the events of a station on a day.
type Trains []Train

// Named are the events of a kind whose train has that name, by the surest name that
// any of them has.
func (t Trains) Named(train string, kind rail.EventKind) []*rail.PlannedEvent {
	wanted := squeeze(train)
	for i := range (Train{}).names {
		var found []*rail.PlannedEvent
		for _, c := range t {
			if c.Plan.Kind == kind && c.names[i] != "" && c.names[i] == wanted {
				found = append(found, c.Plan)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// Near are events of at most n trains whose names are nearest to what was asked.
func (t Trains) Near(train string, n int) []*rail.PlannedEvent {
	type candidate struct {
		plan     *rail.PlannedEvent
		distance int
	}
	wanted := squeeze(train)
	var found []candidate
	for _, c := range t {
		best := len(wanted)
		for _, name := range c.names {
			if name != "" {
				best = min(best, distance(wanted, name))
			}
		}
		if best <= max(1, len(wanted)/2) {
			found = append(found, candidate{c.Plan, best})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	seen := map[rail.Train]bool{}
	var near []*rail.PlannedEvent
	for _, c := range found {
		if len(near) < n && !seen[c.plan.Train] {
			seen[c.plan.Train] = true
			near = append(near, c.plan)
		}
	}
	return near
}

// Describe is an event in the words of a board: RE 4602 (54), departure at 11:05.
func Describe(p *rail.PlannedEvent) string {
	name := strings.TrimSpace(p.Train.Category + " " + p.Train.Number)
	if p.Line != "" {
		name += " (" + p.Line + ")"
	}
	return name + ", " + string(p.Kind) + " at " + p.Planned.In(rail.Berlin).Format("15:04")
}

// squeeze writes a train's name without what people write differently.
func squeeze(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '-' || r == '_' {
			return -1
		}
		return r
	}, strings.ToUpper(name))
}
