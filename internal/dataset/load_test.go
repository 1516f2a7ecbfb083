package dataset_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	columns "puenktlich/schemas/dataset"
)

// shelf holds objects by key.
type shelf map[string][]byte

func (s shelf) GetContent(_ context.Context, ref schemas.ObjectRef) ([]byte, error) {
	body, found := s[ref.Key]
	if !found {
		return nil, errors.New("no such object: " + ref.Key)
	}
	return body, nil
}

// three days with one event each, the third's part holding one of the fourth too.
func sealed(t *testing.T) (shelf, schemas.DatasetRef) {
	t.Helper()
	objects := shelf{}
	manifest := schemas.DatasetManifest{ID: "d1"}
	for day := 1; day <= 3; day++ {
		table := dataset.New("f1-test", []string{"delay"}, []string{"min"})
		row := dataset.Row{Stop: rail.StopID(fmt.Sprintf("%d-2410291000-1", day)), Kind: rail.Arrival, EventDay: rail.Day(fmt.Sprintf("2024-10-0%d", day)),
			Planned: time.Date(2024, 10, day, 10, 0, 0, 0, time.UTC), Horizon: 60, Evidence: rail.ChangeObserved}
		table.Append(row, []float32{float32(day)})
		if day == 3 {
			row.EventDay = "2024-10-04"
			table.Append(row, []float32{4})
		}
		body, err := table.Encode()
		require.NoError(t, err)
		key := fmt.Sprint("part-", day)
		objects[key] = body
		manifest.Parts = append(manifest.Parts, schemas.DatasetPart{Day: fmt.Sprintf("2024-10-0%d", day), Object: schemas.ObjectRef{Key: key}})
	}
	body, err := json.Marshal(manifest)
	require.NoError(t, err)
	objects["manifest"] = body
	return objects, schemas.DatasetRef{ID: "d1", Manifest: schemas.ObjectRef{Key: "manifest"}}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	objects, ref := sealed(t)
	for days, want := range map[schemas.DayRange][]float32{
		{}:                                     {1, 2, 3, 4},
		{From: "2024-10-01", To: "2024-10-02"}: {1},
		{From: "2024-10-02", To: "2024-10-04"}: {2, 3},
	} {
		table, manifest, err := dataset.Load(t.Context(), objects, ref, days)
		require.NoError(t, err)
		require.Equal(t, want, table.Features, days)
		require.Len(t, manifest.Parts, 3)
	}
	_, _, err := dataset.Load(t.Context(), objects, ref, schemas.DayRange{From: "2024-11-01", To: "2024-11-02"})
	require.EqualError(t, err, "data set d1 (manifest): no part in the range 2024-11-01/2024-11-02")
	require.ErrorIs(t, err, dataset.ErrNoPart)
	objects["part-2"] = []byte("no parquet")
	_, _, err = dataset.Load(t.Context(), objects, ref, schemas.DayRange{})
	require.ErrorContains(t, err, "part 2024-10-02 of data set d1 (part-2): read parquet")
	require.True(t, dataset.Unfit(err))
	delete(objects, "part-1")
	_, _, err = dataset.Load(t.Context(), objects, ref, schemas.DayRange{})
	require.ErrorContains(t, err, "read part 2024-10-01 of data set d1: no such object: part-1")
	objects["manifest"] = []byte("{")
	_, _, err = dataset.Load(t.Context(), objects, ref, schemas.DayRange{})
	require.ErrorContains(t, err, "manifest of data set d1 (manifest): unexpected end of JSON input")
}

func TestPartsOfTwoFeatureVersionsDoNotMix(t *testing.T) {
	t.Parallel()
	_, err := dataset.Concat(dataset.New("f1", nil, nil), dataset.New("f2", nil, nil))
	require.EqualError(t, err, "join data set parts: feature version f2 beside f1")
	_, err = dataset.Concat()
	require.ErrorContains(t, err, "there are none")
}

// empty writes a Parquet file with these columns and no rows.
func empty(t *testing.T, fields []arrow.Field) []byte {
	t.Helper()
	schema := arrow.NewSchema(fields, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	record := builder.NewRecord()
	defer record.Release()
	var buf bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &buf, parquet.NewWriterProperties(), pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	require.NoError(t, err)
	require.NoError(t, w.Write(record))
	require.NoError(t, w.Close())
	return buf.Bytes()
}

func TestForeignColumnsAreNamed(t *testing.T) {
	t.Parallel()
	fixed := columns.Fields()
	delay := arrow.Field{Name: "delay", Type: arrow.PrimitiveTypes.Float32}
	with := func(change func([]arrow.Field) []arrow.Field) []arrow.Field {
		return change(append([]arrow.Field{}, fixed...))
	}
	tests := map[string]struct {
		fields []arrow.Field
		want   string
	}{
		"no features": {fixed, fmt.Sprintf("has %d columns: want %d and the features", len(fixed), len(fixed))},
		"a column is missing": {with(func(f []arrow.Field) []arrow.Field { return append(append(f[:3], f[4:]...), delay, delay) }),
			fmt.Sprintf("column 3 is %s", fixed[4].Name)},
		"a column of another type": {with(func(f []arrow.Field) []arrow.Field {
			f[3].Type = arrow.BinaryTypes.String
			return append(f, delay)
		}), fmt.Sprintf("column 3 is %s utf8: want %s int64", fixed[3].Name, fixed[3].Name)},
		"a feature of another type": {with(func(f []arrow.Field) []arrow.Field {
			return append(f, arrow.Field{Name: "delay", Type: arrow.PrimitiveTypes.Float64})
		}), "feature delay is float64: want float32"},
	}
	for name, test := range tests {
		_, err := dataset.Decode(empty(t, test.fields))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
