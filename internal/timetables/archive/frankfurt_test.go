package archive_test

import (
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
)

const (
	recordings = "../../../../shared/data/recordings"
	frankfurt  = 8000105
)

func openRecording(t *testing.T, name string) *archive.Recording {
	t.Helper()
	dir := recordings + "/" + name
	if _, err := os.Stat(dir); err != nil {
		t.Skip("THE RECORDINGS ARE ABSENT: they are looked for in ../shared/data/recordings beside the project; this test proves nothing here")
	}
	recording, err := archive.OpenRecording(dir)
	if err != nil {
		t.Fatal(err)
	}
	if problems := recording.Problems(); len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	return recording
}

// client serves the source on loopback and answers a client of it.
func client(t *testing.T, source timetables.Source) *timetables.Client {
	t.Helper()
	now := func() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }
	server := httptest.NewServer(timetables.NewServer(source, now, timetables.ServerOptions{}))
	t.Cleanup(server.Close)
	c, err := timetables.NewClient(timetables.ClientOptions{
		BaseURL: server.URL + timetables.BasePath, SendAsOf: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func berlin(t *testing.T, local string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", local, rail.Berlin)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// replay is what a collector learns of one station by following Next.
type replay struct {
	polls, stops, events int
	unknown              map[string]int
	known                map[rail.EventKey]rail.Change
	last                 time.Time
}

func follow(t *testing.T, source timetables.Source, from time.Time) replay {
	t.Helper()
	seen := replay{unknown: make(map[string]int), known: make(map[rail.EventKey]rail.Change)}
	call := timetables.Call{Kind: timetables.CallRecent, EVA: frankfurt, AsOf: from}
	for {
		response, err := source.Get(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		if !response.PolledAt.After(seen.last) || !response.PolledAt.Equal(call.AsOf) {
			t.Fatalf("asked as of %s, answered the poll of %s after that of %s", call.AsOf, response.PolledAt, seen.last)
		}
		seen.last = response.PolledAt
		seen.add(t, response)
		if response.Next.IsZero() {
			return seen
		}
		call.AsOf = response.Next
	}
}

func (r *replay) add(t *testing.T, response timetables.Response) {
	t.Helper()
	result := timetables.Parse(response.Body, timetables.Origin{Call: response.Call, PolledAt: response.PolledAt})
	if err := result.Err(); err != nil {
		t.Error(err)
	}
	r.polls++
	r.stops += result.Stops
	r.events += result.Events
	for name, n := range result.UnknownAttributes {
		r.unknown[name] += n.Count
	}
	for _, change := range result.Changes {
		r.known[change.Key()] = timetables.Merge(r.known[change.Key()], change)
	}
}

func plans(t *testing.T, source timetables.Source, from, to rail.Day) map[rail.EventKey]rail.PlannedEvent {
	t.Helper()
	events := make(map[rail.EventKey]rail.PlannedEvent)
	for hour := from.Start(); hour.Before(to.Start()); hour = hour.Add(time.Hour) {
		call := timetables.Call{Kind: timetables.CallPlan, EVA: frankfurt, Hour: hour, AsOf: hour}
		response, err := source.Get(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		result := timetables.Parse(response.Body, timetables.Origin{Call: call, PolledAt: response.PolledAt})
		if err := result.Err(); err != nil || len(result.UnknownAttributes) > 0 {
			t.Errorf("plan of %s: %v, unknown %v", hour, err, result.UnknownAttributes)
		}
		for _, event := range result.Planned {
			events[event.Key()] = event
		}
	}
	return events
}

// The expected figures were counted in the recordings with another program and
// another XML library.
func TestFrankfurtOverHTTP(t *testing.T) {
	t.Parallel()
	recording := openRecording(t, "frankfurt-hbf")
	source := client(t, recording)
	from, to, err := source.Span(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := berlin(t, "2024-10-28 14:25:47"); !from.Equal(want) {
		t.Errorf("span begins %s, want %s", from, want)
	}
	seen := follow(t, source, from)
	if seen.polls != 12645+1 || seen.events != 208054 || seen.stops != 168639+746 || len(seen.unknown) > 0 {
		t.Errorf("%d polls, %d events, %d stops, unknown %v; want 12646, 208054, 169385, none",
			seen.polls, seen.events, seen.stops, seen.unknown)
	}
	if !to.After(seen.last) || to.Sub(seen.last) > time.Second {
		t.Errorf("span ends %s, last poll %s", to, seen.last)
	}
	planned := plans(t, source, "2024-10-29", "2024-11-02")
	if len(planned) != 4814 {
		t.Errorf("%d planned events, want 4814", len(planned))
	}
	checkLabels(t, planned, seen.known)
}

func checkLabels(t *testing.T, planned map[rail.EventKey]rail.PlannedEvent, known map[rail.EventKey]rail.Change) {
	t.Helper()
	labels := make(map[rail.Day]int)
	for key, event := range planned {
		change := known[key]
		if !change.Changed.IsZero() && change.Status != rail.StatusCancelled {
			labels[rail.DayOf(event.Planned)]++
		}
	}
	want := map[rail.Day]int{"2024-10-29": 1158, "2024-10-30": 1129, "2024-10-31": 1087, "2024-11-01": 1120}
	for day, n := range want {
		if labels[day] != n {
			t.Errorf("%s: %d events with an observed time, want %d", day, labels[day], n)
		}
	}
}

// At every moment the document put together says of each event what following
// the polls has taught, and lacks no changed event that is planned from one hour
// before on.
func TestFrankfurtPutTogether(t *testing.T) {
	t.Parallel()
	recording := openRecording(t, "frankfurt-hbf")
	planned := plans(t, recording, "2024-10-29", "2024-10-31")
	moments := []time.Time{
		berlin(t, "2024-10-28 20:00:00"), berlin(t, "2024-10-29 07:30:00"),
		berlin(t, "2024-10-29 18:00:00"), berlin(t, "2024-10-30 09:00:10"),
	}
	known := make(map[rail.EventKey]rail.Change)
	polls := recording.Polls(frankfurt)
	for _, asOf := range moments {
		for len(polls) > 0 && !polls[0].After(asOf) {
			learn(t, recording, timetables.CallRecent, polls[0], known)
			polls = polls[1:]
		}
		document := make(map[rail.EventKey]rail.Change)
		learn(t, recording, timetables.CallFull, asOf, document)
		for key, change := range document {
			if k := known[key]; !k.Changed.Equal(change.Changed) || k.Status != change.Status || k.Platform != change.Platform || len(k.Messages) != len(change.Messages) {
				t.Errorf("as of %s: %s is\n%+v\nwant\n%+v", asOf, key, change, k)
			}
		}
		missing := 0
		for key, event := range planned {
			_, changed := known[key]
			if _, there := document[key]; changed && !there && !event.Planned.Before(asOf.Add(-time.Hour)) {
				missing++
			}
		}
		if missing > 0 || len(document) < 50 || len(document) > 3000 {
			t.Errorf("as of %s: %d events, %d missing", asOf, len(document), missing)
		}
	}
}

func learn(t *testing.T, source timetables.Source, kind timetables.CallKind, asOf time.Time, known map[rail.EventKey]rail.Change) {
	t.Helper()
	response, err := source.Get(t.Context(), timetables.Call{Kind: kind, EVA: frankfurt, AsOf: asOf})
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range timetables.Parse(response.Body, timetables.Origin{Call: response.Call, PolledAt: response.PolledAt}).Changes {
		known[change.Key()] = timetables.Merge(known[change.Key()], change)
	}
}

// A full Berlin day has 96 polls of each of the 133 stations. The first day has
// 4,256 polls: the 32 quarters of an hour from 16:00 on.
func TestBerlin(t *testing.T) {
	t.Parallel()
	recording := openRecording(t, "berlin")
	stations := recording.Stations()
	if len(stations) != 133 {
		t.Errorf("%d stations, want 133", len(stations))
	}
	names := make(map[int64]string)
	polls := 0
	for _, station := range stations {
		names[station.EVA] = station.Name
		for _, at := range recording.Polls(station.EVA) {
			if rail.DayOf(at) == "2025-09-03" {
				polls++
			}
		}
	}
	if polls != 133*96 {
		t.Errorf("%d polls on 2025-09-03, want %d", polls, 133*96)
	}
	if names[8011160] != "Berlin Hbf" {
		t.Errorf("8011160 is %q", names[8011160])
	}
	from, to := recording.Span()
	if !from.Equal(berlin(t, "2025-09-02 16:00:00")) || !to.Equal(berlin(t, "2025-09-06 23:45:01")) {
		t.Errorf("span %s to %s", from, to)
	}
}

// The figures of the day were counted with another XML library.
func TestBerlinDayIsClean(t *testing.T) {
	t.Parallel()
	day := recordings + "/berlin/2025-09-03.tar.zst"
	if _, err := os.Stat(day); err != nil {
		t.Skip("THE RECORDINGS ARE ABSENT: they are looked for in ../shared/data/recordings beside the project; this test proves nothing here")
	}
	stops, events := 0, 0
	report, err := archive.Walk(day, func(entry archive.Entry) error {
		result := timetables.Parse(entry.Body, timetables.Origin{Call: entry.Call, PolledAt: entry.PolledAt, File: entry.Name})
		stops += result.Stops
		events += result.Events
		if len(result.UnknownAttributes) > 0 {
			t.Errorf("%s: unknown %v", entry.Name, result.UnknownAttributes)
		}
		return result.Err()
	})
	if err != nil || len(report.Unknown) > 0 || report.Entries != 15960 || stops != 95792 || events != 165881 {
		t.Errorf("%+v, %d stops, %d events, %v; want 15960 entries, 95792, 165881", report, stops, events, err)
	}
}
