package livestate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// PastStore is what earlier moments are read from.
type PastStore interface {
	Store
	Days(ctx context.Context, source string) (schema.DaySpan, error)
}

// PastOptions say which moments a Past answers. Store and Source are required.
type PastOptions struct {
	Store  PastStore
	Source string
	// Lag is that of the live state.
	Lag time.Duration
	// Ahead is how long after a moment an event may be planned. Defaults to 12 hours.
	Ahead time.Duration
}

// pastHours is how many hours a Past keeps; each holds more than a day of a network.
const pastHours = 2

// TooEarlyError says that nothing is kept of a moment.
type TooEarlyError struct {
	At time.Time
	// From is the first day of which a timetable is kept; empty without any.
	From rail.Day
}

// Error names the first day.
func (e *TooEarlyError) Error() string {
	if e.From == "" {
		return fmt.Sprintf("nothing is kept of %s: nothing was collected yet", e.At.In(rail.Berlin).Format(time.RFC3339))
	}
	return fmt.Sprintf("nothing is kept of %s: the first timetable that is kept is of %s", e.At.In(rail.Berlin).Format(time.RFC3339), e.From)
}

// Past answers what was known at moments that the live state holds no more: a State
// filled from the store as training and batch scoring fill theirs, with the history
// as of the moment. It keeps the hours asked for last and fills one at a time. It
// is safe for concurrent use.
type Past struct {
	o    PastOptions
	busy chan struct{} // holds one token: a lock that a context can end
	kept []*pastHour   // used last at the end
}

// NewPast makes one that has read nothing.
func NewPast(o PastOptions) *Past {
	if o.Ahead <= 0 {
		o.Ahead = 12 * time.Hour
	}
	return &Past{o: o, busy: make(chan struct{}, 1)}
}

// pastHour holds what cut-offs within one hour can see.
type pastHour struct {
	from      time.Time
	state     *feature.State
	histories map[rail.Day]*feature.History
}

// At is what was known at a moment, of events planned from then on. A
// *TooEarlyError says that nothing is kept.
func (p *Past) At(ctx context.Context, at time.Time) (*Moment, error) {
	select {
	case p.busy <- struct{}{}:
		defer func() { <-p.busy }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	from := at.UTC().Truncate(time.Hour)
	if i := slices.IndexFunc(p.kept, func(h *pastHour) bool { return h.from.Equal(from) }); i >= 0 {
		hour := p.kept[i]
		p.kept = append(slices.Delete(p.kept, i, i+1), hour)
		return &Moment{hour, at}, nil
	}
	hour, err := p.read(ctx, at, from)
	if err != nil {
		return nil, err
	}
	p.kept = append(p.kept, hour)
	p.kept = p.kept[max(0, len(p.kept)-pastHours):]
	return &Moment{hour, at}, nil
}

func (p *Past) read(ctx context.Context, at, from time.Time) (*pastHour, error) {
	days, err := p.o.Store.Days(ctx, p.o.Source)
	if err != nil {
		return nil, fmt.Errorf("what was known at %s: %w", at.Format(time.RFC3339), err)
	}
	if first := rail.Day(days.FirstPlanned); first == "" || rail.DayOf(at) < first {
		return nil, &TooEarlyError{at, first}
	}
	until := from.Add(time.Hour)
	hour := &pastHour{from: from, histories: map[rail.Day]*feature.History{}}
	for _, cutoff := range []time.Time{from, until.Add(-time.Millisecond)} {
		day := rail.HistoryBefore(cutoff)
		if hour.histories[day] != nil {
			continue
		}
		if hour.histories[day], err = History(ctx, p.o.Store, p.o.Source, day); err != nil {
			return nil, err
		}
	}
	hour.state, err = Fill(ctx, p.o.Store, Span{Source: p.o.Source, From: from, Until: until.Add(p.o.Ahead), PolledUntil: until}, p.o.Lag)
	if err != nil {
		return nil, err
	}
	return hour, nil
}

// Moment is what was known at one moment. It answers as a Live does.
type Moment struct {
	hour *pastHour
	at   time.Time
}

// Vector is the features of an event at this moment; of any other moment nothing is known
// here, and ok is false. There is no sequence number: nothing was followed.
func (m *Moment) Vector(key rail.EventKey, cutoff time.Time) (vector []float32, k feature.Knowledge, lastSeq uint64, ok bool) {
	if !cutoff.Equal(m.at) {
		return nil, feature.Knowledge{}, 0, false
	}
	if k, ok = m.hour.state.At(key, cutoff); !ok {
		return nil, feature.Knowledge{}, 0, false
	}
	vector = make([]float32, feature.Width())
	feature.Vector(vector, &k, m.hour.histories[rail.HistoryBefore(cutoff)])
	return vector, k, 0, true
}

// Age of the observations of a past moment is not known.
func (m *Moment) Age() time.Duration { return math.MaxInt64 }

// Ready is true: it was filled when it was made.
func (m *Moment) Ready() bool { return true }

// From is the whole hour before: what was planned earlier is not answered.
func (m *Moment) From() time.Time { return m.hour.from }

// Board lists the events of a station planned in [from, to), by planned time.
func (m *Moment) Board(eva int64, from, to time.Time) []*rail.PlannedEvent {
	return m.hour.state.Plans(eva, from, to)
}

// Plan is the planned event of a key.
func (m *Moment) Plan(key rail.EventKey) (*rail.PlannedEvent, bool) { return m.hour.state.Plan(key) }

// Unplanned is false: the store is asked for events with a plan.
func (m *Moment) Unplanned(rail.EventKey, time.Time) (feature.Unplanned, bool) {
	return feature.Unplanned{}, false
}

// UnplannedAt is empty, like Unplanned.
func (m *Moment) UnplannedAt(int64, time.Time, time.Time, time.Time) []feature.Unplanned { return nil }
