package history

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"puenktlich/internal/rail"
)

// values are the columns of some rows, whatever file they stand in.
type values interface {
	// text is a value as it stands, empty for a missing one. The caller may keep it.
	text(name string, i int) string
	// has says that a value is there.
	has(name string, i int) bool
	// flag is false for a missing value.
	flag(name string, i int) (bool, error)
	// time is the zero time for a missing value. Where German clocks showed it
	// twice it is the instant nearest to near.
	time(name string, i int, near time.Time) (time.Time, error)
	// label is what the file calls a column, line where a row stands in it, 0
	// where it has no lines.
	label(name string) string
	line(i int) int64
}

// cells are the values of a Parquet file.
type cells map[string]arrow.Array

func (c cells) release() {
	for _, column := range c {
		column.Release()
	}
}

// text copies: the cells are let go.
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

func (c cells) has(name string, i int) bool {
	column := c[name]
	if column.DataType().ID() == arrow.TIMESTAMP {
		return column.IsValid(i)
	}
	return c.text(name, i) != ""
}

func (c cells) flag(name string, i int) (bool, error) {
	column := c[name].(*array.Boolean)
	return column.IsValid(i) && column.Value(i), nil
}

func (c cells) label(name string) string { return name }
func (c cells) line(int) int64           { return 0 }

// time reads German local time.
func (c cells) time(name string, i int, near time.Time) (time.Time, error) {
	if !c.has(name, i) {
		return time.Time{}, nil
	}
	if stamps, is := c[name].(*array.Timestamp); is {
		return instant(wallOf(stamps, i), near)
	}
	value := c.text(name, i)
	for _, layout := range wallLayouts() {
		if wall, err := time.Parse(layout, value); err == nil { // fractions of a second are read by every layout with seconds
			return instant(wall, near)
		}
	}
	return time.Time{}, errors.New("want German local time without zone, such as 2024-10-29 15:48:00")
}

// wallLayouts are the forms in which releases write local times as text.
func wallLayouts() []string {
	return []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", wire}
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
	if err := sane(wall); err != nil {
		return time.Time{}, err
	}
	return rail.ParseTime(wall.Format(wire), near)
}

// sane refuses what no timetable says.
func sane(t time.Time) error {
	switch {
	case t.Year() < firstYear || t.Year() > lastYear:
		return fmt.Errorf("year %d: want %d to %d", t.Year(), firstYear, lastYear)
	case !t.Equal(t.Truncate(time.Minute)):
		return errors.New("want whole minutes")
	}
	return nil
}
