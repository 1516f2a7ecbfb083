package prepare

import (
	"cmp"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/livestate"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

const (
	frankfurt = "../../../shared/data/recordings/frankfurt-hbf/"
	wednesday = rail.Day("2024-10-30")
)

func recording(t *testing.T, day string) string {
	t.Helper()
	path := frankfurt + day + ".tar.zst"
	if _, err := os.Stat(path); err != nil {
		t.Skip("THE RECORDINGS ARE ABSENT: they are looked for in ../shared/data/recordings beside the project; this test proves nothing here")
	}
	return path
}

// Expected counts are those of another program with another XML library over
// the same archives: Python's ElementTree.
func TestFrankfurtDay(t *testing.T) {
	t.Parallel()
	first, second := recording(t, "2024-10-30"), recording(t, "2024-10-31")
	h := newHouse(t)
	if c := h.importDay(t, first); c.Quarantined != 0 || c.Failed != 0 {
		t.Errorf("imported %+v", c)
	}
	knownAt := wednesday.End().Add(rail.HistoryDelay)
	t.Run("truth", func(t *testing.T) {
		counts := h.settle(t, string(wednesday), knownAt)
		if want := (schemas.SettleCounts{Planned: 1206, Observed: 1129, Late: 293, Cancelled: 73, NoChange: 4}); counts != want {
			t.Errorf("%+v, want %+v", counts, want)
		}
		if all := h.all(t, wednesday, knownAt); all.Events != 1129 || all.Late != 293 || all.Cancelled != 73 {
			t.Errorf("history %+v", all)
		}
	})
	t.Run("truth again", func(t *testing.T) {
		truths, history := h.stored(t, "ground_truth"), h.stored(t, "feature_daily")
		for _, asOf := range []time.Time{knownAt, knownAt.Add(time.Hour)} {
			if counts := h.settle(t, string(wednesday), asOf); counts.Observed != 1129 || counts.Revised != 0 {
				t.Errorf("%+v", counts)
			}
		}
		if h.stored(t, "ground_truth") != truths || truths != 1206 || h.stored(t, "feature_daily") != history || history == 0 {
			t.Errorf("%d rows of truth and %d of history became %d and %d", truths, history, h.stored(t, "ground_truth"), h.stored(t, "feature_daily"))
		}
	})
	t.Run("parts", func(t *testing.T) { checkParts(t, h, knownAt) })
	t.Run("late corrections", func(t *testing.T) {
		h.importDay(t, second)
		counts := h.settle(t, string(wednesday), knownAt.Add(9*time.Hour))
		if want := (schemas.SettleCounts{Planned: 1206, Observed: 1129, Late: 294, Cancelled: 73, NoChange: 4, Revised: 3}); counts != want {
			t.Errorf("%+v, want %+v", counts, want)
		}
		before, after := 0, 0
		for _, v := range []struct {
			asOf time.Time
			late *int
		}{{knownAt, &before}, {knownAt.Add(9 * time.Hour), &after}} {
			truths, err := h.truths(t.Context(), wednesday, v.asOf)
			must(t, err)
			for _, truth := range truths {
				if truth.Late() && truth.Evidence == rail.ChangeObserved {
					*v.late++
				}
			}
		}
		if before != 293 || after != 294 {
			t.Errorf("%d late as it was settled first, %d now; want 293 and 294", before, after)
		}
	})
	t.Run("what was known", func(t *testing.T) { checkKnowledge(t, h) })
}

func checkParts(t *testing.T, h *house, asOf time.Time) {
	in := schemas.PreparePartInput{Day: string(wednesday), Horizons: []int{60, 5}, AsOf: asOf}
	part, err := h.PreparePart(t.Context(), in)
	must(t, err)
	again, err := h.PreparePart(t.Context(), in)
	must(t, err)
	if part != again || len(part.Object.SHA256) != 64 || part.Events != 1129 || part.Late != 293 || part.Object.Rows != 2*1206 {
		t.Errorf("%+v, then %+v", part, again)
	}
	plan := schemas.PreparePlan{Days: []string{string(wednesday)}, Horizons: in.Horizons, AsOf: asOf, FeatureVersion: feature.Version()}
	ref, err := h.SealDataset(t.Context(), schemas.PrepareManifestInput{Plan: plan, Parts: []schemas.DatasetPart{part}})
	must(t, err)
	if ref.Events != 1129 || ref.Late != 293 || ref.Days != (schemas.DayRange{From: "2024-10-30", To: "2024-10-31"}) || len(ref.ID) != 64 {
		t.Errorf("sealed %+v", ref)
	}
	table, manifest, err := dataset.Load(t.Context(), h.Objects, ref, schemas.DayRange{})
	must(t, err)
	if len(table.Rows) != 2*1206 || manifest.ID != ref.ID || len(manifest.Sources) < 2 || manifest.Sources[0].Source != "test" || manifest.Sources[1].File != "2024-10-30.tar.zst" || table.Version != feature.Version() {
		t.Errorf("%d rows of data set %s", len(table.Rows), manifest.ID)
	}
}

// moment is one question: an event and when it is asked about.
type moment struct {
	key    rail.EventKey
	cutoff time.Time
}

// checkKnowledge asks the same questions of a state filled with the whole day
// and of one that is told everything in the order in which it was polled, and
// stops at the cut-off. Then it plants what was polled too late.
func checkKnowledge(t *testing.T, h *house) {
	span := livestate.Span{Source: h.Name, From: wednesday.Start(), Until: wednesday.End()}
	whole, err := livestate.Fill(t.Context(), h.db, span, 0)
	must(t, err)
	plans, changes := inOrderOfPolls(t, h, span)
	moments := choose(plans, 1000)
	growing := feature.NewState(feature.Options{})
	history := feature.NewHistory()
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
	if known < 990 || live < 300 {
		t.Errorf("of 1000 moments %d had a plan and %d a forecast: too few to prove anything", known, live)
	}
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

// choose draws events of the day and horizons, ascending by cut-off.
func choose(plans []rail.PlannedEvent, n int) []moment {
	rng := rand.New(rand.NewPCG(2024, 1030))
	var moments []moment
	for len(moments) < n {
		p := plans[rng.IntN(len(plans))]
		if rail.DayOf(p.Planned) != wednesday {
			continue
		}
		horizon := rail.Horizons()[rng.IntN(len(rail.Horizons()))]
		moments = append(moments, moment{p.Key(), p.Planned.Add(-time.Duration(horizon) * time.Minute)})
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

// plant adds an observation a second after a cut-off, which changes nothing,
// and one a second before it, which does.
func plant(t *testing.T, h *house, span livestate.Span, moments []moment) {
	m := moments[len(moments)/2]
	ask := func() []uint32 {
		state, err := livestate.Fill(t.Context(), h.db, span, 0)
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
	h.say(t, event, m.cutoff.Add(time.Second), 113)
	if leaked := differences(before, ask()); len(leaked) > 0 {
		t.Errorf("polled a second after the cut-off, seen by %v", leaked)
	}
	h.say(t, event, m.cutoff.Add(-time.Second), 113)
	seen := differences(before, ask())
	if !slices.Contains(seen, "forecast_delay") {
		t.Errorf("polled a second before the cut-off, seen by %v", seen)
	}
}
