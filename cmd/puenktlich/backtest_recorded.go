package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"puenktlich/internal/backtest"
	"puenktlich/internal/config"
	"puenktlich/internal/rail"
	"puenktlich/internal/timetables/archive"
	"puenktlich/schemas"
)

// backtestRecordings monitors recorded days by a model of the first of them.
func (p program) backtestRecordings(ctx context.Context, in backtestFlags, e backtest.Experiment) error {
	name := filepath.Base(filepath.Clean(in.recordings))
	file := filepath.Join(in.results, "recording-"+name+".json")
	if _, err := os.Stat(file); err == nil && !in.again {
		fmt.Fprintf(p.out, "%s: is among the results\n", name)
		return nil
	}
	train, err := parseRange("train", in.train)
	if err != nil {
		return err
	}
	test, err := parseRange("test", in.test)
	if err != nil {
		return err
	}
	network, err := archive.OpenRecording(in.recordings)
	if err != nil {
		return err
	}
	archives, err := filepath.Abs(in.recordings)
	if err != nil {
		return err
	}
	_, end := network.Span()
	last := judgedLast(end)
	input := schemas.BacktestInput{Name: modelWord(name), Contenders: e.Contenders, Nights: schemas.DayRange{From: test.To, To: string(last.Add(1))},
		First: schemas.LifecycleInput{Train: train, Test: test, Candidates: e.Candidates, Gate: e.Gate}}
	run := backtest.Run{Recordings: name, Experiment: e.Digest(), Code: codeVersion()}
	stack := replay{network: network, at: end, source: config.SourceRecording, more: map[string]string{"RECORDINGS": in.recordings}}
	if in.dataDir != "" {
		stack.dir = filepath.Join(in.dataDir, "recording-"+name)
	}
	return p.withReplay(ctx, stack, func(e *embedded) error {
		if run.Report, err = p.livedThrough(ctx, e, archives, input, ""); err != nil {
			return err
		}
		if err := keepRun(file, run); err != nil {
			return err
		}
		printOutcomes(p.out, run)
		return p.held(ctx, in.hold, e)
	})
}

// judgedLast is the last day of a recording that ends then which can be judged: one whose
// night lies beyond the last poll would be told that nothing arrives any more, which
// is true of the recording alone.
func judgedLast(end time.Time) rail.Day {
	last := rail.DayOf(end)
	if last.End().Add(rail.HistoryDelay).After(end) {
		return last.Add(-1)
	}
	return last
}
