package history

import (
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"puenktlich/internal/rail"
)

// cells are the columns of some rows.
type cells map[string]arrow.Array

func (c cells) release() {
	for _, column := range c {
		column.Release()
	}
}

// text is a value as it stands; empty for a missing one. It is a copy: the
// cells are let go.
func (c cells) text(name string, i int) string {
	column := c[name]
	if column.DataType().ID() == arrow.NULL || column.IsNull(i) {
		return ""
	}
	if stamps, is := column.(*array.Timestamp); is {
		return wallOf(stamps, i).Format("2006-01-02 15:04:05.999999999")
	}
	return strings.Clone(column.ValueStr(i))
}

// has says that a value is there.
func (c cells) has(name string, i int) bool {
	column := c[name]
	if column.DataType().ID() == arrow.TIMESTAMP {
		return column.IsValid(i)
	}
	return c.text(name, i) != ""
}

// flag is false for a missing value.
func (c cells) flag(name string, i int) bool {
	column := c[name].(*array.Boolean)
	return column.IsValid(i) && column.Value(i)
}

// time reads a German local time; the zero time for a missing one. Of two
// instants it takes the one nearest to near.
func (c cells) time(name string, i int, near time.Time) (time.Time, error) {
	if !c.has(name, i) {
		return time.Time{}, nil
	}
	if stamps, is := c[name].(*array.Timestamp); is {
		return instant(wallOf(stamps, i), near)
	}
	value := c.text(name, i)
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", wire} {
		if wall, err := time.Parse(layout, value); err == nil { // fractions of a second are read by every layout with seconds
			return instant(wall, near)
		}
	}
	return time.Time{}, fmt.Errorf("want German local time without zone, such as 2024-10-29 15:48:00")
}

// wallOf is a timestamp without zone as what a clock showed.
func wallOf(stamps *array.Timestamp, i int) time.Time {
	return stamps.Value(i).ToTime(stamps.DataType().(*arrow.TimestampType).Unit)
}

// wire is how the API writes times.
const wire = "0601021504"

// Years that two digits can name.
const (
	firstYear = 2000
	lastYear  = 2068
)

// instant is the moment at which German clocks showed a time.
func instant(wall, near time.Time) (time.Time, error) {
	switch {
	case wall.Year() < firstYear || wall.Year() > lastYear:
		return time.Time{}, fmt.Errorf("year %d: want %d to %d", wall.Year(), firstYear, lastYear)
	case !wall.Equal(wall.Truncate(time.Minute)):
		return time.Time{}, fmt.Errorf("want whole minutes")
	}
	return rail.ParseTime(wall.Format(wire), near)
}
