package score_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"puenktlich/activities/score"
	"puenktlich/api/infer"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/objstore"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/spool"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var now = time.Date(2024, 10, 29, 9, 15, 0, 0, time.UTC)

type fixed struct{}

func (fixed) Now() time.Time { return now }

// tiny is a champion with the tiny model.
type tiny struct{ loaded *modelpkg.Package }

func (c tiny) Champion(context.Context, string) (*modelpkg.Package, schemas.PackageRef, error) {
	return c.loaded, servingtest.Ref(7), nil
}

func (c tiny) Challenger(context.Context, string) (*modelpkg.Package, schemas.PackageRef, error) {
	return nil, schemas.PackageRef{}, nil
}

func (c tiny) Package(context.Context, schemas.PackageRef) (*modelpkg.Package, error) {
	return c.loaded, nil
}

// house is a score pool with real stores.
type house struct {
	*score.Activities
	db      *warehouse.DB
	objects *objstore.Store
}

func open(t *testing.T) house {
	t.Helper()
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	require.NoError(t, err)
	model, err := forecast.Load(servingtest.Artefact())
	require.NoError(t, err)
	baselines, err := json.Marshal(servingtest.Baselines())
	require.NoError(t, err)
	return house{&score.Activities{Store: db, Champions: tiny{&modelpkg.Package{Model: model, Baselines: baselines}}, Clock: fixed{}, Name: "test", Group: "main",
		Objects: objects, Dir: filepath.Join(t.TempDir(), "score")}, db, objects}
}

// vectors are five rows whose railway's forecast is 0, 3, 6, 9 and not known,
// with a column that is none of the model's.
func vectors(t *testing.T, others bool) arrow.Record {
	t.Helper()
	fields := []arrow.Field{{Name: "horizon_minutes", Type: arrow.PrimitiveTypes.Float64}}
	if others {
		fields = append(fields, arrow.Field{Name: "trip", Type: arrow.BinaryTypes.String})
	}
	first := len(fields)
	for _, name := range feature.Names() {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float32, Nullable: true})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i, delay := range []float64{0, 3, 6, 9, math.NaN()} {
		b.Field(0).(*array.Float64Builder).Append(float64(10*i) + 0.5)
		if others {
			b.Field(1).(*array.StringBuilder).Append("a trip")
		}
		for j, name := range feature.Names() {
			if to := b.Field(first + j).(*array.Float32Builder); name == "forecast_delay" && delay == delay {
				to.Append(float32(delay))
			} else {
				to.AppendNull()
			}
		}
	}
	record := b.NewRecord()
	t.Cleanup(record.Release)
	return record
}

func asStream(t *testing.T, record arrow.Record) []byte {
	t.Helper()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(record.Schema()))
	for from := int64(0); from < record.NumRows(); from += 3 { // batches of three rows and of two
		part := record.NewSlice(from, min(from+3, record.NumRows()))
		require.NoError(t, w.Write(part))
		part.Release()
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func asParquet(t *testing.T, record arrow.Record) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(record.Schema(), &out, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(2)), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(record))
	require.NoError(t, w.Close())
	return out.Bytes()
}

// asFile is an Arrow file: a stream between a mark and an index.
func asFile(t *testing.T, record arrow.Record) []byte {
	t.Helper()
	var out memoryFile
	w, err := ipc.NewFileWriter(&out, ipc.WithSchema(record.Schema()))
	require.NoError(t, err)
	require.NoError(t, w.Write(record))
	require.NoError(t, w.Close())
	return out.Bytes()
}

type memoryFile struct{ bytes.Buffer }

func (m *memoryFile) Seek(offset int64, _ int) (int64, error) { return int64(m.Len()) + offset, nil }

// run does what the workflow does.
func (h house) run(t *testing.T, in schemas.ScoreBatchInput) (schemas.ScorePlan, schemas.ScoreManifest) {
	t.Helper()
	plan, err := h.PlanScore(t.Context(), in)
	require.NoError(t, err)
	for n := range plan.Parts() {
		_, err := h.ScoreRows(t.Context(), schemas.ScorePartInput{Plan: plan, Part: n})
		require.NoError(t, err)
	}
	ref, err := h.FinishScore(t.Context(), plan)
	require.NoError(t, err)
	body, _, err := h.objects.Get(t.Context(), ref.Key)
	require.NoError(t, err)
	var manifest schemas.ScoreManifest
	require.NoError(t, json.Unmarshal(body, &manifest))
	return plan, manifest
}

// results reads the parts of a manifest: the rows, and the columns of floats.
func (h house) results(t *testing.T, m schemas.ScoreManifest) (rows []int64, columns [][]float64) {
	t.Helper()
	for _, part := range m.Parts {
		body, err := h.objects.GetContent(t.Context(), part)
		require.NoError(t, err)
		reader, err := file.NewParquetReader(bytes.NewReader(body))
		require.NoError(t, err)
		arrows, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		require.NoError(t, err)
		table, err := arrows.ReadTable(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, part.Rows, table.NumRows())
		columns = slices.Grow(columns, int(table.NumCols()))[:table.NumCols()-1]
		for i := range columns {
			columns[i] = append(columns[i], table.Column(i+1).Data().Chunk(0).(*array.Float64).Float64Values()...)
		}
		rows = append(rows, table.Column(0).Data().Chunk(0).(*array.Int64).Int64Values()...)
		table.Release()
		require.NoError(t, reader.Close())
	}
	return rows, columns
}

// overHTTP is what the API answers to the same vectors, by column.
func (h house) overHTTP(t *testing.T, stream []byte) (columns [][]float64) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	log, err := spool.Open(spool.Options{Dir: t.TempDir(), Store: h.db, Logger: quiet})
	require.NoError(t, err)
	defer func() { _ = log.Close() }()
	champion := serving.NewChampion(serving.ChampionOptions{Model: schemas.DefaultModel, Packages: &servingtest.Packages{}, Dir: t.TempDir(), Logger: quiet})
	require.NoError(t, champion.Load(t.Context(), servingtest.Ref(7)))
	routes := infer.New(infer.Options{Forecaster: serving.NewForecaster(serving.Options{Champion: champion, Log: log, DataSource: "test"}), Champion: champion, Now: fixed{}.Now, Model: schemas.DefaultModel, Logger: quiet})
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/forecasts/arrow", bytes.NewReader(stream))
	request.Header.Set("Content-Type", infer.MediaArrow)
	answer := httptest.NewRecorder()
	for _, r := range routes.All() {
		if r.Path == request.URL.Path {
			r.Serve(answer, request)
		}
	}
	require.Equal(t, 200, answer.Code, answer.Body)
	in, err := ipc.NewReader(answer.Body)
	require.NoError(t, err)
	defer in.Release()
	for in.Next() {
		columns = slices.Grow(columns, int(in.Record().NumCols()))[:in.Record().NumCols()]
		for i := range columns {
			columns[i] = append(columns[i], in.Record().Column(i).(*array.Float64).Float64Values()...)
		}
	}
	require.NoError(t, in.Err())
	return columns
}

// A file of whatever kind, cut into parts that cut its own, gives the bits that
// the API gives, beside the file and in the store.
func TestFilesAreForecastAsOverHTTP(t *testing.T) {
	t.Parallel()
	h := open(t)
	want := h.overHTTP(t, asStream(t, vectors(t, false)))
	require.InDelta(t, servingtest.Confident, want[0][1], 1e-6) // three minutes late are on time
	require.InDelta(t, 1-servingtest.Confident, want[0][2], 1e-6)
	for name, body := range map[string][]byte{"x.parquet": asParquet(t, vectors(t, true)), "x.arrows": asStream(t, vectors(t, true)), "x.arrow": asFile(t, vectors(t, true))} {
		require.NoError(t, h.objects.Put(t.Context(), "batch/"+name, body))
		plan, manifest := h.run(t, schemas.ScoreBatchInput{Model: schemas.DefaultModel, File: "batch/" + name, PartRows: 2})
		require.Equal(t, 3, plan.Parts(), name)
		require.EqualValues(t, 5, plan.Input.Rows, name)
		rows, got := h.results(t, manifest)
		require.Equal(t, []int64{0, 1, 2, 3, 4}, rows, name)
		require.Equal(t, want, got, name)
		stored, err := h.db.PredictionsByRequest(t.Context(), "score-"+plan.Input.SHA256[:12]+"-"+plan.Package.Digest[:12])
		require.NoError(t, err)
		require.Len(t, stored, 5, name)
		slices.SortFunc(stored, func(a, b schema.Prediction) int { return int(a.HorizonMinutes - b.HorizonMinutes) })
		for i, p := range stored {
			require.Equal(t, want[0][i], p.POnTime, name)
			require.Equal(t, int32(10*i), p.HorizonMinutes, name)
			require.Empty(t, p.StopID, name)
		}
	}
}

// A part that was cut off between the store and the object, and a whole run that
// is started again later, change nothing.
func TestARepeatedPartChangesNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	require.NoError(t, h.objects.Put(t.Context(), "v.parquet", asParquet(t, vectors(t, false))))
	in := schemas.ScoreBatchInput{Model: schemas.DefaultModel, File: "v.parquet", PartRows: 3}
	plan, err := h.PlanScore(t.Context(), in)
	require.NoError(t, err)
	cut := *h.Activities
	cut.Objects = cutOff{h.objects}
	_, err = cut.ScoreRows(t.Context(), schemas.ScorePartInput{Plan: plan})
	require.ErrorIs(t, err, errCutOff)
	_, err = h.FinishScore(t.Context(), plan)
	require.ErrorContains(t, err, "part-00000.parquet is not there")
	h.Clock = later{}
	again, first := h.run(t, in)
	require.Equal(t, plan, again, "the first plan holds")
	_, second := h.run(t, in)
	require.Equal(t, first, second)
	stored, err := h.db.PredictionsByRequest(t.Context(), "score-"+plan.Input.SHA256[:12]+"-"+plan.Package.Digest[:12])
	require.NoError(t, err)
	require.Len(t, stored, 5)
	require.NoError(t, h.objects.Put(t.Context(), plan.PartKey(1), []byte("of someone else")))
	_, err = h.ScoreRows(t.Context(), schemas.ScorePartInput{Plan: plan, Part: 1})
	require.ErrorContains(t, err, "holds other forecasts of the same rows")
}

type later struct{}

func (later) Now() time.Time { return now.Add(time.Hour) }

var errCutOff = errors.New("cut off")

// cutOff is a store that is lost when a result is written.
type cutOff struct{ *objstore.Store }

func (cutOff) PutIfAbsent(context.Context, string, []byte) error { return errCutOff }

func (cutOff) Get(context.Context, string) ([]byte, string, error) { return nil, "", errCutOff }

func TestFilesThatCannotBeForecast(t *testing.T) {
	t.Parallel()
	h := open(t)
	good := vectors(t, false)
	infinite := array.NewFloat32Builder(memory.DefaultAllocator)
	defer infinite.Release()
	infinite.AppendValues([]float32{1, 2, float32(math.Inf(1)), 4, 5}, nil)
	column := infinite.NewArray()
	defer column.Release()
	bad, err := good.SetColumn(3, column)
	require.NoError(t, err)
	defer bad.Release()
	few := array.NewRecord(arrow.NewSchema(good.Schema().Fields()[:3], nil), good.Columns()[:3], good.NumRows())
	defer few.Release()
	none := good.NewSlice(0, 0)
	defer none.Release()
	whole := asParquet(t, good)
	for name, test := range map[string]struct {
		body []byte
		kind schemas.FailureType
		want string
	}{
		"few.parquet":   {asParquet(t, few), schemas.FailureValidation, "columns are missing"},
		"few.arrows":    {asStream(t, few), schemas.FailureValidation, "columns are missing"},
		"cut.parquet":   {whole[:len(whole)-20], schemas.FailureValidation, "the Parquet file cannot be read"},
		"cut.arrows":    {asStream(t, good)[:4000], schemas.FailureValidation, "ends inside a message"},
		"cut.arrow":     {asFile(t, good)[:4000], schemas.FailureValidation, "has no end"},
		"text.csv":      {[]byte("horizon_minutes,a\n1,2\n"), schemas.FailureValidation, "Arrow stream"},
		"none.parquet":  {asParquet(t, none), schemas.FailureNothingToDo, "has no rows"},
		"empty.parquet": {nil, schemas.FailureValidation, "the Arrow stream is empty"},
	} {
		require.NoError(t, h.objects.Put(t.Context(), name, test.body))
		_, err := h.PlanScore(t.Context(), schemas.ScoreBatchInput{Model: schemas.DefaultModel, File: name})
		said := new(temporal.ApplicationError)
		require.ErrorAs(t, err, &said, name)
		require.Equal(t, string(test.kind), said.Type(), name)
		require.ErrorContains(t, err, test.want, name)
	}
	require.NoError(t, h.objects.Put(t.Context(), "infinite.parquet", asParquet(t, bad)))
	plan, err := h.PlanScore(t.Context(), schemas.ScoreBatchInput{Model: schemas.DefaultModel, File: "infinite.parquet"})
	require.NoError(t, err)
	_, err = h.ScoreRows(t.Context(), schemas.ScorePartInput{Plan: plan})
	require.ErrorContains(t, err, "row 2, "+feature.Names()[2]+": +Inf is infinite")
	for want, in := range map[string]schemas.ScoreBatchInput{
		"gone.parquet":                     {File: "gone.parquet"},
		"both day 2024-10-29 and file x":   {File: "x", Day: "2024-10-29"},
		"part_rows is -1":                  {File: "infinite.parquet", PartRows: -1},
		"part_rows is of files":            {PartRows: 5},
		"nothing of the test was collecte": {},
	} {
		_, err := h.PlanScore(t.Context(), in)
		require.ErrorContains(t, err, want)
	}
	require.True(t, strings.HasPrefix(plan.Prefix(), "infinite.parquet.forecasts/punctuality-7-"), plan.Prefix())
}
