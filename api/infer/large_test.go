package infer_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"puenktlich/api/infer"
	"puenktlich/internal/feature"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/vectors/columnar"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// counted is a log that counts; what is on disk is tested where the log is.
type counted struct {
	mu      sync.Mutex
	rows    int
	largest int
}

func (c *counted) Append(p []schema.PredictionRow) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows, c.largest = c.rows+len(p), max(c.largest, len(p))
	return nil
}

// peak notes the most that Arrow's buffers held at once.
type peak struct {
	memory.Allocator
	mu         sync.Mutex
	held, most int
}

func (p *peak) count(more int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held += more
	p.most = max(p.most, p.held)
}

func (p *peak) Allocate(n int) []byte { p.count(n); return p.Allocator.Allocate(n) }

func (p *peak) Reallocate(n int, b []byte) []byte {
	p.count(n - len(b))
	return p.Allocator.Reallocate(n, b)
}

func (p *peak) Free(b []byte) { p.count(-len(b)); p.Allocator.Free(b) }

func routes(t *testing.T, o infer.Options) (map[string]http.HandlerFunc, *counted) {
	t.Helper()
	log := &counted{}
	quiet := slog.New(slog.DiscardHandler)
	champion := serving.NewChampion(serving.ChampionOptions{Model: schemas.DefaultModel, Packages: &servingtest.Packages{}, Dir: t.TempDir(), Logger: quiet})
	if err := champion.Load(t.Context(), servingtest.Ref(7)); err != nil {
		t.Fatal(err)
	}
	o.Forecaster, o.Champion, o.Model, o.Logger = serving.NewForecaster(serving.Options{Champion: champion, Log: log}), champion, schemas.DefaultModel, quiet
	o.Now = func() time.Time { return time.Date(2024, 10, 29, 9, 15, 0, 0, time.UTC) }
	all := map[string]http.HandlerFunc{}
	for _, r := range infer.New(o).All() {
		all[r.Path] = r.Serve
	}
	return all, log
}

func send(handle http.HandlerFunc, path, media string, body []byte) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	request.SetPathValue("name", schemas.DefaultModel)
	request.Header.Set("Content-Type", media)
	answer := httptest.NewRecorder()
	handle(answer, request)
	return answer
}

// zeros is a stream of record batches, zstd-compressed.
func zeros(t *testing.T, rows, batches int) []byte {
	t.Helper()
	var fields []arrow.Field
	b := array.NewFloat32Builder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues(make([]float32, rows), nil)
	column := b.NewArray()
	defer column.Release()
	var columns []arrow.Array
	for _, name := range feature.Names() {
		fields, columns = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float32}), append(columns, column)
	}
	s := arrow.NewSchema(fields, nil)
	record := array.NewRecord(s, columns, int64(rows))
	defer record.Release()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(s), ipc.WithZstd())
	for range batches {
		if err := w.Write(record); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Three batches of 100,000 rows: the buffers hold one of them at a time, all is
// given back, and the answer, which is larger than what memory keeps, is whole.
func TestBatchesOfAHundredThousandRows(t *testing.T) {
	t.Parallel()
	mem := &peak{Allocator: memory.NewGoAllocator()}
	all, log := routes(t, infer.Options{Allocator: mem})
	answer := send(all["/v1/forecasts/arrow"], "/v1/forecasts/arrow", infer.MediaArrow, zeros(t, 100_000, 3))
	if answer.Code != http.StatusOK {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	in, err := ipc.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Release()
	rows := int64(0)
	for in.Next() {
		rows += in.Record().NumRows()
	}
	if rows != 300_000 || log.rows != 300_000 || log.largest > serving.ChunkRows || in.Err() != nil {
		t.Errorf("%d rows answered, %d logged in chunks of up to %d: %v", rows, log.rows, log.largest, in.Err())
	}
	one := 100_000 * 4 * feature.Width()
	t.Logf("a batch has %d MB, buffers held %d MB at most", one>>20, mem.most>>20)
	if mem.held != 0 || mem.most > columnar.MaxStreamBytes || mem.most > 2*one {
		t.Errorf("%d bytes are still held, %d were at most", mem.held, mem.most)
	}
}

// More than is taken is 413 whatever the protocol, and leaves no memory behind.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	mem := &peak{Allocator: memory.NewGoAllocator()}
	all, log := routes(t, infer.Options{Allocator: mem, MaxBodyBytes: 1 << 20, MaxStreamRows: 1500})
	large := []byte(`{"inputs":[` + strings.Repeat(" ", 1<<20) + `]}`)
	const oip = "/v2/models/{name}/infer"
	for want, answer := range map[string]*httptest.ResponseRecorder{
		"the body has more than 1 MiB":           send(all[oip], oip, "application/json", large),
		"the body has more than 1 MiB: send":     send(all["/invocations"], "/invocations", "application/json", large),
		"the stream has more than 1500 rows":     send(all["/v1/forecasts/arrow"], "/v1/forecasts/arrow", infer.MediaArrow, zeros(t, 1000, 2)),
		"has 200000 rows, at most 100000":        send(all[oip], oip, "application/json", fmt.Appendf(nil, `{"inputs":[{"name":"features","shape":[200000,%d],"datatype":"FP32","data":[]}]}`, feature.Width())),
		"a record batch has 100001 rows, at mos": send(all["/v1/forecasts/arrow"], "/v1/forecasts/arrow", infer.MediaArrow, zeros(t, 100_001, 1)),
	} {
		if answer.Code != http.StatusRequestEntityTooLarge || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%d %.300s, want 413 and %q", answer.Code, answer.Body, want)
		}
	}
	if mem.held != 0 || log.rows > 1500 {
		t.Errorf("%d bytes are held, %d rows were logged", mem.held, log.rows)
	}
}
