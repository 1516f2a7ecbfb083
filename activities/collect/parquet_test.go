package collect_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"puenktlich/activities/collect"
	"puenktlich/activities/prepare"
	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/history/historytest"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

const frankfurt = 8000105

// october is a made month of two stations. Every day d of October 2024
//   - RE 4567 leaves Frankfurt at 08:00, d%10 minutes late; where that is 0, no
//     change was seen;
//   - it reaches Hanau at 08:20, a minute later than it left, and leaves at 08:22
//     without a change seen;
//   - ICE 99 stops at Hanau from 12:00 to 12:02 on time, and is cancelled on
//     every seventh day.
func october() historytest.File {
	f := historytest.File{Columns: historytest.Columns(), GroupOf: 31}
	for d := 1; d <= 31; d++ {
		at := func(clock string, minutes int) string {
			t, err := time.Parse("2006-01-02 15:04", fmt.Sprintf("2024-10-%02d %s", d, clock))
			if err != nil {
				panic(err)
			}
			return t.Add(time.Duration(minutes) * time.Minute).Format("2006-01-02 15:04:05")
		}
		start := historytest.Row{"id": fmt.Sprintf("-45-2410%02d0800-1", d), "eva": "08000105", "train_type": "RE", "train_number": "4567", "line_number": "50",
			"is_canceled": "false", "departure_planned_time": at("08:00", 0)}
		if d%10 != 0 {
			start["departure_change_time"] = at("08:00", d%10)
		}
		next := maps.Clone(start)
		delete(next, "departure_change_time")
		next["id"], next["eva"] = fmt.Sprintf("-45-2410%02d0800-2", d), "08000150"
		next["arrival_planned_time"], next["arrival_change_time"], next["departure_planned_time"] = at("08:20", 0), at("08:20", d%10+1), at("08:22", 0)
		ice := historytest.Row{"id": fmt.Sprintf("99-2410%02d1130-2", d), "eva": "08000150", "train_type": "ICE", "train_number": "99",
			"is_canceled": fmt.Sprint(d%7 == 0), "arrival_planned_time": at("12:00", 0), "departure_planned_time": at("12:02", 0)}
		if d%7 != 0 {
			ice["arrival_change_time"], ice["departure_change_time"] = at("12:00", 0), at("12:02", 0)
		}
		f.Rows = append(f.Rows, start, next, ice)
	}
	return f
}

func importing(t *testing.T, f historytest.File) schemas.ImportArchiveInput {
	t.Helper()
	return schemas.ImportArchiveInput{Group: group, Path: historytest.Write(t, "data-2024-10.parquet", f)}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	in := importing(t, october())
	result, err := h.ImportArchive(t.Context(), in)
	must(t, err)
	// 5 events a day. Changes: 28 departures (3 days end in 0), 31 arrivals, 62 of the ICE.
	want := schemas.ImportFileResult{Rows: 93, Bytes: result.Bytes, Counts: schemas.CollectCounts{Planned: 155, Changes: 121}}
	if result != want {
		t.Errorf("%+v, want %+v", result, want)
	}
	if len(h.cursors.at) != 0 {
		t.Errorf("cursors %v: an import without polls moves none", h.cursors.at)
	}
	delays := map[string]string{"-45-2410290800-1/departure": "9", "-45-2410290800-2/arrival": "10", "-45-2410290800-2/departure": "-",
		"99-2410291130-2/arrival": "0", "99-2410291130-2/departure": "0"}
	if got := h.delays(t); !maps.Equal(got, delays) {
		t.Errorf("delays %v, want %v", got, delays)
	}
	before := h.rows(t)
	again, err := h.ImportArchive(t.Context(), in)
	must(t, err)
	if after := h.rows(t); !maps.Equal(before, after) || again != result || before["stop_plan"] != 155 || before["stop_change"] != 121 {
		t.Errorf("imported twice: rows %v then %v, %+v", before, after, again)
	}
	if before["poll"] != 0 || before["coverage"] != 0 {
		t.Errorf("rows %v: a release holds no polls", before)
	}
}

// What was imported settles to the truth, becomes history, and gives a data set
// whose live features are not known.
func TestReleaseBecomesTruthAndDataSet(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	_, err := h.ImportArchive(t.Context(), importing(t, october()))
	must(t, err)
	asOf := at("12:00:00").AddDate(0, 0, 7)
	p := &prepare.Activities{Store: h.db, Objects: h.objects, Clock: fixedClock(asOf), Name: "test"}
	counts := map[int]schemas.SettleCounts{}
	for d := 1; d <= 29; d++ {
		counts[d], err = p.SettleDay(t.Context(), schemas.SettleDayInput{Day: fmt.Sprintf("2024-10-%02d", d), AsOf: asOf})
		must(t, err)
	}
	for d, want := range map[int]schemas.SettleCounts{
		29: {Planned: 5, Observed: 4, Late: 2, Unknown: 1},
		28: {Planned: 5, Observed: 2, Late: 2, Cancelled: 2, Unknown: 1},
		27: {Planned: 5, Observed: 4, Late: 2, Unknown: 1}, // the clock went back in the night
		20: {Planned: 5, Observed: 3, Unknown: 2},
	} {
		if counts[d] != want {
			t.Errorf("day %d: %+v, want %+v", d, counts[d], want)
		}
	}
	// Days 1 to 28: 26 departures with a change, 28 arrivals, 48 events of the ICE.
	// Late: 11 departures, 14 arrivals. Delays: 126 and 154 minutes.
	if all := h.daily(t, asOf); all.Events != 102 || all.Late != 25 || all.Cancelled != 8 || all.DelaySum != 280 {
		t.Errorf("history %+v", all)
	}
	part, err := p.PreparePart(t.Context(), schemas.PreparePartInput{Day: "2024-10-29", Horizons: rail.Horizons(), AsOf: asOf})
	must(t, err)
	if part.Events != 4 || part.Late != 2 || part.Object.Rows != 20 {
		t.Errorf("part %+v, want 4 events, 2 late, at 5 horizons", part)
	}
	body, err := h.objects.GetContent(t.Context(), part.Object)
	must(t, err)
	table, err := dataset.Decode(body)
	must(t, err)
	checkFeatures(t, table)
}

// daily is the history of 1 to 28 October over all events.
func (h *house) daily(t *testing.T, knownAt time.Time) schema.DailySum {
	t.Helper()
	sums, err := h.db.Daily(t.Context(), schema.DailyQuery{Source: "test", From: "2024-10-01", Before: "2024-10-29", KnownAt: knownAt})
	must(t, err)
	for _, sum := range sums {
		if sum.KeyKind == string(feature.ByAll) {
			return sum
		}
	}
	return schema.DailySum{}
}

// checkFeatures wants every delay of the day unknown, the history known, and no
// cancellation.
func checkFeatures(t *testing.T, table *dataset.Table) {
	t.Helper()
	for i, row := range table.Rows {
		for j, name := range table.Names {
			value := table.Vector(i)[j]
			live := strings.HasPrefix(name, "forecast_") && name != "forecast_count" || strings.HasSuffix(name, "_delay") || strings.HasSuffix(name, "_late")
			if live && !math.IsNaN(float64(value)) {
				t.Errorf("%s %d minutes before: %s is %v, but nothing of that day was known", row.Key(), row.Horizon, name, value)
			}
			if name == "history_late_category" && math.IsNaN(float64(value)) || name == "cancelled" && value != 0 || name == "forecast_count" && value != 0 {
				t.Errorf("%s %d minutes before: %s is %v", row.Key(), row.Horizon, name, value)
			}
		}
	}
}

// Until leaves out what counts as polled then or later.
func TestReleaseUntil(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	in := importing(t, october())
	in.Until = at("08:37:00") // Frankfurt's departure, 9 minutes late at 07:09 UTC, counts as polled at 08:39
	result, err := h.ImportArchive(t.Context(), in)
	must(t, err)
	// 28 whole days and the 29th, whose plan counts as read six hours before.
	// Changes of the 28 days: 26 + 28 + 56.
	if c := result.Counts; c.Planned != 145 || c.Changes != 110 {
		t.Errorf("%+v", c)
	}
	in.Until = time.Time{}
	if result, err = h.ImportArchive(t.Context(), in); err != nil || h.rows(t)["stop_plan"] != 155 || h.rows(t)["stop_change"] != 121 {
		t.Errorf("then the rest: rows %v, %+v, %v", h.rows(t), result, err)
	}
}

func TestReleaseQuarantine(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	f := october()
	f.Rows = f.Rows[:4]
	f.Rows[1]["id"] = "4711"
	f.Rows[2]["departure_planned_time"] = "2024-10-01 12:02:30"
	in := importing(t, f)
	result, err := h.ImportArchive(t.Context(), in)
	must(t, err)
	kept := "sources/" + digest(t, in.Path) + ".parquet"
	if c := result.Counts; c.Planned != 3 || c.Changes != 3 || c.Quarantined != 2 {
		t.Errorf("%+v", c)
	}
	refused, err := h.db.Quarantined(t.Context(), "test", 10)
	must(t, err)
	trip := time.Date(2024, 10, 1, 9, 30, 0, 0, time.UTC)
	want := []schema.Quarantine{
		{Source: "test", EVA: hanau, PolledAt: trip, RawKey: kept, File: "data-2024-10.parquet", Element: "row 3/departure_planned_time", Value: "2024-10-01 12:02:30", Reason: "want whole minutes"},
		{Source: "test", EVA: hanau, PolledAt: time.Unix(0, 0).UTC(), RawKey: kept, File: "data-2024-10.parquet", Element: "row 2/id", Value: "4711", Reason: "want tripHash-YYMMDDHHMM-index"},
	}
	for i := range want {
		if len(refused) != 2 || refused[i] != want[i] {
			t.Fatalf("quarantine\n%+v\nwant\n%+v", refused, want)
		}
	}
}

// Releases write the planned time where no change was seen.
func TestFilledReleaseSaysSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	f := october()
	for _, row := range f.Rows {
		for _, kind := range []string{"arrival", "departure"} {
			if row[kind+"_change_time"] == "" {
				row[kind+"_change_time"] = row[kind+"_planned_time"]
			}
		}
	}
	f.Rows[0]["departure_planned_time"] = "" // its change is left
	result, err := h.ImportArchive(t.Context(), importing(t, f))
	must(t, err)
	// Left are the delays, 27 and 31, and 8 cancelled. Equal: 3 and 31 of the RE, 54 of the ICE.
	if c := result.Counts; c.Planned != 154 || c.Changes != 66 {
		t.Errorf("%+v", c)
	}
	const note = "data-2024-10.parquet writes the planned time where no change was seen: 88 events whose times are equal stay unknown; " +
		"data-2024-10.parquet: 1 changed times without a planned one were left out"
	if result.Note != note {
		t.Errorf("note %q", result.Note)
	}
}

// What is no such file is refused before anything is written.
func TestBadReleases(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	f := october()
	delete(f.Columns, "id")
	in := importing(t, f)
	_, err := h.ImportArchive(t.Context(), in)
	if failureType(err) != schemas.FailureValidation || !strings.Contains(err.Error(), "data-2024-10.parquet: column id: got no such column: want text") {
		t.Errorf("without a column: %v", err)
	}
	in = importing(t, october())
	body, err := os.ReadFile(in.Path)
	must(t, err)
	must(t, os.WriteFile(in.Path, body[:len(body)/2], 0o600))
	if _, err = h.ImportArchive(t.Context(), in); failureType(err) != schemas.FailureIntegrity {
		t.Errorf("cut: %v", err)
	}
	if rows := h.rows(t); rows["stop_plan"]+rows["stop_change"]+rows["quarantine"] != 0 {
		t.Errorf("rows %v after files that were refused", rows)
	}
}

func TestReleaseGoesOnAfterAnOutage(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	h.Store = &failing{Store: h.db, left: 1}
	in := importing(t, october())
	if _, err := h.ImportArchive(t.Context(), in); err == nil || failureType(err) != "" {
		t.Fatalf("error %v, want one that is tried again", err)
	}
	result, err := h.ImportArchive(t.Context(), in)
	must(t, err)
	if rows := h.rows(t); rows["stop_plan"] != 155 || rows["stop_change"] != 121 || result.Counts.Planned != 155 {
		t.Errorf("rows %v, %+v", rows, result)
	}
}

// beats collects what heartbeats say.
type beats struct {
	mu   sync.Mutex
	last map[string]any
	all  []string
}

func (b *beats) hear(_ *activity.Info, details converter.EncodedValues) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = nil
	if details.Get(&b.last) == nil {
		b.all = append(b.all, fmt.Sprint(b.last["message"]))
	}
}

// An attempt that is taken up again leaves out the row groups that were done.
func TestReleaseIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	in := importing(t, october())
	run := func(heard *beats, details ...any) schemas.ImportFileResult {
		env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
		env.RegisterActivity(h.ImportArchive)
		env.SetOnActivityHeartbeatListener(heard.hear)
		if len(details) > 0 {
			env.SetHeartbeatDetails(details[0])
		}
		value, err := env.ExecuteActivity(h.ImportArchive, in)
		must(t, err)
		var result schemas.ImportFileResult
		must(t, value.Get(&result))
		return result
	}
	var first beats
	whole := &stopping{Store: h.db, after: 2}
	h.Store = whole
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	env.RegisterActivity(h.ImportArchive)
	env.SetOnActivityHeartbeatListener(first.hear)
	if _, err := env.ExecuteActivity(h.ImportArchive, in); err == nil {
		t.Fatal("the first attempt was to be lost in the third row group")
	}
	cursor, _ := first.last["cursor"].(map[string]any)
	if cursor["row_group"] != 2.0 || cursor["row"] != 62.0 || !strings.HasPrefix(fmt.Sprint(first.last["message"]), "data-2024-10.parquet: imported 62 of 93 rows") {
		t.Fatalf("last heartbeat %v: want two of three row groups in", first.last)
	}
	whole.after = math.MaxInt
	whole.plans = 0
	var second beats
	if result := run(&second, first.last); result.Counts.Planned != 155 || result.Counts.Changes != 121 || whole.plans != 1 {
		t.Errorf("%+v after %d inserts, want all counted and one row group written", result, whole.plans)
	}
	if rows := h.rows(t); rows["stop_plan"] != 155 || rows["stop_change"] != 121 {
		t.Errorf("rows %v", rows)
	}
	cursor["sha256"] = "that of another file"
	whole.plans = 0
	if result := run(&second, first.last); result.Counts.Planned != 155 || whole.plans != 3 {
		t.Errorf("%+v after %d inserts, want another file imported from its beginning", result, whole.plans)
	}
}

// stopping is a store that is away after some inserts of plans.
type stopping struct {
	collect.Store
	plans, after int
}

func (s *stopping) InsertPlan(ctx context.Context, batch schema.Batch, events []rail.PlannedEvent, firstSeq uint64) error {
	if s.plans++; s.plans > s.after {
		return errAway
	}
	return s.Store.InsertPlan(ctx, batch, events, firstSeq)
}

// Sequence numbers tell all observations apart: a reader goes on after the last
// one it saw.
func TestReleaseIsTailedWhole(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	f := historytest.File{Columns: historytest.Columns(), GroupOf: 8}
	for i := range 20 { // all in one minute, in three row groups
		f.Rows = append(f.Rows, historytest.Row{"id": fmt.Sprintf("%d-2410290700-2", i), "eva": "8000150", "arrival_planned_time": "2024-10-29 08:00:00",
			"arrival_change_time": "2024-10-29 08:01:00", "departure_planned_time": "2024-10-29 08:00:00", "departure_change_time": "2024-10-29 08:01:00"})
	}
	_, err := h.ImportArchive(t.Context(), importing(t, f))
	must(t, err)
	for name, next := range map[string]func(after uint64) (int, uint64){
		"plan": func(after uint64) (int, uint64) {
			events, seqs, err := h.db.PlanSince(t.Context(), schema.TailQuery{Source: "test", Group: group, AfterSeq: after, Limit: 1})
			must(t, err)
			if len(events) == 0 {
				return 0, after
			}
			return 1, seqs[0]
		},
		"changes": func(after uint64) (int, uint64) {
			changes, err := h.db.ChangesSince(t.Context(), schema.TailQuery{Source: "test", Group: group, AfterSeq: after, Limit: 1})
			must(t, err)
			if len(changes) == 0 {
				return 0, after
			}
			return 1, changes[0].Seq
		},
	} {
		seen := 0
		for n, seq := next(0); n > 0; n, seq = next(seq) {
			seen++
		}
		if seen != 40 {
			t.Errorf("%d %s one by one, want 40", seen, name)
		}
	}
}

func TestPlanImportListsReleases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"data-2024-10.parquet", "2024-10-30.tar.zst", "data-2024-09.parquet", "stops.csv"} {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	plan, err := new(collect.Activities).PlanImport(t.Context(), schemas.ImportInput{Directory: dir})
	must(t, err)
	var names []string
	for _, path := range plan.Archives {
		names = append(names, filepath.Base(path))
	}
	if got := strings.Join(names, " "); got != "2024-10-30.tar.zst data-2024-09.parquet data-2024-10.parquet" || plan.Note != "1 .csv files were left out: they need a mapping" || len(plan.SizesBytes) != 3 {
		t.Errorf("archives %s, %+v", got, plan)
	}
}
