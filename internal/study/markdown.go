package study

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"puenktlich/internal/metric"
)

// Document is everything that docs/results.md says.
type Document struct {
	Command string // that wrote it
	Answers []Answer
	Caveats map[string]string // by name of the recordings: what a reader must know of the labels
	Speed   *Speed            // nil leaves it out
	Looks   []Look            // the whole log; those at days of the answers are shown
}

// Markdown renders the document.
func (d Document) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Results\n\nWritten by `%s`; do not edit.\n\n%s", d.Command, howItIsMade)
	for _, a := range d.Answers {
		a.write(&b, d.Caveats[a.Name])
	}
	if d.Speed != nil {
		d.Speed.write(&b)
	}
	writeLooks(&b, d.looks())
	return b.String()
}

// looks are those at days of the document.
func (d Document) looks() []Look {
	var here []Look
	for _, look := range d.Looks {
		for _, a := range d.Answers {
			if slices.ContainsFunc(a.Days, func(s DaySummary) bool { return slices.Contains(look.Days, s.Day) }) {
				here = append(here, look)
			}
		}
	}
	return here
}

const howItIsMade = `Each day is forecast by a model of all days before it, made by the steps of production: candidates judged by
forward chaining inside the training days, the best one trained on all of them, calibrated on out-of-fold forecasts.
Late is 6 minutes or more. *Railway* is the railway's own live forecast at that horizon, calibrated on the same training
days by category and forecast delay; *as announced* is the same forecast taken as 0 or 1. Skill is 1 - Brier / Brier of the railway,
calibrated.

Intervals hold 95 % of 1,000 bootstrap resamples over blocks of one station and three hours, within these days only: how
days differ from each other is not in them. *ECE* is the calibration error over ten bins of equal mass, *band* what 95 % of
forecasts without any error would stay below on as many events.

`

func (a Answer) write(b *strings.Builder, caveat string) {
	fmt.Fprintf(b, "## %s\n\nFeatures `%s`.", a.Name, a.Feature)
	if caveat != "" {
		fmt.Fprintf(b, " %s", caveat)
	}
	b.WriteString("\n\n| day | events | late | |\n|---|--:|--:|---|\n")
	for _, d := range a.Days {
		held := ""
		if d.HeldOut {
			held = "held out: no choice rests on it"
		}
		fmt.Fprintf(b, "| %s | %d | %.1f %% | %s |\n", d.Day, d.Events, 100*float64(d.Late)/float64(d.Events), held)
	}
	a.writeChained(b)
	a.writeAblation(b)
	a.writeCurve(b)
}

func (a Answer) writeChained(b *strings.Builder) {
	b.WriteString("\n### Skill by horizon, each day by a model of the days before it\n\n" +
		"| tested on | trained on | minutes before | events | Brier | railway | as announced | skill | 95 % | AUC | ECE | band |\n|---|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|\n")
	for _, t := range a.Chained {
		trained := "-"
		if t.TrainEvents > 0 {
			trained = fmt.Sprintf("%d events (depth %d, %d rounds)", t.TrainEvents, t.Depth, t.Rounds)
		}
		for _, h := range t.Horizons {
			fmt.Fprintf(b, "| %s | %s | %d | %d | %.4f | %.4f | %.4f | %s | %.3f | %.3f | %.3f |\n", t.Name, trained, h.Minutes, h.Events, h.Brier, h.Railway,
				h.Announced, percent(h.Skill), h.AUC, h.ECE, h.ECEBand)
		}
		fmt.Fprintf(b, "| %s | | all | | | | | %s | | | |\n", t.Name, percent(t.Skill))
	}
	for _, day := range a.Held {
		fmt.Fprintf(b, "\n%s is held out and was not tested on.\n", day)
	}
}

// percent is two cells: the estimate and its interval.
func percent(i metric.Interval) string {
	return fmt.Sprintf("%+.1f %% | %+.1f to %+.1f", 100*i.Estimate, 100*i.Low, 100*i.High)
}

func (a Answer) writeAblation(b *strings.Builder) {
	if len(a.Ablation) == 0 {
		return
	}
	b.WriteString("\n### What the groups of features are worth\n\nSkill over all horizons and all days but the held-out ones, by the first of the candidates. " +
		"*Lost* compares with the full model on the same events. The [list of features](features.md) has the groups.\n\n" +
		"| group | features | lost without it | 95 % | skill with the schedule alone | 95 % |\n|---|--:|--:|---|--:|---|\n")
	for _, g := range a.Ablation {
		fmt.Fprintf(b, "| %s | %d | %s | %s |\n", g.Group, g.Features, percent(g.Without), percent(g.Alone))
	}
}

func (a Answer) writeCurve(b *strings.Builder) {
	if len(a.Curve) == 0 {
		return
	}
	b.WriteString("\n### Learning curve\n\nThe last day that is not held out, by models (the first of the candidates) of ever more of the days before it. The railway's forecast is " +
		"calibrated on the same days, so it learns too.\n\n| days | of their trips | events | Brier | railway | skill | 95 % |\n|--:|--:|--:|--:|--:|--:|---|\n")
	for _, p := range a.Curve {
		fmt.Fprintf(b, "| %d | %.0f %% | %d | %.4f | %.4f | %s |\n", p.Days, 100*p.Share, p.Events, p.Brier, p.Railway, percent(p.Skill))
	}
}

func (v Speed) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Speed\n\nXGBoost %s and the evaluator in Go, in one process one after the other, on a model of the days above that are not held out: "+
		"%d trees of depth %d over %d features. %d of the margins of %d rows differ in any bit.\n\n", v.Library, v.Trees, v.Depth, v.Features, v.Different, v.Rows)
	fmt.Fprintf(b, "Training: %s for %d rows, all candidates and folds included (%d rounds in the end).\n\n", v.Train.Round(100*time.Millisecond), v.TrainRows, v.TrainRounds)
	b.WriteString("| evaluation | ns a row |\n|---|--:|\n")
	for _, line := range []struct {
		name string
		took time.Duration
	}{{"XGBoost, all rows in one call, two threads, loading the model included", v.LibraryBatch},
		{"Go, all rows in one call, one thread", v.Batch}, {"Go, row by row, one thread", v.Single}} {
		fmt.Fprintf(b, "| %s | %d |\n", line.name, line.took.Nanoseconds()/int64(v.Rows))
	}
}

func writeLooks(b *strings.Builder, looks []Look) {
	b.WriteString("\n## Log of looks at held-out days\n\nEvery time the command tested on a held-out day, with what it saw. Nothing may be chosen by these days.\n\n")
	if len(looks) == 0 {
		b.WriteString("None.\n")
		return
	}
	b.WriteString("| when | days | features | skill at 120, 60, 30, 15, 5 min | why |\n|---|---|---|---|---|\n")
	for _, l := range looks {
		var skills []string
		for _, minutes := range []int{120, 60, 30, 15, 5} {
			skills = append(skills, fmt.Sprintf("%+.1f %%", 100*l.Skill[minutes]))
		}
		fmt.Fprintf(b, "| %s | %v | `%s` | %s | %s |\n", l.At.UTC().Format("2006-01-02 15:04"), l.Days, l.Feature, strings.Join(skills, ", "), l.Why)
	}
}
