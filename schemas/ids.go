package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// DefaultModel is the model that answers where a request names none.
const DefaultModel = "punctuality"

// DefaultGroup is the station group of a collection that names none.
const DefaultGroup = "main"

// Workflow types, as an operator types them in the Temporal UI.
const (
	WorkflowCollect        = "Collect"
	WorkflowImportHistory  = "ImportHistory"
	WorkflowSettleTruth    = "SettleTruth"
	WorkflowPrepareDataset = "PrepareDataset"
	WorkflowTrainModel     = "TrainModel"
	WorkflowEvaluateModel  = "EvaluateModel"
	WorkflowPackageModel   = "PackageModel"
	WorkflowModel          = "Model"
	WorkflowPromoteModel   = "PromoteModel"
	WorkflowRunLifecycle   = "RunLifecycle"
	WorkflowMonitorModel   = "MonitorModel"
	WorkflowScoreBatch     = "ScoreBatch"

	WorkflowRecalibrateModel = "RecalibrateModel"
	WorkflowReproduceRun     = "ReproduceRun"
)

// CollectID names the one collection of a station group.
func CollectID(group string) string { return "collect/" + group }

// ModelID names the one long-lived workflow of a model.
func ModelID(model string) string { return "model/" + model }

// LifecycleID names the one lifecycle of a model that may run at a time.
func LifecycleID(model string) string { return "lifecycle/" + model }

// RecalibrateID names the one recalibration of a model that a verdict starts.
func RecalibrateID(model string) string { return "recalibrate/" + model }

// VerdictID names the verdict of a run of MonitorModel.
func VerdictID(workflowRunID string) string { return "verdict/" + workflowRunID }

// ReportKey is where the report of a night lies, one a verdict.
func ReportKey(model, day, verdict string) string {
	return fmt.Sprintf("reports/%s/%s/%s.html", model, day, strings.TrimPrefix(verdict, "verdict/"))
}

// EvidenceKey is where what is handed over lies.
func EvidenceKey(model, day, verdict string) string {
	return fmt.Sprintf("evidence/%s/%s/%s.zip", model, day, strings.TrimPrefix(verdict, "verdict/"))
}

// PolicyKey is where a policy lies, under the hash of its canonical form.
func PolicyKey(sha256 string) string { return "policies/" + sha256 + ".json" }

// PromoteID names the one rollout that a lifecycle of a model starts.
func PromoteID(model string) string { return "promote/" + model }

// StepID names a child after its parent and what it does.
func StepID(parent, step string) string { return parent + "/" + step }

// PackageID is the run that packages a trained run once more.
func PackageID(run string) string { return "package/" + run }

// ReproduceID names the one reproduction of a run that may be under way.
func ReproduceID(run string) string { return "reproduce/" + run }

// RunID names the n-th experiment run of a workflow run: a hash, so that its
// first few characters already tell it from others, also from those beside it.
func RunID(workflowRunID string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", workflowRunID, n))
	return hex.EncodeToString(sum[:8])
}

// Search attributes, all keywords, registered before any worker starts.
const (
	AttributeModel    = "PuenktlichModel"
	AttributeVersion  = "PuenktlichVersion"
	AttributeDataset  = "PuenktlichDataset"
	AttributeStage    = "PuenktlichStage"
	AttributeDecision = "PuenktlichDecision"
	AttributeGroup    = "PuenktlichGroup"
)

// SearchAttributes lists every attribute above.
func SearchAttributes() []string {
	return []string{AttributeModel, AttributeVersion, AttributeDataset, AttributeStage, AttributeDecision, AttributeGroup}
}

// BatchPrefix is where files lie that were uploaded to be forecast.
const BatchPrefix = "batch/"

// DatasetPrefix is where parts and manifests of data sets lie.
const DatasetPrefix = "datasets/"

// ManifestPrefix is where the manifests of a data set lie, each under its hash.
func ManifestPrefix(dataset string) string { return DatasetPrefix + dataset + "/manifest/" }

// TrainedPrefix is where a run keeps the TrainedModel it ended with.
func TrainedPrefix(run string) string { return "runs/" + run + "/trained/" }

// EvaluationPrefix is where a run keeps the reports of its evaluations.
func EvaluationPrefix(run string) string { return "runs/" + run + "/evaluation/" }
