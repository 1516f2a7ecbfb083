package serving

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"

	"puenktlich/internal/forecast"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// ChunkRows is how many vectors are forecast and logged at once: enough for the
// trees' blocks of 64 and for one write of a few megabytes to the log.
const ChunkRows = 4096

// Vectors answers one request that brings its own feature vectors. All of its
// rows are forecast by the package that was champion when it began.
type Vectors struct {
	f         *Forecaster
	loaded    *Loaded
	requestID string
	id        string
	at        time.Time
	rows      int
	timing    Timing
	// day is the last one that was named, from its start to its end.
	day      rail.Day
	from, to time.Time
}

// Vectors begins a request. at is the domain time. There is no event behind a
// vector, hence no trial: the champion answers.
func (f *Forecaster) Vectors(requestID string, at time.Time) (*Vectors, error) {
	loaded, err := f.o.Champion.Current()
	if err != nil {
		return nil, err
	}
	return &Vectors{f: f, loaded: loaded, requestID: requestID, id: uuid.NewString(), at: at}, nil
}

// Package is the one that answers.
func (v *Vectors) Package() *Loaded { return v.loaded }

// ID is what the ids of this request's predictions begin with: that of row i,
// counted from 0, has a dot and i after it.
func (v *Vectors) ID() string { return v.id }

// Timing is where the time went so far.
func (v *Vectors) Timing() Timing { return v.timing }

// Forecast fills b with the forecasts of rows (row-major, NaN = not known), each
// at its horizon in minutes, after those of the calls before. When it returns
// nil, each row is on disk as a prediction of its own, with its vector and
// without a stop. A value that no forecast can be made of is a
// *forecast.RowError; rows before it may have been logged.
func (v *Vectors) Forecast(b *forecast.Batch, rows []float32, horizonMinutes []float64) error {
	width := len(v.loaded.Model.Features())
	start := time.Now()
	if err := v.loaded.Model.Forecasts(b, rows, horizonMinutes); err != nil {
		if wrong := (*forecast.RowError)(nil); errors.As(err, &wrong) {
			wrong.Row += v.rows
		}
		return err
	}
	took := time.Since(start)
	v.timing.Predict += took
	logged := make([]schema.Prediction, len(horizonMinutes))
	each := uint32(min(took.Microseconds()/int64(max(len(logged), 1)), math.MaxUint32))
	for i := range logged {
		logged[i] = v.row(b.At(i), rows[i*width:(i+1)*width], horizonMinutes[i])
		logged[i].LatencyMicros = each
	}
	return v.f.logAll(logged, schema.FromRequest, &v.timing)
}

// row is a vector's forecast as it is logged. What it would be planned for is
// what its horizon says.
func (v *Vectors) row(d forecast.Distribution, vector []float32, horizonMinutes float64) schema.Prediction {
	ref := v.loaded.Ref
	planned := v.at.Add(time.Duration(horizonMinutes * float64(time.Minute))).Truncate(time.Second)
	p := schema.Prediction{
		RequestID: v.requestID, PredictionID: v.id + "." + strconv.Itoa(v.rows), Source: schema.FromRequest, DataSource: v.f.o.DataSource,
		Model: ref.Model, Version: uint32(ref.Version), Digest: ref.Digest, Role: schema.RoleChampion, Instance: v.f.o.Instance,
		EventDay: v.dayOf(planned), Planned: planned, PredictedAt: v.at, HorizonMinutes: int32(math.Floor(horizonMinutes)),
		Features: vector, Cumulative: d.Cumulative, POnTime: d.OnTime(), PCancelled: d.Cancelled, PBaseline: math.NaN(),
	}
	v.rows++
	return p
}

// dayOf is rail.DayOf, which is slow beside a forecast.
func (v *Vectors) dayOf(t time.Time) string {
	if t.Before(v.from) || !t.Before(v.to) {
		v.day = rail.DayOf(t)
		v.from, v.to = v.day.Start(), v.day.End()
	}
	return string(v.day)
}

// All forecasts a table of any size in chunks. Nothing is logged where one of
// its values is refused.
func (v *Vectors) All(b *forecast.Batch, rows []float32, horizonMinutes []float64) error {
	width := len(v.loaded.Model.Features())
	if len(horizonMinutes) <= ChunkRows {
		return v.Forecast(b, rows, horizonMinutes)
	}
	if err := v.loaded.Model.CheckRows(rows); err != nil {
		return err
	}
	b.Reset(v.loaded.Model.Artefact().Edges)
	var chunk forecast.Batch
	for from := 0; from < len(horizonMinutes); from += ChunkRows {
		to := min(from+ChunkRows, len(horizonMinutes))
		if err := v.Forecast(&chunk, rows[from*width:to*width], horizonMinutes[from:to]); err != nil {
			return err
		}
		b.Append(&chunk)
	}
	return nil
}
