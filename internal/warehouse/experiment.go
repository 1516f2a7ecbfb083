package warehouse

import (
	"context"
	"fmt"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	schema "puenktlich/schemas/clickhouse"
)

var runTable = table[schema.Run]{name: "runs", columns: []column[schema.Run]{
	field("run_id", func(r *schema.Run) *string { return &r.RunID }),
	field("experiment", func(r *schema.Run) *string { return &r.Experiment }),
	field("name", func(r *schema.Run) *string { return &r.Name }),
	text("status", func(r *schema.Run) *schema.RunStatus { return &r.Status }),
	field("algorithm", func(r *schema.Run) *string { return &r.Algorithm }),
	field("dataset_id", func(r *schema.Run) *string { return &r.DatasetID }),
	field("dataset_sha256", func(r *schema.Run) *string { return &r.DatasetSHA256 }),
	field("model", func(r *schema.Run) *string { return &r.Model }),
	field("artifact_key", func(r *schema.Run) *string { return &r.ArtifactKey }),
	field("code_version", func(r *schema.Run) *string { return &r.CodeVersion }),
	field("workflow_id", func(r *schema.Run) *string { return &r.WorkflowID }),
	field("seed", func(r *schema.Run) *int64 { return &r.Seed }),
	instant("started_at", func(r *schema.Run) *time.Time { return &r.StartedAt }),
	moment("ended_at", func(r *schema.Run) *time.Time { return &r.EndedAt }),
	field("error", func(r *schema.Run) *string { return &r.Error }),
	field("version", func(r *schema.Run) *uint64 { return &r.Version }),
	field("feature_version", func(r *schema.Run) *string { return &r.FeatureVersion }),
	field("actor", func(r *schema.Run) *string { return &r.Actor }),
	field("reason", func(r *schema.Run) *string { return &r.Reason }),
	field("recipe", func(r *schema.Run) *string { return &r.Recipe }),
	dictionary("environment", func(r *schema.Run) *map[string]string { return &r.Environment }),
	dictionary("artifacts", func(r *schema.Run) *map[string]string { return &r.Artifacts }),
	field("duration_seconds", func(r *schema.Run) *float64 { return &r.DurationSeconds }),
	field("peak_memory_bytes", func(r *schema.Run) *uint64 { return &r.PeakMemoryBytes }),
}}

var paramTable = table[schema.RunParam]{name: "run_params", columns: []column[schema.RunParam]{
	field("run_id", func(r *schema.RunParam) *string { return &r.RunID }),
	field("name", func(r *schema.RunParam) *string { return &r.Name }),
	field("value", func(r *schema.RunParam) *string { return &r.Value }),
}}

var metricTable = table[schema.RunMetric]{name: "run_metrics", columns: []column[schema.RunMetric]{
	field("run_id", func(r *schema.RunMetric) *string { return &r.RunID }),
	field("name", func(r *schema.RunMetric) *string { return &r.Name }),
	field("step", func(r *schema.RunMetric) *int64 { return &r.Step }),
	field("value", func(r *schema.RunMetric) *float64 { return &r.Value }),
	instant("recorded_at", func(r *schema.RunMetric) *time.Time { return &r.RecordedAt }),
}}

// SaveRun writes the state of a run; a higher Version supersedes.
func (db *DB) SaveRun(ctx context.Context, run schema.Run) error {
	token := fmt.Sprintf("run/%s/%d", run.RunID, run.Version)
	return insert(ctx, db, runTable, token, []schema.Run{run})
}

// SaveParams writes parameters; the last value written under a name counts.
func (db *DB) SaveParams(ctx context.Context, token string, params []schema.RunParam) error {
	return insert(ctx, db, paramTable, token, params)
}

// SaveMetrics writes measurements; the last value written under a name and
// step counts.
func (db *DB) SaveMetrics(ctx context.Context, token string, metrics []schema.RunMetric) error {
	return insert(ctx, db, metricTable, token, metrics)
}

// Run reads the present state of a run, ErrNotFound where there is none.
func (db *DB) Run(ctx context.Context, runID string) (schema.Run, error) {
	runs, err := collect(ctx, db, runTable, statement{
		sql:  "SELECT " + runTable.selectList("") + " FROM runs FINAL WHERE run_id = {id:String}",
		args: []any{driver.Named("id", runID)},
	})
	if err != nil {
		return schema.Run{}, err
	}
	if len(runs) == 0 {
		return schema.Run{}, fmt.Errorf("run %q: %w", runID, ErrNotFound)
	}
	return runs[0], nil
}

// Runs reads the runs of an experiment in their present states, newest first,
// at most limit; an empty experiment means all.
func (db *DB) Runs(ctx context.Context, experiment string, limit int) ([]schema.Run, error) {
	return collect(ctx, db, runTable, statement{
		sql: "SELECT " + runTable.selectList("") + " FROM runs FINAL" +
			" WHERE {experiment:String} = '' OR experiment = {experiment:String}" +
			" ORDER BY started_at DESC, run_id LIMIT {limit:UInt64}",
		args: []any{driver.Named("experiment", experiment), driver.Named("limit", uint64(limit))},
	})
}

// RunParams reads the parameters of runs, ordered by run and name.
func (db *DB) RunParams(ctx context.Context, runIDs ...string) ([]schema.RunParam, error) {
	return collect(ctx, db, paramTable, ofRuns(paramTable.selectList(""), "run_params", "run_id, name", runIDs))
}

// RunMetrics reads the measurements of runs, ordered by run, name and step.
func (db *DB) RunMetrics(ctx context.Context, runIDs ...string) ([]schema.RunMetric, error) {
	return collect(ctx, db, metricTable, ofRuns(metricTable.selectList(""), "run_metrics", "run_id, name, step", runIDs))
}

func ofRuns(columns, table, order string, runIDs []string) statement {
	return statement{
		sql:  "SELECT " + columns + " FROM " + table + " FINAL WHERE run_id IN {ids:Array(String)} ORDER BY " + order,
		args: []any{driver.Named("ids", runIDs)},
	}
}
