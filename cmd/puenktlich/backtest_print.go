package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"puenktlich/internal/backtest"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// nightsLook is the pause between two looks at a running backtest.
const nightsLook = 300 * time.Millisecond

// watchNights prints the nights of a backtest as they come until ctx ends.
func watchNights(ctx context.Context, e *embedded, id string, printer *nightPrinter) {
	tick := time.NewTicker(nightsLook)
	defer tick.Stop()
	for {
		look(ctx, e, id, printer)
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			look(last, e, id, printer)
			cancel()
			return
		case <-tick.C:
		}
	}
}

// look asks once; a backtest that does not answer yet is asked again.
func look(ctx context.Context, e *embedded, id string, printer *nightPrinter) {
	value, err := e.temporal.QueryWorkflow(ctx, id, "", schemas.QueryNights)
	if err != nil {
		return
	}
	var nights []schemas.BacktestNight
	if value.Get(&nights) == nil {
		printer.show(nights)
	}
}

// nightPrinter prints a line a night and contender that acts, with the frozen
// one's score beside it.
type nightPrinter struct {
	out        io.Writer
	contenders []schemas.Contender
	change     rail.Day
	through    string // the last day printed
}

func (p *nightPrinter) show(nights []schemas.BacktestNight) {
	byDay := map[string][]schemas.BacktestNight{}
	var days []string
	for _, n := range nights {
		if n.Day <= p.through {
			continue
		}
		if byDay[n.Day] == nil {
			days = append(days, n.Day)
		}
		byDay[n.Day] = append(byDay[n.Day], n)
	}
	for _, day := range days {
		if p.through == "" {
			fmt.Fprintf(p.out, "%-10s  %-9s %5s %9s  %8s %8s  %4s  %-12s %s\n", "day", "contender", "model", "forecasts", "Brier", "frozen", "s", "verdict", "rules that fire; why; what came of it")
		}
		if p.change != "" && day >= string(p.change) && p.through < string(p.change) {
			fmt.Fprintf(p.out, "---------- from here on the railway is another one\n")
		}
		p.night(byDay[day])
		p.through = day
	}
}

func (p *nightPrinter) night(nights []schemas.BacktestNight) {
	frozen := "-"
	for i, n := range nights {
		if i < len(p.contenders) && p.contenders[i].Frozen {
			frozen = figureOf(n.Brier)
		}
	}
	for i, n := range nights {
		if i < len(p.contenders) && p.contenders[i].Frozen {
			continue
		}
		fmt.Fprintf(p.out, "%-10s  %-9s %5d %9d  %8s %8s  %4.1f  %-12s %s\n", n.Day, n.Contender, n.Version, n.Forecasts, figureOf(n.Brier), frozen, n.Seconds, n.Verdict, told(n))
	}
}

// told is what was beyond its limit and what came of it.
func told(n schemas.BacktestNight) string {
	text := strings.Join(n.Rules, ", ")
	for _, more := range []string{n.Reason, n.Decision} {
		if more != "" {
			text += "; " + more
		}
	}
	if n.Rollout != "" {
		text += "; a version is in " + string(n.Rollout)
	}
	return strings.TrimPrefix(text, "; ")
}

func figureOf(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *v)
}

// printOutcomes says in some lines what a run came to.
func printOutcomes(out io.Writer, run backtest.Run) {
	if loss, forecasts, graded := run.Loss(); graded && len(run.Outcomes()) == 0 {
		fmt.Fprintf(out, "%s, seed %d: on %d forecasts of days %s the frozen model's Brier score is %+.4f above the oracle's\n", run.Scenario, run.Seed, forecasts, run.Report.Graded.Graded, loss)
	}
	for _, o := range run.Outcomes() {
		fmt.Fprintf(out, "%s, seed %d, %s: %d false alarms and %d false retrainings in %d quiet nights", run.Scenario, run.Seed, o.Contender, o.FalseAlarms, o.FalseRetrains, o.QuietNights)
		if run.Change != "" {
			fmt.Fprintf(out, "; alarm after %s, first retraining after %s, %d versions trained", days(o.AlarmAfter), days(o.RetrainAfter), o.Retrained)
		}
		if o.Graded {
			fmt.Fprintf(out, "; Brier on %d forecasts of days %s: frozen %.4f, %s %.4f, oracle %.4f: recovered %.2f", o.Forecasts, run.Report.Graded.Graded, o.Frozen, o.Contender, o.Loop, o.Oracle, o.Recovered)
		}
		fmt.Fprintf(out, ". A quiet night took %.1f s, a night's action %.1f s\n", o.NightSeconds, o.ActionSeconds)
	}
}

func days(n int) string {
	switch {
	case n < 0:
		return "- (never)"
	case n == 1:
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}
