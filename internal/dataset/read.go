package dataset

import (
	"bytes"
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	columns "puenktlich/schemas/dataset"
)

// Decode reads one Parquet part. A column that is missing or of another type
// is an error that names it.
func Decode(body []byte) (*Table, error) {
	reader, err := file.NewParquetReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("read parquet: %w", err)
	}
	defer reader.Close()
	arrows, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{BatchSize: rowGroup}, memory.DefaultAllocator)
	if err != nil {
		return nil, fmt.Errorf("read parquet: %w", err)
	}
	schema, err := arrows.Schema()
	if err != nil {
		return nil, fmt.Errorf("read parquet schema: %w", err)
	}
	table, err := tableFor(schema)
	if err != nil {
		return nil, err
	}
	records, err := arrows.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		return nil, fmt.Errorf("read parquet rows: %w", err)
	}
	defer records.Release()
	for records.Next() {
		table.appendRecord(records.Record())
	}
	if err := records.Err(); err != nil && err.Error() != "EOF" {
		return nil, fmt.Errorf("read parquet rows: %w", err)
	}
	return table, nil
}

// tableFor checks the schema and makes the empty table it describes.
func tableFor(schema *arrow.Schema) (*Table, error) {
	fixed := columns.Fields()
	if len(schema.Fields()) <= len(fixed) {
		return nil, fmt.Errorf("data set part has %d columns: want %d and the features", len(schema.Fields()), len(fixed))
	}
	for i, want := range fixed {
		if got := schema.Field(i); got.Name != want.Name || !arrow.TypeEqual(got.Type, want.Type) {
			return nil, fmt.Errorf("data set part column %d is %s %s: want %s %s", i, got.Name, got.Type, want.Name, want.Type)
		}
	}
	table := &Table{}
	if i := schema.Metadata().FindKey(columns.KeyFeatureVersion); i >= 0 {
		table.Version = schema.Metadata().Values()[i]
	}
	for _, field := range schema.Fields()[len(fixed):] {
		if field.Type.ID() != arrow.FLOAT32 {
			return nil, fmt.Errorf("data set part: feature %s is %s: want float32", field.Name, field.Type)
		}
		table.Names = append(table.Names, field.Name)
		about := columns.AboutOf(field)
		table.Units, table.Abouts = append(table.Units, about.Unit), append(table.Abouts, about)
	}
	return table, nil
}

func (t *Table) appendRecord(record arrow.Record) {
	fixed := len(columns.Fields())
	vector := make([]float32, len(t.Names))
	for i := 0; i < int(record.NumRows()); i++ {
		for j := range vector {
			vector[j] = record.Column(fixed + j).(*array.Float32).Value(i)
		}
		t.Append(rowOf(record, i), vector)
	}
}
