package monitor

import (
	"context"
	"math"

	"puenktlich/internal/drift"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Numbers of what is watched over many nights.
const (
	trendNights = 60
	// The loss is watched relative to the evaluation's and to what the railway's
	// calibrated forecast lost. A rise of lossAllowance is none; lossThreshold is the sum
	// of rises beyond it that is one.
	lossAllowance = 0.05
	lossThreshold = 0.5
	lossPrior     = 3 // nights that the evaluation counts as
	// A bias of biasAllowance is a night's chance, or that of the few weeks a model was
	// learned from: it costs 0.0009 of Brier score, about what a change is worth finding
	// for. Beyond it nights add up, on each side for itself, each by biasMost less it at
	// most: no two nights of storm find anything. docs/policy.md says how the numbers
	// were chosen.
	biasAllowance = 0.03
	biasMost      = 0.06
	moreLate      = 0.06
	fewerLate     = 0.10
)

// past is what a night before said of this version.
type past struct {
	brier, baseline     float64
	lateRate, forecasts float64
}

// trend watches the loss and the bias of the champion over its nights for what stays.
// All state is the stored scores: asked again, it says the same.
func (n *measuring) trend(ctx context.Context) error {
	if n.s.Events == 0 {
		for _, name := range []schemas.SignalName{schemas.SignalConceptDrift, schemas.SignalBiasDrift, schemas.SignalSliceBiasDrift} {
			n.board.missing(name, "no forecast of %s has a truth%s", n.day, because(n.gone))
		}
		return nil
	}
	nights, err := n.past(ctx)
	if err != nil {
		return err
	}
	n.concept(nights)
	n.biasDrift(nights)
	return n.sectionDrift(ctx)
}

// past are the champion's nights before this one, oldest first.
func (n *measuring) past(ctx context.Context) ([]past, error) {
	const skill = "skill_db_forecast_calibrated"
	from := n.day.Add(-trendNights)
	stored, err := n.a.Store.Scores(ctx, schema.MonitorQuery{Model: n.s.Model, From: string(from), Until: string(n.day), AsOf: n.asOf,
		Digest: n.ref.Digest, DataSource: n.a.Name, Metrics: []string{"brier", "late_rate", "mean_forecast", skill}, Slices: []string{""}})
	if err != nil {
		return nil, err
	}
	byDay := map[string]past{}
	for _, s := range stored {
		if s.HorizonMinutes != 0 || s.Role != schema.RoleChampion || s.Evidence != string(rail.ChangeObserved) || s.UntilDay != string(rail.Day(s.FromDay).Add(1)) {
			continue
		}
		night := byDay[s.FromDay]
		switch s.Metric {
		case "brier":
			night.brier = s.Value
		case "late_rate":
			night.lateRate = s.Value
		case "mean_forecast":
			night.forecasts = s.Value
		case skill:
			night.baseline = s.BaselineValue
		}
		byDay[s.FromDay] = night
	}
	var all []past
	for _, day := range rail.Days(from, n.day) {
		if night, found := byDay[string(day)]; found {
			all = append(all, night)
		}
	}
	return all, nil
}

// concept watches the loss for a rise that stays. It is the loss relative to that of
// the railway's calibrated forecast: a stormy week raises both.
func (n *measuring) concept(nights []past) {
	var ratios []float64
	for _, night := range nights {
		ratios = append(ratios, n.relative(night.brier, night.baseline))
	}
	tonight := n.board[schemas.SignalRelativeBrier].Value
	if tonight == nil {
		n.board.missing(schemas.SignalConceptDrift, "no score of %s to hold against the evaluation's%s", n.day, because(n.gone))
		return
	}
	ratios = append(ratios, *tonight)
	test := drift.PageHinkley{Allowance: lossAllowance, Expected: 1, Prior: lossPrior}
	value := test.Statistic(ratios) / lossThreshold
	n.board.measured(schemas.SignalConceptDrift, value, n.s.Events, "")
	n.board.limited(schemas.SignalConceptDrift, 1, false)
	n.board.note(schemas.SignalConceptDrift, "over %d nights of this version", len(ratios))
	n.stat("loss", "relative_brier", "page_hinkley", value, 1, value > 1, uint64(len(ratios)))
}

// biasDrift adds up what the share late and the forecasts differ by, night by night,
// on each side.
func (n *measuring) biasDrift(nights []past) {
	var biases []float64
	for _, night := range nights {
		biases = append(biases, night.lateRate-night.forecasts)
	}
	biases = append(biases, n.bias)
	up, down := drift.CUSUM{Allowance: biasAllowance, Most: biasMost}.Statistics(biases)
	up, down = up/moreLate, down/fewerLate
	value := max(up, down)
	n.board.measured(schemas.SignalBiasDrift, value, n.s.Events, "the forecasts have no mean")
	if math.IsNaN(value) {
		return
	}
	n.board.limited(schemas.SignalBiasDrift, 1, false)
	side := "more events are late than forecast"
	if down > up {
		side = "fewer events are late than forecast"
	}
	n.board.note(schemas.SignalBiasDrift, "%s, over %d nights of this version", side, len(biases))
	n.stat("loss", "bias", "cusum", value, 1, value > 1, uint64(len(biases)))
}
