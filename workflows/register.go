package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"puenktlich/schemas"
)

// RegisterWorkflows registers every workflow under its type name; production,
// tests and the replayer use it alike.
func RegisterWorkflows(r worker.WorkflowRegistry) {
	for name, run := range map[string]any{
		schemas.WorkflowCollect: Collect, schemas.WorkflowImportHistory: ImportHistory,
		schemas.WorkflowSettleTruth: SettleTruth, schemas.WorkflowPrepareDataset: PrepareDataset,
		schemas.WorkflowTrainModel: TrainModel, schemas.WorkflowEvaluateModel: EvaluateModel,
		schemas.WorkflowPackageModel: PackageModel, schemas.WorkflowModel: Model,
		schemas.WorkflowPromoteModel: PromoteModel, schemas.WorkflowRunLifecycle: RunLifecycle,
		schemas.WorkflowMonitorModel: MonitorModel, schemas.WorkflowScoreBatch: ScoreBatch,
		schemas.WorkflowRecalibrateModel: RecalibrateModel,
		schemas.WorkflowReproduceRun:     ReproduceRun,
		schemas.WorkflowBacktestPolicy:   BacktestPolicy,
	} {
		r.RegisterWorkflowWithOptions(run, workflow.RegisterOptions{Name: name})
	}
}
