package infer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"puenktlich/internal/forecast"
	"puenktlich/internal/serving"
	"puenktlich/internal/vectors"
	"puenktlich/internal/vectors/columnar"
)

const (
	arrowPath = "/v1/forecasts/arrow"
	// MediaArrow is the type of an Arrow IPC stream.
	MediaArrow = "application/vnd.apache.arrow.stream"
)

func (s *Routes) arrowRoute(handle route) http.HandlerFunc {
	return answered(handle, s.o.Logger, s.o.Problem)
}

// arrow answers a stream of record batches with one of as many. The answer
// waits, on disk where it is large, until the whole stream was read: clients
// send all before they read anything, and an error anywhere has its status.
func (s *Routes) arrow(w http.ResponseWriter, r *http.Request) error {
	if kind, err := media(r, MediaArrow); err != nil || kind != MediaArrow {
		return &mediaError{fmt.Sprintf("Content-Type %.64q is not taken: send %s", r.Header.Get("Content-Type"), MediaArrow)}
	}
	weight := int64(columnar.MaxStreamBytes)
	if r.ContentLength >= 0 {
		weight = min(weight, 16*r.ContentLength+8<<20)
	}
	weight = min(weight, s.most)
	if err := s.work.Acquire(r.Context(), weight); err != nil {
		return err
	}
	defer func() { s.work.Release(weight) }()
	raise := func(bytes int64) bool { // a small body may hold much, compressed
		if !s.work.TryAcquire(bytes) {
			return false
		}
		weight += bytes
		return true
	}
	source, err := s.source(w, r)
	if err != nil {
		return err
	}
	held := &spill{dir: s.o.TempDir}
	defer held.close()
	answer, err := s.stream(w, held, func(layout *vectors.Layout) (*columnar.Stream, error) {
		return columnar.Open(source, layout, s.o.Allocator, weight, raise)
	})
	if err != nil {
		return err
	}
	tell(w, answer)
	w.Header().Set("Content-Type", MediaArrow)
	w.Header().Set("Content-Length", strconv.FormatInt(held.size, 10))
	w.WriteHeader(http.StatusOK)
	return held.writeTo(w)
}

// stream forecasts every record batch and logs it before it is written.
func (s *Routes) stream(w http.ResponseWriter, to io.Writer, open func(*vectors.Layout) (*columnar.Stream, error)) (*serving.Vectors, error) {
	answer, layout, err := s.begin(w)
	if err != nil {
		return nil, err
	}
	in, err := open(layout)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	ref := answer.Package().Ref
	out := columnar.NewWriter(to, answer.Package().Model.Artefact().Edges, map[string]string{"model": ref.Model,
		"version": strconv.Itoa(ref.Version), "digest": ref.Digest, "prediction_id": answer.ID()}, s.o.Allocator)
	work := batch{answer: answer, columns: in.Columns(), table: layout.Table(0)}
	for rows := int64(0); ; {
		record, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("after %d rows: %w", rows, err)
		}
		if rows += record.NumRows(); rows > int64(s.o.MaxStreamRows) {
			return nil, vectors.TooLarge("the stream has more than %d rows: send several, or score a file with ScoreBatch", s.o.MaxStreamRows)
		}
		if err := work.forecast(record); err != nil {
			return nil, fmt.Errorf("record batch that ends with row %d: %w", rows-1, err)
		}
		if err := out.Write(&work.made); err != nil {
			return nil, err
		}
	}
	return answer, out.Close()
}

// batch forecasts record batches in chunks, using its storage again.
type batch struct {
	answer      *serving.Vectors
	columns     *columnar.Columns
	table       *vectors.Table
	chunk, made forecast.Batch
}

func (b *batch) forecast(record columnar.Record) error {
	b.made.Reset(b.answer.Package().Model.Artefact().Edges)
	rows := int(record.NumRows())
	for from := 0; from < rows; from += serving.ChunkRows {
		if err := b.columns.Fill(b.table, record, from, min(from+serving.ChunkRows, rows)); err != nil {
			return err
		}
		if err := b.answer.Forecast(&b.chunk, b.table.Vectors, b.table.Horizons); err != nil {
			return err
		}
		b.made.Append(&b.chunk)
	}
	return nil
}

// WriteProblem writes an error as RFC 9457 has it, for those who have no
// other way to.
func WriteProblem(w http.ResponseWriter, status int, detail string) {
	body, err := json.Marshal(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
	if err != nil {
		panic("infer: plain values are JSON: " + err.Error())
	}
	_ = reply(w, status, "application/problem+json", body)
}
