package warehouse

import (
	"context"
	"fmt"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// truthRow is one row of ground_truth.
type truthRow struct {
	source     string
	truth      rail.Truth
	serviceDay rail.Day
	settledAt  time.Time
}

var truthTable = table[truthRow]{name: "ground_truth", columns: []column[truthRow]{
	field("source", func(r *truthRow) *string { return &r.source }),
	field("eva", func(r *truthRow) *int64 { return &r.truth.EVA }),
	text("stop_id", func(r *truthRow) *rail.StopID { return &r.truth.Stop }),
	text("kind", func(r *truthRow) *rail.EventKind { return &r.truth.Kind }),
	eventDay(func(r *truthRow) time.Time { return r.truth.Planned }),
	day("service_day", func(r *truthRow) *rail.Day { return &r.serviceDay }),
	instant("planned", func(r *truthRow) *time.Time { return &r.truth.Planned }),
	instant("actual", func(r *truthRow) *time.Time { return &r.truth.Actual }),
	computed("delay_minutes", func(r *truthRow) int32 { return int32(r.truth.DelayMinutes()) }),
	flag("cancelled", func(r *truthRow) *bool { return &r.truth.Cancelled }),
	text("evidence", func(r *truthRow) *rail.Evidence { return &r.truth.Evidence }),
	instant("last_seen", func(r *truthRow) *time.Time { return &r.truth.LastSeen }),
	computed("last_seen_after_seconds", func(r *truthRow) int32 {
		return int32(r.truth.LastSeen.Sub(r.truth.Actual) / time.Second)
	}),
	instant("settled_at", func(r *truthRow) *time.Time { return &r.settledAt }),
	computed("version", func(r *truthRow) uint64 { return uint64(r.settledAt.UnixMilli()) }),
}}

func newTruthRow(batch schema.Batch, settledAt time.Time, truth rail.Truth) (truthRow, error) {
	ref, err := truth.Stop.Parse()
	if err != nil {
		return truthRow{}, err
	}
	serviceDay, err := ref.ServiceDay()
	if err != nil {
		return truthRow{}, err
	}
	switch truth.Evidence {
	case rail.ChangeObserved, rail.PolledWithoutChange:
	default:
		return truthRow{}, fmt.Errorf("evidence %q: without evidence there is no truth", truth.Evidence)
	}
	if truth.Planned.IsZero() || truth.LastSeen.IsZero() {
		return truthRow{}, fmt.Errorf("planned and last seen are required")
	}
	if truth.Actual.IsZero() {
		truth.Actual = truth.Planned // of a cancelled event that was never seen to run
	}
	return truthRow{source: batch.Source, truth: truth, serviceDay: serviceDay, settledAt: settledAt}, nil
}

// InsertTruth writes settled events as of settledAt. Every revision is kept:
// write only what is new or has changed. A zero Actual is stored as Planned.
func (db *DB) InsertTruth(ctx context.Context, batch schema.Batch, settledAt time.Time, truths []rail.Truth) error {
	if err := needsSource(truthTable.name, batch); err != nil {
		return err
	}
	if settledAt.IsZero() {
		return fmt.Errorf("insert into ground_truth: the moment of the settlement is required")
	}
	rows := make([]truthRow, len(truths))
	for i, truth := range truths {
		row, err := newTruthRow(batch, settledAt, truth)
		if err != nil {
			return fmt.Errorf("insert into ground_truth: %s/%s: %w", truth.Stop, truth.Kind, err)
		}
		rows[i] = row
	}
	return insert(ctx, db, truthTable, batch.Token, rows)
}

// Truth visits the settled events of a range of event days, each in its latest
// revision known at the query's moment, ordered by event day, stop id, kind.
func (db *DB) Truth(ctx context.Context, q schema.TruthQuery, visit func(rail.Truth) error) error {
	if q.Source == "" || q.From == "" || q.Until == "" {
		return fmt.Errorf("truth: source, from and until are required, got %+v", q)
	}
	w := truthWhere(q)
	stmt := statement{sql: latestTruth(truthTable.selectList(""), w), args: w.args}
	return query(ctx, db, truthTable, stmt, func(r *truthRow) error { return visit(r.truth) })
}

func truthWhere(q schema.TruthQuery) where {
	var w where
	w.and("source = {source:String}", "source", q.Source)
	w.and("event_day >= {from_day:Date}", "from_day", q.From)
	w.and("event_day < {until_day:Date}", "until_day", q.Until)
	w.until("settled_at", "settled_until", q.SettledUntil)
	return w
}

func latestTruth(columns string, w where) string {
	return "SELECT " + columns + " FROM ground_truth FINAL WHERE " + w.String() +
		" ORDER BY event_day, stop_id, kind, version DESC LIMIT 1 BY event_day, stop_id, kind"
}
