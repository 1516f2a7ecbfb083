package collect_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
)

// An ICE arrives at 11:20 German time and leaves at 11:24, an RE leaves at 11:40.
const (
	planAt10 = `<timetable station="Hanau Hbf"><s id="-11-2410290800-5"><tl f="F" c="ICE" n="71" o="80"/><ar pt="2410291120" pp="3"/><dp pt="2410291124" pp="3"/></s>
<s id="22-2410291140-1"><tl f="N" c="RE" n="50"/><dp pt="2410291140" pp="104" l="50"/></s></timetable>`
	planAt11 = `<timetable station="Hanau Hbf"><s id="33-2410291150-2"><tl f="S" c="S" n="8"/><ar pt="2410291210" pp="1"/></s></timetable>`

	iceSix   = `<timetable eva="8000150"><s id="-11-2410290800-5" eva="8000150"><ar ct="2410291126"/><dp ct="2410291128"/></s></timetable>`
	iceEight = `<timetable eva="8000150"><s id="-11-2410290800-5" eva="8000150"><ar ct="2410291128"/></s></timetable>`
	reOne    = `<timetable eva="8000150"><s id="22-2410291140-1" eva="8000150"><dp ct="2410291141"/></s></timetable>`
	nothing  = `<timetable eva="8000150"/>`
)

// morning is polled every two and a half minutes; one poll fails.
func morning() *book {
	return &book{
		plans: map[string]planned{"10:00:00": {body: planAt10}, "11:00:00": {body: planAt11}},
		full:  iceSix,
		polls: []poll{{at: "09:58:00", body: nothing}, {at: "10:00:30", body: nothing}, {at: "10:03:00", body: iceEight},
			{at: "10:05:30", fails: true}, {at: "10:08:00", body: reOne}, {at: "10:10:30", body: nothing}},
	}
}

func TestWindowWritesEverything(t *testing.T) {
	t.Parallel()
	source := morning()
	h := newHouse(t, source)
	result := h.window(t, "10:00:00", "10:10:00")
	// Hours 10 to 16 are asked for, 10 and 11 are there; the poll of 09:58 is no
	// answer of this window.
	want := schemas.CollectCounts{Responses: 6, Failed: 1, Missing: 5, Planned: 4, Changes: 4,
		Bytes: int64(len(planAt10) + len(planAt11) + len(iceSix) + len(nothing) + len(iceEight) + len(reOne))}
	if result.Counts != want {
		t.Errorf("counts %+v, want %+v", result.Counts, want)
	}
	raw := map[string]string{
		"plan/8000150/241029/11.xml": planAt10, "plan/8000150/241029/12.xml": planAt11, "fchg/8000150/2024-10-29T110000.xml": iceSix,
		"rchg/8000150/2024-10-29T110030.xml": nothing, "rchg/8000150/2024-10-29T110300.xml": iceEight, "rchg/8000150/2024-10-29T110800.xml": reOne,
	}
	if got := h.raw(t, result.Raw); !maps.Equal(got, raw) {
		t.Errorf("raw bundle %q,\nwant %q", got, raw)
	}
	wantPolls := []string{"10:00:00 fchg ok", "10:00:00 plan of 10 ok", "10:00:00 plan of 11 ok", "10:00:00 plan of 12 missing",
		"10:00:00 plan of 13 missing", "10:00:00 plan of 14 missing", "10:00:00 plan of 15 missing", "10:00:00 plan of 16 missing",
		"10:00:30 rchg ok", "10:03:00 rchg ok", "10:05:30 rchg failed", "10:08:00 rchg ok"}
	if got := h.polls(t); !slices.Equal(got, wantPolls) {
		t.Errorf("polls %q,\nwant %q", got, wantPolls)
	}
	delays := map[string]string{"-11-2410290800-5/arrival": "8", "-11-2410290800-5/departure": "4", "22-2410291140-1/departure": "1", "33-2410291150-2/arrival": "-"}
	if got := h.delays(t); !maps.Equal(got, delays) {
		t.Errorf("delays %v, want %v", got, delays)
	}
	if cursor := h.cursors.at[group]; !cursor.Equal(at("10:10:00")) {
		t.Errorf("cursor at %s", cursor)
	}
	// From 10:03:00 to 10:08:00: the failed poll does not count.
	covered := h.coverage(t)
	if len(covered) != 1 || covered[0].Polls != 4 || covered[0].LongestGapSeconds != 300 || !covered[0].PlanKnown || covered[0].Quarantined != 0 {
		t.Errorf("coverage %+v", covered)
	}
}

// An activity that is run again, before or after its cursor was moved, doubles
// nothing.
func TestRepeatedWindow(t *testing.T) {
	t.Parallel()
	source := morning()
	source.polls[4].body = `<timetable eva="8000150"><s><ar ct="2410291128"/></s></timetable>` // for the quarantine
	h := newHouse(t, source)
	first := h.window(t, "10:00:00", "10:10:00")
	before := h.rows(t)
	for name, cursor := range map[string]time.Time{"not moved": {}, "moved": at("10:10:00")} {
		h.cursors.at[group] = cursor
		again := h.window(t, "10:00:00", "10:10:00")
		if !reflect.DeepEqual(again, first) {
			t.Errorf("cursor %s: %+v, first %+v", name, again, first)
		}
		if after := h.rows(t); !maps.Equal(before, after) {
			t.Errorf("cursor %s: rows %v, first %v", name, after, before)
		}
	}
	want := map[string]uint64{"stop_plan": 4, "stop_change": 3, "poll": 12, "coverage": 1, "quarantine": 1}
	if !maps.Equal(before, want) {
		t.Errorf("rows %v, want %v", before, want)
	}
}

// What is missing is asked for again, what is known is not.
func TestNextWindow(t *testing.T) {
	t.Parallel()
	source := morning()
	source.plans["11:00:00"] = planned{body: planAt11, from: at("10:10:00")}
	h := newHouse(t, source)
	h.window(t, "10:00:00", "10:10:00")
	if got := h.delays(t); len(got) != 3 {
		t.Fatalf("known before the second plan: %v", got)
	}
	result := h.window(t, "10:10:00", "10:20:00")
	if want := (schemas.CollectCounts{Responses: 2, Missing: 5, Planned: 1, Bytes: int64(len(planAt11) + len(nothing))}); result.Counts != want {
		t.Errorf("counts %+v, want %+v", result.Counts, want)
	}
	if got := h.delays(t); got["33-2410291150-2/arrival"] != "-" || len(got) != 4 {
		t.Errorf("known after it: %v", got)
	}
	if n := source.count(timetables.CallFull); n != 1 {
		t.Errorf("fchg was asked %d times, want once: a recording forgets nothing", n)
	}
}

// A source that has no more polls goes on answering the last one.
func TestSourceThatEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	result := h.window(t, "10:09:00", "10:20:00")
	if got := h.polls(t); result.Counts.Responses != 4 || got[len(got)-1] != "10:10:30 rchg ok" {
		t.Errorf("counts %+v, polls %q; want two plans, fchg and the one poll of 10:10:30", result.Counts, got)
	}
}

// While nothing is answered nothing can be kept, but each poll is on record.
func TestOutage(t *testing.T) {
	t.Parallel()
	source := &book{polls: []poll{{at: "10:02:00", fails: true}, {at: "10:12:00", fails: true}, {at: "10:22:00", fails: true}}}
	h := newHouse(t, source)
	h.window(t, "10:00:00", "10:02:00") // fchg, and nothing else yet
	h.window(t, "10:02:00", "10:12:00")
	h.window(t, "10:12:00", "10:22:00")
	h.window(t, "10:22:00", "10:30:00")
	failed := 0
	for _, p := range h.polls(t) {
		if p == "10:02:00 rchg failed" || p == "10:12:00 rchg failed" || p == "10:22:00 rchg failed" {
			failed++
		}
	}
	if failed != 3 {
		t.Errorf("%d failed polls on record, want 3: %q", failed, h.polls(t))
	}
	if covered := h.coverage(t); len(covered) != 1 || covered[0].LongestGapSeconds != 22*60 {
		t.Errorf("coverage %+v, want a gap of 22 minutes", covered)
	}
}

// Nothing was polled from 10:08 to 12:20: the gap is seen in all three hours,
// once the first answer after it has come.
func TestGapIsCovered(t *testing.T) {
	t.Parallel()
	source := morning()
	source.polls = append(source.polls[:5], poll{at: "12:20:00", body: nothing}, poll{at: "12:50:00", body: nothing})
	h := newHouse(t, source)
	h.window(t, "10:00:00", "10:10:00")
	h.window(t, "12:15:00", "13:00:00")
	var gaps []uint32
	var known []bool
	for _, hour := range h.coverage(t) {
		gaps, known = append(gaps, hour.LongestGapSeconds), append(known, hour.PlanKnown)
	}
	// 10:08 to 11:00, all of the next hour, 12:20 to 12:50.
	if want := []uint32{52 * 60, 3600, 30 * 60}; !slices.Equal(gaps, want) || !slices.Equal(known, []bool{true, true, false}) {
		t.Errorf("gaps %v, plans known %v; want %v", gaps, known, want)
	}
}

// A live source has no past: one poll a window, and after a gap all known changes.
func TestLiveSource(t *testing.T) {
	t.Parallel()
	source := morning()
	source.polls = []poll{{at: "10:00:00", body: nothing}, {at: "10:01:00", body: nothing}, {at: "10:20:00", body: iceEight}, {at: "10:21:00", fails: true}, {at: "10:23:30", body: nothing}}
	h := newHouse(t, source)
	h.Past = false
	steps := []struct {
		from, to string
		full     int
		why      string
	}{
		{"09:59:00", "10:00:00", 1, "the first poll"},
		{"10:00:00", "10:01:00", 1, "a minute later"},
		{"10:01:00", "10:20:00", 2, "nineteen minutes later"},
		{"10:20:00", "10:21:00", 2, "a minute later, without an answer"},
		{"10:21:00", "10:23:30", 3, "two and a half minutes later, three and a half after the last answer"},
	}
	for _, step := range steps {
		h.Clock = fixedClock(at(step.to))
		h.window(t, step.from, step.to)
		if n := source.count(timetables.CallFull); n != step.full {
			t.Errorf("%s: fchg was asked %d times, want %d", step.why, n, step.full)
		}
	}
	if n := source.count(timetables.CallRecent); n != len(steps)+3 {
		t.Errorf("rchg was asked %d times, want %d and three times more where it failed", n, len(steps))
	}
}

func TestBadWindows(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	for name, in := range map[string]schemas.CollectWindowInput{
		"empty": {}, "no group": {Window: schemas.Window{From: at("10:00:00"), To: at("11:00:00")}},
		"ends where it begins": {Group: group, Window: schemas.Window{From: at("10:00:00"), To: at("10:00:00")}},
	} {
		if _, err := h.CollectWindow(t.Context(), in); failureType(err) != schemas.FailureInvalidInput {
			t.Errorf("%s: %v", name, err)
		}
	}
	if rows := h.rows(t); rows["poll"] != 0 {
		t.Errorf("rows %v", rows)
	}
}

// A group without stations collects nothing, whatever others have collected.
func TestGroupWithoutStations(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	h.window(t, "10:00:00", "10:10:00")
	h.Stations = func(context.Context, string) ([]rail.Station, error) { return nil, nil }
	result, err := h.CollectWindow(t.Context(), schemas.CollectWindowInput{Group: "empty", Window: schemas.Window{From: at("10:10:00"), To: at("10:20:00")}})
	must(t, err)
	if result.Counts != (schemas.CollectCounts{}) {
		t.Errorf("%+v", result)
	}
}
