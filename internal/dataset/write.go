package dataset

import (
	"bytes"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"puenktlich/internal/rail"
	columns "puenktlich/schemas/dataset"
)

// rowGroup bounds what a reader has to hold at once.
const rowGroup = 64 * 1024

// Encode writes the table as one Parquet file; the same rows give the same bytes.
func (t *Table) Encode() ([]byte, error) {
	abouts := make([]columns.About, len(t.Names))
	for j := range abouts {
		abouts[j] = t.about(j)
	}
	schema := columns.Schema(t.Names, abouts, t.Version)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	var buf bytes.Buffer
	props := parquet.NewWriterProperties(
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithMaxRowGroupLength(rowGroup),
		parquet.WithCreatedBy("puenktlich"))
	writer, err := pqarrow.NewFileWriter(schema, &buf, props, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return nil, fmt.Errorf("write parquet: %w", err)
	}
	for from := 0; from < len(t.Rows); from += rowGroup {
		record := t.record(builder, from, min(from+rowGroup, len(t.Rows)))
		err := writer.WriteBuffered(record)
		record.Release()
		if err != nil {
			return nil, fmt.Errorf("write parquet: %w", err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("write parquet: %w", err)
	}
	return buf.Bytes(), nil
}

// record is the rows in [from, to); the caller releases it.
func (t *Table) record(builder *array.RecordBuilder, from, to int) arrow.Record {
	for i := from; i < to; i++ {
		appendFixed(builder, t.Rows[i])
	}
	fixed := len(columns.Fields())
	column := make([]float32, to-from)
	for j := range t.Names {
		for i := range column {
			column[i] = t.Vector(from + i)[j]
		}
		builder.Field(fixed+j).(*array.Float32Builder).AppendValues(column, nil)
	}
	return builder.NewRecord()
}

func appendFixed(builder *array.RecordBuilder, row Row) {
	text := func(column int, s string) { builder.Field(column).(*array.StringBuilder).Append(s) }
	text(0, string(row.Stop))
	text(1, string(row.Kind))
	text(2, row.Trip)
	text(4, string(row.ServiceDay))
	text(5, string(row.EventDay))
	text(8, row.Category)
	text(9, string(row.Class))
	text(10, row.Line)
	text(14, string(row.Evidence))
	builder.Field(3).(*array.Int64Builder).Append(row.EVA)
	builder.Field(6).(*array.Int64Builder).Append(row.Planned.Unix())
	builder.Field(7).(*array.Int32Builder).Append(int32(row.Horizon))
	builder.Field(11).(*array.Int32Builder).Append(int32(row.DBDelay))
	builder.Field(12).(*array.Int32Builder).Append(int32(row.DelayMinutes))
	builder.Field(13).(*array.BooleanBuilder).Append(row.Cancelled)
}

// rowOf is the reverse of appendFixed.
func rowOf(record arrow.Record, i int) Row {
	text := func(column int) string { return record.Column(column).(*array.String).Value(i) }
	whole := func(column int) int { return int(record.Column(column).(*array.Int32).Value(i)) }
	return Row{
		Stop: rail.StopID(text(0)), Kind: rail.EventKind(text(1)), Trip: text(2),
		EVA:        record.Column(3).(*array.Int64).Value(i),
		ServiceDay: rail.Day(text(4)), EventDay: rail.Day(text(5)),
		Planned: time.Unix(record.Column(6).(*array.Int64).Value(i), 0).UTC(),
		Horizon: whole(7), Category: text(8), Class: rail.TrainClass(text(9)), Line: text(10),
		DBDelay: whole(11), DelayMinutes: whole(12),
		Cancelled: record.Column(13).(*array.Boolean).Value(i), Evidence: rail.Evidence(text(14)),
	}
}
