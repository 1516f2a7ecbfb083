package monitor

import (
	"fmt"
	"math"

	"puenktlich/schemas"
)

// board gathers a night's signals by name.
type board map[schemas.SignalName]schemas.Signal

// measured sets a signal's value; NaN is none, and why then says so.
func (b board) measured(name schemas.SignalName, value float64, events int, why string) {
	s := schemas.Signal{Name: name, Value: exists(value), Events: events}
	if s.Value == nil {
		s.Note = why
	}
	b[name] = s
}

// missing sets a signal without a value.
func (b board) missing(name schemas.SignalName, format string, args ...any) {
	b[name] = schemas.Signal{Name: name, Note: fmt.Sprintf(format, args...)}
}

// bounded adds an interval to a signal that has a value.
func (b board) bounded(name schemas.SignalName, low, high float64) {
	if s := b[name]; s.Value != nil && !math.IsNaN(low) && !math.IsNaN(high) {
		s.Low, s.High = exists(low), exists(high)
		b[name] = s
	}
}

// limited adds how far reference days went, uncertain where they were too few
// weeks to know the seasons.
func (b board) limited(name schemas.SignalName, limit float64, uncertain bool) {
	s := b[name]
	s.Limit, s.Uncertain = exists(limit), uncertain
	b[name] = s
}

// note adds a sentence to a signal.
func (b board) note(name schemas.SignalName, format string, args ...any) {
	s := b[name]
	if s.Note != "" {
		s.Note += "; "
	}
	s.Name, s.Note = name, s.Note+fmt.Sprintf(format, args...)
	b[name] = s
}

// list answers every signal once, in the order of their names' list.
func (b board) list() []schemas.Signal {
	all := make([]schemas.Signal, 0, len(schemas.SignalNames()))
	for _, name := range schemas.SignalNames() {
		s, found := b[name]
		if !found {
			s = schemas.Signal{Name: name, Note: "not measured"}
		}
		all = append(all, s)
	}
	return all
}

// ratio is NaN unless both exist and the second is positive.
func ratio(a, b *float64) float64 {
	if a == nil || b == nil || *b <= 0 {
		return math.NaN()
	}
	return *a / *b
}

// exists is nil for a figure that does not exist, which JSON cannot carry.
func exists(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// number replaces a statistic that does not exist, which JSON cannot carry.
func number(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
