package backtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Page is docs/backtest.md: what was fixed beforehand, and what the runs so far
// came to. What was not run is named as such.
type Page struct {
	Experiment Experiment
	Runs       []Run
	// Pictures is the folder of the drawings, beside the page.
	Pictures string
}

// Markdown renders the page.
func (p Page) Markdown() string {
	var b strings.Builder
	b.WriteString("# Backtest of the loop\n\nWritten by `puenktlich backtest`; do not edit. Definition and thresholds stand in [experiment.yaml](backtest/experiment.yaml), fixed\nbefore the judging seeds were looked at, but for what it says was fixed later; every run is a file below `backtest/results`.\n\n")
	p.definition(&b)
	p.summary(&b)
	p.quiet(&b)
	p.changes(&b)
	p.controls(&b)
	p.pictures(&b)
	p.tuning(&b)
	p.recordings(&b)
	p.cost(&b)
	p.notes(&b)
	return b.String()
}

func (p Page) definition(b *strings.Builder) {
	e := p.Experiment
	fmt.Fprintf(b, `A night is what it is in production: `+"`SettleTruth`"+` settles, `+"`ScoreBatch`"+` forecasts the day as the panel does, `+"`MonitorModel`"+` judges it, and what
the verdict starts (`+"`RunLifecycle`"+`, `+"`RecalibrateModel`"+`, a rollout's stages) runs to its end before the next night begins. All contenders
see the same observations of a simulated railway of %d stations; a first model is trained on %d days and tested on %d.

Graded are days %d to %d after the first day by whose end the changed world has given %d events with a truth. *Recovered* is
(frozen - loop) / (frozen - oracle) in Brier score over these days, on the forecasts that all three made at 120, 60, 30, 15 and 5 minutes:
0 is the frozen model, 1 the oracle, which is trained on the %d days after the graded ones.

The oracle knows other weather too, and works that the frozen model has not seen, on a railway that has not changed as well. So each seed has a
*control*: the quiet railway, frozen model and oracle trained and graded on the same days. What the frozen model loses to the oracle beyond the control is
the *cost* of the change; where it is at least %.4f over all judging seeds the change is *learnable*, and each learnable one has to reach %.2f.
Quiet nights may have at most %.3f retrainings each.

`, e.Stations, e.TrainDays, e.TestDays, e.GradedFrom, e.GradedTo, e.MinEvents, e.OracleDays, e.MinLoss, e.MinRecovered, e.MaxFalseRetrains)
}

// judging are the runs of a scenario with judging seeds.
func (p Page) judging(scenario string) []Run {
	return p.of(scenario, p.Experiment.JudgingSeeds)
}

func (p Page) of(scenario string, seeds []uint64) []Run {
	var found []Run
	for _, r := range p.Runs {
		if r.Scenario == scenario && slices.Contains(seeds, r.Seed) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b Run) int { return int(a.Seed) - int(b.Seed) })
	return found
}

// contenders are those that act, of any run.
func contenders(runs []Run) []string {
	seen := map[string]bool{}
	for _, r := range runs {
		for _, o := range r.Outcomes() {
			seen[o.Contender] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func (p Page) summary(b *strings.Builder) {
	fmt.Fprintf(b, "## Recovered skill\n\n| change | contender | seeds run of %d | alarm raised | frozen | loop | oracle | frozen loses | in the control | cost | recovered (single seeds) | learnable | reached |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|---|\n", len(p.Experiment.JudgingSeeds))
	for _, s := range p.Experiment.Scenarios {
		if s.Name == Quiet {
			continue
		}
		runs := p.judging(s.Name)
		if len(runs) == 0 {
			fmt.Fprintf(b, "| %s: %s | | 0 | | | | | | | | | not run | |\n", s.Name, s.What)
			continue
		}
		for _, name := range contenders(runs) {
			pooled := Pool(name, runs).Against(runs, p.judging(s.Control().Name))
			learnable, reached := p.Experiment.verdict(pooled)
			control, cost := "-", "-"
			if pooled.Controls > 0 {
				control, cost = fmt.Sprintf("%+.4f", pooled.Control), fmt.Sprintf("%+.4f", pooled.Cost())
			}
			fmt.Fprintf(b, "| %s: %s | %s | %d | %d | %.4f | %.4f | %.4f | %+.4f | %s | %s | %.2f (%.2f to %.2f) | %s | %s |\n", s.Name, s.What, name, pooled.Seeds, pooled.Detected,
				pooled.Frozen, pooled.Loop, pooled.Oracle, pooled.Loss(), control, cost, pooled.Recovered, pooled.Lowest, pooled.Highest, learnable, reached)
		}
	}
	b.WriteString("\nBrier scores are of P(late), lower is better, over the graded days of all seeds run; the ratio is that of their differences.\n\n")
}

// verdict says whether a change was learnable, and whether the loop reached what
// it has to.
func (e Experiment) verdict(p Pooled) (learnable, reached string) {
	learnable, reached = "yes", "yes"
	switch {
	case p.Controls < p.Seeds:
		return fmt.Sprintf("control run on %d of %d seeds", p.Controls, p.Seeds), "-"
	case p.Cost() < e.MinLoss:
		return "no", "-"
	}
	if p.Recovered < e.MinRecovered {
		reached = "**no**"
	}
	if p.Seeds < len(e.JudgingSeeds) {
		reached += fmt.Sprintf(", on %d of %d seeds", p.Seeds, len(e.JudgingSeeds))
	}
	return learnable, reached
}

func (p Page) quiet(b *strings.Builder) {
	fmt.Fprintf(b, "## Quiet weeks\n\n| seed | contender | quiet nights | false alarms | false retrainings | versions that became champion | mean Brier, frozen | loop |\n|--:|---|--:|--:|--:|--:|--:|--:|\n")
	runs, nights, retrains := p.judging(Quiet), 0, 0
	for _, r := range runs {
		for _, o := range r.Outcomes() {
			frozen, loop := r.means(o.Contender)
			scores := fmt.Sprintf("%.4f | %.4f", frozen, loop)
			if len(r.Report.Scores) == 0 {
				scores = "- | -"
			}
			fmt.Fprintf(b, "| %d | %s | %d | %d | %d | %d | %s |\n", r.Seed, o.Contender, o.QuietNights, o.FalseAlarms, o.FalseRetrains, o.Promoted, scores)
			nights, retrains = nights+o.QuietNights, retrains+o.FalseRetrains
		}
	}
	if len(runs) == 0 {
		b.WriteString("\nNot run yet.\n\n")
		return
	}
	rate := float64(retrains) / float64(nights)
	held := "held"
	if rate > p.Experiment.MaxFalseRetrains {
		held = "**exceeded**"
	}
	fmt.Fprintf(b, "\n%d of %d seeds run: %d retrainings in %d quiet nights, %.4f a night; the limit of %.3f is %s.\n\n", len(runs), len(p.Experiment.JudgingSeeds), retrains, nights, rate, p.Experiment.MaxFalseRetrains, held)
}

// means are the Brier scores over all days.
func (r Run) means(contender string) (frozen, loop float64) {
	n := 0
	for _, d := range r.Report.Scores {
		frozen, loop, n = frozen+float64(d.Forecasts)*d.Brier[r.Frozen()], loop+float64(d.Forecasts)*d.Brier[contender], n+d.Forecasts
	}
	if n == 0 {
		return 0, 0
	}
	return frozen / float64(n), loop / float64(n)
}

const changeHead = "| change | seed | contender | quiet nights | false alarms | false retrainings | alarm after days | first retraining after days | versions trained | became champion | frozen | loop | oracle | recovered | first alarm |\n|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n"

func (p Page) changes(b *strings.Builder) {
	b.WriteString("## Run by run\n\nDays count from the first day of the change: 1 is the night after it.\n\n" + changeHead)
	for _, s := range p.Experiment.Scenarios {
		if s.Name != Quiet {
			for _, r := range p.judging(s.Name) {
				r.rows(b)
			}
		}
	}
	b.WriteString("\n")
}

func (r Run) rows(b *strings.Builder) {
	for _, o := range r.Outcomes() {
		scores := "| | | "
		if o.Graded {
			scores = fmt.Sprintf("%.4f | %.4f | %.4f | %.2f", o.Frozen, o.Loop, o.Oracle, o.Recovered)
		}
		fmt.Fprintf(b, "| %s | %d | %s | %d | %d | %d | %s | %s | %d | %d | %s | %s |\n", r.Scenario, r.Seed, o.Contender, o.QuietNights, o.FalseAlarms, o.FalseRetrains,
			after(o.AlarmAfter), after(o.RetrainAfter), o.Retrained, o.Promoted, scores, strings.ReplaceAll(o.Alarm, "|", "/"))
	}
}

// controls lists the quiet railway in the place of each change, once for changes that
// are complete on the same day.
func (p Page) controls(b *strings.Builder) {
	var runs []Run
	seen := map[string]bool{}
	for _, s := range p.Experiment.Scenarios {
		if name := s.Control().Name; s.Name != Quiet && !seen[name] {
			seen[name] = true
			runs = append(runs, p.judging(name)...)
		}
	}
	if len(runs) == 0 {
		return
	}
	b.WriteString("## Controls\n\nThe quiet railway on the days of the changes; named after the days until a change is complete.\n\n| control | seed | graded | forecasts | frozen | oracle | frozen loses | made by |\n|---|--:|---|--:|--:|--:|--:|---|\n")
	for _, r := range runs {
		if o := r.outcome(r.Frozen()); o.Graded {
			fmt.Fprintf(b, "| %s | %d | %s | %d | %.4f | %.4f | %+.4f | %s |\n", r.Scenario, r.Seed, r.Report.Graded.Graded, o.Forecasts, o.Frozen, o.Oracle, o.Frozen-o.Oracle, p.madeBy(r))
		}
	}
	b.WriteString("\n")
}

// madeBy says which edition of the file and which program made a run.
func (p Page) madeBy(r Run) string {
	edition := "another edition of the file"
	if r.Experiment == p.Experiment.Digest() {
		edition = "this experiment file"
	}
	for i, e := range p.Experiment.EarlierEditions {
		if e.Digest == r.Experiment {
			edition = fmt.Sprintf("edition %d of the file", i+1)
		}
	}
	return edition + ", program " + r.Code
}

func after(days int) string {
	if days < 0 {
		return "never"
	}
	return fmt.Sprint(days)
}

func (p Page) pictures(b *strings.Builder) {
	for _, name := range slices.Sorted(maps.Keys(p.Drawings())) {
		fmt.Fprintf(b, "![Brier score by day](%s/%s)\n\n", p.Pictures, name)
	}
}

// tuning lists the runs on which thresholds were chosen.
func (p Page) tuning(b *strings.Builder) {
	var runs []Run
	for _, s := range p.Experiment.Scenarios {
		runs = append(runs, p.of(s.Name, p.Experiment.TuningSeeds)...)
	}
	if len(runs) == 0 {
		return
	}
	b.WriteString("## Tuning seeds\n\nThresholds of the policy were chosen on these; they judge nothing.\n\n" + changeHead)
	for _, r := range runs {
		r.rows(b)
	}
	b.WriteString("\n")
}

func (p Page) recordings(b *strings.Builder) {
	for _, r := range p.Runs {
		if r.Recordings == "" {
			continue
		}
		first := r.Report.First
		fmt.Fprintf(b, "## Recorded days: %s\n\nFew days: figures of single days, not of a season. The model was trained on %s and tested on %s (half-open ranges); a day is judged at three in\nthe morning after it. Nothing was to be found here; the question is whether monitoring runs on real days and stays silent.\n\n"+
			"| day | contender | version | forecasts with a truth | Brier | railway's forecast, calibrated | in the evaluation | beyond limits | verdict |\n|---|---|--:|--:|--:|--:|--:|---|---|\n", r.Recordings, first.Train, first.Test)
		for _, n := range r.Report.Nights {
			fmt.Fprintf(b, "| %s | %s | %d | %d | %s | %s | %s | %s | %s |\n", n.Day, n.Contender, n.Version, n.Forecasts, figure(n.Brier), figure(n.BrierBaseline), figure(n.BrierExpected), names(n.Beyond), n.Verdict)
		}
		b.WriteString("\n")
	}
}

func names(beyond []schemas.SignalName) string {
	var parts []string
	for _, name := range beyond {
		parts = append(parts, string(name))
	}
	return strings.Join(parts, ", ")
}

func figure(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *v)
}

// cost says what nights and actions took, and by which file the runs were made.
func (p Page) cost(b *strings.Builder) {
	b.WriteString("## Cost\n\nReal seconds on a machine that did other things too; a night settles, forecasts and judges one contender while the others do the same.\n\n| run | nights | versions trained | a quiet night, median s | what a verdict started, median s | whole run, s | made by |\n|---|--:|--:|--:|--:|--:|---|\n")
	for _, r := range p.Runs {
		for _, o := range r.Outcomes() {
			fmt.Fprintf(b, "| %s, %s | %d | %d | %.1f | %.1f | %.0f | %s |\n", r.title(), o.Contender, r.days(), o.Retrained, o.NightSeconds, o.ActionSeconds, r.Report.Seconds, p.madeBy(r))
		}
	}
	for i, e := range p.Experiment.EarlierEditions {
		fmt.Fprintf(b, "\nEdition %d, SHA-256 `%.12s`, makes the same runs; it differs in this: %s\n", i+1, e.Digest, e.Differs)
	}
}

// notes are what is to be known of single runs.
func (p Page) notes(b *strings.Builder) {
	told := false
	for _, r := range p.Runs {
		if r.Note == "" {
			continue
		}
		if !told {
			b.WriteString("\n## Notes on runs\n\n")
			told = true
		}
		fmt.Fprintf(b, "- %s: %s\n", r.title(), r.Note)
	}
}

func (r Run) title() string {
	if r.Recordings != "" {
		return r.Recordings
	}
	return fmt.Sprintf("%s %d", r.Scenario, r.Seed)
}

func (r Run) days() int {
	return len(rail.Days(rail.Day(r.Report.Days.From), rail.Day(r.Report.Days.To)))
}
