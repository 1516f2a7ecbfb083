package rail

import (
	"fmt"
	"time"
	_ "time/tzdata" // the zone must exist in an image without a zone database
)

// Berlin is the zone of every time on the wire and of every service day.
var Berlin = mustZone("Europe/Berlin")

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic("rail: zone " + name + " is compiled in: " + err.Error())
	}
	return zone
}

// Day is a calendar day in German local time, written 2006-01-02, so that
// days compare and sort as strings.
type Day string

const dayLayout = "2006-01-02"

// DayOf is the German calendar day that holds t.
func DayOf(t time.Time) Day { return Day(t.In(Berlin).Format(dayLayout)) }

// ParseDay reads 2006-01-02.
func ParseDay(s string) (Day, error) {
	if _, err := time.ParseInLocation(dayLayout, s, Berlin); err != nil {
		return "", fmt.Errorf("day %q: want YYYY-MM-DD", s)
	}
	return Day(s), nil
}

// Start is the first instant of the day, in UTC.
func (d Day) Start() time.Time {
	t, err := time.ParseInLocation(dayLayout, string(d), Berlin)
	if err != nil {
		panic(fmt.Sprintf("rail: day %q was not made by ParseDay or DayOf", string(d)))
	}
	return t.UTC()
}

// End is the first instant of the next day, in UTC.
func (d Day) End() time.Time { return d.Add(1).Start() }

// Add moves by n calendar days; a day of the clock change counts as one.
func (d Day) Add(n int) Day {
	return Day(d.Start().In(Berlin).AddDate(0, 0, n).Format(dayLayout))
}

// Days lists from (inclusive) to to (exclusive).
func Days(from, to Day) []Day {
	var days []Day
	for d := from; d < to; d = d.Add(1) {
		days = append(days, d)
	}
	return days
}

// HistoryBefore bounds the history of a cut-off: the counts of days before it
// are known. A day counts from three in the morning of the next, when nearly
// all its truth has settled.
func HistoryBefore(cutoff time.Time) Day { return DayOf(cutoff.Add(-HistoryDelay)) }

// HistoryDelay is how long after its end a day enters the history.
const HistoryDelay = 3 * time.Hour
