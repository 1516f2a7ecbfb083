package serving

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// BaselineName is the baseline that stands beside every forecast.
const BaselineName = "db_forecast_calibrated"

// State answers what was known of events.
type State interface {
	Vector(key rail.EventKey, cutoff time.Time) (vector []float32, k feature.Knowledge, lastSeq uint64, ok bool)
	Age() time.Duration
}

// Log keeps predictions: when Append returns nil they are on disk.
type Log interface {
	Append(rows []schema.PredictionRow) error
}

// PromisingLog is a Log that need not be waited for: then is called once, when the rows
// are on disk or with the reason why they are not; after an error of AppendThen itself,
// never.
type PromisingLog interface {
	AppendThen(rows []schema.PredictionRow, then func(error)) error
}

// Options of a Forecaster. All but GroupOf and Metrics are required.
type Options struct {
	Champion   *Champion
	State      State
	Log        Log
	DataSource string // source of the observations
	Instance   string // this API instance
	// GroupOf names the station group of a station; nil leaves it empty.
	GroupOf func(eva int64) string
	Metrics *Metrics
}

// Forecaster answers with the champion, and logs every answer before it gives
// it. It is safe for concurrent use.
type Forecaster struct {
	o      Options
	recent recent
	health health
}

// NewForecaster makes a Forecaster.
func NewForecaster(o Options) *Forecaster {
	if o.GroupOf == nil {
		o.GroupOf = func(int64) string { return "" }
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	return &Forecaster{o: o}
}

// Request asks for forecasts of some events, all by the same package.
type Request struct {
	ID     string // of the request; made up when empty
	Events []rail.EventKey
	// At is the cut-off, domain time.
	At time.Time
	// CutOffs has one cut-off an event in place of At. Nil: all are made at At.
	CutOffs []time.Time
	// Explain adds reasons; they cost more than the forecast.
	Explain bool
	// Logged, where it is given and the log can do so, is called when the forecasts
	// are on disk, or with an [ErrNotLogged]; see Result.Promised. It must not block.
	Logged func(error)
}

func (r Request) cutOff(i int) time.Time {
	if r.CutOffs != nil {
		return r.CutOffs[i]
	}
	return r.At
}

// Result is what became of a Request.
type Result struct {
	Package   *Loaded
	RequestID string
	Forecasts []Forecast // in the order asked for
	// Index says which of the events asked for each forecast answers.
	Index []int
	// Unknown lists the events of which nothing was known at the cut-off.
	Unknown []rail.EventKey
	// DataAge is the domain time since the newest observation applied.
	DataAge time.Duration
	Timing  Timing
	// Promised says that the forecasts may not be on disk yet, and must not be given
	// out before Request.Logged is called. It is or was called once then, else never.
	Promised bool
}

// Answer forecasts for consumers. The forecasts of the result are on disk, unless it
// says that they are promised.
func (f *Forecaster) Answer(r Request) (Result, error) {
	loaded, err := f.o.Champion.Current()
	if err != nil {
		return Result{}, err
	}
	if r.CutOffs != nil && len(r.CutOffs) != len(r.Events) {
		return Result{}, fmt.Errorf("forecast %d events: %d cut-offs: give one each", len(r.Events), len(r.CutOffs))
	}
	if r.ID == "" {
		r.ID = newID()
	}
	result := Result{Package: loaded, RequestID: r.ID, DataAge: f.o.State.Age()}
	trial, age := f.o.Champion.Trial(), AgeSeconds(result.DataAge)
	rows := result.room(len(r.Events))
	begun := time.Now()
	took := func() (since time.Duration) { // a clock is read once an event: what is remembered costs less than that
		now := time.Now()
		since, begun = now.Sub(begun), now
		return since
	}
	for i, key := range r.Events {
		answers, beside := voices(loaded, trial, key.Stop)
		known, found := f.recall(key, r.cutOff(i), &result.Timing)
		if !found {
			result.Unknown = append(result.Unknown, key)
			took() // no package's
			continue
		}
		said, err := f.told(answers, known, &result.Timing)
		if err != nil {
			f.health.note(answers, took(), true)
		}
		if err != nil && answers.role == schema.RoleCanary { // nobody is worse off for a canary
			f.o.Metrics.failed.WithLabelValues(string(answers.role)).Inc()
			answers, beside = *beside, nil
			said, err = f.told(answers, known, &result.Timing)
		}
		if err != nil {
			return Result{}, err
		}
		row := said.logged(r.ID)
		rows = append(rows, row)
		given := said.given(row, age)
		if r.Explain {
			given.Reasons = said.explain(answers.Loaded, known, &result.Timing)
		}
		f.health.note(answers, took(), false)
		result.Forecasts, result.Index = append(result.Forecasts, given), append(result.Index, i)
		if beside == nil {
			continue
		}
		other, err := f.told(*beside, known, &result.Timing)
		f.health.note(*beside, took(), err != nil)
		if err != nil { // only logged: its failure is nobody's
			f.o.Metrics.failed.WithLabelValues(string(beside.role)).Inc()
			continue
		}
		rows = append(rows, other.logged(r.ID))
	}
	if promising, can := f.o.Log.(PromisingLog); can && r.Logged != nil && len(rows) > 0 {
		result.Promised = true
		if err := promising.AppendThen(rows, f.kept(len(rows), r.Logged)); err != nil {
			return Result{}, fmt.Errorf("%w: %w", ErrNotLogged, err)
		}
		return result, nil
	}
	return result, f.log(rows, schema.FromRequest, &result.Timing)
}

// room is for the forecasts of n events, and for their rows in the log.
func (r *Result) room(n int) []schema.PredictionRow {
	if n != 1 {
		r.Forecasts, r.Index = make([]Forecast, 0, n), make([]int, 0, n)
		return make([]schema.PredictionRow, 0, n)
	}
	one := new(struct { // as most requests want: one piece of memory
		forecasts [1]Forecast
		index     [1]int
		rows      [2]schema.PredictionRow
	})
	r.Forecasts, r.Index = one.forecasts[:0], one.index[:0]
	return one.rows[:0]
}

// kept counts rows that are on disk and passes on what became of them.
func (f *Forecaster) kept(rows int, then func(error)) func(error) {
	return func(err error) {
		if err != nil {
			then(fmt.Errorf("%w: %w", ErrNotLogged, err))
			return
		}
		f.o.Metrics.made(schema.FromRequest).Add(float64(rows))
		then(nil)
	}
}

// logged is the row of a consumer's request.
func (o *opinion) logged(requestID string) schema.PredictionRow {
	return schema.PredictionRow{RequestID: requestID, PredictionID: newID(), Rest: o.rest}
}

// given is the answer that a row logs.
func (o *opinion) given(row schema.PredictionRow, ageSeconds *float64) Forecast {
	return Forecast{PredictionID: row.PredictionID, RequestID: row.RequestID, DataAgeSeconds: ageSeconds, Statement: o.answer, opinion: o}
}

func (o *opinion) explain(loaded *Loaded, known *recalled, timing *Timing) []Reason {
	o.explained.Do(func() {
		start := time.Now()
		o.reasons = reasons(loaded.Model, known.vector)
		timing.Predict += time.Since(start)
	})
	return o.reasons
}

// newID names a prediction: a random UUID. It is unique, and no secret.
func newID() string {
	var id uuid.UUID
	binary.LittleEndian.PutUint64(id[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4, variant of RFC 9562
	return id.String()
}

func (f *Forecaster) log(rows []schema.PredictionRow, source schema.PredictionSource, timing *Timing) error {
	if len(rows) == 0 {
		return nil
	}
	start := time.Now()
	if err := f.o.Log.Append(rows); err != nil {
		return fmt.Errorf("%w: %w", ErrNotLogged, err)
	}
	timing.Log += time.Since(start)
	f.o.Metrics.made(source).Add(float64(len(rows)))
	return nil
}

// logAll is log of predictions.
func (f *Forecaster) logAll(predictions []schema.Prediction, source schema.PredictionSource, timing *Timing) error {
	rows, err := schema.Rows(predictions)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotLogged, err)
	}
	return f.log(rows, source, timing)
}

// made is one forecast and what it was made from.
type made struct {
	key          rail.EventKey
	vector       []float32
	k            feature.Knowledge
	lastSeq      uint64
	distribution forecast.Distribution
	took         time.Duration
}

// know computes what a forecast is made from; false where nothing was known.
func (f *Forecaster) know(key rail.EventKey, at time.Time, timing *Timing) (made, bool) {
	start := time.Now()
	vector, k, lastSeq, ok := f.o.State.Vector(key, at)
	took := time.Since(start)
	timing.Features += took
	return made{key: key, vector: vector, k: k, lastSeq: lastSeq, took: took}, ok
}

// recall is know, which a consumer that asks the same within the second is spared.
func (f *Forecaster) recall(key rail.EventKey, at time.Time, timing *Timing) (*recalled, bool) {
	moment := f.recent.at(f.o.State, at)
	if held := moment.find(key); held != nil {
		return held, true
	}
	known, found := f.know(key, at, timing)
	if !found {
		return nil, false
	}
	return moment.keep(known), true
}

// told is what a package in a role makes of what is remembered.
func (f *Forecaster) told(v voice, known *recalled, timing *Timing) (*opinion, error) {
	if o := known.of(v); o != nil {
		return o, nil
	}
	m, err := f.forecast(v, known.made, timing)
	if err != nil {
		return nil, err
	}
	row := f.row(v, m, "")
	row.Source, row.HorizonMinutes = schema.FromRequest, int32(math.Floor(m.k.HorizonMinutes()))
	logged, err := row.Row()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotLogged, err)
	}
	o := &opinion{digest: v.Ref.Digest, role: v.role, answer: answer(v, m, row), rest: logged.Rest}
	known.keep(o)
	return o, nil
}

// forecast lets a package say what it makes of that.
func (f *Forecaster) forecast(v voice, known made, timing *Timing) (made, error) {
	start := time.Now()
	d, err := v.Model.Forecast(known.vector, known.k.HorizonMinutes())
	took := time.Since(start)
	timing.Predict += took
	if err != nil {
		return made{}, fmt.Errorf("forecast %s at %s by %s@%d: %w", known.key, known.k.CutOff.Format(time.RFC3339), v.Ref.Model, v.Ref.Version, err)
	}
	known.distribution, known.took = d, known.took+took
	return known, nil
}

// row is the forecast as it is logged; the caller fills in who wanted it.
func (f *Forecaster) row(v voice, m made, id string) schema.Prediction {
	loaded := v.Loaded
	p := schema.Prediction{
		PredictionID: id, DataSource: f.o.DataSource, Group: f.o.GroupOf(m.k.Plan.EVA),
		Model: loaded.Ref.Model, Version: uint32(loaded.Ref.Version), Digest: loaded.Ref.Digest, Role: v.role, Instance: f.o.Instance,
		EVA: m.k.Plan.EVA, StopID: string(m.key.Stop), Kind: string(m.key.Kind), EventDay: string(rail.DayOf(m.k.Plan.Planned)), Planned: m.k.Plan.Planned,
		PredictedAt: m.k.CutOff, LastSeq: m.lastSeq, Features: m.vector, Cumulative: m.distribution.Cumulative,
		POnTime: m.distribution.OnTime(), PCancelled: m.distribution.Cancelled, PBaseline: math.NaN(),
		LatencyMicros: uint32(min(m.took.Microseconds(), math.MaxUint32)),
	}
	if b := baseline(loaded, &m.k); b != nil {
		p.PBaseline = b.POnTime
	}
	return p
}

// baseline is nil for a package without fitted baselines.
func baseline(loaded *Loaded, k *feature.Knowledge) *Baseline {
	if loaded.Baselines.Events == 0 {
		return nil
	}
	row := dataset.Row{Kind: k.Plan.Kind, Category: k.Plan.Train.Category, Horizon: nearestHorizon(k.HorizonMinutes())}
	if delay, known := k.Own.DelayMinutes(); known {
		row.DBDelay = delay
	}
	return &Baseline{Name: BaselineName, POnTime: 1 - loaded.Baselines.LateByCalibratedForecast(row), HorizonMinutes: row.Horizon, DBForecastDelayMinutes: row.DBDelay}
}

// nearestHorizon of the grid; of two equally near ones the longer.
func nearestHorizon(minutes float64) int {
	best := rail.Horizons()[0]
	for _, h := range rail.Horizons() {
		if math.Abs(float64(h)-minutes) < math.Abs(float64(best)-minutes) {
			best = h
		}
	}
	return best
}

// answer is all of a forecast but its ids, its reasons and the age of what is known.
func answer(v voice, m made, row schema.Prediction) *Statement {
	loaded, plan := v.Loaded, m.k.Plan
	a := &Statement{
		StopID: m.key.Stop, Event: m.key.Kind, EVA: plan.EVA,
		Train: strings.TrimSpace(plan.Train.Category + " " + plan.Train.Number), Category: plan.Train.Category, Line: plan.Line,
		Direction: direction(plan), Platform: plan.Platform, Planned: plan.Planned.In(rail.Berlin), Railway: railway(&m.k),
		POnTime: row.POnTime, PCancelled: row.PCancelled, Baseline: baseline(loaded, &m.k),
		Median: quantile(m.distribution, 0.5), HorizonMinutes: m.k.HorizonMinutes(), KnownAt: m.k.CutOff.In(rail.Berlin),
		Model: loaded.Ref.Model, Version: loaded.Ref.Version, Digest: loaded.Ref.Digest, Role: string(v.role),
	}
	for i, edge := range m.distribution.Edges {
		a.Cumulative = append(a.Cumulative, Edge{edge, m.distribution.Cumulative[i]})
	}
	for _, level := range []float64{0.1, 0.5, 0.9} {
		a.Quantiles = append(a.Quantiles, quantile(m.distribution, level))
	}
	return a
}

// AgeSeconds is nil where nothing was ever observed, else rounded to milliseconds.
func AgeSeconds(age time.Duration) *float64 {
	if age == math.MaxInt64 {
		return nil
	}
	seconds := float64(age.Round(time.Millisecond).Milliseconds()) / 1000
	return &seconds
}

func quantile(d forecast.Distribution, level float64) Quantile {
	minutes, beyond := d.Quantile(level)
	if beyond {
		return Quantile{Level: level, AboveMinutes: &minutes}
	}
	return Quantile{Level: level, AtMostMinutes: &minutes}
}

func direction(p *rail.PlannedEvent) string {
	switch {
	case len(p.Path) == 0:
		return ""
	case p.Kind == rail.Departure:
		return p.Path[len(p.Path)-1]
	}
	return p.Path[0]
}

func railway(k *feature.Knowledge) Railway {
	r := Railway{Cancelled: k.Own.Status == rail.StatusCancelled}
	if delay, known := k.Own.DelayMinutes(); known {
		changed := k.Own.Changed.In(rail.Berlin)
		r.Time, r.DelayMinutes = &changed, &delay
	}
	if k.Own.Platform != k.Plan.Platform {
		r.Platform = k.Own.Platform
	}
	return r
}

// panelID names the panel's forecast of an event at a horizon by a package: the
// same wherever and however often it is made.
func panelID(digest string, key rail.EventKey, horizon int) string {
	name := fmt.Sprintf("%s|%s|%d|panel", digest, key, horizon)
	return uuid.NewHash(sha256.New(), uuid.Nil, []byte(name), 8).String()
}

// ErrNotLogged says that forecasts were made and, not being on disk, are not
// given out.
var ErrNotLogged = errors.New("the prediction could not be logged")
