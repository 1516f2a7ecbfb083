package warehouse

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// changeRow is one row of stop_change. The five message slices are of one
// length and written alone; packed is read in their place.
type changeRow struct {
	source, group string
	serviceDay    rail.Day
	change        rail.Change

	messageIDs     []string
	messageTypes   []string
	messageCodes   []uint16
	messageTimes   []time.Time
	messageDeleted []uint8

	packed string
}

var changeTable = table[changeRow]{name: "stop_change", columns: []column[changeRow]{
	field("source", func(r *changeRow) *string { return &r.source }),
	field("station_group", func(r *changeRow) *string { return &r.group }),
	field("seq", func(r *changeRow) *uint64 { return &r.change.Seq }),
	instant("polled_at", func(r *changeRow) *time.Time { return &r.change.PolledAt }),
	field("eva", func(r *changeRow) *int64 { return &r.change.EVA }),
	text("stop_id", func(r *changeRow) *rail.StopID { return &r.change.Stop }),
	text("kind", func(r *changeRow) *rail.EventKind { return &r.change.Kind }),
	day("service_day", func(r *changeRow) *rail.Day { return &r.serviceDay }),
	moment("planned", func(r *changeRow) *time.Time { return &r.change.Planned }),
	moment("changed", func(r *changeRow) *time.Time { return &r.change.Changed }),
	field("platform", func(r *changeRow) *string { return &r.change.Platform }),
	text("status", func(r *changeRow) *rail.EventStatus { return &r.change.Status }),
	moment("cancel_time", func(r *changeRow) *time.Time { return &r.change.CancelTime }),
	field("path", func(r *changeRow) *string { return &r.change.Path }),
	field("line", func(r *changeRow) *string { return &r.change.Line }),
	field("category", func(r *changeRow) *string { return &r.change.Train.Category }),
	field("number", func(r *changeRow) *string { return &r.change.Train.Number }),
	field("operator", func(r *changeRow) *string { return &r.change.Train.Operator }),
	text("class", func(r *changeRow) *rail.TrainClass { return &r.change.Train.Class }),
	messageIDs(),
	computed("message_types", func(r *changeRow) []string { return r.messageTypes }),
	computed("message_codes", func(r *changeRow) []uint16 { return r.messageCodes }),
	computed("message_times", func(r *changeRow) []time.Time { return r.messageTimes }),
	computed("message_deleted", func(r *changeRow) []uint8 { return r.messageDeleted }),
}}

// messageIDs reads back for all five message columns.
func messageIDs() column[changeRow] {
	c := computed("message_ids", func(r *changeRow) []string { return r.messageIDs })
	c.read, c.scan = packedMessages, func(r *changeRow) any { return &r.packed }
	return c
}

func newChangeRow(batch schema.Batch, change rail.Change) (changeRow, error) {
	ref, err := change.Stop.Parse()
	if err != nil {
		return changeRow{}, err
	}
	serviceDay, err := ref.ServiceDay()
	if err != nil {
		return changeRow{}, err
	}
	if change.PolledAt.IsZero() {
		return changeRow{}, fmt.Errorf("no time of the poll")
	}
	row := changeRow{source: batch.Source, group: batch.Group, serviceDay: serviceDay, change: change}
	for _, message := range change.Messages {
		if err := row.add(message); err != nil {
			return changeRow{}, err
		}
	}
	return row, nil
}

func (r *changeRow) add(message rail.Message) error {
	if message.Code < 0 || message.Code > math.MaxUint16 {
		return fmt.Errorf("message %q: code %d does not fit the column", message.ID, message.Code)
	}
	if strings.Contains(message.ID+message.Type, "\x00") {
		return fmt.Errorf("message %q of type %q: holds the byte 0, at which messages are told apart", message.ID, message.Type)
	}
	at, deleted := message.Time, uint8(0)
	if at.IsZero() {
		at = noTime
	}
	if message.Deleted {
		deleted = 1
	}
	r.messageIDs = append(r.messageIDs, message.ID)
	r.messageTypes = append(r.messageTypes, message.Type)
	r.messageCodes = append(r.messageCodes, uint16(message.Code))
	r.messageTimes = append(r.messageTimes, at)
	r.messageDeleted = append(r.messageDeleted, deleted)
	return nil
}

// observed is the change of a row that was read.
func (r *changeRow) observed() (rail.Change, error) {
	change := r.change
	var err error
	if change.Messages, err = unpackMessages(r.packed); err != nil {
		return change, fmt.Errorf("read stop_change: %s of seq %d: %w", change.Key(), change.Seq, err)
	}
	return change, nil
}

// InsertChanges writes observations. Seq and PolledAt of each must be set, and
// the stop id must parse.
func (db *DB) InsertChanges(ctx context.Context, batch schema.Batch, changes []rail.Change) error {
	if err := needsGroup(changeTable.name, batch); err != nil {
		return err
	}
	rows := make([]changeRow, len(changes))
	for i, change := range changes {
		row, err := newChangeRow(batch, change)
		if err != nil {
			return fmt.Errorf("insert into stop_change: %s: %w", change.Key(), err)
		}
		rows[i] = row
	}
	return insert(ctx, db, changeTable, batch.Token, rows)
}
