package workflows_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/encoding/protojson"

	"puenktlich/workflows"
)

// TestCapturedHistoriesReplay replays what ran before through today's code: a
// change of logic that would strand running workflows fails here. Capture anew
// with: go test ./cmd/puenktlich -run 'TestWholeLoop|TestAFailingChampion|TestARolloutWaits' -update-histories
func TestCapturedHistoriesReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "history", "*.json"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 12, "histories of every workflow type are kept in testdata/history")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			var captured history.History
			require.NoError(t, protojson.Unmarshal(body, &captured))
			require.NotEmpty(t, captured.Events)
			require.NoError(t, replay(&captured))
		})
	}
}

// TestAChangedWorkflowDoesNotReplay is the test of the test: the history of one
// workflow, run as another.
func TestAChangedWorkflowDoesNotReplay(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join("testdata", "history", "settle.json"))
	require.NoError(t, err)
	var captured history.History
	require.NoError(t, protojson.Unmarshal(body, &captured))
	captured.Events[0].GetWorkflowExecutionStartedEventAttributes().WorkflowType.Name = "ScoreBatch"
	require.Error(t, replay(&captured))
}

// replay runs a history under the workflow ID it had.
func replay(captured *history.History) error {
	started := captured.Events[0].GetWorkflowExecutionStartedEventAttributes()
	replayer := worker.NewWorkflowReplayer()
	workflows.RegisterWorkflows(replayer)
	return replayer.ReplayWorkflowHistoryWithOptions(nil, captured, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()}})
}
