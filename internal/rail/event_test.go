package rail_test

import (
	"reflect"
	"testing"

	"puenktlich/internal/rail"
)

func TestStopID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		id      rail.StopID
		want    rail.StopRef
		trip    string
		service rail.Day
	}{
		{"4979190132474834203-2410290548-3", rail.StopRef{TripHash: "4979190132474834203", Start: "2410290548", Index: 3}, "4979190132474834203-2410290548", "2024-10-29"},
		{"-4979190132474834203-2410290548-12", rail.StopRef{TripHash: "-4979190132474834203", Start: "2410290548", Index: 12}, "-4979190132474834203-2410290548", "2024-10-29"},
		// A trip that begins before midnight belongs to the day it began on.
		{"-1-2410292359-20", rail.StopRef{TripHash: "-1", Start: "2410292359", Index: 20}, "-1-2410292359", "2024-10-29"},
		{"7-2410270230-1", rail.StopRef{TripHash: "7", Start: "2410270230", Index: 1}, "7-2410270230", "2024-10-27"},
	}
	for _, test := range tests {
		got, err := test.id.Parse()
		if err != nil || got != test.want || got.Trip() != test.trip {
			t.Errorf("%s: %+v of trip %s, %v", test.id, got, got.Trip(), err)
		}
		if day, err := got.ServiceDay(); err != nil || day != test.service {
			t.Errorf("%s: service day %s, %v; want %s", test.id, day, err, test.service)
		}
	}
}

func TestBadStopID(t *testing.T) {
	t.Parallel()
	for _, id := range []rail.StopID{
		"", "-", "--", "---", "1", "-1", "1-2410290548", "-1-2410290548", "-2410290548-3", "1-2410290548-", "1-2410290548-x",
		"1-241029054-3", "1-24102905480-3", "1-2410290548-3 ", "1-241029O548-3", "1-2410290548-+3", "1-2410290548--3",
		"1-2410290548-99999999999999999999", "1_2410290548_3",
	} {
		got, err := id.Parse()
		want := `stop id "` + string(id) + `": want tripHash-YYMMDDHHMM-index`
		if err == nil || err.Error() != want {
			t.Errorf("%q: %+v, %v; want an error", id, got, err)
		}
	}
}

func TestServiceDayOfAStartThatDoesNotExist(t *testing.T) {
	t.Parallel()
	ref, err := rail.StopID("1-2403310230-1").Parse()
	if err != nil {
		t.Fatal(err)
	}
	day, err := ref.ServiceDay()
	if err == nil || day != "" {
		t.Errorf("service day %q, %v; want an error: that minute was left out", day, err)
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	for wire, want := range map[string][]string{
		"":                       nil,
		"Hanau Hbf":              {"Hanau Hbf"},
		"Mannheim Hbf|Köln Hbf":  {"Mannheim Hbf", "Köln Hbf"},
		"Berlin Südkreuz||Halle": {"Berlin Südkreuz", "", "Halle"},
	} {
		got := rail.SplitPath(wire)
		if !reflect.DeepEqual(got, want) || rail.JoinPath(got) != wire {
			t.Errorf("%q: %q", wire, got)
		}
	}
}

func TestStatusThen(t *testing.T) {
	t.Parallel()
	const p, a, c = rail.StatusPlanned, rail.StatusAdded, rail.StatusCancelled
	for _, test := range []struct{ older, newer, want rail.EventStatus }{
		{"", "", ""}, {"", c, c}, {c, "", c}, {c, p, p}, {c, a, c}, {a, c, c}, {p, a, a}, {a, p, p}, {p, c, c}, {"", a, a},
	} {
		if got := test.older.Then(test.newer); got != test.want {
			t.Errorf("%q then %q: %q, want %q", test.older, test.newer, got, test.want)
		}
	}
}
