package collect_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/history/historytest"
	"puenktlich/internal/rail"
	"puenktlich/internal/timetables/archive"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func rawRelease(t *testing.T, groupOf int, rows ...historytest.Row) schemas.ImportArchiveInput {
	t.Helper()
	return schemas.ImportArchiveInput{Group: group, Path: historytest.Write(t, "raw-2024-10-29.parquet",
		historytest.File{Columns: historytest.RawColumns(), GroupOf: groupOf, Rows: rows})}
}

// told are the calls of a morning at Hanau, as a raw release has them.
func told() []historytest.Row {
	refused := historytest.Call("2024-10-29 11:05:30", "rchg/8000150", "")
	refused["status_code"], refused["error"] = "429", "Too Many Requests"
	lost := historytest.Call("2024-10-29 11:06:30", "rchg/8000150", "")
	lost["status_code"], lost["error"] = "", "read timeout"
	missing := historytest.Call("2024-10-29 11:00:02", "plan/8000150/241029/13", "")
	missing["status_code"] = "404"
	odd := historytest.Call("2024-10-29 11:07:00", "rchg/8000150", nothing)
	odd["query_params"] = `{"eva": 8000105}`
	return []historytest.Row{
		historytest.Call("2024-10-29 10:58:00.25", "plan/8000150/241029/11", planAt10),
		historytest.Call("2024-10-29 10:58:01", "plan/8000150/241029/12", planAt11), missing,
		historytest.Call("2024-10-29 11:00:00", "fchg/8000150", iceSix), historytest.Call("2024-10-29 11:03:00", "rchg/8000150", iceEight),
		refused, lost, odd, historytest.Call("2024-10-29 11:08:00", "rchg/8000150", reOne), historytest.Call("2024-10-29 11:08:00", "rchg/8000150", reOne),
		historytest.Call("2024-10-29 11:09:00", "station/Hanau", "<stations/>"),
	}
}

// The calls of a raw release are polls like others: known when they were made,
// failed where they failed.
func TestRawRelease(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	in := rawRelease(t, 100, told()...)
	result, err := h.ImportArchive(t.Context(), in)
	must(t, err)
	want := schemas.CollectCounts{Responses: 5, Failed: 2, Missing: 1, Planned: 4, Changes: 4, Quarantined: 1,
		Bytes: int64(len(planAt10) + len(planAt11) + len(iceSix) + len(iceEight) + len(reOne))}
	if result.Counts != want || !result.Through.Equal(at("10:08:00")) || result.Rows != 11 || result.Next != nil {
		t.Errorf("%+v, want %+v", result, want)
	}
	const note = "raw-2024-10-29.parquet: 9 times without an offset from UTC were taken as German local time; " +
		"raw-2024-10-29.parquet: 1 calls of other APIs were left out; raw-2024-10-29.parquet: 1 calls that the file tells twice were left out"
	if result.Note != note {
		t.Errorf("note %q", result.Note)
	}
	polls := []string{"09:58:01 plan of 10 ok", "09:58:01 plan of 11 ok", "10:00:00 fchg ok", "10:00:02 plan of 12 missing", "10:03:00 rchg ok",
		"10:05:30 rchg failed", "10:06:30 rchg failed", "10:08:00 rchg ok"}
	if got := h.polls(t); !slices.Equal(got, polls) {
		t.Errorf("polls %q, want %q", got, polls)
	}
	delays := map[string]string{"-11-2410290800-5/arrival": "8", "-11-2410290800-5/departure": "4", "22-2410291140-1/departure": "1", "33-2410291150-2/arrival": "-"}
	if got := h.delays(t); !maps.Equal(got, delays) {
		t.Errorf("delays %v, want %v", got, delays)
	}
	// From 10:03 to 10:08 nothing was heard.
	if hours := h.coverage(t); len(hours) != 1 || hours[0].Polls != 3 || hours[0].LongestGapSeconds != 300 || !hours[0].PlanKnown {
		t.Errorf("coverage %+v", hours)
	}
	refused, err := h.db.Quarantined(t.Context(), "test", 10)
	must(t, err)
	if len(refused) != 1 || refused[0].Element != "row 8/url" || !strings.Contains(refused[0].Reason, `station "8000150", but query_params say "8000105"`) {
		t.Errorf("quarantine %+v", refused)
	}
	if cursor := h.cursors.at[group]; !cursor.Equal(at("10:08:01")) {
		t.Errorf("cursor at %s", cursor)
	}
	before := h.rows(t)
	again, err := h.ImportArchive(t.Context(), in)
	must(t, err)
	if after := h.rows(t); !maps.Equal(before, after) || again != result {
		t.Errorf("imported twice: rows %v then %v, %+v", before, after, again)
	}
}

// In windows, each of which goes on where the one before ended, a file says the
// same as at once.
func TestRawReleaseInWindows(t *testing.T) {
	t.Parallel()
	whole, parts := newHouse(t, morning()), newHouse(t, morning())
	in := rawRelease(t, 3, told()...)
	at, err := whole.ImportArchive(t.Context(), in)
	must(t, err)
	in.WindowRows = 4
	windows := 0
	var got schemas.ImportFileResult
	for from := (*schemas.ImportCursor)(nil); windows == 0 || from != nil; from = got.Next {
		in.From = from
		got, err = parts.ImportArchive(t.Context(), in)
		must(t, err)
		windows++
	}
	// Row groups have 3 rows: windows of 6, of 5, and one without any.
	if got != at || windows != 3 || !maps.Equal(parts.rows(t), whole.rows(t)) || !maps.Equal(parts.delays(t), whole.delays(t)) {
		t.Errorf("%d windows\n%+v\nwant\n%+v", windows, got, at)
	}
	in.From = &schemas.ImportCursor{SHA256: "that of another file", Row: 6}
	if _, err := parts.ImportArchive(t.Context(), in); failureType(err) != schemas.FailureIntegrity || !strings.Contains(err.Error(), "the file was changed while it was imported: 6 rows of what it was before are in") {
		t.Errorf("another file under the name: %v", err)
	}
}

// A recorded day gives the same rows as an archive and as a raw release of the
// same answers.
func TestRecordedDayAsRawRelease(t *testing.T) {
	t.Parallel()
	const path = "../../../shared/data/recordings/frankfurt-hbf/2024-10-29.tar.zst"
	if _, err := os.Stat(path); err != nil {
		t.Skip("THE RECORDINGS ARE ABSENT: they are looked for in ../shared/data/recordings beside the project; this test proves nothing here")
	}
	var rows []historytest.Row
	_, err := archive.Walk(path, func(e archive.Entry) error {
		polled := e.PolledAt
		if polled.IsZero() { // what the import of an archive assumes
			polled = e.Call.Hour.Add(-6 * time.Hour)
		}
		name := strings.TrimSuffix(e.Name, ".xml")
		if !e.PolledAt.IsZero() {
			name = fmt.Sprintf("%s/%d", e.Call.Kind, e.Call.EVA)
		}
		rows = append(rows, historytest.Call(polled.In(rail.Berlin).Format("2006-01-02 15:04:05"), name, string(e.Body)))
		return nil
	})
	must(t, err)
	recorded, raw := newHouse(t, morning()), newHouse(t, morning())
	want, err := recorded.ImportArchive(t.Context(), schemas.ImportArchiveInput{Group: group, Path: path})
	must(t, err)
	got, err := raw.ImportArchive(t.Context(), rawRelease(t, 500, rows...))
	must(t, err)
	if got.Counts != want.Counts || got.Through != want.Through || got.Counts.Responses < 2500 {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	if r, w := raw.rows(t), recorded.rows(t); !maps.Equal(r, w) {
		t.Errorf("rows %v, want %v", r, w)
	}
	if r, w := raw.delays(t), recorded.delays(t); !maps.Equal(r, w) || len(w) < 1000 {
		t.Errorf("delays of %d events differ from those of %d", len(r), len(w))
	}
	if r, w := raw.coverage(t), recorded.coverage(t); !slices.Equal(r, w) {
		t.Errorf("coverage %+v\nwant\n%+v", r, w)
	}
}

// Each file has its own record, and lies in the object store under its hash.
func TestProvenanceOfFiles(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	release, raw := importing(t, october()), rawRelease(t, 100, told()...)
	fetched := time.Date(2024, 11, 2, 8, 0, 0, 0, time.UTC)
	release.Provenance = schemas.Provenance{Publisher: "a student", URL: "https://example.org/data", RetrievedAt: fetched, Terms: "name me", PersonalData: true}
	recorded := schemas.ImportArchiveInput{Group: group, Path: day(t)}
	for _, in := range []schemas.ImportArchiveInput{release, raw, recorded} {
		_, err := h.ImportArchive(t.Context(), in)
		must(t, err)
	}
	sources, err := h.db.Sources(t.Context(), "test", "2030-01-01")
	must(t, err)
	const db, public = "Deutsche Bahn / DB InfraGO", "Deutsche Bahn Timetables API (public release)"
	want := []schema.Source{
		{File: "data-2024-10.parquet", SHA256: digest(t, release.Path), Name: public, Publisher: "a student", URL: "https://example.org/data", RetrievedAt: fetched,
			Licence: "CC BY 4.0", Terms: "name me", Attribution: db, PersonalData: true, FirstDay: "2024-10-01", LastDay: "2024-10-31", Rows: 93},
		{File: "2024-10-29.tar.zst", SHA256: digest(t, recorded.Path), Name: "test", Licence: "none", FirstDay: "2024-10-29", LastDay: "2024-10-29", Rows: 5},
		{File: "raw-2024-10-29.parquet", SHA256: digest(t, raw.Path), Name: public, Licence: "CC BY 4.0", Attribution: db, FirstDay: "2024-10-29", LastDay: "2024-10-29", Rows: 11},
	}
	for i, path := range []string{release.Path, recorded.Path, raw.Path} {
		body, err := os.ReadFile(path)
		must(t, err)
		want[i].Source, want[i].SizeBytes, want[i].ImportedAt, want[i].Version = "test", uint64(len(body)), at("12:00:00"), uint64(at("12:00:00").UnixMilli())
		if path == recorded.Path { // its answers are kept in bundles
			continue
		}
		want[i].ObjectKey = "sources/" + want[i].SHA256 + ".parquet"
		kept, err := h.objects.GetContent(t.Context(), schemas.ObjectRef{Key: want[i].ObjectKey, SHA256: want[i].SHA256})
		if err != nil || string(kept) != string(body) {
			t.Errorf("%s is not kept as it is: %v", path, err)
		}
	}
	if !slices.Equal(sources, want) {
		t.Errorf("sources\n%+v\nwant\n%+v", sources, want)
	}
	if early, err := h.db.Sources(t.Context(), "test", "2024-10-29"); err != nil || len(early) != 1 || early[0].FirstDay != "2024-10-01" {
		t.Errorf("of the days before the 29th: %+v, %v", early, err)
	}
}
