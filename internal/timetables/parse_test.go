package timetables_test

import (
	"reflect"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

// utc reads 2006-01-02 15:04.
func utc(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func parseClean(t *testing.T, kind timetables.CallKind, polled time.Time, body string) timetables.Result {
	t.Helper()
	call := timetables.Call{Kind: kind, EVA: 8000150, Hour: polled.Truncate(time.Hour)}
	result := timetables.Parse([]byte(body), timetables.Origin{Call: call, PolledAt: polled})
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	return result
}

// An intercity calls at Hanau on its way; a coupled train and the train set's
// next run are named.
func TestPlannedStop(t *testing.T) {
	t.Parallel()
	polled := utc(t, "2024-07-01 08:00")
	result := parseClean(t, timetables.CallPlan, polled, `<?xml version='1.0' encoding='UTF-8'?>
<timetable station='Hanau Hbf'>
 <s id="-42-2407010850-3">
  <ar pt="2407011012" pp="5" ppth="Erfurt Hbf|Fulda" wings="-43-2407010850"/>
  <dp pt="2407011014" pp="5" l="50" hi="1" pde="Basel" ppth="Frankfurt(Main)Süd" tra="77-2407011200-1"/>
  <tl f="F" t="p" o="80" c="IC" n="2152"/>
  <ref><tl f="S" t="p" o="X" c="S" n="9"/></ref>
 </s>
</timetable>`)
	arrival := rail.PlannedEvent{
		EVA: 8000150, Stop: "-42-2407010850-3", Kind: rail.Arrival, Trip: "-42-2407010850",
		ServiceDay: "2024-07-01", Index: 3,
		Train:   rail.Train{Category: "IC", Number: "2152", Operator: "80", Class: rail.LongDistance},
		Planned: utc(t, "2024-07-01 08:12"), Platform: "5", Path: []string{"Erfurt Hbf", "Fulda"},
		Wings: "-43-2407010850", PolledAt: polled,
	}
	departure := arrival
	departure.Kind, departure.Line, departure.Planned = rail.Departure, "50", utc(t, "2024-07-01 08:14")
	departure.Path, departure.Wings, departure.NextTrip = []string{"Frankfurt(Main)Süd"}, "", "77-2407011200-1"
	if want := []rail.PlannedEvent{arrival, departure}; !reflect.DeepEqual(result.Planned, want) {
		t.Errorf("got\n%+v\nwant\n%+v", result.Planned, want)
	}
	if result.Station != "Hanau Hbf" || result.Stops != 1 || result.Events != 2 || len(result.UnknownAttributes) != 0 {
		t.Errorf("station %q, %d stops, %d events, unknown %v", result.Station, result.Stops, result.Events, result.UnknownAttributes)
	}
}

// The wire names no class for some operators, and an S-Bahn ends here.
func TestPlannedStopWithoutClass(t *testing.T) {
	t.Parallel()
	result := parseClean(t, timetables.CallPlan, utc(t, "2024-07-01 08:00"),
		`<timetable><s id="1-2407010850-3"><tl t="p" o="X" c="HLB" n="1"/><ar pt="2407011012"/></s></timetable>`)
	event := result.Planned[0]
	if len(result.Planned) != 1 || event.Train.Class != rail.ClassUnknown || event.Path != nil {
		t.Errorf("got %+v", result.Planned)
	}
}

// A train is added in place of another, which its ref names; a message of the
// stop follows that of the arrival.
func TestAddedTrain(t *testing.T) {
	t.Parallel()
	polled := utc(t, "2024-10-29 11:00")
	result := parseClean(t, timetables.CallRecent, polled, `<timetable station="Hanau Hbf" eva="8000151">
 <m id="r0" t="h" ts="2410290900" from="2410290900" to="2410291900" cat="Information" pr="2"/>
 <s id="-760-2410290802-101" eva="8000150">
  <m id="r1" t="h" from="2410290802" to="2410291236" cat="Information" ts="2410282304" ts-tts="24-10-28 23:04:08.443" pr="3"/>
  <ar ppth="Fulda" pp="6" ps="a" ct="2410291256" pt="2410291236" cp="8" l="50" cpth="Gotha|Fulda">
   <m id="r2" t="d" c="36" ts="2410282146" ts-tts="24-10-28 21:46:57.075" del="1"/>
  </ar>
  <tl f="F" t="e" o="80" c="ICE" n="2910"/>
  <ref><tl f="F" t="p" o="80" c="ICE" n="1652"/></ref>
 </s>
</timetable>`)
	want := []rail.Change{{
		EVA: 8000150, Stop: "-760-2410290802-101", Kind: rail.Arrival, PolledAt: polled,
		Planned: utc(t, "2024-10-29 11:36"), Changed: utc(t, "2024-10-29 11:56"),
		Platform: "8", Status: rail.StatusAdded, Path: "Gotha|Fulda", Line: "50",
		PlannedPlatform: "6", PlannedPath: "Fulda",
		Train: rail.Train{Category: "ICE", Number: "2910", Operator: "80", Class: rail.LongDistance},
		Messages: []rail.Message{
			{ID: "r2", Type: "d", Code: 36, Time: utc(t, "2024-10-28 20:46"), Deleted: true},
			{ID: "r1", Type: "h", Time: utc(t, "2024-10-28 22:04")},
		},
	}}
	if !reflect.DeepEqual(result.Changes, want) || result.StationMessages != 1 {
		t.Errorf("got %d messages of the station and\n%+v\nwant 1 and\n%+v", result.StationMessages, result.Changes, want)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for attributes, want := range map[string]rail.EventStatus{
		`ct="2410291256"`: "", `cs="c" clt="2410291000"`: rail.StatusCancelled,
		`cs="p"`: rail.StatusPlanned, `cs="a"`: rail.StatusAdded, `ps="a"`: rail.StatusAdded,
		`ps="a" cs="c"`: rail.StatusCancelled, `ps="p"`: "",
	} {
		result := parseClean(t, timetables.CallFull, utc(t, "2024-10-29 11:00"),
			`<timetable><s id="1-2410290850-3" eva="8000150"><dp `+attributes+`/></s></timetable>`)
		if len(result.Changes) != 1 || result.Changes[0].Status != want {
			t.Errorf("%s: got %+v, want status %q", attributes, result.Changes, want)
		}
	}
}

// A stop with nothing but messages speaks of its arrival and its departure.
func TestMessagesAlone(t *testing.T) {
	t.Parallel()
	result := parseClean(t, timetables.CallRecent, utc(t, "2024-10-29 11:00"),
		`<timetable><s id="1-2410290850-3"><m id="r" t="q" c="80" ts="2410291100"/></s><s id="2-2410290850-3"/></timetable>`)
	want := rail.Change{
		EVA: 8000150, Stop: "1-2410290850-3", Kind: rail.Arrival, PolledAt: utc(t, "2024-10-29 11:00"),
		Messages: []rail.Message{{ID: "r", Type: "q", Code: 80, Time: utc(t, "2024-10-29 10:00")}},
	}
	departure := want
	departure.Kind = rail.Departure
	if !reflect.DeepEqual(result.Changes, []rail.Change{want, departure}) || result.Events != 0 {
		t.Errorf("got %+v", result.Changes)
	}
}

// A connection holds a stop of another train, and the history of delays has
// attributes named like events; neither is a stop of this document.
func TestNestedStopIsNotOurs(t *testing.T) {
	t.Parallel()
	result := parseClean(t, timetables.CallRecent, utc(t, "2024-10-29 11:00"), `<timetable>
<s id="1-2410290850-3"><conn id="c" cs="w" ts="2410291100"><s id="9-2410290850-3"><ar ct="2410291300"/></s></conn>
<hd ar="2410291201" ts="2410291100" src="L"/><dp ct="2410291212"/></s></timetable>`)
	if len(result.Changes) != 1 || result.Changes[0].Stop != "1-2410290850-3" || result.Stops != 1 {
		t.Errorf("got %+v", result.Changes)
	}
}

// In the night of 2024-10-27 the clock went from 03:00 back to 02:00, at 01:00
// UTC. Each line is one planned departure of a plan document.
func TestAutumnPlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, start, pt, want string }{
		{"began before midnight, stops in the first pass", "2410262330", "2410270210", "2024-10-27 00:10"},
		{"began in the first pass", "2410270205", "2410270245", "2024-10-27 00:45"},
		{"its origin", "2410270230", "2410270230", "2024-10-27 00:30"},
		{"a stop after 02:50 shows 02:10: the second pass", "2410270250", "2410270210", "2024-10-27 01:10"},
		{"after the change", "2410270250", "2410270305", "2024-10-27 02:05"},
	} {
		result := parseClean(t, timetables.CallPlan, utc(t, "2024-10-26 20:00"),
			`<timetable><s id="1-`+c.start+`-2"><dp pt="`+c.pt+`"/></s></timetable>`)
		if got := result.Planned[0].Planned; !got.Equal(utc(t, c.want)) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A train that arrives at 02:55 and leaves at 02:05 waits ten minutes.
func TestAutumnDwell(t *testing.T) {
	t.Parallel()
	result := parseClean(t, timetables.CallPlan, utc(t, "2024-10-26 20:00"),
		`<timetable><s id="1-2410270130-2"><ar pt="2410270255"/><dp pt="2410270205"/></s></timetable>`)
	if got := result.Planned[1].Planned.Sub(result.Planned[0].Planned); got != 10*time.Minute {
		t.Errorf("dwell %s, want 10m", got)
	}
}

// A change of the repeated hour is near the planned time where the document
// gives it, else near the poll.
func TestAutumnChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, polled, attributes, want string }{
		{"polled in the first pass", "2024-10-27 00:20", `ct="2410270225"`, "2024-10-27 00:25"},
		{"polled in the second pass", "2024-10-27 01:20", `ct="2410270225"`, "2024-10-27 01:25"},
		{"planned for 03:05", "2024-10-26 22:00", `pt="2410270305" ct="2410270258"`, "2024-10-27 01:58"},
		{"planned for 01:58", "2024-10-26 22:00", `pt="2410270158" ct="2410270208"`, "2024-10-27 00:08"},
	} {
		result := parseClean(t, timetables.CallRecent, utc(t, c.polled),
			`<timetable><s id="1-2410270105-2"><ar `+c.attributes+`/></s></timetable>`)
		if got := result.Changes[0].Changed; !got.Equal(utc(t, c.want)) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestHostileDocumentsStayBounded(t *testing.T) {
	t.Parallel()
	var body []byte
	body = append(body, "<timetable>"...)
	for i := range 5000 {
		body = append(body, `<s `...)
		body = append(body, "x"+string(rune('a'+i%26))+time.Duration(i).String()...)
		body = append(body, `="1"><`...)
	}
	result := timetables.Parse(body, timetables.Origin{Call: timetables.Call{Kind: timetables.CallPlan}})
	if n := len(result.Quarantined); n != 1001 {
		t.Errorf("%d quarantined, want 1000 and the count of the rest", n)
	}
	if n := len(result.UnknownAttributes); n > 501 {
		t.Errorf("%d unknown names, want at most 501", n)
	}
}
