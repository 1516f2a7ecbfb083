package timetables_test

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

func TestPlanRoundTrip(t *testing.T) {
	t.Parallel()
	polled := utc(t, "2024-07-01 05:00")
	train := rail.Train{Category: "RE", Number: "4157", Operator: "8005MW", Class: rail.Regional}
	event := func(stop rail.StopID, kind rail.EventKind, planned string) rail.PlannedEvent {
		ref, err := stop.Parse()
		if err != nil {
			t.Fatal(err)
		}
		return rail.PlannedEvent{
			EVA: 8000150, Stop: stop, Kind: kind, Trip: ref.Trip(), ServiceDay: "2024-07-01",
			Index: ref.Index, Train: train, Planned: utc(t, planned), PolledAt: polled,
		}
	}
	full := event("-9-2407010750-4", rail.Arrival, "2024-07-01 06:00")
	full.Line, full.Platform, full.Path = "30", `"1" & <2>`, []string{"Kassel Hbf", "Gießen"}
	full.Wings, full.NextTrip = "-906407-2407010750", "2016-2407010900-1"
	bare := event("9-2407010750-1", rail.Departure, "2024-07-01 05:50")
	bare.Train = rail.Train{Class: rail.ClassUnknown}
	want := []rail.PlannedEvent{full, event("-9-2407010750-4", rail.Departure, "2024-07-01 06:02"), bare}
	body := timetables.EncodePlan("Groß & Klein", want)
	got := parseClean(t, timetables.CallPlan, polled, string(body))
	if !reflect.DeepEqual(got.Planned, want) || got.Station != "Groß & Klein" {
		t.Errorf("got\n%+v\nwant\n%+v\nfrom\n%s", got.Planned, want, body)
	}
}

func TestChangesRoundTrip(t *testing.T) {
	t.Parallel()
	polled := utc(t, "2024-07-01 05:00")
	base := rail.Change{EVA: 8000150, Stop: "-9-2407010750-4", Kind: rail.Arrival, PolledAt: polled}
	full := base
	full.Planned, full.Changed, full.CancelTime = utc(t, "2024-07-01 06:00"), utc(t, "2024-07-01 06:07"), utc(t, "2024-07-01 04:00")
	full.Platform, full.Status, full.Path, full.Line = "7", rail.StatusCancelled, "Fulda|Hanau", "RB5"
	full.Train = rail.Train{Category: "RB", Number: "1", Operator: "KG", Class: rail.Suburban}
	full.PlannedPlatform, full.PlannedPath, full.Wings, full.NextTrip = "6", "Gotha|Fulda|Hanau", "-10-2407010750|11-2407010750", "12-2407010900-1"
	full.Hidden, full.PlannedEndpoint, full.ChangedEndpoint, full.DistantChange = true, "Erfurt Hbf", "Gotha", "1"
	full.Messages = []rail.Message{{ID: "r1", Type: "d", Code: 43, Time: utc(t, "2024-07-01 04:59"), Deleted: true}, {ID: "r2", Type: "h"}}
	departure := base
	departure.Kind, departure.Changed, departure.Train = rail.Departure, utc(t, "2024-07-01 06:09"), full.Train
	added := base
	added.Stop, added.Status, added.EVA = "5-2407010750-101", rail.StatusAdded, 8000207
	want := []rail.Change{full, departure, added}
	body := timetables.EncodeChanges("Hanau Hbf", 8000150, []rail.Change{departure, full, added})
	got := parseClean(t, timetables.CallFull, polled, string(body))
	if !reflect.DeepEqual(got.Changes, want) {
		t.Errorf("got\n%+v\nwant\n%+v\nfrom\n%s", got.Changes, want, body)
	}
}

// The text of a small document, letter by letter, as the published schema
// names its elements and attributes.
func TestEncodedText(t *testing.T) {
	t.Parallel()
	body := timetables.EncodeChanges("Hanau Hbf", 8000150, []rail.Change{
		{Stop: "1-2407010750-4", Kind: rail.Departure, Changed: utc(t, "2024-12-31 23:05")},
		{Stop: "1-2407010750-4", Kind: rail.Departure, Status: rail.StatusAdded, Messages: []rail.Message{{ID: "r1", Type: "q", Code: 80}}},
	})
	want := `<timetable station="Hanau Hbf" eva="8000150">
  <s id="1-2407010750-4" eva="8000150">
    <dp ps="a" ct="2501010005">
      <m id="r1" t="q" c="80"/>
    </dp>
  </s>
</timetable>
`
	if string(body) != want {
		t.Errorf("got\n%s\nwant\n%s", body, want)
	}
	empty := timetables.EncodePlan("Hanau Hbf", nil)
	if string(empty) != "<timetable station=\"Hanau Hbf\">\n</timetable>\n" {
		t.Errorf("empty plan: %q", empty)
	}
}

// Attribute by attribute the newer poll wins, absence means unchanged.
func TestMerge(t *testing.T) {
	t.Parallel()
	at := func(clock string) time.Time { return utc(t, "2024-07-01 "+clock) }
	older := rail.Change{
		Stop: "1-2407010750-4", PolledAt: at("06:00"), Changed: at("06:07"), Platform: "7", Status: rail.StatusCancelled,
		Train: rail.Train{Number: "1"}, Messages: []rail.Message{{ID: "r1", Code: 43}, {ID: "r2"}},
		PlannedPlatform: "6", PlannedPath: "Gotha|Fulda", Wings: "2-2407010750", NextTrip: "3-2407010900-1",
		Hidden: true, PlannedEndpoint: "Erfurt Hbf", ChangedEndpoint: "Gotha", DistantChange: "1",
	}
	newer := rail.Change{
		Stop: "1-2407010750-4", PolledAt: at("06:01"), Changed: at("06:09"), Path: "Fulda", Status: rail.StatusAdded,
		Messages:        []rail.Message{{ID: "r1", Code: 43, Deleted: true}, {ID: "r3"}},
		PlannedPlatform: "16", PlannedPath: "Fulda", Wings: "4-2407010750", NextTrip: "5-2407010900-1",
		PlannedEndpoint: "Eisenach", ChangedEndpoint: "Fulda", DistantChange: "0",
	}
	want := rail.Change{
		Stop: "1-2407010750-4", PolledAt: at("06:01"), Changed: at("06:09"), Platform: "7", Path: "Fulda",
		Status: rail.StatusCancelled, Train: rail.Train{Number: "1"},
		Messages:        []rail.Message{{ID: "r1", Code: 43, Deleted: true}, {ID: "r2"}, {ID: "r3"}},
		PlannedPlatform: "16", PlannedPath: "Fulda", Wings: "4-2407010750", NextTrip: "5-2407010900-1",
		Hidden: true, PlannedEndpoint: "Eisenach", ChangedEndpoint: "Fulda", DistantChange: "0",
	}
	if got := timetables.Merge(older, rail.Change{PolledAt: newer.PolledAt}); got.PlannedPlatform != "6" || got.PlannedPath != "Gotha|Fulda" ||
		got.Wings != "2-2407010750" || got.NextTrip != "3-2407010900-1" || !got.Hidden || got.PlannedEndpoint != "Erfurt Hbf" ||
		got.ChangedEndpoint != "Gotha" || got.DistantChange != "1" {
		t.Errorf("what the newer one leaves out has changed: %+v", got)
	}
	if got := timetables.Merge(older, newer); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	reinstated := timetables.Merge(want, rail.Change{Status: rail.StatusPlanned})
	if reinstated.Status != rail.StatusPlanned {
		t.Errorf("reinstated: status %q", reinstated.Status)
	}
}

// FuzzParse: nothing makes the parser fail; what it keeps is sound, and what is
// written of it says the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`<timetable station="x"><s id="-1-2410290850-3"><tl c="RE" n="1" o="x"/><ar pt="2410290900" ct="2410290901"/></s></timetable>`), true)
	f.Add([]byte(`<timetable><s id="1-2410270250-3"><dp pt="2410270210" cs="c"><m id="r" c="4" ts="2410270230"/></dp></s><s `), false)
	files, err := filepath.Glob("testdata/bad/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, strings.Contains(file, "plan-"))
	}
	f.Fuzz(func(t *testing.T, body []byte, plan bool) {
		call := timetables.Call{Kind: timetables.CallRecent, EVA: 1}
		if plan {
			call.Kind = timetables.CallPlan
		}
		origin := timetables.Origin{Call: call, PolledAt: time.Date(2024, 10, 26, 12, 0, 0, 0, time.UTC)}
		result := timetables.Parse(body, origin)
		checkSound(t, result)
		if strings.ContainsRune(string(body), '\uFFFD') {
			return
		}
		again := timetables.Parse(encode(result, plan), origin)
		if err := again.Err(); err != nil {
			t.Errorf("own document: %v\n%s", err, encode(result, plan))
		}
		if len(again.Planned) != len(result.Planned) || len(again.Changes) != len(result.Changes) {
			t.Errorf("wrote %d and %d events, read %d and %d", len(result.Planned), len(result.Changes), len(again.Planned), len(again.Changes))
		}
	})
}

func encode(result timetables.Result, plan bool) []byte {
	if plan {
		return timetables.EncodePlan(result.Station, result.Planned)
	}
	return timetables.EncodeChanges(result.Station, 1, result.Changes)
}

// checkSound holds what the store relies on: one value that does not fit a column
// would keep a whole batch out.
func checkSound(t *testing.T, result timetables.Result) {
	t.Helper()
	fits := func(times ...time.Time) {
		for _, at := range times {
			if !at.IsZero() && (at.Year() < 2020 || at.Year() > 2029) {
				t.Errorf("unsound time %s of a document of 2024", at)
			}
		}
	}
	for _, c := range result.Changes {
		fits(c.Planned, c.Changed, c.CancelTime)
		for _, m := range c.Messages {
			if fits(m.Time); m.Code < 0 || m.Code > 65535 {
				t.Errorf("unsound code %d", m.Code)
			}
		}
	}
	if n := len(result.UnknownAttributes); n > 501 || len(result.Quarantined) > 1001 {
		t.Errorf("%d unknown names, %d quarantined", n, len(result.Quarantined))
	}
	for _, event := range result.Planned {
		if _, err := event.Stop.Parse(); err != nil || event.Planned.IsZero() || event.ServiceDay == "" || event.Index < 1 || event.Index > 65535 {
			t.Errorf("unsound %+v: %v", event, err)
		}
		fits(event.Planned)
	}
	for _, change := range result.Changes {
		if _, err := change.Stop.Parse(); err != nil || change.EVA <= 0 {
			t.Errorf("unsound %+v: %v", change, err)
		}
	}
}

// What is written is XML to any reader.
func TestEncodedIsXML(t *testing.T) {
	t.Parallel()
	body := timetables.EncodePlan("a\x00\xff\"<>&'\n", []rail.PlannedEvent{{Stop: "1-2407010750-4", Kind: rail.Arrival, Planned: utc(t, "2024-07-01 06:00")}})
	var document struct {
		Station string `xml:"station,attr"`
	}
	if err := xml.Unmarshal(body, &document); err != nil || document.Station != "a\uFFFD\uFFFD\"<>&'\n" {
		t.Errorf("station %q: %v", document.Station, err)
	}
}
