package rail_test

import (
	"slices"
	"testing"
	"time"

	"puenktlich/internal/rail"
)

func TestDayBounds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		day        rail.Day
		start, end string
		hours      time.Duration
	}{
		{"2024-07-01", "2024-06-30T22:00:00Z", "2024-07-01T22:00:00Z", 24},
		{"2024-10-27", "2024-10-26T22:00:00Z", "2024-10-27T23:00:00Z", 25},
		{"2024-10-30", "2024-10-29T23:00:00Z", "2024-10-30T23:00:00Z", 24},
		{"2024-03-31", "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z", 23},
		{"2024-12-31", "2024-12-30T23:00:00Z", "2024-12-31T23:00:00Z", 24},
	}
	for _, test := range tests {
		start, end := test.day.Start(), test.day.End()
		if !start.Equal(utc(t, test.start)) || !end.Equal(utc(t, test.end)) || end.Sub(start) != test.hours*time.Hour {
			t.Errorf("%s: %s to %s, want %s to %s", test.day, start, end, test.start, test.end)
		}
		if got := rail.DayOf(start); got != test.day {
			t.Errorf("the first instant of %s is of %s", test.day, got)
		}
		if got := rail.DayOf(end.Add(-time.Nanosecond)); got != test.day {
			t.Errorf("the last instant of %s is of %s", test.day, got)
		}
	}
}

func TestDayArithmetic(t *testing.T) {
	t.Parallel()
	tests := []struct {
		day  rail.Day
		n    int
		want rail.Day
	}{
		{"2024-10-26", 1, "2024-10-27"}, {"2024-10-27", 1, "2024-10-28"}, {"2024-10-28", -1, "2024-10-27"}, {"2024-10-28", -2, "2024-10-26"},
		{"2024-03-30", 1, "2024-03-31"}, {"2024-03-31", 1, "2024-04-01"}, {"2024-04-01", -1, "2024-03-31"},
		{"2024-02-28", 1, "2024-02-29"}, {"2023-02-28", 1, "2023-03-01"}, {"2024-12-31", 1, "2025-01-01"}, {"2024-10-29", 0, "2024-10-29"},
		{"2024-01-01", 366, "2025-01-01"},
	}
	for _, test := range tests {
		if got := test.day.Add(test.n); got != test.want {
			t.Errorf("%s and %d days: %s, want %s", test.day, test.n, got, test.want)
		}
	}
	if got := rail.Days("2024-10-26", "2024-10-29"); !slices.Equal(got, []rail.Day{"2024-10-26", "2024-10-27", "2024-10-28"}) {
		t.Errorf("days over the autumn change: %v", got)
	}
	if got := rail.Days("2024-10-29", "2024-10-29"); got != nil {
		t.Errorf("days of an empty range: %v", got)
	}
}

func TestParseDay(t *testing.T) {
	t.Parallel()
	if day, err := rail.ParseDay("2024-02-29"); err != nil || day != "2024-02-29" {
		t.Errorf("%s, %v", day, err)
	}
	for _, bad := range []string{"", "2024-2-9", "2023-02-29", "24-10-29", "2024-10-29T00:00:00Z", "29.10.2024", "2024-10-29 "} {
		if day, err := rail.ParseDay(bad); err == nil || day != "" {
			t.Errorf("%q: %q, %v; want an error", bad, day, err)
		}
	}
}

// A day's counts are known three hours after its end.
func TestHistoryBefore(t *testing.T) {
	t.Parallel()
	tests := []struct {
		cutoff string
		want   rail.Day
	}{
		{"2024-10-29T23:00:00Z", "2024-10-29"}, // midnight of the 30th: the 29th is not known
		{"2024-10-30T01:59:59Z", "2024-10-29"},
		{"2024-10-30T02:00:00Z", "2024-10-30"}, // three in the morning
		{"2024-10-30T22:59:59Z", "2024-10-30"},
		{"2024-07-01T00:59:59Z", "2024-06-30"},
		{"2024-07-01T01:00:00Z", "2024-07-01"},
		{"2024-10-27T00:59:59Z", "2024-10-26"}, // three hours after midnight the clock shows two for the second time
		{"2024-10-27T01:00:00Z", "2024-10-27"},
		{"2024-03-31T01:59:59Z", "2024-03-30"},
		{"2024-03-31T02:00:00Z", "2024-03-31"},
	}
	for _, test := range tests {
		cutoff := utc(t, test.cutoff)
		got := rail.HistoryBefore(cutoff)
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.cutoff, got, test.want)
		}
		if known := got.Start().Add(rail.HistoryDelay); known.After(cutoff) {
			t.Errorf("%s uses days before %s, which are known from %s on", test.cutoff, got, known)
		}
	}
}
