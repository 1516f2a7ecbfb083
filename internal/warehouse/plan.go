package warehouse

import (
	"context"
	"fmt"
	"math"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// planRow is one row of stop_plan.
type planRow struct {
	source, group string
	seq           uint64
	event         rail.PlannedEvent
	index         uint16
	path          string
}

var planTable = table[planRow]{name: "stop_plan", columns: []column[planRow]{
	field("source", func(r *planRow) *string { return &r.source }),
	field("station_group", func(r *planRow) *string { return &r.group }),
	field("seq", func(r *planRow) *uint64 { return &r.seq }),
	instant("polled_at", func(r *planRow) *time.Time { return &r.event.PolledAt }),
	field("eva", func(r *planRow) *int64 { return &r.event.EVA }),
	text("stop_id", func(r *planRow) *rail.StopID { return &r.event.Stop }),
	text("kind", func(r *planRow) *rail.EventKind { return &r.event.Kind }),
	field("trip", func(r *planRow) *string { return &r.event.Trip }),
	day("service_day", func(r *planRow) *rail.Day { return &r.event.ServiceDay }),
	eventDay(func(r *planRow) time.Time { return r.event.Planned }),
	field("stop_index", func(r *planRow) *uint16 { return &r.index }),
	field("category", func(r *planRow) *string { return &r.event.Train.Category }),
	field("number", func(r *planRow) *string { return &r.event.Train.Number }),
	field("operator", func(r *planRow) *string { return &r.event.Train.Operator }),
	text("class", func(r *planRow) *rail.TrainClass { return &r.event.Train.Class }),
	field("line", func(r *planRow) *string { return &r.event.Line }),
	instant("planned", func(r *planRow) *time.Time { return &r.event.Planned }),
	field("platform", func(r *planRow) *string { return &r.event.Platform }),
	field("path", func(r *planRow) *string { return &r.path }),
	field("wings", func(r *planRow) *string { return &r.event.Wings }),
	field("next_trip", func(r *planRow) *string { return &r.event.NextTrip }),
}}

// eventDay is the German day of a time, as the Date column event_day.
func eventDay[R any](at func(*R) time.Time) column[R] {
	c := day("event_day", func(r *R) *rail.Day { d := rail.DayOf(at(r)); return &d })
	c.scan = nil
	return c
}

// planned is the event of a row that was read.
func (r *planRow) planned() rail.PlannedEvent {
	event := r.event
	event.Index, event.Path = int(r.index), rail.SplitPath(r.path)
	return event
}

// InsertPlan writes planned events; event i gets the seq firstSeq+i of its
// station group. Their PolledAt must be set.
func (db *DB) InsertPlan(ctx context.Context, batch schema.Batch, events []rail.PlannedEvent, firstSeq uint64) error {
	if err := needsGroup(planTable.name, batch); err != nil {
		return err
	}
	rows := make([]planRow, len(events))
	for i, event := range events {
		if event.Index < 0 || event.Index > math.MaxUint16 {
			return fmt.Errorf("insert into stop_plan: %s: index %d does not fit the column", event.Key(), event.Index)
		}
		if event.PolledAt.IsZero() {
			return fmt.Errorf("insert into stop_plan: %s: no time of the poll", event.Key())
		}
		rows[i] = planRow{
			source: batch.Source, group: batch.Group, seq: firstSeq + uint64(i),
			event: event, index: uint16(event.Index), path: rail.JoinPath(event.Path),
		}
	}
	return insert(ctx, db, planTable, batch.Token, rows)
}

func needsSource(table string, batch schema.Batch) error {
	if batch.Source == "" {
		return fmt.Errorf("insert into %s (token %q): the source of the rows is required", table, batch.Token)
	}
	return nil
}

func needsGroup(table string, batch schema.Batch) error {
	if batch.Group == "" {
		return fmt.Errorf("insert into %s (token %q): the station group of the rows is required", table, batch.Token)
	}
	return needsSource(table, batch)
}
