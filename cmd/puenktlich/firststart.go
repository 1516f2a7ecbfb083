package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"puenktlich/internal/config"
	"puenktlich/internal/rail"
	"puenktlich/internal/railsim"
	"puenktlich/schemas"
)

// historyDays of the simulated railway are written and imported at first start.
const historyDays = 28

// simulatedPolls is the pause between the polls of the simulated history, as
// long as the changes of one answer reach back.
const simulatedPolls = 2 * time.Minute

// firstStart brings a source without a champion to one: history, lifecycle, and
// the forecasts and the verdict of the newest whole day. A live source has no
// history to begin with.
func (e *embedded) firstStart(ctx context.Context, p program, in upFlags) error {
	aliases, _, err := e.registry.Aliases(ctx, schemas.DefaultModel)
	if err != nil {
		return err
	}
	if aliases.Champion != nil {
		fmt.Fprintf(p.out, "champion %s@%d since %s\n", schemas.DefaultModel, aliases.Champion.Package.Version, aliases.Champion.Since.Format(time.RFC3339))
		return nil
	}
	if e.config.Source == config.SourceLive {
		fmt.Fprintln(p.out, "no champion yet: after two days of collecting, start RunLifecycle in the Temporal UI with {}")
		return nil
	}
	asOf := e.clock.Now()
	dir := e.config.Recordings
	if e.config.Source == config.SourceSimulation {
		if dir, err = e.writeHistory(ctx, p, asOf); err != nil {
			return err
		}
	}
	fmt.Fprintf(p.out, "importing history, watch %s\n", e.config.TemporalUI)
	imported, err := execute[schemas.ImportResult](ctx, e.adapters, "import/first-start", schemas.WorkflowImportHistory, schemas.ImportInput{Directory: dir, Until: asOf})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "imported %d days: %d responses, %d planned events, %d changes, %d quarantined\n", imported.Archives,
		imported.Counts.Responses, imported.Counts.Planned, imported.Counts.Changes, imported.Counts.Quarantined)
	return e.firstChampion(ctx, p, asOf)
}

// writeHistory records the railway's last four weeks, once.
func (e *embedded) writeHistory(ctx context.Context, p program, asOf time.Time) (string, error) {
	railway, ok := e.network.(*railsim.Railway)
	if !ok {
		return "", fmt.Errorf("first start: the source is no simulated railway")
	}
	absolute, err := filepath.Abs(filepath.Join(e.config.DataDir, "recordings"))
	if err != nil {
		return "", fmt.Errorf("first start: %w", err)
	}
	fmt.Fprintf(p.out, "recording %d days of the simulated railway\n", historyDays)
	return absolute, railway.WriteArchives(ctx, railsim.Archives{Dir: absolute, From: rail.DayOf(asOf).Add(-historyDays).Start(), To: asOf, Every: simulatedPolls})
}

// firstChampion trains on all history, then judges the champion's forecasts of
// the newest whole day.
func (e *embedded) firstChampion(ctx context.Context, p program, asOf time.Time) error {
	fmt.Fprintln(p.out, "training the first model")
	life, err := execute[schemas.LifecycleResult](ctx, e.adapters, schemas.LifecycleID(schemas.DefaultModel), schemas.WorkflowRunLifecycle,
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
	if _, err := execute[schemas.ScoreBatchResult](ctx, e.adapters, "score/first-start", schemas.WorkflowScoreBatch, schemas.ScoreBatchInput{Day: day, AsOf: asOf}); err != nil {
		return err
	}
	verdict, err := execute[schemas.MonitorResult](ctx, e.adapters, "monitor/first-start", schemas.WorkflowMonitorModel, schemas.MonitorInput{Day: day, AsOf: asOf, DryRun: true})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "verdict on %s: %s\n", day, verdict.Verdict.Kind)
	return nil
}
