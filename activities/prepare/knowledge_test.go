package prepare

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/livestate"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// asked is how many moments of a recording are compared.
const asked = 1000

// pollLag is from a poll until a feature may use it, in these tests.
const pollLag = 45 * time.Second

// moment is one question: an event and when it is asked about.
type moment struct {
	key    rail.EventKey
	cutoff time.Time
}

// checkKnowledge asks the same questions of a state filled with the whole day
// and of one that is told everything in the order in which it was polled, and
// stops at the cut-off. Then it plants what was polled too late.
func checkKnowledge(t *testing.T, h *house, day rail.Day) {
	span := livestate.Span{Source: h.Name, From: day.Start(), Until: day.End()}
	whole, err := livestate.Fill(t.Context(), h.db, span, pollLag)
	must(t, err)
	plans, changes := inOrderOfPolls(t, h, span)
	moments := choose(plans, changes, day)
	growing := feature.NewState(feature.Options{Lag: pollLag})
	history, err := livestate.History(t.Context(), h.db, h.Name, day.Add(1))
	must(t, err)
	known, live := 0, 0
	for _, m := range moments {
		for len(plans) > 0 && !plans[0].PolledAt.After(m.cutoff) {
			growing.AddPlan(plans[:1])
			plans = plans[1:]
		}
		for len(changes) > 0 && !changes[0].PolledAt.After(m.cutoff) {
			growing.AddChanges(changes[:1])
			changes = changes[1:]
		}
		want, asked := vectorAt(growing, m, history)
		got, found := vectorAt(whole, m, history)
		if asked != found || !slices.Equal(want, got) {
			t.Fatalf("%s at %s: known %v and %v; features %v", m.key, m.cutoff, asked, found, differences(want, got))
		}
		if k, _ := whole.At(m.key, m.cutoff); found {
			known++
			if _, ok := k.Own.DelayMinutes(); ok {
				live++
			}
		}
	}
	t.Logf("%s: of %d moments %d had a plan and %d a forecast", day, len(moments), known, live)
	if known < asked*9/10 || live < asked/10 {
		t.Errorf("of %d moments %d had a plan and %d a forecast: too few to prove anything", len(moments), known, live)
	}
	checkSQL(t, h, whole, moments)
	plant(t, h, span, moments)
}

func inOrderOfPolls(t *testing.T, h *house, span livestate.Span) (plans []rail.PlannedEvent, changes []rail.Change) {
	query := schema.TimelineQuery{Source: h.Name, From: span.From.Add(-feature.PlanReach), Until: span.Until.Add(feature.PlanReach)}
	must(t, h.db.Timelines(t.Context(), query, func(p rail.PlannedEvent, c []rail.Change) error {
		plans, changes = append(plans, p), append(changes, c...)
		return nil
	}))
	slices.SortStableFunc(plans, func(a, b rail.PlannedEvent) int { return a.PolledAt.Compare(b.PolledAt) })
	slices.SortStableFunc(changes, func(a, b rail.Change) int { return cmp.Or(a.PolledAt.Compare(b.PolledAt), cmp.Compare(a.Seq, b.Seq)) })
	return plans, changes
}

// choose draws events of the day's second half, in which every recording polls,
// half of them with a change, and horizons, half of them between those of the
// grid; ascending by cut-off.
func choose(plans []rail.PlannedEvent, changes []rail.Change, day rail.Day) []moment {
	rng := rand.New(rand.NewPCG(2024, 1030))
	changed := map[rail.EventKey]bool{}
	for _, c := range changes {
		changed[c.Key()] = true
	}
	var moments []moment
	for len(moments) < asked {
		p := plans[rng.IntN(len(plans))]
		if len(moments)%2 == 0 && !changed[p.Key()] {
			continue
		}
		if rail.DayOf(p.Planned) != day || p.Planned.Before(day.Start().Add(15*time.Hour)) {
			continue
		}
		before := time.Duration(rail.Horizons()[rng.IntN(len(rail.Horizons()))]) * time.Minute
		if rng.IntN(2) == 0 {
			before = time.Duration(rng.Int64N(int64(2*time.Hour/time.Millisecond))) * time.Millisecond
		}
		moments = append(moments, moment{p.Key(), p.Planned.Add(-before)})
	}
	slices.SortFunc(moments, func(a, b moment) int { return a.cutoff.Compare(b.cutoff) })
	return moments
}

// vectorAt answers the bits of the features, so that NaN equals NaN.
func vectorAt(state *feature.State, m moment, history *feature.History) ([]uint32, bool) {
	known, found := state.At(m.key, m.cutoff)
	if !found {
		return nil, false
	}
	vector := make([]float32, feature.Width())
	feature.Vector(vector, &known, history)
	bits := make([]uint32, len(vector))
	for i, v := range vector {
		bits[i] = math.Float32bits(v)
	}
	return bits, true
}

func differences(a, b []uint32) (names []string) {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			names = append(names, feature.Names()[i])
		}
	}
	return names
}

// plant adds an observation a millisecond after what a cut-off may see, which
// changes nothing, and one a millisecond before, which does.
func plant(t *testing.T, h *house, span livestate.Span, moments []moment) {
	m := moments[len(moments)/2]
	ask := func() []uint32 {
		state, err := livestate.Fill(t.Context(), h.db, span, pollLag)
		must(t, err)
		vector, found := vectorAt(state, m, feature.NewHistory())
		if !found {
			t.Fatalf("%s is not known at %s", m.key, m.cutoff)
		}
		return vector
	}
	before := ask()
	var event rail.PlannedEvent
	query := schema.TimelineQuery{Source: h.Name, From: span.From, Until: span.Until}
	must(t, h.db.Timelines(t.Context(), query, func(p rail.PlannedEvent, _ []rail.Change) error {
		if p.Key() == m.key {
			event = p
		}
		return nil
	}))
	last := m.cutoff.Add(-pollLag).Truncate(time.Millisecond)
	h.say(t, event, last.Add(time.Millisecond), 113)
	if leaked := differences(before, ask()); len(leaked) > 0 {
		t.Errorf("polled a millisecond too late, seen by %v", leaked)
	}
	h.say(t, event, last, 113)
	seen := differences(before, ask())
	if !slices.Contains(seen, "forecast_delay") {
		t.Errorf("polled in time, seen by %v", seen)
	}
}
