package rail_test

import (
	"testing"
	"time"

	"puenktlich/internal/rail"
)

func utc(t testing.TB, s string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

// Clocks went back at 01:00 UTC of 27 October 2024 and forward at 01:00 UTC of
// 31 March 2024 (Directive 2000/84/EC).
func TestParseTime(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, wire, near, want string }{
		{"summer", "2407011200", "", "2024-07-01T10:00:00Z"},
		{"winter", "2410291548", "", "2024-10-29T14:48:00Z"},
		{"winter, whatever is near", "2410291548", "2020-01-01T00:00:00Z", "2024-10-29T14:48:00Z"},
		{"leap day", "2402290000", "", "2024-02-28T23:00:00Z"},
		{"last minute before the repeated hour", "2410270159", "", "2024-10-26T23:59:00Z"},
		{"repeated hour without a hint", "2410270230", "", "2024-10-27T00:30:00Z"},
		{"repeated hour, an hour before is nearer to the first", "2410270230", "2024-10-26T23:30:00Z", "2024-10-27T00:30:00Z"},
		{"repeated hour, near the first", "2410270230", "2024-10-27T00:59:59Z", "2024-10-27T00:30:00Z"},
		{"repeated hour, in the middle the first", "2410270230", "2024-10-27T01:00:00Z", "2024-10-27T00:30:00Z"},
		{"repeated hour, near the second", "2410270230", "2024-10-27T01:00:01Z", "2024-10-27T01:30:00Z"},
		{"repeated hour, a day after", "2410270230", "2024-10-28T12:00:00Z", "2024-10-27T01:30:00Z"},
		{"first minute of the repeated hour", "2410270200", "2024-10-27T02:00:00Z", "2024-10-27T01:00:00Z"},
		{"last minute of the repeated hour", "2410270259", "2024-10-27T00:00:00Z", "2024-10-27T00:59:00Z"},
		{"first minute after the repeated hour", "2410270300", "2024-10-27T00:00:00Z", "2024-10-27T02:00:00Z"},
		{"last minute before the spring hour", "2403310159", "", "2024-03-31T00:59:00Z"},
		{"first minute after the spring hour", "2403310300", "", "2024-03-31T01:00:00Z"},
		{"turn of the year", "2412312359", "", "2024-12-31T22:59:00Z"},
	}
	for _, test := range tests {
		var near time.Time
		if test.near != "" {
			near = utc(t, test.near)
		}
		got, err := rail.ParseTime(test.wire, near)
		if err != nil || !got.Equal(utc(t, test.want)) || got.Location() != time.UTC {
			t.Errorf("%s: %s near %q is %v, %v; want %s", test.name, test.wire, test.near, got, err, test.want)
			continue
		}
		if back := rail.FormatTime(got); back != test.wire {
			t.Errorf("%s: %s is written back as %s", test.name, test.wire, back)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"2403310200":  `time "2403310200": does not exist in German local time (clock change)`,
		"2403310259":  `time "2403310259": does not exist in German local time (clock change)`,
		"2503300230":  `time "2503300230": does not exist in German local time (clock change)`,
		"":            `time "": want ten digits YYMMDDHHMM`,
		"241029154":   `time "241029154": want ten digits YYMMDDHHMM`,
		"24102915480": `time "24102915480": want ten digits YYMMDDHHMM`,
		"2410292548":  `time "2410292548": want ten digits YYMMDDHHMM`,
		"2413011200":  `time "2413011200": want ten digits YYMMDDHHMM`,
		"2302291200":  `time "2302291200": want ten digits YYMMDDHHMM`,
		"24102915 8":  `time "24102915 8": want ten digits YYMMDDHHMM`,
	}
	for wire, want := range tests {
		got, err := rail.ParseTime(wire, time.Time{})
		if err == nil || err.Error() != want || !got.IsZero() {
			t.Errorf("%q: %v, %v; want %s", wire, got, err, want)
		}
	}
}
