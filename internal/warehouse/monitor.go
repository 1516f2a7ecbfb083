package warehouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	schema "puenktlich/schemas/clickhouse"
)

var scoreTable = table[schema.Score]{name: "model_scores", columns: []column[schema.Score]{
	field("model", func(r *schema.Score) *string { return &r.Model }),
	field("version", func(r *schema.Score) *uint32 { return &r.Version }),
	field("digest", func(r *schema.Score) *string { return &r.Digest }),
	text("role", func(r *schema.Score) *schema.Role { return &r.Role }),
	text("source", func(r *schema.Score) *schema.PredictionSource { return &r.Source }),
	field("data_source", func(r *schema.Score) *string { return &r.DataSource }),
	field("evidence", func(r *schema.Score) *string { return &r.Evidence }),
	day("from_day", func(r *schema.Score) *string { return &r.FromDay }),
	day("until_day", func(r *schema.Score) *string { return &r.UntilDay }),
	field("horizon_minutes", func(r *schema.Score) *int32 { return &r.HorizonMinutes }),
	field("slice_kind", func(r *schema.Score) *string { return &r.SliceKind }),
	field("slice", func(r *schema.Score) *string { return &r.Slice }),
	field("metric", func(r *schema.Score) *string { return &r.Metric }),
	field("value", func(r *schema.Score) *float64 { return &r.Value }),
	field("lower", func(r *schema.Score) *float64 { return &r.Lower }),
	field("upper", func(r *schema.Score) *float64 { return &r.Upper }),
	field("baseline", func(r *schema.Score) *string { return &r.Baseline }),
	field("baseline_value", func(r *schema.Score) *float64 { return &r.BaselineValue }),
	field("events", func(r *schema.Score) *uint64 { return &r.Events }),
	field("days", func(r *schema.Score) *uint32 { return &r.Days }),
	instant("scored_at", func(r *schema.Score) *time.Time { return &r.ScoredAt }),
	field("blocks", func(r *schema.Score) *string { return &r.Blocks }),
}}

var driftTable = table[schema.Drift]{name: "drift", columns: []column[schema.Drift]{
	field("model", func(r *schema.Drift) *string { return &r.Model }),
	field("version", func(r *schema.Drift) *uint32 { return &r.Version }),
	field("data_source", func(r *schema.Drift) *string { return &r.DataSource }),
	day("day", func(r *schema.Drift) *string { return &r.Day }),
	field("subject", func(r *schema.Drift) *string { return &r.Subject }),
	field("name", func(r *schema.Drift) *string { return &r.Name }),
	field("statistic", func(r *schema.Drift) *string { return &r.Statistic }),
	field("value", func(r *schema.Drift) *float64 { return &r.Value }),
	field("threshold", func(r *schema.Drift) *float64 { return &r.Threshold }),
	flag("exceeded", func(r *schema.Drift) *bool { return &r.Exceeded }),
	field("events", func(r *schema.Drift) *uint64 { return &r.Events }),
	field("reference", func(r *schema.Drift) *string { return &r.Reference }),
	instant("measured_at", func(r *schema.Drift) *time.Time { return &r.MeasuredAt }),
}}

var verdictTable = table[schema.Verdict]{name: "verdicts", columns: []column[schema.Verdict]{
	field("verdict_id", func(r *schema.Verdict) *string { return &r.VerdictID }),
	field("model", func(r *schema.Verdict) *string { return &r.Model }),
	field("version", func(r *schema.Verdict) *uint32 { return &r.Version }),
	field("data_source", func(r *schema.Verdict) *string { return &r.DataSource }),
	day("day", func(r *schema.Verdict) *string { return &r.Day }),
	field("action", func(r *schema.Verdict) *string { return &r.Action }),
	field("rule", func(r *schema.Verdict) *string { return &r.Rule }),
	field("reason", func(r *schema.Verdict) *string { return &r.Reason }),
	field("figures", func(r *schema.Verdict) *string { return &r.Figures }),
	field("workflow_id", func(r *schema.Verdict) *string { return &r.WorkflowID }),
	instant("decided_at", func(r *schema.Verdict) *time.Time { return &r.DecidedAt }),
	field("policy_name", func(r *schema.Verdict) *string { return &r.PolicyName }),
	field("policy_version", func(r *schema.Verdict) *uint32 { return &r.PolicyVersion }),
	field("policy_sha256", func(r *schema.Verdict) *string { return &r.PolicySHA256 }),
	field("policy", func(r *schema.Verdict) *string { return &r.Policy }),
	field("verdict", func(r *schema.Verdict) *string { return &r.Decided }),
	field("severity", func(r *schema.Verdict) *string { return &r.Severity }),
	field("act", func(r *schema.Verdict) *string { return &r.Act }),
	field("reference", func(r *schema.Verdict) *string { return &r.Reference }),
	field("note", func(r *schema.Verdict) *string { return &r.Note }),
	field("evidence", func(r *schema.Verdict) *string { return &r.Evidence }),
	field("report", func(r *schema.Verdict) *string { return &r.Report }),
}}

// SaveScores writes scores.
func (db *DB) SaveScores(ctx context.Context, token string, scores []schema.Score) error {
	return insert(ctx, db, scoreTable, token, scores)
}

// SaveDrift writes drift statistics.
func (db *DB) SaveDrift(ctx context.Context, token string, drifts []schema.Drift) error {
	return insert(ctx, db, driftTable, token, drifts)
}

// SaveVerdict writes a verdict once under its id.
func (db *DB) SaveVerdict(ctx context.Context, verdict schema.Verdict) error {
	return insert(ctx, db, verdictTable, "verdict/"+verdict.VerdictID, []schema.Verdict{verdict})
}

// Scores reads the scores of a model computed up to AsOf whose days lie within
// the query's, each in its last computation or, with Revisions, in every one, the
// newest first, ordered by days, horizon, slice, metric and version.
func (db *DB) Scores(ctx context.Context, q schema.MonitorQuery) (all []schema.Score, err error) {
	err = db.VisitScores(ctx, q, func(s *schema.Score) error {
		all = append(all, *s)
		return nil
	})
	return all, err
}

// VisitScores is Scores for many: each is visited as it is read, and must not be kept.
func (db *DB) VisitScores(ctx context.Context, q schema.MonitorQuery, visit func(*schema.Score) error) error {
	w, err := monitorWhere(q, "scored_at")
	if err != nil {
		return err
	}
	w.and("from_day >= {from_day:Date}", "from_day", q.From)
	w.and("until_day <= {until_day:Date}", "until_day", q.Until)
	if q.Digest != "" {
		w.and("digest = {digest:String}", "digest", q.Digest)
	}
	if q.DataSource != "" {
		w.and("data_source = {data_source:String}", "data_source", q.DataSource)
	}
	if len(q.Metrics) > 0 {
		w.and("metric IN {metrics:Array(String)}", "metrics", q.Metrics)
	}
	if len(q.Slices) > 0 {
		w.and("slice_kind IN {slices:Array(String)}", "slices", q.Slices)
	}
	const key = "from_day, until_day, horizon_minutes, slice_kind, slice, metric, version, role, source, data_source, evidence, digest"
	all := latest(scoreTable.selectList(""), scoreTable.name, key, "scored_at", w)
	if q.Revisions {
		all.sql = strings.TrimSuffix(all.sql, " LIMIT 1 BY "+key)
	}
	return query(ctx, db, scoreTable, all, visit)
}

// Drift reads the drift statistics of a model measured up to AsOf on the
// query's days, each in its last measurement, ordered by day and subject.
func (db *DB) Drift(ctx context.Context, q schema.MonitorQuery) ([]schema.Drift, error) {
	w, err := monitorWhere(q, "measured_at")
	if err != nil {
		return nil, err
	}
	w.and("day >= {from_day:Date}", "from_day", q.From)
	w.and("day < {until_day:Date}", "until_day", q.Until)
	const key = "day, subject, name, statistic, version, data_source, reference"
	return collect(ctx, db, driftTable, latest(driftTable.selectList(""), driftTable.name, key, "measured_at", w))
}

func monitorWhere(q schema.MonitorQuery, at string) (where, error) {
	if q.Model == "" || q.From == "" || q.Until == "" {
		return where{}, fmt.Errorf("model, from and until are required, got %+v", q)
	}
	var w where
	w.and("model = {model:String}", "model", q.Model)
	w.until(at, "as_of", q.AsOf)
	return w, nil
}

func latest(columns, table, key, at string, w where) statement {
	return statement{
		sql: "SELECT " + columns + " FROM " + table + " FINAL WHERE " + w.String() +
			" ORDER BY " + key + ", " + at + " DESC LIMIT 1 BY " + key,
		args: w.args,
	}
}

// Verdicts reads the newest verdicts on a model, at most limit.
func (db *DB) Verdicts(ctx context.Context, model string, limit int) ([]schema.Verdict, error) {
	return db.FindVerdicts(ctx, schema.VerdictQuery{Model: model, Limit: limit})
}

// FindVerdicts reads the verdicts that match, the newest day first, of one day the
// one decided last.
func (db *DB) FindVerdicts(ctx context.Context, q schema.VerdictQuery) ([]schema.Verdict, error) {
	if q.Model == "" {
		return nil, fmt.Errorf("verdicts: model is required, got %+v", q)
	}
	var w where
	w.and("model = {model:String}", "model", q.Model)
	if q.DataSource != "" {
		w.and("data_source = {source:String}", "source", q.DataSource)
	}
	if q.From != "" {
		w.and("day >= {from_day:Date}", "from_day", q.From)
	}
	if q.Until != "" {
		w.and("day < {until_day:Date}", "until_day", q.Until)
	}
	if !q.DecidedSince.IsZero() {
		w.and("decided_at >= "+milliseconds("since"), "since", q.DecidedSince.UnixMilli())
	}
	w.until("decided_at", "as_of", q.DecidedUntil)
	if q.Acted {
		w.conditions = append(w.conditions, "act != ''")
	}
	if len(q.IDs) > 0 {
		w.and("verdict_id IN {ids:Array(String)}", "ids", q.IDs)
	}
	sql := "SELECT " + verdictTable.selectList("") + " FROM verdicts FINAL WHERE " + w.String() + " ORDER BY day DESC, decided_at DESC, verdict_id"
	if q.Newest {
		sql += " LIMIT 1 BY day"
	}
	if q.Limit > 0 {
		w.args = append(w.args, driver.Named("limit", uint64(q.Limit)))
		sql += " LIMIT {limit:UInt64}"
	}
	return collect(ctx, db, verdictTable, statement{sql: sql, args: w.args})
}
