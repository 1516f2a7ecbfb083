package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
)

// oneShot is the input of the command that runs one lifecycle from nothing.
type oneShot struct {
	source, recordings, train, test, out, dataDir string
	seed                                          uint64
}

func lifecycleCommand(p program) *cobra.Command {
	var in oneShot
	cmd := &cobra.Command{Use: "lifecycle", Short: "collect, train, evaluate, package and promote once, in a stack of its own, and write the report",
		Long: "Starts the whole stack on free ports in a temporary directory, replays the source through the same workflows that run in production, and writes the evaluation as JSON.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.lifecycle(cmd.Context(), in) }}
	flags := cmd.Flags()
	flags.StringVar(&in.source, "source", string(config.SourceRecording), "recording or simulation")
	flags.StringVar(&in.recordings, "recordings", "", "directory of daily archives")
	flags.StringVar(&in.train, "train", "", "training days FROM/TO, half-open, YYYY-MM-DD (required)")
	flags.StringVar(&in.test, "test", "", "test days FROM/TO, half-open (required)")
	flags.StringVar(&in.out, "out", "report.json", "file of the report")
	flags.StringVar(&in.dataDir, "data-dir", "", "keep the stack's data here instead of a temporary directory")
	flags.Uint64Var(&in.seed, "seed", 0, "seed of the training; 0 takes the default")
	_ = cmd.MarkFlagRequired("train")
	_ = cmd.MarkFlagRequired("test")
	return cmd
}

// parseRange reads FROM/TO.
func parseRange(flag, s string) (schemas.DayRange, error) {
	from, to, found := strings.Cut(s, "/")
	first, err := rail.ParseDay(from)
	if err != nil || !found {
		return schemas.DayRange{}, fmt.Errorf("--%s %q: want FROM/TO as YYYY-MM-DD/YYYY-MM-DD", flag, s)
	}
	last, err := rail.ParseDay(to)
	if err != nil || first >= last {
		return schemas.DayRange{}, fmt.Errorf("--%s %q: want FROM/TO as YYYY-MM-DD/YYYY-MM-DD, TO after FROM", flag, s)
	}
	return schemas.DayRange{From: from, To: to}, nil
}

func (p program) lifecycle(ctx context.Context, in oneShot) error {
	train, err := parseRange("train", in.train)
	if err != nil {
		return err
	}
	test, err := parseRange("test", in.test)
	if err != nil {
		return err
	}
	c, err := config.Load(p.environ, map[string]string{"SOURCE": in.source, "RECORDINGS": in.recordings, "DATA_DIR": in.dataDir,
		"TEMPORAL_PORT": "0", "TEMPORAL_UI_PORT": "0", "S3_PORT": "0", "CLICKHOUSE_PORT": "0"})
	if err != nil {
		return err
	}
	if in.dataDir == "" {
		if c.DataDir, err = os.MkdirTemp("", "puenktlich-"); err != nil {
			return fmt.Errorf("temporary directory: %w", err)
		}
		defer os.RemoveAll(c.DataDir)
	}
	var end time.Time
	e, err := p.embed(ctx, c, func(n timetables.Network) (clock.Clock, error) {
		end = lockstepEnd(n, test)
		return clock.Replay(time.Now, end, end, 1) // lockstep: the clock stands at the end
	})
	if err != nil {
		return err
	}
	defer e.stop()
	report, err := p.runOnce(ctx, e, in, schemas.LifecycleInput{Train: train, Test: test, AsOf: end, Seed: in.seed, Actor: "bootstrap", Reason: "one-shot command"})
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := os.WriteFile(in.out, append(body, '\n'), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	fmt.Fprintf(p.out, "report written to %s\n", in.out)
	return nil
}

// lockstepEnd is where the source ends, or a quarter day after the test days.
func lockstepEnd(n timetables.Network, test schemas.DayRange) time.Time {
	end := rail.Day(test.To).Start().Add(6 * time.Hour)
	if _, to := n.Span(); !to.IsZero() && to.Before(end) {
		return to
	}
	return end
}

// runOnce steps collection over the recorded polls and runs one lifecycle.
func (p program) runOnce(ctx context.Context, e *embedded, in oneShot, life schemas.LifecycleInput) (schemas.Report, error) {
	for group := range stationGroups(e.network.Stations()) {
		collected, err := execute[schemas.CollectResult](ctx, e.adapters, schemas.CollectID(group), schemas.WorkflowCollect,
			schemas.CollectInput{Group: group, AsOf: life.AsOf, From: lockstepStart(e.network, life.Train)})
		if err != nil {
			return schemas.Report{}, err
		}
		fmt.Fprintf(p.out, "collected %s through %s: %d responses, %d planned events, %d changes, %d quarantined\n", group,
			life.AsOf.Format(time.RFC3339), collected.Counts.Responses, collected.Counts.Planned, collected.Counts.Changes, collected.Counts.Quarantined)
	}
	settled, err := execute[schemas.SettleResult](ctx, e.adapters, "settle/test-days", schemas.WorkflowSettleTruth, schemas.SettleInput{Days: life.Test, AsOf: life.AsOf})
	if err != nil {
		return schemas.Report{}, err
	}
	result, err := execute[schemas.LifecycleResult](ctx, e.adapters, schemas.LifecycleID(schemas.DefaultModel), schemas.WorkflowRunLifecycle, life)
	if err != nil {
		return schemas.Report{}, err
	}
	fmt.Fprintf(p.out, "%s@%d %s: %s\n", result.Package.Model, result.Package.Version, result.Package.Digest[:12], result.Decision)
	body, err := e.objects.GetContent(ctx, result.Evaluate.Report)
	if err != nil {
		return schemas.Report{}, fmt.Errorf("read report: %w", err)
	}
	var report schemas.Report
	if err := json.Unmarshal(body, &report); err != nil {
		return report, fmt.Errorf("read report: %w", err)
	}
	report.Digest, report.Unsettled = result.Package.Digest, settled.Counts.Unsettled
	return report, nil
}

// lockstepStart is where a source begins, or the day before the training days.
func lockstepStart(n timetables.Network, train schemas.DayRange) time.Time {
	start := rail.Day(train.From).Add(-1).Start()
	if from, _ := n.Span(); from.After(start) {
		return from
	}
	return start
}
