package vectors

import (
	"fmt"
	"slices"
	"strings"
)

// HorizonColumn is the one input beside the features: minutes from the forecast
// to the planned event, for which the calibration is chosen. Where it is left
// out, the feature of the name in horizonFeature stands for it.
const HorizonColumn = "horizon_minutes"

const horizonFeature = "horizon"

// Names of outputs; EdgeColumn names the others.
const (
	OnTimeColumn    = "p_on_time"
	CancelledColumn = "p_cancelled"
)

// EdgeColumn names P(delay <= edge | runs).
func EdgeColumn(edgeMinutes int) string { return fmt.Sprintf("p_delay_at_most_%d_min", edgeMinutes) }

// OutputColumns are the columns of a forecast, all float64, the same as in the
// signature of a model package.
func OutputColumns(edgesMinutes []int) []string {
	names := []string{OnTimeColumn, CancelledColumn}
	for _, edge := range edgesMinutes {
		names = append(names, EdgeColumn(edge))
	}
	return names
}

// MaxRows bounds the rows of one message: a request body, or a record batch of
// a stream.
const MaxRows = 100_000

// Error says what is wrong with what was sent, in a sentence for the sender.
type Error struct {
	Detail string
	// TooLarge: right as such, but more than is taken at once.
	TooLarge bool
}

// Error is the detail.
func (e *Error) Error() string { return e.Detail }

// Wrong makes an error.
func Wrong(format string, args ...any) error { return &Error{Detail: fmt.Sprintf(format, args...)} }

// TooLarge makes an error about an amount.
func TooLarge(format string, args ...any) error {
	return &Error{Detail: fmt.Sprintf(format, args...), TooLarge: true}
}

// Layout is the columns of a model's input. It does not change.
type Layout struct {
	features []string
	index    map[string]int
	horizon  int // index of the feature that can stand for HorizonColumn, else -1
}

// NewLayout is the layout of a model with these features.
func NewLayout(features []string) *Layout {
	l := &Layout{features: features, index: make(map[string]int, len(features)+1), horizon: slices.Index(features, horizonFeature)}
	for i, name := range features {
		l.index[name] = i
	}
	l.index[HorizonColumn] = len(features)
	return l
}

// Features are the columns of a vector, in order.
func (l *Layout) Features() []string { return l.features }

// Width is the number of features.
func (l *Layout) Width() int { return len(l.features) }

// Inputs are all columns, HorizonColumn first.
func (l *Layout) Inputs() []string { return append([]string{HorizonColumn}, l.features...) }

// Horizon is the index of HorizonColumn among the columns of a Table, after
// those of the features.
func (l *Layout) Horizon() int { return len(l.features) }

// Lookup finds a column's index in a Table.
func (l *Layout) Lookup(name []byte) (int, bool) {
	i, found := l.index[string(name)]
	return i, found
}

// Column is Lookup with an error that names columns that may have been meant.
func (l *Layout) Column(name string) (int, error) {
	if i, found := l.index[name]; found {
		return i, nil
	}
	if name == "" {
		return 0, Wrong("a column has no name; write the table without its index")
	}
	return 0, Wrong("column %.64q is none of the model%s", name, l.near(name))
}

// near says which columns share most with a name.
func (l *Layout) near(name string) string {
	var found []string
	for _, known := range l.Inputs() {
		if strings.Contains(known, name) || strings.Contains(name, known) || strings.EqualFold(known, name) {
			found = append(found, known)
		}
	}
	if len(found) == 0 {
		return fmt.Sprintf(", which takes %s and %d features from %s to %s", HorizonColumn, len(l.features), l.features[0], l.features[len(l.features)-1])
	}
	return ": is " + strings.Join(found[:min(len(found), 3)], " or ") + " meant?"
}

// Check says whether the given columns (indices in a Table) are enough: every
// feature once, and a horizon.
func (l *Layout) Check(given []bool) error {
	var missing []string
	for i, name := range l.features {
		if !given[i] {
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) > 0:
		return Wrong("%d of %d columns are missing: %s; a value that is not known is NaN or null, its column is still there", len(missing), len(l.features), list(missing))
	case !given[len(l.features)] && l.horizon < 0:
		return Wrong("column %s is missing", HorizonColumn)
	}
	return nil
}

func list(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
