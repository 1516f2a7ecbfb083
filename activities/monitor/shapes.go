package monitor

import (
	"context"
	"fmt"
	"math"
	"slices"

	"puenktlich/internal/drift"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Numbers of the drift of forecasts, delays and the loss.
const (
	// fewForecasts with a truth, below them all forecasts of the day are looked at.
	fewForecasts = 100
)

// outputs holds the champion's forecasts against those it made of days it had not
// learned from when it was trained.
func (n *measuring) outputs(context.Context) error {
	if n.loaded == nil {
		n.board.missing(schemas.SignalOutputDrift, "%s", n.gone)
		return nil
	}
	at := slices.IndexFunc(n.loaded.References, func(r drift.Reference) bool { return r.Feature == drift.ForecastName })
	p, _ := n.pick(func(m made) bool { return m.scored })
	all := len(p) < fewForecasts
	if all {
		p, _ = n.pick(func(made) bool { return true })
	}
	if at < 0 || len(p) == 0 {
		n.board.missing(schemas.SignalOutputDrift, "%d forecasts of %s; the package keeps a reference of its own forecasts: %v", len(p), n.day, at >= 0)
		return nil
	}
	r := n.loaded.References[at]
	now := r.NewCounts()
	if err := r.Add(&now, p); err != nil {
		return err
	}
	s := &subject{kind: subjectForecast, name: drift.ForecastName, then: r.Counts, now: now, days: r.Days}
	s.measure()
	n.shape(schemas.SignalOutputDrift, s, len(p))
	if all {
		n.board.note(schemas.SignalOutputDrift, "too few forecasts have a truth: all of the day, though the reference is of events that ran")
	}
	return nil
}

// shape makes a signal of the distance of two distributions: the root of the
// Jensen-Shannon divergence, in [0,1].
func (n *measuring) shape(name schemas.SignalName, s *subject, events int) {
	values := make([][]float64, 1)
	for _, d := range s.ordinary {
		values[0] = append(values[0], d.JensenShannon)
	}
	threshold := drift.Thresholds(values)[0]
	distance, limit := math.Sqrt(s.between.JensenShannon), math.Sqrt(threshold.Limit(limitAlpha))
	n.board.measured(name, distance, events, "one side is empty")
	n.board.limited(name, limit, !s.seasonal)
	n.stat(s.kind, s.name, "js_distance", distance, limit, distance > limit, uint64(events))
	n.stat(s.kind, s.name, "psi", s.between.PSI, math.NaN(), false, uint64(events))
}

// labels holds the day's delays against those of the training days, in the
// buckets of the forecast.
func (n *measuring) labels(ctx context.Context) error {
	days := n.trainDays()
	if len(days) == 0 {
		n.board.missing(schemas.SignalLabelDrift, "the training days are not known%s", because(n.gone))
		return nil
	}
	counts, err := n.a.Store.DelayCounts(ctx, schema.TruthQuery{Source: n.a.Name, From: string(days[0]), Until: string(days[len(days)-1].Add(1)), SettledUntil: n.asOf})
	if err != nil {
		return err
	}
	today, err := n.a.Store.DelayCounts(ctx, schema.TruthQuery{Source: n.a.Name, From: string(n.day), Until: string(n.day.Add(1)), SettledUntil: n.asOf})
	if err != nil {
		return err
	}
	s := &subject{kind: subjectLabel, name: "delay"}
	s.days, s.seasonal = drift.Season(delayDays(counts), string(n.day))
	now := delayDays(today)
	if len(s.days) == 0 || len(now) == 0 {
		n.board.missing(schemas.SignalLabelDrift, "events with an observed change: %d training days have any, %s has %d", len(s.days), n.day, len(today))
		return nil
	}
	s.then, s.now = drift.Sum(s.days, len(now[0].Bins)), now[0].Counts
	s.measure()
	n.shape(schemas.SignalLabelDrift, s, int(s.now.Known()))
	late, lateThen := lateShare(s.now), lateShare(s.then)
	n.board.note(schemas.SignalLabelDrift, "%.1f %% late, %.1f %% on the training days", 100*late, 100*lateThen)
	n.stat(subjectLabel, "delay", "late_rate", late, lateThen, false, s.now.Known())
	return nil
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// delayDays puts delays, ordered by day, into the buckets of the forecast.
func delayDays(counts []schema.DelayCount) []drift.DayCounts {
	var days []drift.DayCounts
	for _, c := range counts {
		if last := len(days) - 1; last < 0 || days[last].Day != c.Day {
			days = append(days, drift.DayCounts{Day: c.Day, Counts: drift.Counts{Bins: make([]uint64, len(rail.BucketEdges())+1)}})
		}
		days[len(days)-1].Bins[rail.Bucket(int(c.Minutes))] += c.Events
	}
	return days
}

func lateShare(c drift.Counts) float64 {
	late := uint64(0)
	for _, events := range c.Bins[rail.OnTimeEdge+1:] {
		late += events
	}
	return float64(late) / float64(c.Known())
}

// health makes the signals of the collection.
func (n *measuring) health(ctx context.Context) error {
	q := schema.DayHealthQuery{Source: n.a.Name, Day: string(n.day), Start: n.day.Start(), End: n.day.End(), AsOf: n.asOf}
	h, err := n.a.Store.DayHealth(ctx, q)
	if err != nil {
		return err
	}
	over := min(n.asOf.Unix(), q.End.Unix()) - q.Start.Unix()
	expected := float64(h.Stations) * math.Ceil(float64(max(over, 0))/3600)
	n.board.measured(schemas.SignalCoverage, share(float64(h.Unbroken), expected), int(expected), "no station was watched in the week before")
	if expected > 0 {
		n.board.note(schemas.SignalCoverage, "%d of %.0f station-hours polled without a pause over %d s, %d with one", h.Unbroken, expected, h.UsualSeconds, h.StationHours-h.Unbroken)
	}
	n.board.measured(schemas.SignalSchemaSurprise, share(1000*float64(h.Quarantined+h.UnknownNames), float64(h.Responses)), int(h.Responses), "no response of "+string(n.day))
	unknown := math.NaN()
	if h.Settled > 0 {
		unknown = share(float64(h.Planned-min(h.Settled, h.Planned)), float64(h.Planned))
	}
	n.board.measured(schemas.SignalUnknown, unknown, int(h.Planned), fmt.Sprintf("none of %d events of %s has settled", h.Planned, n.day))
	if h.LastObserved.IsZero() {
		n.board.missing(schemas.SignalFreshness, "nothing was observed in the two days before %s", n.asOf.Format("2006-01-02 15:04"))
	} else {
		n.board.measured(schemas.SignalFreshness, n.asOf.Sub(h.LastObserved).Minutes(), int(h.Responses), "")
	}
	for name, value := range map[string]float64{"coverage": share(float64(h.Unbroken), expected), "unknown": unknown, "responses": float64(h.Responses), "failed_calls": float64(h.Failures),
		"quarantined": float64(h.Quarantined), "unknown_names": float64(h.UnknownNames), "planned": float64(h.Planned), "settled": float64(h.Settled), "observed": float64(h.Observed)} {
		n.stat(subjectHealth, "", name, value, math.NaN(), false, h.Planned)
	}
	return nil
}

// share is NaN of nothing.
func share(part, whole float64) float64 {
	if whole <= 0 {
		return math.NaN()
	}
	return part / whole
}
