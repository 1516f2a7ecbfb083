package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	arrowmemory "github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"puenktlich/internal/feature"
	"puenktlich/schemas"
)

// batchRows is how many forecasts a batch asks for.
const batchRows = 100

// batchesOf100 are loads of batches: of events that are named, and of feature
// vectors that a client brings, as JSON and as an Arrow stream.
func batchesOf100(tb testing.TB, paths []string) []*measured {
	tb.Helper()
	rows := make([][]float32, batchRows)
	source := rand.New(rand.NewPCG(5, 6))
	for i := range rows {
		for range feature.Width() {
			rows[i] = append(rows[i], float32(source.IntN(200))/4)
		}
	}
	post := func(name, path, media string, body []byte) *measured {
		return &measured{name: name, rows: batchRows, order: loadOrder{Paths: []string{path}, Body: body, Media: media}}
	}
	return []*measured{
		post("100 events, JSON", "/v1/forecasts", "application/json", namedEvents(tb, paths)),
		post("100 vectors, JSON", "/v2/models/"+schemas.DefaultModel+"/infer", "application/json", oipBody(rows)),
		post("100 vectors, Arrow", "/v1/forecasts/arrow", "application/vnd.apache.arrow.stream", arrowBody(tb, rows)),
	}
}

// namedEvents asks for the events of single requests in one.
func namedEvents(tb testing.TB, paths []string) []byte {
	tb.Helper()
	type event struct {
		StopID string `json:"stop_id"`
		Event  string `json:"event"`
	}
	var in struct {
		Events  []event `json:"events"`
		Explain bool    `json:"explain"`
	}
	for i := range batchRows {
		_, query, _ := strings.Cut(paths[i%len(paths)], "?")
		values, err := url.ParseQuery(query)
		require.NoError(tb, err)
		in.Events = append(in.Events, event{values.Get("stop_id"), values.Get("event")})
	}
	body, err := json.Marshal(in)
	require.NoError(tb, err)
	return body
}

func oipBody(rows [][]float32) []byte {
	var data []string
	for _, row := range rows {
		for _, v := range row {
			data = append(data, fmt.Sprint(v))
		}
	}
	return fmt.Appendf(nil, `{"inputs":[{"name":"features","shape":[%d,%d],"datatype":"FP32","data":[%s]}]}`, len(rows), feature.Width(), strings.Join(data, ","))
}

func arrowBody(tb testing.TB, rows [][]float32) []byte {
	tb.Helper()
	fields := []arrow.Field{{Name: "horizon_minutes", Type: arrow.PrimitiveTypes.Float64}}
	for _, name := range feature.Names() {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float32, Nullable: true})
	}
	s := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(arrowmemory.DefaultAllocator, s)
	defer b.Release()
	for i, row := range rows {
		b.Field(0).(*array.Float64Builder).Append(float64(5 + i))
		for j, v := range row {
			b.Field(1 + j).(*array.Float32Builder).Append(v)
		}
	}
	record := b.NewRecord()
	defer record.Release()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(s))
	require.NoError(tb, w.Write(record))
	require.NoError(tb, w.Close())
	return out.Bytes()
}
