package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/config"
	"puenktlich/internal/rail"
	"puenktlich/internal/railsim"
	"puenktlich/schemas"
)

// historyDays of the simulated railway are written and imported at first start
// where nothing else is asked for.
const historyDays = 28

// simulatedPolls is the pause between the polls of the simulated history, as
// long as the changes of one answer reach back.
const simulatedPolls = 2 * time.Minute

// firstStartCommand is the first start of a system whose roles run one by one,
// as in containers.
func firstStartCommand(p program) *cobra.Command {
	days := historyDays
	cmd := &cobra.Command{Use: "first-start", Short: "bring a system without a champion to one: history, lifecycle, first verdict", Args: cobra.NoArgs,
		Long: "Runs once against servers and workers given by address; with a champion it does nothing. The archives of a simulated railway are written to recordings/ in the data directory, which the worker of the collect pool has to share.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 3 {
				return fmt.Errorf("--days %d: want at least 3, of which two have settled: one to train on and one to test on", days)
			}
			a, err := p.alone(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			return a.firstStart(cmd.Context(), p, days)
		}}
	cmd.Flags().IntVar(&days, "days", days, "days of simulated history")
	return cmd
}

// firstStart brings a source without a champion to one: history, lifecycle, and
// the forecasts and the verdict of the newest whole day. A live source has no
// history to begin with.
func (a *adapters) firstStart(ctx context.Context, p program, days int) error {
	aliases, _, err := a.registry.Aliases(ctx, schemas.DefaultModel)
	if err != nil {
		return err
	}
	if aliases.Champion != nil {
		fmt.Fprintf(p.out, "champion %s@%d since %s\n", schemas.DefaultModel, aliases.Champion.Package.Version, aliases.Champion.Since.Format(time.RFC3339))
		return nil
	}
	if a.config.Source == config.SourceLive {
		fmt.Fprintln(p.out, "no champion yet: after two days of collecting, start RunLifecycle in the Temporal UI with {}")
		return nil
	}
	asOf := a.clock.Now()
	dir := a.config.Recordings
	if a.config.Source == config.SourceSimulation {
		if dir, err = a.writeHistory(ctx, p, asOf, days); err != nil {
			return err
		}
	}
	fmt.Fprintf(p.out, "importing history, watch %s\n", a.config.TemporalUI)
	imported, err := execute[schemas.ImportResult](ctx, a, "import/first-start", schemas.WorkflowImportHistory, schemas.ImportInput{Directory: dir, Until: asOf})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "imported %d days: %d responses, %d planned events, %d changes, %d quarantined\n", imported.Archives,
		imported.Counts.Responses, imported.Counts.Planned, imported.Counts.Changes, imported.Counts.Quarantined)
	return a.firstChampion(ctx, p, asOf)
}

// writeHistory records the railway's last days, once.
func (a *adapters) writeHistory(ctx context.Context, p program, asOf time.Time, days int) (string, error) {
	railway, err := railsim.New(railsim.Options{Seed: a.config.Seed})
	if err != nil {
		return "", fmt.Errorf("first start: %w", err)
	}
	absolute, err := filepath.Abs(filepath.Join(a.config.DataDir, "recordings"))
	if err != nil {
		return "", fmt.Errorf("first start: %w", err)
	}
	fmt.Fprintf(p.out, "recording %d days of the simulated railway\n", days)
	return absolute, railway.WriteArchives(ctx, railsim.Archives{Dir: absolute, From: rail.DayOf(asOf).Add(-days).Start(), To: asOf, Every: simulatedPolls})
}

// firstChampion trains on all history, then judges the champion's forecasts of
// the newest whole day.
func (a *adapters) firstChampion(ctx context.Context, p program, asOf time.Time) error {
	fmt.Fprintln(p.out, "training the first model")
	life, err := execute[schemas.LifecycleResult](ctx, a, schemas.LifecycleID(schemas.DefaultModel), schemas.WorkflowRunLifecycle,
		schemas.LifecycleInput{AsOf: asOf, Actor: "bootstrap", Reason: "first start"})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s@%d %s\n", life.Package.Model, life.Package.Version, life.Decision)
	for _, h := range life.Evaluate.Horizons {
		fmt.Fprintf(p.out, "  %3d min before: Brier %.4f on %d events, %s %.4f, skill %+.1f %%\n", h.Minutes, h.Brier, h.Events, "railway's forecast", h.Baselines.DBForecast.Brier, 100*h.Skill)
	}
	if life.Switch == nil {
		return nil
	}
	day := string(rail.DayOf(asOf).Add(-1))
	if _, err := execute[schemas.ScoreBatchResult](ctx, a, "score/first-start", schemas.WorkflowScoreBatch, schemas.ScoreBatchInput{Day: day, AsOf: asOf}); err != nil {
		return err
	}
	verdict, err := execute[schemas.MonitorResult](ctx, a, "monitor/first-start", schemas.WorkflowMonitorModel, schemas.MonitorInput{Day: day, AsOf: asOf, DryRun: true})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "verdict on %s: %s\n", day, verdict.Verdict.Kind)
	return nil
}
