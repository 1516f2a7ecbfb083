package monitor

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/livestate"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// skewSample bounds the served forecasts that are computed again.
const skewSample = 200

// skew computes a sample of what an API instance forecast again, through the path
// of training: a state filled from the store at once. Features must be the same to
// the bit. A batch was made on that path and is not looked at.
func (n *measuring) skew(ctx context.Context) error {
	if n.loaded == nil {
		n.board.missing(schemas.SignalSkew, "%s", n.gone)
		return nil
	}
	served, err := n.served(ctx)
	if err != nil {
		return err
	}
	if len(served) == 0 {
		n.board.missing(schemas.SignalSkew, "no forecast of %s was served by this version", n.day)
		return nil
	}
	from, until := served[0].Planned, served[0].Planned
	for _, p := range served {
		from, until = earlier(from, p.Planned), later(until, p.Planned)
	}
	state, err := livestate.Fill(ctx, n.a.Store, livestate.Span{Source: n.a.Name, From: from, Until: until.Add(time.Minute)}, n.a.Lag)
	if err != nil {
		return err
	}
	r := replay{state: state, histories: &livestate.Histories{Store: n.a.Store, Source: n.a.Name}, names: n.loaded.Model.Features(), differ: map[string]int{}}
	for i := range served {
		if err := r.again(ctx, &served[i]); err != nil {
			return err
		}
	}
	n.board.measured(schemas.SignalSkew, float64(r.wrong)/float64(len(served)), len(served), "")
	if text := r.worst(); text != "" {
		n.board.note(schemas.SignalSkew, "%s", text)
	}
	for _, name := range slices.Sorted(maps.Keys(r.differ)) {
		n.stat("skew", name, "differs", float64(r.differ[name])/float64(len(served)), 0, true, uint64(len(served)))
	}
	return nil
}

// served are panel forecasts and requests of one hour of the day, the same each
// time: knowledge of an hour is read, not of a day.
func (n *measuring) served(ctx context.Context) ([]schema.Prediction, error) {
	var all []schema.Prediction
	for _, source := range []schema.PredictionSource{schema.FromPanel, schema.FromRequest} {
		q := n.vectors()
		q.Source = source
		hours, err := n.a.Store.VectorHours(ctx, q)
		if err != nil {
			return nil, err
		}
		if len(hours) == 0 {
			continue
		}
		if len(all) == 0 { // the hour changes from day to day
			known := slices.SortedFunc(maps.Keys(hours), time.Time.Compare)
			q.Hours = []time.Time{known[int(n.day.Start().Unix()/86400)%len(known)]}
		} else {
			q.Hours = []time.Time{all[0].Planned.Truncate(time.Hour)}
		}
		q.Sample = skewSample
		if err := n.a.Store.ServedVectors(ctx, q, func(p *schema.Prediction) error { all = append(all, *p); return nil }); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// replay computes served forecasts again.
type replay struct {
	state     *feature.State
	histories *livestate.Histories
	names     []string
	wrong     int
	differ    map[string]int // by feature
	absent    int            // training's path knows no such event at that moment
}

func (r *replay) again(ctx context.Context, p *schema.Prediction) error {
	known, found := r.state.At(rail.EventKey{Stop: rail.StopID(p.StopID), Kind: rail.EventKind(p.Kind)}, p.PredictedAt)
	if !found || len(p.Features) != feature.Width() {
		r.absent++
		r.wrong++
		return nil
	}
	history, err := r.histories.At(ctx, p.PredictedAt)
	if err != nil {
		return err
	}
	vector, wrong := make([]float32, feature.Width()), false
	feature.Vector(vector, &known, history)
	for i, v := range vector {
		if math.Float32bits(v) != math.Float32bits(p.Features[i]) && !(v != v && p.Features[i] != p.Features[i]) {
			r.differ[r.names[i]]++
			wrong = true
		}
	}
	if wrong {
		r.wrong++
	}
	return nil
}

// worst names what differs, the most frequent first.
func (r *replay) worst() string {
	names := slices.SortedFunc(maps.Keys(r.differ), func(a, b string) int {
		if r.differ[a] != r.differ[b] {
			return r.differ[b] - r.differ[a]
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, name := range names[:min(5, len(names))] {
		parts = append(parts, fmt.Sprintf("%s in %d", name, r.differ[name]))
	}
	if r.absent > 0 {
		parts = append(parts, fmt.Sprintf("%d events were not known to training", r.absent))
	}
	if len(parts) == 0 {
		return ""
	}
	return "differs: " + strings.Join(parts, ", ")
}
