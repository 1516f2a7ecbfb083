package warehouse_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

// saved saves twice and expects to read one row that is equal.
func saved[R any](t *testing.T, row R, save func(context.Context, R) error, read func() ([]R, error)) {
	t.Helper()
	t.Run(reflect.TypeFor[R]().Name(), func(t *testing.T) {
		value := reflect.ValueOf(row)
		for i := range value.NumField() {
			if value.Field(i).IsZero() {
				t.Errorf("the test leaves %s empty", value.Type().Field(i).Name)
			}
		}
		for range 2 {
			if err := save(t.Context(), row); err != nil {
				t.Fatal(err)
			}
		}
		got, err := read()
		if err != nil || !reflect.DeepEqual(got, []R{row}) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, []R{row})
		}
	})
}

func listOf[R any](save func(context.Context, string, []R) error) func(context.Context, R) error {
	return func(ctx context.Context, row R) error { return save(ctx, "token", []R{row}) }
}

func TestEveryFieldComesBack(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	ctx := t.Context()
	then, later := at(t, "29 10:00"), at(t, "29 10:01").Add(7*time.Millisecond)
	days := schema.MonitorQuery{Model: "m", From: "2024-10-29", Until: "2024-10-30", AsOf: later}

	saved(t, schema.Score{
		Model: "m", Version: 1, Digest: "d", Role: schema.RoleCanary, Source: schema.FromPanel, DataSource: "s", Evidence: "e",
		FromDay: "2024-10-29", UntilDay: "2024-10-30", HorizonMinutes: 30, SliceKind: "class", Slice: "F", Metric: "brier",
		Value: 0.1, Lower: 0.05, Upper: 0.2, Baseline: "b", BaselineValue: 0.15, Events: 1000, Days: 1, ScoredAt: later, Blocks: "3 days",
	}, listOf(db.SaveScores), func() ([]schema.Score, error) { return db.Scores(ctx, days) })
	saved(t, schema.Drift{
		Model: "m", Version: 1, DataSource: "s", Day: "2024-10-29", Subject: "feature", Name: "hour", Statistic: "psi",
		Value: 0.3, Threshold: 0.2, Exceeded: true, Events: 1000, Reference: "dataset-1", MeasuredAt: later,
	}, listOf(db.SaveDrift), func() ([]schema.Drift, error) { return db.Drift(ctx, days) })
	saved(t, schema.Verdict{
		VerdictID: "v", Model: "m", Version: 1, DataSource: "s", Day: "2024-10-29", Action: "retrain", Rule: "skill",
		Reason: "r", Figures: `{"brier":0.1}`, WorkflowID: "w", DecidedAt: later,
		PolicyName: "p", PolicyVersion: 2, PolicySHA256: "00", Policy: "{}", Decided: "{}", Severity: "warning", Act: "started", Reference: "lifecycle/m",
		Note: "n", Evidence: "evidence/x", Report: "reports/x",
	}, db.SaveVerdict, func() ([]schema.Verdict, error) { return db.Verdicts(ctx, "m", 10) })
	saved(t, schema.Alert{
		AlertID: "a", Name: "n", Severity: "warning", State: schema.AlertResolved, Subject: "s", Summary: "it's \\ \"so\"\n",
		Details: "{}", WorkflowID: "w", RaisedAt: then, ResolvedAt: later, Version: 2, Told: "critical",
	}, db.SaveAlert, func() ([]schema.Alert, error) { return db.Alerts(ctx, schema.AlertResolved, 10) })
	saved(t, schema.RegistryEvent{
		EventID: "e", Model: "m", Version: 2, Digest: "d", Event: "promoted", Alias: "champion", Mode: "canary",
		PreviousVersion: 1, Actor: "ada", Reason: "r", WorkflowID: "w", Details: `{"judged":[]}`, HappenedAt: later,
	}, db.SaveRegistryEvent, func() ([]schema.RegistryEvent, error) { return db.RegistryEvents(ctx, "m", later) })
	saved(t, schema.Audit{
		AuditID: "a", HappenedAt: later, Actor: "ada", Authenticated: true, Role: "operator", Action: "approve", Object: "m@2",
		Outcome: "done", Reason: "r", Details: "{}", Remote: "127.0.0.1",
	}, db.SaveAudit, func() ([]schema.Audit, error) { return db.Audit(ctx, "m@2", 10) })
	saved(t, schema.Run{
		RunID: "r", Experiment: "x", Name: "n", Status: schema.RunFinished, Algorithm: "xgboost", DatasetID: "d", DatasetSHA256: "00",
		Model: "m", ArtifactKey: "runs/r/", CodeVersion: "v1", WorkflowID: "w", Seed: -7, StartedAt: then, EndedAt: later, Error: "e", Version: 2,
		FeatureVersion: "f1", Actor: "ada", Reason: "why not", Recipe: `{"candidate":{}}`, Environment: map[string]string{"xgboost": "1.7.4", "threads": "2"},
		Artifacts: map[string]string{schema.ArtifactLearned: "runs/r/learned/x.json"}, DurationSeconds: 1.5, PeakMemoryBytes: 1 << 33,
	}, db.SaveRun, func() ([]schema.Run, error) { return db.Runs(ctx, "x", 10) })
	saved(t, schema.RunParam{RunID: "r", Name: "depth", Value: "6"},
		listOf(db.SaveParams), func() ([]schema.RunParam, error) { return db.RunParams(ctx, "r") })
	saved(t, schema.RunMetric{RunID: "r", Name: "log_loss", Step: 100, Value: 0.3, RecordedAt: later},
		listOf(db.SaveMetrics), func() ([]schema.RunMetric, error) { return db.RunMetrics(ctx, "r", "another's") })
}

func TestStatesSupersede(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	ctx := t.Context()
	run := schema.Run{RunID: "r", Status: schema.RunRunning, StartedAt: at(t, "29 10:00"), Version: 1}
	ended := run
	ended.Status, ended.EndedAt, ended.Version = schema.RunFinished, at(t, "29 11:00"), 2
	for _, state := range []schema.Run{ended, run} { // the older state arrives last
		if err := db.SaveRun(ctx, state); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := db.Run(ctx, "r"); err != nil || !reflect.DeepEqual(got, ended) {
		t.Errorf("got %+v, %v, want %+v", got, err, ended)
	}
	if _, err := db.Run(ctx, "none"); !errors.Is(err, warehouse.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestScoresAreTheLastOfTheirMoment(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	ctx := t.Context()
	early := schema.Score{Model: "m", FromDay: "2024-10-29", UntilDay: "2024-10-30", Metric: "brier", Value: 0.2, ScoredAt: at(t, "30 02:00")}
	late := early
	late.Value, late.ScoredAt = 0.3, at(t, "30 03:00")
	if err := db.SaveScores(ctx, "t", []schema.Score{early, late}); err != nil {
		t.Fatal(err)
	}
	for asOf, want := range map[string]schema.Score{"30 02:30": early, "30 03:00": late} {
		got, err := db.Scores(ctx, schema.MonitorQuery{Model: "m", From: "2024-10-01", Until: "2024-11-01", AsOf: at(t, asOf)})
		if err != nil || !reflect.DeepEqual(got, []schema.Score{want}) {
			t.Errorf("as of %s: got %+v, %v, want %+v", asOf, got, err, want)
		}
	}
}

func TestVerdictsOfDays(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	ctx := t.Context()
	verdict := func(id, day, decided, act, source string) schema.Verdict {
		v := schema.Verdict{VerdictID: id, Model: "m", DataSource: source, Day: day, DecidedAt: at(t, decided), Act: act}
		if err := db.SaveVerdict(ctx, v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	verdict("a", "2024-10-28", "29 04:00", "", "s")
	verdict("b", "2024-10-28", "30 04:00", "started", "s")
	verdict("c", "2024-10-29", "30 04:00", "", "s")
	verdict("d", "2024-10-30", "31 04:00", "joined", "other")
	for name, test := range map[string]struct {
		query schema.VerdictQuery
		want  []string
	}{
		"all":            {schema.VerdictQuery{}, []string{"d", "c", "b", "a"}},
		"newest of each": {schema.VerdictQuery{Newest: true}, []string{"d", "c", "b"}},
		"as it was then": {schema.VerdictQuery{Newest: true, DecidedUntil: at(t, "29 04:00")}, []string{"a"}},
		"since":          {schema.VerdictQuery{DecidedSince: at(t, "30 04:00")}, []string{"d", "c", "b"}},
		"days":           {schema.VerdictQuery{From: "2024-10-28", Until: "2024-10-29"}, []string{"b", "a"}},
		"acted":          {schema.VerdictQuery{Acted: true}, []string{"d", "b"}},
		"of a source":    {schema.VerdictQuery{DataSource: "s", Limit: 2}, []string{"c", "b"}},
		"some":           {schema.VerdictQuery{IDs: []string{"a", "d", "x"}}, []string{"d", "a"}},
	} {
		test.query.Model = "m"
		rows, err := db.FindVerdicts(ctx, test.query)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range rows {
			got = append(got, row.VerdictID)
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	if _, err := db.FindVerdicts(ctx, schema.VerdictQuery{}); err == nil {
		t.Error("a query of no model was answered")
	}
}

// TestAnEventOfTheRegistryThatExplainsNothingIsRefused before anything is written.
func TestAnEventOfTheRegistryThatExplainsNothingIsRefused(t *testing.T) {
	t.Parallel()
	whole := schema.RegistryEvent{EventID: "e", Model: "m", Version: 2, Event: "promoted", Actor: "ada", Reason: "r", Details: `{"judged":[]}`, HappenedAt: time.Date(2024, 10, 29, 7, 0, 0, 0, time.UTC)}
	for want, leave := range map[string]func(*schema.RegistryEvent){
		"it has no actor":            func(e *schema.RegistryEvent) { e.Actor = "" },
		"it has no reason":           func(e *schema.RegistryEvent) { e.Reason = "" },
		"it has no time":             func(e *schema.RegistryEvent) { e.HappenedAt = time.Time{} },
		"it has no evidence":         func(e *schema.RegistryEvent) { e.Details = "" },
		"no evidence, a JSON object": func(e *schema.RegistryEvent) { e.Details = "{}" },
	} {
		event := whole
		leave(&event)
		if err := new(warehouse.DB).SaveRegistryEvent(t.Context(), event); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
