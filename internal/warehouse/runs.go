package warehouse

import (
	"context"
	"math"
	"slices"
	"unicode/utf8"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	schema "puenktlich/schemas/clickhouse"
)

var finalTable = table[schema.FinalMetric]{name: "run_metrics", columns: []column[schema.FinalMetric]{
	field("run_id", func(m *schema.FinalMetric) *string { return &m.RunID }),
	field("name", func(m *schema.FinalMetric) *string { return &m.Name }),
	field("argMax(value, step)", func(m *schema.FinalMetric) *float64 { return &m.Value }),
}}

// listedTable is runTable without what a list does not show and is long.
var listedTable = table[schema.Run]{name: "runs", columns: slices.DeleteFunc(slices.Clone(runTable.columns), func(c column[schema.Run]) bool {
	return slices.Contains([]string{"recipe", "environment", "artifacts"}, c.name)
})}

// ListRuns reads the runs of a query in their present states, without recipe,
// environment and artefacts. Equal ones come newest first.
func (db *DB) ListRuns(ctx context.Context, q schema.RunQuery) ([]schema.Run, error) {
	w := runsWhere(q)
	from, order := "FROM runs AS r FINAL WHERE "+w.String(), ""
	if q.Order == schema.ByMetric {
		// A run without the metric is joined with an empty run_id.
		from = "FROM (SELECT " + listedTable.selectList("r.") + " FROM runs AS r FINAL WHERE " + w.String() + ") AS r LEFT JOIN" +
			" (SELECT run_id, argMax(value, step) AS final FROM run_metrics FINAL WHERE name = {metric:String} GROUP BY run_id) AS m" +
			" ON r.run_id = m.run_id"
		order = "m.run_id = '' OR isNaN(m.final) AS missing, if(missing, 0, m.final)" + direction(q.Descending) + ", "
		w.args = append(w.args, driver.Named("metric", q.Metric))
	}
	limit := uint64(math.MaxInt64)
	if q.Limit > 0 {
		limit = uint64(q.Limit)
	}
	return collect(ctx, db, listedTable, statement{
		sql:  "SELECT " + listedTable.selectList("r.") + " " + from + " ORDER BY " + order + "r.started_at DESC, r.run_id LIMIT {limit:UInt64}",
		args: append(w.args, driver.Named("limit", limit)),
	})
}

func direction(descending bool) string {
	if descending {
		return " DESC"
	}
	return " ASC"
}

func runsWhere(q schema.RunQuery) where {
	var w where
	if q.Experiment != "" {
		w.and("r.experiment = {experiment:String}", "experiment", q.Experiment)
	}
	if q.Model != "" {
		w.and("r.model = {model:String}", "model", q.Model)
	}
	if q.Status != "" {
		w.and("r.status = {status:String}", "status", string(q.Status))
	}
	if q.Dataset != "" {
		w.and("startsWith(r.dataset_id, {dataset:String})", "dataset", q.Dataset)
	}
	if !q.Since.IsZero() {
		w.and("r.started_at >= "+milliseconds("since"), "since", q.Since.UnixMilli())
	}
	return w
}

// idsAtOnce bounds what a statement names: with more, reading all runs and
// leaving out most of them is faster than sending and searching the list.
const idsAtOnce = 500

// FinalMetrics reads the last step's value of metrics, ordered by run and name.
func (db *DB) FinalMetrics(ctx context.Context, q schema.MetricQuery) ([]schema.FinalMetric, error) {
	var w where
	wanted := func(string) bool { return true }
	if len(q.RunIDs) <= idsAtOnce {
		w.and("run_id IN {ids:Array(String)}", "ids", q.RunIDs)
	} else {
		wanted = among(q.RunIDs)
	}
	if len(q.Names) > 0 {
		w.and("name IN {names:Array(String)}", "names", q.Names)
	}
	var all []schema.FinalMetric
	err := query(ctx, db, finalTable, statement{
		sql:  "SELECT " + finalTable.selectList("") + " FROM run_metrics FINAL WHERE " + w.String() + " GROUP BY run_id, name ORDER BY run_id, name",
		args: w.args,
	}, func(m *schema.FinalMetric) error {
		if wanted(m.RunID) {
			all = append(all, *m)
		}
		return nil
	})
	return all, err
}

func among(ids []string) func(string) bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return func(id string) bool { return set[id] }
}

// MetricNames reads the names of all metrics that any run has, in order.
func (db *DB) MetricNames(ctx context.Context) ([]string, error) {
	var names []string
	var name string
	none := table[struct{}]{name: "run_metrics"} // no column of a row's own
	err := query(ctx, db, none, statement{sql: "SELECT DISTINCT toString(name) AS name FROM run_metrics ORDER BY name"},
		func(*struct{}) error { names = append(names, name); return nil }, &name)
	return names, err
}

// FindRuns reads the runs whose id begins so, by id, at most limit.
func (db *DB) FindRuns(ctx context.Context, prefix string, limit int) ([]schema.Run, error) {
	return collect(ctx, db, runTable, statement{
		sql: "SELECT " + runTable.selectList("") + " FROM runs FINAL WHERE startsWith(run_id, {prefix:String})" +
			" ORDER BY run_id LIMIT {limit:UInt64}",
		args: []any{driver.Named("prefix", prefix), driver.Named("limit", uint64(limit))},
	})
}

// NearRuns reads the runs that may be meant by a text that begins no id, the
// nearest first: ids that begin with something like it, at most a third of its
// characters changed, and runs of that name.
func (db *DB) NearRuns(ctx context.Context, text string, limit int) ([]schema.Run, error) {
	length := utf8.RuneCountInString(text)
	return collect(ctx, db, runTable, statement{
		sql: "SELECT " + runTable.selectList("") + " FROM runs FINAL" +
			" WHERE editDistanceUTF8(leftUTF8(run_id, {length:UInt64}), {text:String}) <= {far:UInt64} OR name = {text:String}" +
			" ORDER BY name = {text:String} DESC, editDistanceUTF8(leftUTF8(run_id, {length:UInt64}), {text:String}), started_at DESC, run_id" +
			" LIMIT {limit:UInt64}",
		args: []any{driver.Named("text", text), driver.Named("length", uint64(length)), driver.Named("far", uint64(length/3)),
			driver.Named("limit", uint64(limit))},
	})
}
