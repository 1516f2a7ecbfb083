package columnar

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"puenktlich/internal/forecast"
)

// RowColumn counts the rows of the input, from 0.
const RowColumn = "row"

// EncodeParquet writes forecasts of the rows from first on as a Parquet file: the
// row, and what Schema has. The same forecasts give the same bytes.
func EncodeParquet(b *forecast.Batch, first int64, about map[string]string) ([]byte, error) {
	outputs := Schema(b.Edges, about)
	metadata := outputs.Metadata()
	schema := arrow.NewSchema(slices.Concat([]arrow.Field{{Name: RowColumn, Type: arrow.PrimitiveTypes.Int64}}, outputs.Fields()), &metadata)
	rows := array.NewInt64Builder(DefaultAllocator())
	defer rows.Release()
	for i := range int64(b.Rows()) {
		rows.Append(first + i)
	}
	columns := append([]arrow.Array{rows.NewArray()}, Arrays(b, DefaultAllocator())...)
	for _, column := range columns {
		defer column.Release()
	}
	record := array.NewRecord(schema, columns, int64(b.Rows()))
	defer record.Release()
	var out bytes.Buffer
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCreatedBy("puenktlich"), parquet.WithDictionaryDefault(false))
	writer, err := pqarrow.NewFileWriter(schema, &out, properties, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err == nil {
		err = writer.WriteBuffered(record)
	}
	if err == nil {
		err = writer.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("write Parquet: %w", err)
	}
	return out.Bytes(), nil
}
