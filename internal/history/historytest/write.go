// Package historytest writes small monthly releases for tests.
package historytest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// Row is the values of one row by column, times as 2006-01-02 15:04:05; what is
// not there is missing.
type Row map[string]string

// Stamp is the type releases give their times.
var Stamp = &arrow.TimestampType{Unit: arrow.Microsecond}

// Columns are the published columns with the types of a release.
func Columns() map[string]arrow.DataType {
	columns := map[string]arrow.DataType{"is_canceled": arrow.FixedWidthTypes.Boolean,
		"delay_in_min": arrow.PrimitiveTypes.Int32, "train_line_station_num": arrow.PrimitiveTypes.Int32}
	for _, name := range []string{"station_name", "eva", "train_number", "line_number", "final_destination_station", "train_type", "train_line_ride_id", "id"} {
		columns[name] = arrow.BinaryTypes.String
	}
	for _, name := range []string{"time", "arrival_planned_time", "arrival_change_time", "departure_planned_time", "departure_change_time"} {
		columns[name] = Stamp
	}
	return columns
}

// RawColumns are the columns of a raw release; its times have no zone.
func RawColumns() map[string]arrow.DataType {
	columns := map[string]arrow.DataType{"timestamp": Stamp, "duration_ms": arrow.PrimitiveTypes.Float64}
	for _, name := range []string{"url", "api_name", "query_params", "response_data", "status_code", "error"} {
		columns[name] = arrow.BinaryTypes.String
	}
	return columns
}

// Call is a row of a raw release: an answer to PATH of the Timetables API, such
// as fchg/8000105, at a time written as 2006-01-02 15:04:05.
func Call(at, path, body string) Row {
	kind, _, _ := strings.Cut(path, "/")
	return Row{"timestamp": at, "url": "https://apis.deutschebahn.com/db-api-marketplace/apis/timetables/v1/" + path,
		"api_name": "timetables/v1/" + kind, "query_params": "{}", "response_data": body, "status_code": "200", "duration_ms": "84.5"}
}

// File is what a release is written of.
type File struct {
	Columns  map[string]arrow.DataType
	GroupOf  int // rows of a row group
	Compress compress.Compression
	Rows     []Row
}

// Write writes a release into a directory of the test and answers its path.
func Write(t testing.TB, name string, f File) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := f.write(path); err != nil {
		t.Fatal(fmt.Errorf("write release %s: %w", name, err))
	}
	return path
}

func (f File) write(path string) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	var fields []arrow.Field
	for _, name := range slices.Sorted(maps.Keys(f.Columns)) {
		fields = append(fields, arrow.Field{Name: name, Type: f.Columns[name], Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	writer, err := pqarrow.NewFileWriter(schema, out, parquet.NewWriterProperties(parquet.WithCompression(f.Compress)), pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	for rows := range slices.Chunk(f.Rows, max(1, f.GroupOf)) {
		if err := writeGroup(writer, schema, rows); err != nil {
			return err
		}
	}
	return writer.Close() // closes the file too
}

func writeGroup(writer *pqarrow.FileWriter, schema *arrow.Schema, rows []Row) error {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	for i, field := range schema.Fields() {
		for _, row := range rows {
			if row[field.Name] == "" {
				builder.Field(i).AppendNull()
			} else if err := builder.Field(i).AppendValueFromString(row[field.Name]); err != nil {
				return fmt.Errorf("column %s: %w", field.Name, err)
			}
		}
	}
	record := builder.NewRecord()
	defer record.Release()
	return writer.Write(record)
}
