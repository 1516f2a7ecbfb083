package clickhouse

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// PredictionColumns are the columns of table predictions in the order of a
// PredictionRow.
var PredictionColumns = []string{
	"request_id", "prediction_id",
	"source", "data_source", "station_group", "model", "digest", "role", "instance", "stop_id", "kind",
	"version", "eva", "event_day", "planned", "predicted_at", "horizon_minutes", "last_seq", "features", "cumulative",
	"p_on_time", "p_cancelled", "p_baseline", "latency_us",
}

// PredictionRow is a prediction as ClickHouse takes it in and as the log keeps it:
// format RowBinary (https://clickhouse.com/docs/interfaces/formats/RowBinary), so that
// on its way from an answer to the table it is written once. Its ids come first: what
// stands after them is the same for all who ask for the same forecast.
type PredictionRow struct {
	RequestID    string
	PredictionID string // unique
	// Rest has all other columns. It is shared: read only.
	Rest []byte
}

// ErrRow says that bytes are no row of predictions.
var ErrRow = errors.New("not a row of predictions")

// Row is the prediction as it is kept. It fails where the table cannot hold one of
// its times.
func (p *Prediction) Row() (PredictionRow, error) {
	rest, err := p.appendRest(make([]byte, 0, 512))
	return PredictionRow{p.RequestID, p.PredictionID, rest}, err
}

// Rows are the rows of all; one that fails fails all. They share one piece of memory.
func Rows(predictions []Prediction) ([]PredictionRow, error) {
	rows, ends := make([]PredictionRow, len(predictions)), make([]int, len(predictions))
	var all []byte
	for i := range predictions {
		p := &predictions[i]
		var err error
		if all, err = p.appendRest(all); err != nil {
			return nil, fmt.Errorf("prediction %s: %w", p.PredictionID, err)
		}
		if rows[i].RequestID, rows[i].PredictionID, ends[i] = p.RequestID, p.PredictionID, len(all); i == 0 {
			all = append(make([]byte, 0, (len(all)+64)*len(predictions)), all...) // the others are about as long
		}
	}
	from := 0
	for i, end := range ends {
		rows[i].Rest, from = all[from:end:end], end
	}
	return rows, nil
}

// AppendTo appends the whole row.
func (r PredictionRow) AppendTo(b []byte) []byte {
	return append(appendString(appendString(b, r.RequestID), r.PredictionID), r.Rest...)
}

func (p *Prediction) appendRest(b []byte) ([]byte, error) {
	day, err := time.Parse(time.DateOnly, p.EventDay)
	if err != nil {
		return b, fmt.Errorf("event day %q: want YYYY-MM-DD", p.EventDay)
	}
	days, seconds := day.Unix()/(24*60*60), p.Planned.Unix()
	if days < 0 || days > math.MaxUint16 {
		return b, fmt.Errorf("event day %q: a Date holds 1970-01-01 to 2149-06-06", p.EventDay)
	}
	if seconds < 0 || seconds > math.MaxUint32 {
		return b, fmt.Errorf("planned %s: a DateTime holds 1970 to 2106", p.Planned.Format(time.RFC3339))
	}
	if year := p.PredictedAt.UTC().Year(); year < 1900 || year > 2299 {
		return b, fmt.Errorf("predicted at %s: a DateTime64 holds 1900 to 2299", p.PredictedAt.Format(time.RFC3339))
	}
	for _, s := range p.texts() {
		b = appendString(b, *s)
	}
	b = binary.LittleEndian.AppendUint32(b, p.Version)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.EVA))
	b = binary.LittleEndian.AppendUint16(b, uint16(days))
	b = binary.LittleEndian.AppendUint32(b, uint32(seconds))
	b = binary.LittleEndian.AppendUint64(b, uint64(p.PredictedAt.UnixMilli()))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.HorizonMinutes))
	b = binary.LittleEndian.AppendUint64(b, p.LastSeq)
	b = binary.AppendUvarint(b, uint64(len(p.Features)))
	for _, v := range p.Features {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	b = binary.AppendUvarint(b, uint64(len(p.Cumulative)))
	for _, v := range p.Cumulative {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	for _, v := range []float64{p.POnTime, p.PCancelled, p.PBaseline} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return binary.LittleEndian.AppendUint32(b, p.LatencyMicros), nil
}

// texts are the text columns after the ids.
func (p *Prediction) texts() [9]*string {
	return [...]*string{(*string)(&p.Source), &p.DataSource, &p.Group, &p.Model, &p.Digest, (*string)(&p.Role), &p.Instance, &p.StopID, &p.Kind}
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// ReadPrediction reads a row whole. Its error is ErrRow.
func ReadPrediction(row []byte) (Prediction, error) {
	all, err := ReadPredictions(row, 1)
	if err != nil {
		return Prediction{}, err
	}
	return all[0], nil
}

// ReadPredictions reads n rows that stand one after the other, and nothing after them.
// Its error is ErrRow.
func ReadPredictions(rows []byte, n int) ([]Prediction, error) {
	r := rowReader{rest: rows}
	var all []Prediction
	for len(all) < n && !r.short {
		all = append(all, r.prediction())
	}
	if r.short || len(r.rest) > 0 {
		return nil, fmt.Errorf("%d bytes for %d: %w", len(rows), n, ErrRow)
	}
	return all, nil
}

// PredictionID reads the id of a row alone. Its error is ErrRow.
func PredictionID(row []byte) (string, error) {
	r := rowReader{rest: row}
	r.take(r.length(1))
	id := r.text()
	if r.short {
		return "", ErrRow
	}
	return id, nil
}

// rowReader takes values off a row; short is set once it holds too few bytes.
type rowReader struct {
	rest  []byte
	short bool
}

func (r *rowReader) prediction() Prediction {
	p := Prediction{RequestID: r.text(), PredictionID: r.text()}
	for _, s := range p.texts() {
		*s = r.text()
	}
	p.Version = r.uint32()
	p.EVA = int64(r.uint64())
	p.EventDay = time.Unix(24*60*60*int64(r.uint16()), 0).UTC().Format(time.DateOnly)
	p.Planned = time.Unix(int64(r.uint32()), 0).UTC()
	p.PredictedAt = time.UnixMilli(int64(r.uint64())).UTC()
	p.HorizonMinutes = int32(r.uint32())
	p.LastSeq = r.uint64()
	p.Features = make([]float32, r.length(4))
	for i := range p.Features {
		p.Features[i] = math.Float32frombits(r.uint32())
	}
	p.Cumulative = make([]float64, r.length(8))
	for i := range p.Cumulative {
		p.Cumulative[i] = math.Float64frombits(r.uint64())
	}
	for _, v := range []*float64{&p.POnTime, &p.PCancelled, &p.PBaseline} {
		*v = math.Float64frombits(r.uint64())
	}
	p.LatencyMicros = r.uint32()
	return p
}

func (r *rowReader) text() string { return string(r.take(r.length(1))) }

// take answers n bytes, nil where there are fewer.
func (r *rowReader) take(n int) []byte {
	if n > len(r.rest) {
		r.short, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// length reads how many elements of a size follow, never more than can.
func (r *rowReader) length(size int) int {
	n, read := binary.Uvarint(r.rest)
	if read <= 0 || n > uint64((len(r.rest)-read)/size) {
		r.short, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[read:]
	return int(n)
}

func (r *rowReader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *rowReader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *rowReader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}
