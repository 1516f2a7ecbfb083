package columnar

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"puenktlich/internal/forecast"
	"puenktlich/internal/vectors"
)

// Writer writes forecasts as an Arrow IPC stream.
type Writer struct {
	schema *arrow.Schema
	writer *ipc.Writer
	mem    memory.Allocator
}

// Schema is that of forecasts at these edges: the outputs of the model's
// signature, float64, none null.
func Schema(edgesMinutes []int, about map[string]string) *arrow.Schema {
	var fields []arrow.Field
	for _, name := range vectors.OutputColumns(edgesMinutes) {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float64})
	}
	keys := slices.Sorted(maps.Keys(about))
	values := make([]string, len(keys))
	for i, key := range keys {
		values[i] = about[key]
	}
	metadata := arrow.NewMetadata(keys, values)
	return arrow.NewSchema(fields, &metadata)
}

// NewWriter begins a stream. about is kept with its schema.
func NewWriter(w io.Writer, edgesMinutes []int, about map[string]string, mem memory.Allocator) *Writer {
	schema := Schema(edgesMinutes, about)
	return &Writer{schema: schema, writer: ipc.NewWriter(w, ipc.WithSchema(schema), ipc.WithAllocator(mem)), mem: mem}
}

// Write adds a record batch.
func (w *Writer) Write(b *forecast.Batch) error {
	columns := Arrays(b, w.mem)
	for _, column := range columns {
		defer column.Release()
	}
	record := array.NewRecord(w.schema, columns, int64(b.Rows()))
	defer record.Release()
	if err := w.writer.Write(record); err != nil {
		return fmt.Errorf("write Arrow stream: %w", err)
	}
	return nil
}

// Close ends the stream; one without a record batch has its schema.
func (w *Writer) Close() error { return w.writer.Close() }

// Arrays are the columns of forecasts, in the order of Schema. The caller
// releases them.
func Arrays(b *forecast.Batch, mem memory.Allocator) []arrow.Array {
	rows, edges := b.Rows(), len(b.Edges)
	arrays := make([]arrow.Array, 2+edges)
	for column := range arrays {
		builder := array.NewFloat64Builder(mem)
		builder.Reserve(rows)
		for row := range rows {
			switch column {
			case 0:
				builder.UnsafeAppend(b.At(row).OnTime())
			case 1:
				builder.UnsafeAppend(b.Cancelled[row])
			default:
				builder.UnsafeAppend(b.Cumulative[row*edges+column-2])
			}
		}
		arrays[column] = builder.NewArray()
		builder.Release()
	}
	return arrays
}
