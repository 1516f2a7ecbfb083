package monitor

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"puenktlich/internal/drift"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Numbers of the drift of features.
const (
	// discoveries is the rate of false discoveries among drifted features.
	discoveries = 0.05
	// limitAlpha is how rarely an ordinary day exceeds a stored limit.
	limitAlpha = 0.01
	// A difference below these does not matter, however certain: PSI by the custom of
	// credit scoring (N. Siddiqi, 2006), shares of missing as a share of all rows.
	minPSI     = 0.1
	minMissing = 0.05
	// customaryPSI is the limit where no ordinary days are known.
	customaryPSI = 0.25
)

// subject is one feature, or one column of the plan, held against its reference.
type subject struct {
	kind, name string
	weight     float64 // share of importance; 0 for a column of the plan
	then, now  drift.Counts
	between    drift.Distances
	days       []drift.DayCounts // ordinary ones
	ordinary   []drift.Distances // each of them against the others
	seasonal   bool
	full       drift.Result // zero where it does not apply
	psi, gone  drift.Threshold
	p          float64 // adjusted
	drifted    bool
}

// compare holds the day's counts against the package's references and the plan's
// categories against those of the training days, one family of tests together.
func (n *measuring) compare(ctx context.Context) error {
	if n.loaded == nil || len(n.forecasts) == 0 {
		why := n.gone
		if why == "" {
			why = "no forecast of " + string(n.day) + " was logged"
		}
		for _, name := range []schemas.SignalName{schemas.SignalFeatureDrift, schemas.SignalMissing} {
			n.board.missing(name, "%s", why)
		}
		if n.loaded == nil {
			n.board.missing(schemas.SignalNewCategories, "%s", why)
			return nil
		}
	}
	features, err := n.features()
	if err != nil {
		return err
	}
	categories, err := n.categories(ctx)
	if err != nil {
		return err
	}
	learnThresholds(features)
	learnThresholds(categories)
	all := append(features, categories...)
	judgeFamily(all)
	n.driftSignals(features)
	n.keep(all)
	return nil
}

// features are the subjects of the package's references.
func (n *measuring) features() ([]*subject, error) {
	if len(n.forecasts) == 0 {
		return nil, nil
	}
	now, err := merged(n.counts)
	if err != nil {
		return nil, err
	}
	importance, err := n.loaded.Model.Artefact().Importance()
	even := err != nil
	var all []*subject
	for _, r := range n.loaded.References {
		counts, found := now[r.Feature]
		if r.Feature == drift.ForecastName || !found || len(counts.Bins) != len(r.Bins) {
			continue
		}
		s := &subject{kind: subjectFeature, name: r.Feature, weight: importance.Share[r.Feature], then: r.Counts, now: counts}
		if even {
			s.weight = 1 / float64(len(n.loaded.References))
		}
		s.days, s.seasonal = drift.Season(r.Days, string(n.day))
		if s.seasonal {
			s.then = drift.Sum(s.days, len(r.Bins))
			r.Counts = s.then
		}
		if s.full, err = drift.Compare(r, counts); err != nil {
			return nil, err
		}
		s.measure()
		all = append(all, s)
	}
	return all, nil
}

func (s *subject) measure() {
	s.between = drift.Between(s.then, s.now)
	s.ordinary = drift.LeaveOneOut(s.days, len(s.then.Bins))
}

// learnThresholds learns from the ordinary days of a family of subjects.
func learnThresholds(all []*subject) {
	psi, gone := make([][]float64, len(all)), make([][]float64, len(all))
	for i, s := range all {
		for _, d := range s.ordinary {
			psi[i], gone[i] = append(psi[i], d.PSI), append(gone[i], d.Missing)
		}
	}
	for i, t := range drift.Thresholds(psi) {
		all[i].psi = t
	}
	for i, t := range drift.Thresholds(gone) {
		all[i].gone = t
	}
}

// judgeFamily says which subjects have drifted, tests of all together.
func judgeFamily(all []*subject) {
	p := make([]float64, len(all))
	for i, s := range all {
		p[i] = s.chance(s.between, s.now)
	}
	for i, adjusted := range drift.BenjaminiHochberg(p) {
		all[i].p, all[i].drifted = adjusted, adjusted <= discoveries && matters(all[i].between)
	}
}

// chance is the probability of an ordinary day as far away, in the distribution
// or in the share of missing, whichever is the less probable (Bonferroni).
// Without ordinary days the custom decides.
func (s *subject) chance(d drift.Distances, now drift.Counts) float64 {
	if !s.psi.Known() && !s.gone.Known() {
		if d.PSI > customaryPSI || d.MissingRise > customaryPSI {
			return 0
		}
		return 1
	}
	return min(1, 2*min(max(s.psi.P(d.PSI), noise(s.then, now, d.PSI)), s.gone.P(d.Missing)))
}

// noise is the probability of a PSI as large without any drift, from the number
// of events alone: it is distributed like (1/n + 1/m)·χ² with a degree of freedom
// less than bins. Rows of one event at several horizons are one. Source: B. Yurdakul,
// "Statistical Properties of Population Stability Index", Western Michigan University (2018).
func noise(then, now drift.Counts, psi float64) float64 {
	horizons := float64(len(rail.Horizons()))
	a, b := float64(then.Known())/horizons, float64(now.Known())/horizons
	freedom := -1.0
	for i := range then.Bins {
		if then.Bins[i]+now.Bins[i] > 0 {
			freedom++
		}
	}
	if math.IsNaN(psi) || a == 0 || b == 0 || freedom < 1 {
		return 1
	}
	return distuv.ChiSquared{K: freedom}.Survival(psi / (1/a + 1/b))
}

func matters(d drift.Distances) bool {
	return d.PSI > minPSI || math.Abs(d.MissingRise) > minMissing
}

// driftSignals fills the features' part of the signals.
func (n *measuring) driftSignals(features []*subject) {
	if len(features) == 0 {
		if n.board[schemas.SignalFeatureDrift].Note == "" {
			n.board.missing(schemas.SignalFeatureDrift, "none of %d reference distributions has counts of %s", len(n.loaded.References), n.day)
			n.board.missing(schemas.SignalMissing, "none of %d reference distributions has counts of %s", len(n.loaded.References), n.day)
		}
		return
	}
	share, rise, uncertain := 0.0, math.Inf(-1), false
	for _, s := range features {
		if s.drifted {
			share += s.weight
		}
		if !math.IsNaN(s.between.MissingRise) {
			rise = max(rise, s.between.MissingRise)
		}
		uncertain = uncertain || !s.seasonal
		n.s.Drift = append(n.s.Drift, schemas.FeatureDrift{Feature: s.name, PSI: number(s.between.PSI), Limit: number(s.psi.Limit(limitAlpha)), KS: number(s.full.KS),
			JS: number(s.full.JensenShannon), MissingNow: number(s.full.CurrentMissing), MissingThen: number(s.full.ReferenceMissing), Importance: s.weight, P: s.p, Drifted: s.drifted})
	}
	limitShare, limitRise := ordinaryNights(features)
	n.board.measured(schemas.SignalFeatureDrift, share, n.s.Predictions, "")
	n.board.limited(schemas.SignalFeatureDrift, limitShare, uncertain)
	n.board.measured(schemas.SignalMissing, rise, n.s.Predictions, "no feature has a value on either side")
	n.board.limited(schemas.SignalMissing, limitRise, uncertain)
}

// ordinaryNights is what the two signals would have been at most on the
// reference's own days, each held against the others; NaN without two of them.
func ordinaryNights(features []*subject) (share, rise float64) {
	share, rise = math.NaN(), math.NaN()
	days := 0
	for _, s := range features {
		days = max(days, len(s.ordinary))
	}
	for day := range days {
		p, one, most := make([]float64, len(features)), 0.0, math.Inf(-1)
		for i, s := range features {
			p[i] = math.NaN()
			if day < len(s.ordinary) {
				p[i] = s.chance(s.ordinary[day], s.days[day].Counts)
				most = max(most, cmpNaN(s.ordinary[day].MissingRise, math.Inf(-1)))
			}
		}
		for i, adjusted := range drift.BenjaminiHochberg(p) {
			if adjusted <= discoveries && matters(features[i].ordinary[day]) {
				one += features[i].weight
			}
		}
		share, rise = max(cmpNaN(share, 0), one), max(cmpNaN(rise, math.Inf(-1)), most)
	}
	return share, rise
}

// cmpNaN is v, or other where v is NaN.
func cmpNaN(v, other float64) float64 {
	if math.IsNaN(v) {
		return other
	}
	return v
}

// keep adds every statistic of the subjects to what is stored.
func (n *measuring) keep(all []*subject) {
	for _, s := range all {
		at := func(statistic string, value, limit float64, exceeded bool) {
			n.stat(s.kind, s.name, statistic, value, limit, exceeded, s.now.Known()+s.now.Missing)
		}
		at("psi", s.between.PSI, s.psi.Limit(limitAlpha), s.drifted && s.between.PSI > minPSI)
		at("jsd", s.between.JensenShannon, math.NaN(), false)
		at("missing_rise", s.between.MissingRise, math.NaN(), s.drifted && math.Abs(s.between.MissingRise) > minMissing)
		at("p_adjusted", s.p, discoveries, s.drifted)
		at("importance", s.weight, math.NaN(), false)
		if s.full.Feature != "" {
			at("ks", s.full.KS, math.NaN(), false)
			at("wasserstein", s.full.Wasserstein, math.NaN(), false)
			at("chi_square", s.full.ChiSquare, math.NaN(), false)
			at("chi_square_p", s.full.ChiSquareP, math.NaN(), false)
			at("unseen", s.full.Unseen, math.NaN(), false)
		}
	}
}

// stat is one statistic to be stored.
func (n *measuring) stat(subject, name, statistic string, value, limit float64, exceeded bool, events uint64) {
	n.drifts = append(n.drifts, schema.Drift{Model: n.s.Model, Version: uint32(n.ref.Version), DataSource: n.a.Name, Day: string(n.day), Subject: subject, Name: name,
		Statistic: statistic, Value: value, Threshold: limit, Exceeded: exceeded, Events: events, Reference: "training", MeasuredAt: n.asOf})
}

func (n *measuring) saveDrift(ctx context.Context) error {
	if len(n.drifts) == 0 {
		return nil
	}
	slices.SortStableFunc(n.drifts, func(a, b schema.Drift) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Statistic, b.Statistic))
	})
	return n.a.Store.SaveDrift(ctx, n.token("drift", n.drifts), n.drifts)
}
