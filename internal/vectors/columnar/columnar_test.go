package columnar_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/float16"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"puenktlich/internal/forecast"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/vectors"
	"puenktlich/internal/vectors/columnar"
)

func small() *vectors.Layout { return vectors.NewLayout([]string{"delay", "rate", "horizon"}) }

func checked(t *testing.T) columnar.Allocator {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return mem
}

// column is a field and its values for a builder.
type column struct {
	name   string
	typ    arrow.DataType
	append func(array.Builder)
}

func floats(name string, values ...float64) column {
	return column{name, arrow.PrimitiveTypes.Float32, func(b array.Builder) {
		for _, v := range values {
			if b := b.(*array.Float32Builder); v == -999 {
				b.AppendNull()
			} else {
				b.Append(float32(v))
			}
		}
	}}
}

// stream writes record batches, each of the same columns.
func stream(t testing.TB, times int, columns []column, options ...ipc.Option) []byte {
	t.Helper()
	var fields []arrow.Field
	for _, c := range columns {
		fields = append(fields, arrow.Field{Name: c.name, Type: c.typ, Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, append(options, ipc.WithSchema(schema))...)
	for range times {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for i, c := range columns {
			c.append(b.Field(i))
		}
		record := b.NewRecord()
		if err := w.Write(record); err != nil {
			t.Fatal(err)
		}
		record.Release()
		b.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read takes a stream to its end and answers all of its values.
func read(t testing.TB, body []byte, layout *vectors.Layout, mem columnar.Allocator) (values []float32, horizons []float64, err error) {
	in, err := columnar.Open(bytes.NewReader(body), layout, mem, columnar.MaxStreamBytes, nil)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	table := layout.Table(0)
	for {
		record, err := in.Next()
		if errors.Is(err, io.EOF) {
			return values, horizons, nil
		}
		if err != nil {
			return values, horizons, err
		}
		for from := 0; from < int(record.NumRows()); from += 2 { // in chunks of two
			if err := in.Columns().Fill(table, record, from, min(from+2, int(record.NumRows()))); err != nil {
				return values, horizons, err
			}
			values, horizons = append(values, table.Vectors...), append(horizons, table.Horizons...)
		}
	}
}

func same(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return x == y || x != x && y != y })
}

// Columns in another order, a null, a NaN, several batches, compressed or not.
func TestStreamsAreRead(t *testing.T) {
	t.Parallel()
	nan := float32(math.NaN())
	columns := []column{floats("rate", -999, 0.25, 0.5), floats("horizon", 30, 5, 60), floats("delay", 1.5, math.NaN(), 3)}
	one := []float32{1.5, nan, 30, nan, 0.25, 5, 3, 0.5, 60}
	for name, options := range map[string][]ipc.Option{"plain": nil, "lz4": {ipc.WithLZ4()}, "zstd": {ipc.WithZstd()}} {
		values, horizons, err := read(t, stream(t, 3, columns, options...), small(), checked(t))
		if err != nil || !same(values, slices.Concat(one, one, one)) || !slices.Equal(horizons, []float64{30, 5, 60, 30, 5, 60, 30, 5, 60}) {
			t.Errorf("%s: %v %v %v", name, values, horizons, err)
		}
	}
	if values, _, err := read(t, stream(t, 0, columns), small(), checked(t)); err != nil || len(values) != 0 {
		t.Errorf("a stream without a batch: %v %v", values, err)
	}
	whole := stream(t, 1, columns)
	if values, _, err := read(t, whole[:len(whole)-8], small(), checked(t)); err != nil || !same(values, one) {
		t.Errorf("a stream without its end mark: %v %v", values, err)
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	horizon := floats("horizon", 30, 5)
	for _, test := range []struct {
		c    column
		want []float32
	}{
		{column{"x", arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).AppendValues([]float64{0.1, 2}, nil) }}, []float32{0.1, 2}},
		{column{"x", arrow.FixedWidthTypes.Float16, func(b array.Builder) {
			b.(*array.Float16Builder).AppendValues([]float16.Num{float16.New(0.5), float16.New(-2)}, nil)
		}}, []float32{0.5, -2}},
		{column{"x", arrow.PrimitiveTypes.Int8, func(b array.Builder) { b.(*array.Int8Builder).AppendValues([]int8{-128, 1}, nil) }}, []float32{-128, 1}},
		{column{"x", arrow.PrimitiveTypes.Int16, func(b array.Builder) { b.(*array.Int16Builder).AppendValues([]int16{-300, 1}, nil) }}, []float32{-300, 1}},
		{column{"x", arrow.PrimitiveTypes.Int32, func(b array.Builder) { b.(*array.Int32Builder).AppendValues([]int32{-70000, 1}, nil) }}, []float32{-70000, 1}},
		{column{"x", arrow.PrimitiveTypes.Int64, func(b array.Builder) { b.(*array.Int64Builder).AppendValues([]int64{1 << 40, 0}, []bool{true, false}) }}, []float32{1 << 40, float32(math.NaN())}},
		{column{"x", arrow.PrimitiveTypes.Uint8, func(b array.Builder) { b.(*array.Uint8Builder).AppendValues([]uint8{255, 1}, nil) }}, []float32{255, 1}},
		{column{"x", arrow.PrimitiveTypes.Uint16, func(b array.Builder) { b.(*array.Uint16Builder).AppendValues([]uint16{65535, 1}, nil) }}, []float32{65535, 1}},
		{column{"x", arrow.PrimitiveTypes.Uint32, func(b array.Builder) { b.(*array.Uint32Builder).AppendValues([]uint32{1 << 31, 1}, nil) }}, []float32{1 << 31, 1}},
		{column{"x", arrow.PrimitiveTypes.Uint64, func(b array.Builder) { b.(*array.Uint64Builder).AppendValues([]uint64{1 << 63, 1}, nil) }}, []float32{1 << 63, 1}},
		{column{"x", arrow.FixedWidthTypes.Boolean, func(b array.Builder) { b.(*array.BooleanBuilder).AppendValues([]bool{true, false}, nil) }}, []float32{1, 0}},
	} {
		values, _, err := read(t, stream(t, 1, []column{test.c, horizon}), vectors.NewLayout([]string{"x", "horizon"}), checked(t))
		if want := []float32{test.want[0], 30, test.want[1], 5}; err != nil || !same(values, want) {
			t.Errorf("%s: %v, want %v (%v)", test.c.typ, values, want, err)
		}
	}
}

func TestBadStreams(t *testing.T) {
	t.Parallel()
	good := []column{floats("rate", 1), floats("horizon", 30), floats("delay", 1.5)}
	with := func(c column) []byte { return stream(t, 1, append(slices.Clone(good[:2]), c)) }
	whole := stream(t, 1, good)
	texts := column{"delay", arrow.BinaryTypes.String, func(b array.Builder) { b.(*array.StringBuilder).Append("x") }}
	words := column{"delay", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, func(b array.Builder) { _ = b.(*array.BinaryDictionaryBuilder).AppendString("x") }}
	lists := column{"delay", arrow.ListOf(arrow.PrimitiveTypes.Float32), func(b array.Builder) { b.AppendNull() }}
	for want, body := range map[string][]byte{
		"the Arrow stream is empty":                                nil,
		"the Arrow stream ends inside a message":                   whole[:len(whole)-40],
		"describes a message with 1936287828 bytes":                []byte("This is no Arrow stream."),
		"its description is damaged":                               append([]byte{255, 255, 255, 255, 16, 0, 0, 0}, bytes.Repeat([]byte{0xf0}, 64)...),
		`column "other" is none of the model`:                      stream(t, 1, append(slices.Clone(good), floats("other", 1))),
		`column "rate" is there twice`:                             stream(t, 1, append(slices.Clone(good), floats("rate", 1))),
		"1 of 3 columns are missing: delay":                        stream(t, 1, good[:2]),
		`column "delay" is of type utf8: want floating-point`:      with(texts),
		`column "delay" is dictionary-encoded; send plain numbers`: with(words),
		`column "delay" is nested; send one number a row`:          with(lists),
		"horizon is NaN":                                           stream(t, 1, []column{good[0], floats("horizon", -999), good[2]}),
	} {
		var wrong *vectors.Error
		if _, _, err := read(t, body, small(), checked(t)); !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A stream that lies about its sizes costs no more memory than is allowed.
func TestSizesAreNotBelieved(t *testing.T) {
	t.Parallel()
	good := []column{floats("rate", 1, 2), floats("horizon", 30, 5), floats("delay", 1.5, 3)}
	whole := stream(t, 1, good)
	// Every aligned word of the stream becomes, one after the other, a huge and a
	// negative number: lengths, counts, offsets and references among them.
	for at := 0; at+4 <= len(whole); at += 4 {
		for _, value := range []uint32{0x7fffffff, 0x80000000, 0xfffffffe, 0x00ffffff} {
			damaged := slices.Clone(whole)
			binary.LittleEndian.PutUint32(damaged[at:], value)
			bounded(t, damaged)
		}
	}
	// Every bit turns over, and every byte of a vtable may become odd.
	for bit := range 8 * len(whole) {
		damaged := slices.Clone(whole)
		damaged[bit/8] ^= 1 << (bit % 8)
		bounded(t, damaged)
	}
}

// bounded reads a damaged stream: its error is the sender's, and little was
// held.
func bounded(t *testing.T, body []byte) {
	t.Helper()
	mem := &peak{Allocator: memory.NewGoAllocator()}
	_, _, err := read(t, body, small(), mem)
	if wrong := (*vectors.Error)(nil); err != nil && !errors.As(err, &wrong) {
		t.Errorf("%x: %T %v", body, err, err)
	}
	if mem.most > 4<<20 {
		t.Errorf("%x: %d bytes at once", body, mem.most)
	}
}

// peak notes the most that was held at once.
type peak struct {
	memory.Allocator
	held, most int
}

func (p *peak) Allocate(size int) []byte {
	p.held += size
	p.most = max(p.most, p.held)
	return p.Allocator.Allocate(size)
}

func (p *peak) Free(b []byte) { p.held -= len(b); p.Allocator.Free(b) }

// A megabyte of zeros takes a few hundred bytes compressed: the limit holds for
// what comes out.
func TestCompressedBatchesHaveTheSameLimit(t *testing.T) {
	t.Parallel()
	zeros := make([]float64, 60_000)
	body := stream(t, 1, []column{floats("rate", zeros...), floats("horizon", zeros...), floats("delay", zeros...)}, ipc.WithZstd())
	if len(body) > 5000 {
		t.Fatalf("%d bytes: nothing was compressed", len(body))
	}
	in, err := columnar.Open(bytes.NewReader(body), small(), checked(t), 500_000, func(int64) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := in.Next(); !errors.Is(err, columnar.ErrMemory) {
		t.Errorf("three columns of 240 kB within half a megabyte: %v", err)
	}
}

func TestForecastsAreWritten(t *testing.T) {
	t.Parallel()
	a := servingtest.Artefact()
	model, err := forecast.Load(a)
	if err != nil {
		t.Fatal(err)
	}
	table := vectors.NewLayout(a.Features).Table(5)
	var b forecast.Batch
	if err := model.Forecasts(&b, table.Vectors, []float64{1, 2, 3, 4, 5}); err != nil {
		t.Fatal(err)
	}
	mem := checked(t)
	var out bytes.Buffer
	w := columnar.NewWriter(&out, a.Edges, map[string]string{"version": "7", "model": "m"}, mem)
	for range 2 {
		if err := w.Write(&b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	in, err := ipc.NewReader(&out, ipc.WithAllocator(mem))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Release()
	if v, _ := in.Schema().Metadata().GetValue("version"); v != "7" || in.Schema().NumFields() != 9 || in.Schema().Field(8).Name != "p_delay_at_most_29_min" {
		t.Errorf("%s", in.Schema())
	}
	batches := 0
	for ; in.Next(); batches++ {
		last := in.Record().Column(8).(*array.Float64)
		if last.Len() != 5 || last.Value(4) != b.At(4).Cumulative[6] || in.Record().Column(1).(*array.Float64).Value(0) != 0.02 {
			t.Errorf("batch %d: %s", batches, in.Record())
		}
	}
	if batches != 2 || in.Err() != nil {
		t.Errorf("%d batches, %v", batches, in.Err())
	}
}

// No stream makes the reader panic or hold more than it may.
func FuzzStream(f *testing.F) {
	good := []column{floats("rate", -999, 2), floats("horizon", 30, 5), floats("delay", 1.5, 3)}
	f.Add(stream(f, 1, good))
	f.Add(stream(f, 2, good[:2]))
	f.Add(stream(f, 1, good, ipc.WithLZ4()))
	f.Add(stream(f, 1, good, ipc.WithZstd()))
	f.Fuzz(func(t *testing.T, body []byte) {
		mem := &peak{Allocator: memory.NewGoAllocator()}
		_, _, err := read(t, body, small(), mem)
		if wrong := (*vectors.Error)(nil); err != nil && !errors.As(err, &wrong) {
			t.Fatalf("%T: %v", err, err)
		}
		if mem.most > columnar.MaxStreamBytes {
			t.Fatalf("%d bytes at once", mem.most)
		}
	})
}
