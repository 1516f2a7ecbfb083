package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"puenktlich/internal/rail"
	"puenktlich/internal/railsim"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// importHistory writes and imports three days, then collects the fourth's
// morning over HTTP.
func (s *system) importHistory() {
	dir := filepath.Join(s.config.DataDir, "recordings")
	railway := s.network.(*railsim.Railway)
	require.NoError(s.t, railway.WriteArchives(s.t.Context(), railsim.Archives{Dir: dir, From: firstDay.Start(), To: today.Start().Add(8 * time.Hour), Every: simulatedPolls}))
	imported := do[schemas.ImportResult](s, "import", schemas.WorkflowImportHistory, schemas.ImportInput{Directory: dir})
	require.Equal(s.t, 4, imported.Archives)
	require.Zero(s.t, imported.Counts.Quarantined)
	collected := do[schemas.CollectResult](s, "empty/Collect", schemas.WorkflowCollect, map[string]any{})
	require.Positive(s.t, collected.Counts.Changes)
	again := do[schemas.CollectResult](s, schemas.CollectID("main"), schemas.WorkflowCollect, schemas.CollectInput{AsOf: s.asOf})
	require.Zero(s.t, again.Windows, "the cursor stands at as-of: %s", again.Note)
}

// board is what the test reads of a station's forecasts.
type board struct {
	Digest string
	Stops  []struct {
		PredictionID string  `json:"prediction_id"`
		POnTime      float64 `json:"p_on_time"`
		Digest       string
	}
}

// TestWholeLoop goes from an empty disk to a served forecast, through a killed
// train worker, a second version, a rollback and a verdict that retrains.
func TestWholeLoop(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	s.emptyInputsFailReadably()
	s.importHistory()
	lifeTime, over := context.WithCancel(t.Context())
	killed := s.killTrainWorkerInTraining(lifeTime)
	life := do[schemas.LifecycleResult](s, schemas.LifecycleID(schemas.DefaultModel), schemas.WorkflowRunLifecycle, schemas.LifecycleInput{AsOf: s.asOf, Actor: "bootstrap", Reason: "test"})
	over()
	require.True(t, <-killed, "the train worker was killed while it trained")
	s.nothingIsDoubled(life)
	s.datasetCommands(life.Dataset)
	s.runsCanBeMadeAgain(life)
	s.packageCommands(life)
	address := s.serve()
	first := s.readBoard(address, life.Package.Digest)
	s.predictionIsStored(first)
	second := do[schemas.LifecycleResult](s, schemas.LifecycleID(schemas.DefaultModel), schemas.WorkflowRunLifecycle, schemas.LifecycleInput{AsOf: s.asOf, Seed: 99, Reason: "second"})
	require.Equal(t, 2, second.Package.Version)
	s.rollBackUnderLoad(address, life.Package.Digest)
	s.monitorRetrains()
	s.rollOut(address, second.Package)
	s.aPersonRejects(life.Package)
	s.everyEventSaysWhy()
	s.recalibrates()
	s.payloadsAreSmall()
	s.captureHistories()
}

// emptyInputsFailReadably starts every workflow with {} on an empty system.
func (s *system) emptyInputsFailReadably() {
	for name, want := range map[string]string{
		schemas.WorkflowImportHistory:  "write {\"directory\": \"...\"}",
		schemas.WorkflowSettleTruth:    "nothing of the simulation was collected yet",
		schemas.WorkflowPrepareDataset: "no truth of the simulation is settled yet",
		schemas.WorkflowTrainModel:     "no truth of the simulation is settled yet",
		schemas.WorkflowEvaluateModel:  "names no trained model",
		schemas.WorkflowPackageModel:   "names no trained model",
		schemas.WorkflowModel:          "runs once, under the id model/punctuality",
		schemas.WorkflowPromoteModel:   "has no version yet",
		schemas.WorkflowRunLifecycle:   "nothing of the simulation was collected yet",
		schemas.WorkflowMonitorModel:   "no champion yet",
		schemas.WorkflowScoreBatch:     "no champion yet",

		schemas.WorkflowRecalibrateModel: "no champion yet",
		schemas.WorkflowReproduceRun:     "names no run",
	} {
		_, err := execute[map[string]any](s.t.Context(), s.adapters, "empty/"+name, name, map[string]any{})
		require.ErrorContains(s.t, err, want, name)
		require.NotContains(s.t, err.Error(), "\n", name+" fails with one sentence")
	}
}

// killTrainWorkerInTraining kills -9 the process of the train pool while it
// trains: when a candidate has been under way for a second.
func (s *system) killTrainWorkerInTraining(ctx context.Context) <-chan bool {
	done := make(chan bool, 1)
	go func() {
		look := time.NewTicker(50 * time.Millisecond)
		defer look.Stop()
		for !s.training(ctx) {
			select {
			case <-ctx.Done():
				done <- false
				return
			case <-look.C:
			}
		}
		done <- syscall.Kill(s.stack.Pid(trainWorker), syscall.SIGKILL) == nil
	}()
	return done
}

func (s *system) training(ctx context.Context) bool {
	id := schemas.StepID(schemas.LifecycleID(schemas.DefaultModel), "train")
	description, err := s.temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return false // not started yet
	}
	for _, pending := range description.GetPendingActivities() {
		if pending.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED && time.Since(pending.GetLastStartedTime().AsTime()) > time.Second {
			return true
		}
	}
	return false
}

func (s *system) nothingIsDoubled(life schemas.LifecycleResult) {
	require.True(s.t, life.Evaluate.Gate.Passed, life.Evaluate.Gate.Reasons)
	versions, err := s.registry.Versions(s.t.Context(), schemas.DefaultModel)
	require.NoError(s.t, err)
	require.Len(s.t, versions, 1)
	runs, err := s.db.Runs(s.t.Context(), schemas.DefaultModel, 100)
	require.NoError(s.t, err)
	require.Len(s.t, runs, 3, "one run a candidate, though one was trained twice")
	events, err := s.db.RegistryEvents(s.t.Context(), schemas.DefaultModel, time.Time{})
	require.NoError(s.t, err)
	require.Len(s.t, events, 2, "registered and promoted, once each")
}

// serve starts an API instance and waits until it is ready.
func (s *system) serve() string {
	listen := freeAddress(s.t)
	s.config.Listen = listen
	stop, err := s.startAPI(s.t.Context())
	require.NoError(s.t, err)
	s.stops = append(s.stops, stop)
	require.Eventually(s.t, func() bool { return s.get(listen, "/readyz", nil) == http.StatusOK }, 30*time.Second, 100*time.Millisecond)
	return listen
}

func (s *system) readBoard(address, digest string) board {
	var b board
	require.Equal(s.t, http.StatusOK, s.get(address, fmt.Sprintf("/v1/stations/%d/forecasts?hours=2", railsim.Hub), &b))
	require.Equal(s.t, digest, b.Digest)
	require.NotEmpty(s.t, b.Stops)
	for _, stop := range b.Stops {
		require.Greater(s.t, stop.POnTime, 0.0)
		require.Less(s.t, stop.POnTime, 1.0)
	}
	return b
}

// predictionIsStored waits until what was answered is in ClickHouse, with the
// digest and the features it was made with.
func (s *system) predictionIsStored(b board) {
	id := b.Stops[0].PredictionID
	var stored schema.Prediction
	require.Eventually(s.t, func() bool {
		var err error
		stored, err = s.db.PredictionByID(context.Background(), id)
		return err == nil
	}, 20*time.Second, 200*time.Millisecond)
	require.Equal(s.t, b.Digest, stored.Digest)
	require.Equal(s.t, b.Stops[0].POnTime, stored.POnTime)
	require.NotEmpty(s.t, stored.Features)
}

// rollBackUnderLoad brings back the first champion while requests go on: the
// instance confirms, and no request fails.
func (s *system) rollBackUnderLoad(address, digest string) {
	var asked, failed atomic.Int64
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			response, err := http.Get(fmt.Sprintf("http://%s/v1/stations/%d/forecasts?hours=1", address, railsim.Hub))
			if err != nil || response.StatusCode != http.StatusOK {
				failed.Add(1)
			}
			if err == nil {
				io.Copy(io.Discard, response.Body) //nolint:errcheck // the status is what counts
				response.Body.Close()
			}
			asked.Add(1)
		}
	}()
	switched, err := promoter{s.temporal}.Rollback(s.t.Context(), "", schemas.DefaultModel, schemas.RollbackRequest{Actor: "test", Reason: "try it"})
	require.NoError(s.t, err)
	cancel()
	<-done
	require.Equal(s.t, digest, switched.Champion.Package.Digest)
	require.Equal(s.t, []string{"api-1"}, switched.Confirmed)
	require.Positive(s.t, asked.Load())
	require.Zero(s.t, failed.Load(), "of %d requests during the switch", asked.Load())
	s.readBoard(address, digest)
}

// monitorRetrains scores the last whole day; an ordinary policy lets it be, an
// impossible one starts a lifecycle.
func (s *system) monitorRetrains() {
	day := string(today.Add(-1))
	scored := do[schemas.ScoreBatchResult](s, "score", schemas.WorkflowScoreBatch, schemas.ScoreBatchInput{Day: day, AsOf: s.asOf})
	require.Greater(s.t, scored.Predictions, 4*scored.Events, "five horizons an event")
	calm := do[schemas.MonitorResult](s, "monitor/calm", schemas.WorkflowMonitorModel, schemas.MonitorInput{Day: day, AsOf: s.asOf, Policy: schemas.Policy{MaxBrierLoss: 3, MinSkill: -1, MaxPSI: 50, AlertDrifted: 0.99, MaxDrifted: 0.99}})
	require.Equal(s.t, schemas.VerdictNothing, calm.Verdict.Kind, calm.Verdict.Reasons)
	require.Positive(s.t, calm.Signals.Events)
	require.NotEmpty(s.t, calm.Signals.Drift)
	retrain := do[schemas.MonitorResult](s, "monitor/strict", schemas.WorkflowMonitorModel, schemas.MonitorInput{Day: day, AsOf: s.asOf, Policy: schemas.Policy{MinSkill: 0.999}})
	require.Equal(s.t, schemas.VerdictRetrain, retrain.Verdict.Kind, retrain.Verdict.Reasons)
	require.Equal(s.t, schemas.LifecycleID(schemas.DefaultModel), retrain.Lifecycle)
	var life schemas.LifecycleResult
	require.NoError(s.t, s.temporal.GetWorkflow(s.t.Context(), retrain.Lifecycle, "").Get(s.t.Context(), &life))
	require.Equal(s.t, 3, life.Package.Version)
	verdicts, err := s.db.Verdicts(s.t.Context(), schemas.DefaultModel, 10)
	require.NoError(s.t, err)
	require.Len(s.t, verdicts, 2)
}

// rollOut tries an earlier version beside the champion for the last whole day:
// shadow, judged on truth when the nightly run says that it has settled, then a
// person's approval.
func (s *system) rollOut(address string, candidate schemas.PackageRef) {
	yesterday := today.Add(-1)
	rollout := schemas.Rollout{ShadowDays: 1, MinEvents: 50, MaxLoss: 0.05, PatienceDays: 1, Approval: schemas.ApprovalRequired}
	id := schemas.PromoteID(schemas.DefaultModel)
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: string(schemas.QueueControl)}, schemas.WorkflowPromoteModel,
		schemas.PromoteInput{Package: candidate, AsOf: yesterday.Start(), Rollout: &rollout, Actor: "test", Reason: "try it beside the champion"})
	require.NoError(s.t, err)
	ask := promoter{s.temporal}
	_, err = ask.opine(s.t.Context(), "", schemas.DefaultModel, schemas.UpdateApprove, schemas.OpinionRequest{Digest: "another", Actor: "anna", Reason: "looks good"})
	require.Error(s.t, err, "an approval of another package")
	require.Eventually(s.t, func() bool {
		status, err := ask.status(s.t.Context(), schemas.DefaultModel)
		return err == nil && status.Challenger != nil && status.Challenger.Mode == schemas.ModeShadow && status.Rollout == id
	}, 30*time.Second, 100*time.Millisecond)
	scored := do[schemas.ScoreBatchResult](s, "score/shadow", schemas.WorkflowScoreBatch, schemas.ScoreBatchInput{Day: string(yesterday), AsOf: s.asOf})
	require.Equal(s.t, candidate.Digest, scored.Challenger.Digest)
	do[schemas.MonitorResult](s, "monitor/tick", schemas.WorkflowMonitorModel, schemas.MonitorInput{Day: string(yesterday), AsOf: s.asOf, Policy: schemas.Policy{MaxBrierLoss: 3, MinSkill: -1, MaxPSI: 50, AlertDrifted: 0.99, MaxDrifted: 0.99}})
	_, err = ask.opine(s.t.Context(), "", schemas.DefaultModel, schemas.UpdateApprove, schemas.OpinionRequest{Digest: candidate.Digest, Actor: "anna", Reason: "looks good"})
	require.NoError(s.t, err)
	var result schemas.PromoteResult
	require.NoError(s.t, run.Get(s.t.Context(), &result))
	require.Len(s.t, result.Judged, 1)
	judged := result.Judged[0]
	require.Equal(s.t, 1, judged.Count)
	require.Greater(s.t, judged.Events, 50)
	require.Equal(s.t, 5*judged.Events, judged.Pairs, "five horizons an event")
	require.Equal(s.t, schemas.OutcomePromoted, result.Outcome, judged.Reasons)
	require.Equal(s.t, "anna", result.Switch.Champion.Actor)
	require.Equal(s.t, []string{"api-1"}, result.Switch.Confirmed)
	s.readBoard(address, candidate.Digest)
	var live struct {
		Champion schemas.AliasEntry
		Events   []struct{ Event, Actor string }
	}
	require.Equal(s.t, http.StatusOK, s.get(address, "/v1/models/punctuality/live", &live))
	require.Equal(s.t, candidate.Digest, live.Champion.Package.Digest)
	var told []string
	for _, e := range live.Events {
		told = append(told, e.Event+" by "+e.Actor)
	}
	require.Contains(s.t, told, "challenged by test")
	require.Contains(s.t, told, "judged by policy")
	require.Contains(s.t, told, "promoted by anna")
}

// recalibrates gives the champion a calibration of the last whole day and tests it on
// this morning. By itself it finds one day only, and says so.
func (s *system) recalibrates() {
	_, err := execute[map[string]any](s.t.Context(), s.adapters, "recalibrate/{}", schemas.WorkflowRecalibrateModel, map[string]any{})
	require.ErrorContains(s.t, err, "1 whole settled days of the simulation lie after")
	day := func(d rail.Day) schemas.DayRange { return schemas.DayRange{From: string(d), To: string(d.Add(1))} }
	life := do[schemas.LifecycleResult](s, "recalibrate", schemas.WorkflowRecalibrateModel, schemas.RecalibrateInput{
		Days: day(today.Add(-1)), Test: day(today), AsOf: s.asOf, Reason: "test", Gate: &schemas.GatePolicy{MinEvents: 1, MinDays: 1,
			SkillAgainst: schemas.BaselineDB, MinSkill: -1, MinSliceSkill: -1, Champion: schemas.ChampionIgnored, FewDays: schemas.FewDaysWithin}})
	require.Equal(s.t, 4, life.Package.Version)
	require.NotNil(s.t, life.Trained.Recalibrated)
	require.NotNil(s.t, life.Switch, life.Evaluate.Gate.Reasons)
	was := life.Trained.Recalibrated.From
	for _, file := range []string{"/buckets.json", "/cancel.json"} {
		before, _, err := s.objects.Get(s.t.Context(), was.Prefix+file)
		require.NoError(s.t, err)
		after, _, err := s.objects.Get(s.t.Context(), life.Package.Prefix+file)
		require.NoError(s.t, err)
		require.Equal(s.t, before, after, file)
	}
	metrics, err := s.db.RunMetrics(s.t.Context(), life.Trained.RunID)
	require.NoError(s.t, err)
	names := map[string]bool{}
	for _, m := range metrics {
		names[m.Name] = true
	}
	require.True(s.t, names["test_brier_h60"] && names["calibration_log_loss_before"], metrics)
	s.recalibrationCanBeMadeAgain(life)
}
