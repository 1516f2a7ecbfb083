package feature

import "strings"

const (
	// longestMinutes bounds every span of time: a week. What lies further off is
	// no delay, but a time that was read wrongly.
	longestMinutes = 7 * 24 * 60
	// longestMessageMinutes bounds the age of a message, which may announce
	// works for months.
	longestMessageMinutes = 366 * 24 * 60
	// mostCount bounds what is counted of one event, trip or station and hour.
	mostCount = 10_000
)

// Range bounds every known value, ends included. It follows from the unit; a
// value outside is a fault of a computation or a time that was read wrongly.
func (f Feature) Range() (low, high float64) {
	switch {
	case f.Name == "reason_age":
		return -longestMinutes, longestMessageMinutes
	case f.Name == "path_change":
		return -mostCount, mostCount // a difference of counts
	}
	switch f.Unit {
	case Flag, Share:
		return 0, 1
	case Excess:
		return -1, 1
	case Count:
		return 0, mostCount
	}
	return -longestMinutes, longestMinutes
}

// joint separates in Meaning what a value says from when there is none.
const joint = "NaN "

// Missing is the condition under which the value is not known; false for a
// feature that always is.
func (f Feature) Missing() (when string, may bool) {
	_, when, may = strings.Cut(f.Meaning, joint)
	return strings.TrimSuffix(when, "."), may
}

// WhenKnown is the meaning of a known value.
func (f Feature) WhenKnown() string {
	known, _, may := strings.Cut(f.Meaning, joint)
	if !may {
		return f.Meaning
	}
	return strings.TrimSuffix(strings.TrimSpace(known), ";") + "."
}
