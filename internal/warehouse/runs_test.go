package warehouse_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

// threeRuns are a, b and c, an hour apart: b is another model's, c failed
// before it had a score.
func threeRuns(t testing.TB, db *warehouse.DB) {
	t.Helper()
	for i, run := range []schema.Run{
		{RunID: "aa11", Name: "depth-2", Model: "m", Status: schema.RunFinished, DatasetID: "d1"},
		{RunID: "ab22", Name: "depth-3", Model: "n", Status: schema.RunFinished, DatasetID: "d2"},
		{RunID: "cc33", Name: "depth-4", Model: "m", Status: schema.RunFailed, DatasetID: "d1"},
	} {
		run.StartedAt, run.Version = at(t, fmt.Sprintf("29 1%d:00", i)), 2
		saves(t, db.SaveRun(t.Context(), run))
		run.Status, run.Version = schema.RunRunning, 1
		saves(t, db.SaveRun(t.Context(), run))
	}
	now := at(t, "29 12:00")
	saves(t, db.SaveMetrics(t.Context(), "t", []schema.RunMetric{
		{RunID: "aa11", Name: "oof_brier", Value: 0.2, RecordedAt: now},
		{RunID: "ab22", Name: "oof_brier", Value: 0.1, RecordedAt: now},
		{RunID: "aa11", Name: "valid_log_loss", Step: 1, Value: 0.7, RecordedAt: now},
		{RunID: "aa11", Name: "valid_log_loss", Step: 10, Value: 0.4, RecordedAt: now},
		{RunID: "aa11", Name: "valid_log_loss", Step: 2, Value: 0.6, RecordedAt: now},
		{RunID: "cc33", Name: "skill", Value: math.NaN(), RecordedAt: now},
		{RunID: "ab22", Name: "skill", Value: -0.1, RecordedAt: now},
	}))
}

func saves(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func idsOf(runs []schema.Run) string {
	var ids []string
	for _, run := range runs {
		ids = append(ids, run.RunID)
	}
	return strings.Join(ids, " ")
}

func TestListRuns(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	threeRuns(t, db)
	for name, c := range map[string]struct {
		query schema.RunQuery
		want  string
	}{
		"newest first":           {schema.RunQuery{}, "cc33 ab22 aa11"},
		"some":                   {schema.RunQuery{Limit: 2}, "cc33 ab22"},
		"of a model":             {schema.RunQuery{Model: "m"}, "cc33 aa11"},
		"of a status":            {schema.RunQuery{Status: schema.RunFinished}, "ab22 aa11"},
		"once running":           {schema.RunQuery{Status: schema.RunRunning}, ""},
		"of a data set":          {schema.RunQuery{Dataset: "d1"}, "cc33 aa11"},
		"of data sets":           {schema.RunQuery{Dataset: "d"}, "cc33 ab22 aa11"},
		"since":                  {schema.RunQuery{Since: at(t, "29 11:00")}, "cc33 ab22"},
		"by metric":              {schema.RunQuery{Order: schema.ByMetric, Metric: "oof_brier"}, "ab22 aa11 cc33"},
		"by metric, highest":     {schema.RunQuery{Order: schema.ByMetric, Metric: "oof_brier", Descending: true}, "aa11 ab22 cc33"},
		"a missing one is last":  {schema.RunQuery{Order: schema.ByMetric, Metric: "skill", Descending: true}, "ab22 cc33 aa11"},
		"by metric, of a model":  {schema.RunQuery{Order: schema.ByMetric, Metric: "oof_brier", Model: "m"}, "aa11 cc33"},
		"by a metric nobody has": {schema.RunQuery{Order: schema.ByMetric, Metric: "x'; DROP TABLE runs"}, "cc33 ab22 aa11"},
	} {
		got, err := db.ListRuns(t.Context(), c.query)
		if err != nil || idsOf(got) != c.want {
			t.Errorf("%s: got %q, %v, want %q", name, idsOf(got), err, c.want)
		}
	}
}

func TestFinalMetrics(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	threeRuns(t, db)
	many := []string{"ab22", "aa11"}
	for i := range 1000 {
		many = append(many, fmt.Sprint("none", i))
	}
	all := []schema.FinalMetric{{RunID: "aa11", Name: "oof_brier", Value: 0.2}, {RunID: "aa11", Name: "valid_log_loss", Value: 0.4},
		{RunID: "ab22", Name: "oof_brier", Value: 0.1}, {RunID: "ab22", Name: "skill", Value: -0.1}}
	for name, c := range map[string]struct {
		query schema.MetricQuery
		want  []schema.FinalMetric
	}{
		"two runs":    {schema.MetricQuery{RunIDs: []string{"ab22", "aa11", "none"}}, all},
		"many runs":   {schema.MetricQuery{RunIDs: many}, all},
		"some names":  {schema.MetricQuery{RunIDs: many, Names: []string{"oof_brier", "x"}}, []schema.FinalMetric{all[0], all[2]}},
		"no run":      {schema.MetricQuery{}, nil},
		"one without": {schema.MetricQuery{RunIDs: []string{"none"}}, nil},
	} {
		if got, err := db.FinalMetrics(t.Context(), c.query); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got  %+v, %v\nwant %+v", name, got, err, c.want)
		}
	}
	if got, err := db.MetricNames(t.Context()); err != nil || !slices.Equal(got, []string{"oof_brier", "skill", "valid_log_loss"}) {
		t.Errorf("names %q, %v", got, err)
	}
}

func TestFindRuns(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	threeRuns(t, db)
	for prefix, want := range map[string]string{"a": "aa11 ab22", "ab": "ab22", "cc33": "cc33", "cc334": "", "%": "", "": "aa11 ab22 cc33"} {
		got, err := db.FindRuns(t.Context(), prefix, 10)
		if err != nil || idsOf(got) != want {
			t.Errorf("%q: got %q, %v, want %q", prefix, idsOf(got), err, want)
		}
	}
	for text, want := range map[string]string{"ac2": "ab22", "cd33": "cc33", "depth-3": "ab22", "zzzz": "", "q": ""} {
		got, err := db.NearRuns(t.Context(), text, 10)
		if err != nil || idsOf(got) != want {
			t.Errorf("near %q: got %q, %v, want %q", text, idsOf(got), err, want)
		}
	}
}

func TestListWhileAway(t *testing.T) {
	t.Parallel()
	db, err := warehouse.Open(warehouse.Options{Addr: "http://127.0.0.1:1"})
	saves(t, err)
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ListRuns(t.Context(), schema.RunQuery{}); !errors.Is(err, warehouse.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

// Ten thousand runs of twenty metrics each.
const (
	benchRuns    = 10_000
	benchMetrics = 20
)

func manyRuns(b *testing.B) *warehouse.DB {
	b.Helper()
	db := migrated(b)
	begin := at(b, "01 00:00")
	var runs []schema.Run
	var params []schema.RunParam
	var metrics []schema.RunMetric
	for i := range benchRuns {
		id := fmt.Sprintf("%08x%08x", uint32(i)*2654435761, i)
		runs = append(runs, schema.Run{RunID: id, Experiment: "m", Model: "m", Name: fmt.Sprintf("depth-%d", i%7), Status: schema.RunFinished,
			DatasetID: fmt.Sprintf("%064x", i/50), CodeVersion: "v1", StartedAt: begin.Add(time.Duration(i) * time.Minute), EndedAt: begin.Add(time.Duration(i+1) * time.Minute),
			Version: 2, Actor: "schedule", Recipe: strings.Repeat("{}", 500), Environment: map[string]string{"xgboost": "1.7.4", "threads": "2"}})
		for n := range benchMetrics {
			params = append(params, schema.RunParam{RunID: id, Name: fmt.Sprintf("param_%02d", n), Value: fmt.Sprint(i * n)})
			metrics = append(metrics, schema.RunMetric{RunID: id, Name: fmt.Sprintf("metric_%02d", n), Value: float64((i*7919+n)%10_007) / 10_007, RecordedAt: begin})
		}
	}
	saves(b, db.SaveRuns(b.Context(), runs))
	saves(b, db.SaveParams(b.Context(), "p", params))
	saves(b, db.SaveMetrics(b.Context(), "m", metrics))
	return db
}

// BenchmarkListRuns lists ten thousand runs, sorted by a metric, with four or
// all of their metrics, and a page of fifty, beside a plain scan of the tables.
func BenchmarkListRuns(b *testing.B) {
	db := manyRuns(b)
	scan := bestOf(b, func() {
		for _, table := range []string{"runs", "run_metrics"} {
			saves(b, db.ScanTable(b.Context(), table))
		}
	})
	for _, c := range []struct {
		name    string
		limit   int
		metrics []string
	}{{"page", 50, nil}, {"table", 0, []string{"metric_00", "metric_01", "metric_02", "metric_07"}}, {"everything", 0, nil}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				listRuns(b, db, c.limit, c.metrics)
			}
			each := b.Elapsed() / time.Duration(b.N)
			b.ReportMetric(each.Seconds(), "s/list")
			b.ReportMetric(float64(each)/float64(scan), "x-plain-scan")
		})
	}
}

func listRuns(b *testing.B, db *warehouse.DB, limit int, names []string) {
	b.Helper()
	runs, err := db.ListRuns(b.Context(), schema.RunQuery{Model: "m", Order: schema.ByMetric, Metric: "metric_07", Limit: limit})
	saves(b, err)
	query := schema.MetricQuery{Names: names}
	for _, run := range runs {
		query.RunIDs = append(query.RunIDs, run.RunID)
	}
	each := len(names)
	if each == 0 {
		each = benchMetrics
	}
	found, err := db.FinalMetrics(b.Context(), query)
	if err != nil || len(found) != each*len(runs) || len(runs) == 0 {
		b.Fatalf("%d runs, %d metrics, %v", len(runs), len(found), err)
	}
}

// bestOf is the shortest of five.
func bestOf(b *testing.B, run func()) time.Duration {
	b.Helper()
	best := time.Duration(math.MaxInt64)
	for range 5 {
		begin := time.Now()
		run()
		best = min(best, time.Since(begin))
	}
	return best
}
