package rail

import (
	"fmt"
	"time"
)

const wireLayout = "0601021504"

// ParseTime reads the wire's YYMMDDHHMM, German local time without a zone, and
// answers UTC. In the repeated hour of the autumn change it takes the instant
// nearest to near (the zero time takes the first, summer time). A time in the
// hour that the spring change leaves out is an error: it does not exist.
func ParseTime(s string, near time.Time) (time.Time, error) {
	if len(s) != len(wireLayout) {
		return time.Time{}, fmt.Errorf("time %q: want ten digits YYMMDDHHMM", s)
	}
	wall, err := time.Parse(wireLayout, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %q: want ten digits YYMMDDHHMM", s)
	}
	// Germany is one hour (winter) or two (summer) ahead of UTC.
	summer, winter := wall.Add(-2*time.Hour), wall.Add(-time.Hour)
	summerHolds, winterHolds := ahead(summer) == 2*time.Hour, ahead(winter) == time.Hour
	switch {
	case summerHolds && winterHolds:
		if !near.IsZero() && near.Sub(winter).Abs() < near.Sub(summer).Abs() {
			return winter, nil
		}
		return summer, nil
	case summerHolds:
		return summer, nil
	case winterHolds:
		return winter, nil
	}
	return time.Time{}, fmt.Errorf("time %q: does not exist in German local time (clock change)", s)
}

// ahead is how far Germany is before UTC at an instant.
func ahead(t time.Time) time.Duration {
	_, seconds := t.In(Berlin).Zone()
	return time.Duration(seconds) * time.Second
}

// FormatTime writes t as the wire does: YYMMDDHHMM in German local time.
func FormatTime(t time.Time) string { return t.In(Berlin).Format(wireLayout) }
