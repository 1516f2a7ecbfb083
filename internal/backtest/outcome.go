package backtest

import (
	"slices"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Run is what is kept of one backtest.
type Run struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	// Change is the first day of the scenario, in a control the day it would be; empty without one.
	Change rail.Day `json:"change,omitempty"`
	// Experiment is the hash of the file the run was made by, Code the version
	// of the program.
	Experiment string `json:"experiment"`
	Code       string `json:"code"`
	Recordings string `json:"recordings,omitempty"` // instead of a scenario
	// Note says what is to be known of the run: that it was cut short, or made by
	// an earlier program.
	Note   string                 `json:"note,omitempty"`
	Report schemas.BacktestReport `json:"report"`
}

// Outcome is what a run says of one contender.
type Outcome struct {
	Contender string
	// Quiet nights are those before the change, all of them without one.
	QuietNights, FalseAlarms, FalseRetrains int
	// AlarmAfter counts the days from the change to the first night that found
	// something, RetrainAfter to the first that trained; -1 is never. The night
	// after the first changed day is 1.
	AlarmAfter, RetrainAfter int
	Alarm                    string // its reason
	Retrained                int    // versions trained because of a verdict
	Promoted                 int    // versions that became champion
	// Mean Brier scores over the graded days; NaN is not here: Graded says
	// whether there are any.
	Graded               bool
	Frozen, Loop, Oracle float64
	Forecasts            int // of each, on the graded days
	// Recovered is (frozen - loop) / (frozen - oracle), the same as
	// (loop - frozen) / (oracle - frozen).
	Recovered float64
	// Seconds of real time.
	NightSeconds, ActionSeconds float64 // medians; actions of nights with one
}

// Frozen is the contender that keeps its first model; empty without one.
func (r Run) Frozen() string {
	for _, c := range r.Report.Contenders {
		if c.Frozen {
			return c.Name
		}
	}
	return ""
}

// Outcomes lists the contenders that are not frozen.
func (r Run) Outcomes() []Outcome {
	var all []Outcome
	for _, c := range r.Report.Contenders {
		if !c.Frozen {
			all = append(all, r.outcome(c.Name))
		}
	}
	return all
}

func (r Run) outcome(name string) Outcome {
	o := Outcome{Contender: name, AlarmAfter: -1, RetrainAfter: -1}
	var nights, actions []float64
	trained, champions := map[int]bool{}, map[int]bool{}
	for _, n := range r.Report.Nights {
		if n.Contender != name {
			continue
		}
		quiet := r.Change == "" || rail.Day(n.Day) < r.Change
		alarm := n.Verdict != schemas.VerdictNothing
		if quiet {
			o.QuietNights++
		}
		switch {
		case quiet && alarm:
			o.FalseAlarms++
		case alarm && o.AlarmAfter < 0:
			o.AlarmAfter, o.Alarm = r.after(n), n.Reason
		}
		if n.Trained > 0 && !trained[n.Trained] {
			trained[n.Trained] = true
			if quiet {
				o.FalseRetrains++
			} else if o.RetrainAfter < 0 {
				o.RetrainAfter = r.after(n)
			}
		}
		if n.Champion > 1 {
			champions[n.Champion] = true
		}
		if n.Started == "" {
			nights = append(nights, n.Seconds)
		} else {
			actions = append(actions, n.ActionSeconds)
		}
	}
	o.Retrained, o.Promoted = len(trained), len(champions)
	o.NightSeconds, o.ActionSeconds = median(nights), median(actions)
	r.grade(&o)
	return o
}

// after counts the days from the change through the day of a night.
func (r Run) after(n schemas.BacktestNight) int {
	return len(rail.Days(r.Change, rail.Day(n.Day).Add(1)))
}

// Loss is how far the frozen model's Brier score is above the oracle's over the graded
// days, and on how many forecasts; graded is false without them.
func (r Run) Loss() (loss float64, forecasts int, graded bool) {
	o := r.outcome(r.Frozen())
	return o.Frozen - o.Oracle, o.Forecasts, o.Graded
}

// sameDays says whether two runs are graded, and their oracles trained, on the same days.
func (r Run) sameDays(other Run) bool {
	a, b := r.Report.Graded, other.Report.Graded
	return a != nil && b != nil && a.Graded == b.Graded && a.Train == b.Train && a.Test == b.Test
}

func (r Run) grade(o *Outcome) {
	g := r.Report.Graded
	if g == nil || r.Frozen() == "" {
		return
	}
	for _, d := range r.Report.Scores {
		if d.Day < g.Graded.From || d.Day >= g.Graded.To {
			continue
		}
		n := float64(d.Forecasts)
		o.Frozen, o.Loop, o.Oracle = o.Frozen+n*d.Brier[r.Frozen()], o.Loop+n*d.Brier[o.Contender], o.Oracle+n*d.Brier[schemas.OracleName]
		o.Forecasts += d.Forecasts
	}
	if o.Forecasts == 0 {
		return
	}
	n := float64(o.Forecasts)
	o.Graded, o.Frozen, o.Loop, o.Oracle = true, o.Frozen/n, o.Loop/n, o.Oracle/n
	if o.Frozen != o.Oracle {
		o.Recovered = (o.Frozen - o.Loop) / (o.Frozen - o.Oracle)
	}
}

// median is 0 of nothing.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// Pooled is a contender over several seeds of a scenario: the ratio is that of
// the sums, since a ratio of small differences says nothing.
type Pooled struct {
	Contender            string
	Seeds                int
	Frozen, Loop, Oracle float64
	Recovered            float64
	Lowest, Highest      float64 // recovered, of single seeds
	Detected             int     // seeds in which an alarm was raised after the change
	// Control is what the frozen model loses on the same days of the same seeds where
	// nothing has changed, over the Controls of them that were run.
	Control  float64
	Controls int
}

// Loss is how far the frozen model's Brier score is above the oracle's.
func (p Pooled) Loss() float64 { return p.Frozen - p.Oracle }

// Cost is what of the loss is the change's doing.
func (p Pooled) Cost() float64 { return p.Loss() - p.Control }

// Against adds the controls: runs of the quiet railway on the days of the changes.
func (p Pooled) Against(changes, controls []Run) Pooled {
	n := 0.0
	for _, c := range controls {
		loss, forecasts, graded := c.Loss()
		if !graded || !slices.ContainsFunc(changes, func(r Run) bool { return r.Seed == c.Seed && r.sameDays(c) }) {
			continue
		}
		p.Controls++
		p.Control, n = p.Control+float64(forecasts)*loss, n+float64(forecasts)
	}
	if n > 0 {
		p.Control /= n
	}
	return p
}

// Pool sums the graded outcomes of one contender.
func Pool(contender string, runs []Run) Pooled {
	p := Pooled{Contender: contender}
	n := 0.0
	for _, r := range runs {
		for _, o := range r.Outcomes() {
			if o.Contender != contender || !o.Graded {
				continue
			}
			if p.Seeds == 0 {
				p.Lowest, p.Highest = o.Recovered, o.Recovered
			}
			p.Seeds++
			p.Lowest, p.Highest = min(p.Lowest, o.Recovered), max(p.Highest, o.Recovered)
			if o.AlarmAfter > 0 {
				p.Detected++
			}
			w := float64(o.Forecasts)
			n += w
			p.Frozen, p.Loop, p.Oracle = p.Frozen+w*o.Frozen, p.Loop+w*o.Loop, p.Oracle+w*o.Oracle
		}
	}
	if n > 0 {
		p.Frozen, p.Loop, p.Oracle = p.Frozen/n, p.Loop/n, p.Oracle/n
	}
	if p.Frozen != p.Oracle {
		p.Recovered = (p.Frozen - p.Loop) / p.Loss()
	}
	return p
}
