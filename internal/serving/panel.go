package serving

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"puenktlich/internal/atomicfile"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// maxCatchUp is how much domain time the panel makes up for after it was down.
const maxCatchUp = 10 * time.Minute

// panelBatch bounds the forecasts logged together.
const panelBatch = 1000

// errNotFilled keeps the panel waiting.
var errNotFilled = errors.New("the live state is not filled yet")

// Boards list what is planned.
type Boards interface {
	Ready() bool
	Stations() []int64
	Board(eva int64, from, to time.Time) []*rail.PlannedEvent
}

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// PanelOptions say what a Panel forecasts. All but Logger are required.
type PanelOptions struct {
	Forecaster *Forecaster
	Boards     Boards
	Clock      Clock
	// File remembers through which moment the panel is done.
	File   string
	Logger *slog.Logger
}

// Panel forecasts every planned event once at each horizon of the grid, at
// exactly that long before its planned time.
type Panel struct {
	o     PanelOptions
	last  time.Time // done through this moment; zero before the first step
	saved time.Time
	late  bool // the last step failed: what was missed is made up for within bounds
	// told is the package whose failure was logged last, its digest.
	told string
}

// NewPanel makes a Panel.
func NewPanel(o PanelOptions) *Panel {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Panel{o: o}
}

// Run looks each second of wall time until ctx ends. It returns nil.
func (p *Panel) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	defer p.save()
	for {
		if err := p.step(ctx); err != nil && !p.late {
			p.o.Logger.Warn("the panel waits", "error", err)
			p.late = true
		} else if err == nil {
			p.late = false
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// step forecasts the moments in (last, now] and moves on.
func (p *Panel) step(ctx context.Context) error {
	now := p.o.Clock.Now()
	loaded, err := p.o.Forecaster.o.Champion.Current()
	if err != nil {
		return err
	}
	if !p.o.Boards.Ready() {
		return errNotFilled
	}
	p.begin(now)
	if !now.After(p.last) {
		return nil
	}
	if err := p.forecast(ctx, loaded, p.last, now); err != nil {
		p.o.Forecaster.o.Metrics.panelLag.Set(now.Sub(p.last).Seconds())
		return err
	}
	p.last = now
	p.o.Forecaster.o.Metrics.panelLag.Set(0)
	if now.Sub(p.saved) >= 10*time.Second {
		p.save()
	}
	return nil
}

// begin finds where to go on: at now when there never was a panel, at most
// maxCatchUp ago when it had been down.
func (p *Panel) begin(now time.Time) {
	first := p.last.IsZero()
	if first {
		if p.last = p.resume(); p.last.IsZero() {
			p.last = now
		}
	}
	if earliest := now.Add(-maxCatchUp); (first || p.late) && p.last.Before(earliest) {
		skipped := earliest.Sub(p.last)
		p.o.Forecaster.o.Metrics.skipped.Add(skipped.Seconds())
		if skipped > time.Minute {
			p.o.Logger.Warn("the panel leaves out what it missed", "from", p.last, "to", earliest)
		}
		p.last = earliest
	}
	if p.last.After(now) { // another clock than the one that was saved
		p.last = now
	}
}

func (p *Panel) forecast(ctx context.Context, loaded *Loaded, after, through time.Time) error {
	var rows []schema.Prediction
	for _, eva := range p.o.Boards.Stations() {
		for _, horizon := range rail.Horizons() {
			rows = append(rows, p.station(loaded, moment{eva, horizon, after, through})...)
		}
		if len(rows) >= panelBatch {
			if err := p.log(ctx, rows); err != nil {
				return err
			}
			rows = nil
		}
	}
	return p.log(ctx, rows)
}

// moment is a station, a horizon and the span (after, through] of cut-offs.
type moment struct {
	eva            int64
	horizon        int
	after, through time.Time
}

func (p *Panel) station(loaded *Loaded, m moment) []schema.Prediction {
	var rows []schema.Prediction
	ahead := time.Duration(m.horizon) * time.Minute
	// Half-open the other way round: a planned time is a whole millisecond.
	const step = time.Millisecond
	trial := p.o.Forecaster.o.Champion.Trial()
	for _, event := range p.o.Boards.Board(m.eva, m.after.Add(ahead).Truncate(step).Add(step), m.through.Add(ahead).Truncate(step).Add(step)) {
		var timing Timing
		known, found := p.o.Forecaster.know(event.Key(), event.Planned.Add(-ahead), &timing)
		if !found {
			continue // its plan came later than this moment
		}
		answers, beside := voices(loaded, trial, event.Key().Stop)
		for _, v := range []*voice{&answers, beside} {
			if v == nil {
				continue
			}
			if row, err := p.row(*v, known, m.horizon); err != nil {
				p.failed(*v, err)
			} else {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// failed notes that a package has no forecast of an event. It would have none in a second
// either, so the panel goes on: the package is judged on what it did not say.
func (p *Panel) failed(v voice, err error) {
	p.o.Forecaster.o.Metrics.failed.WithLabelValues(string(v.role)).Inc()
	if p.told != v.Ref.Digest {
		p.told = v.Ref.Digest
		p.o.Logger.Error("a package has no forecast of a planned event; further ones are only counted", "role", v.role, "digest", v.Ref.Digest, "error", err)
	}
}

// row is the panel's forecast by one package. Its id is the same however often it
// is made.
func (p *Panel) row(v voice, known made, horizon int) (schema.Prediction, error) {
	var timing Timing
	m, err := p.o.Forecaster.forecast(v, known, &timing)
	p.o.Forecaster.health.note(v, known.took+timing.Predict, err != nil)
	if err != nil {
		return schema.Prediction{}, err
	}
	row := p.o.Forecaster.row(v, m, panelID(v.Ref.Digest, m.key, horizon))
	row.Source, row.HorizonMinutes = schema.FromPanel, int32(horizon)
	return row, nil
}

func (p *Panel) log(ctx context.Context, rows []schema.Prediction) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var timing Timing
	return p.o.Forecaster.logAll(rows, schema.FromPanel, &timing)
}

// done is the file that a Panel leaves behind.
type done struct {
	Through time.Time `json:"through"`
}

// resume is the moment the last Panel was done through; zero where none is known.
func (p *Panel) resume() time.Time {
	body, err := os.ReadFile(p.o.File)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}
	}
	var d done
	if err == nil {
		err = json.Unmarshal(body, &d)
	}
	if err != nil {
		p.o.Logger.Warn("the panel does not know where it stopped and goes on from now", "file", p.o.File, "error", err)
		return time.Time{}
	}
	return d.Through
}

func (p *Panel) save() {
	if p.last.IsZero() {
		return
	}
	body, err := json.Marshal(done{p.last})
	if err == nil {
		err = atomicfile.Write(p.o.File, 0o600, body)
	}
	if err != nil {
		p.o.Logger.Warn("the panel cannot keep where it is", "error", err)
	}
	p.saved = p.last
}
