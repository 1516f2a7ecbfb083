package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/collect"
	"puenktlich/activities/failure"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

// files are what an import finds, and what comes of each window of them.
type files struct {
	plan    schemas.ImportPlan
	windows func(in schemas.ImportArchiveInput) (schemas.ImportFileResult, error)
	asked   []schemas.ImportArchiveInput
}

func (f *files) environment() *testsuite.TestWorkflowEnvironment {
	env := new(testsuite.WorkflowTestSuite).NewTestWorkflowEnvironment()
	var steps *collect.Activities
	env.RegisterActivity(steps)
	env.OnActivity(steps.PlanImport, mock.Anything, mock.Anything).Return(f.plan, nil)
	env.OnActivity(steps.ImportArchive, mock.Anything, mock.Anything).After(10 * time.Second).Return(func(_ context.Context, in schemas.ImportArchiveInput) (schemas.ImportFileResult, error) {
		f.asked = append(f.asked, in)
		return f.windows(in)
	})
	return env
}

func rows(n int64) schemas.ImportFileResult {
	return schemas.ImportFileResult{Rows: n, Bytes: 10_000 * n, Counts: schemas.CollectCounts{Planned: int(n)}}
}

// details is the card of a run.
func details(t *testing.T, env *testsuite.TestWorkflowEnvironment) string {
	t.Helper()
	value, err := env.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(t, err)
	var metadata sdk.WorkflowMetadata
	require.NoError(t, value.Get(&metadata))
	return metadata.CurrentDetails
}

// The sums of a file are those of its last window, and every window goes on
// where the one before ended.
func TestImportInWindows(t *testing.T) {
	t.Parallel()
	f := &files{plan: schemas.ImportPlan{Group: "main", Archives: []string{"/d/a.parquet", "/d/b.parquet"}, SizesBytes: []int64{3_000_000, 100_000}}}
	f.windows = func(in schemas.ImportArchiveInput) (schemas.ImportFileResult, error) {
		switch {
		case in.Path == "/d/b.parquet":
			return rows(10), nil
		case in.From == nil:
			part := rows(100)
			part.Next = &schemas.ImportCursor{SHA256: "a", Row: 100}
			return part, nil
		case in.From.Row == 100:
			part := rows(200)
			part.Next = &schemas.ImportCursor{SHA256: "a", Row: 200}
			return part, nil
		}
		return rows(300), nil
	}
	env := f.environment()
	card := ""
	env.RegisterDelayedCallback(func() { card = details(t, env) }, 25*time.Second)
	env.ExecuteWorkflow(workflows.ImportHistory, schemas.ImportInput{Directory: "/d", WindowRows: 100, Provenance: schemas.Provenance{Licence: "CC0"}})
	require.NoError(t, env.GetWorkflowError())
	var got schemas.ImportResult
	require.NoError(t, env.GetWorkflowResult(&got))
	require.Equal(t, schemas.ImportResult{Group: "main", Archives: 2, Rows: 310, Bytes: 3_100_000, Counts: schemas.CollectCounts{Planned: 310}}, got)
	require.Contains(t, card, "### Importing into main\n0 of 2 files\n\n200 rows, 2.0 of 3.1 MB, about 11s left\n") // two windows in 20 s
	require.Contains(t, details(t, env), "2 of 2 files\n\n310 rows, 3.1 of 3.1 MB\n")
	require.Len(t, f.asked, 4)
	require.EqualValues(t, 200, f.asked[2].From.Row)
	require.Nil(t, f.asked[3].From, "another file begins at its beginning")
	require.Equal(t, "CC0", f.asked[3].Provenance.Licence)
	require.EqualValues(t, 100, f.asked[3].WindowRows)
}

// A file that no retry mends does not keep the others out, and what is in of it
// is counted; the run fails with its sentence.
func TestImportOfADamagedFile(t *testing.T) {
	t.Parallel()
	f := &files{plan: schemas.ImportPlan{Group: "main", Archives: []string{"a.tar.zst", "b.tar.zst", "c.parquet"}}}
	f.windows = func(in schemas.ImportArchiveInput) (schemas.ImportFileResult, error) {
		switch in.Path {
		case "a.tar.zst":
			return rows(7), failure.After(rows(7), failure.Integrity(nil, "import a.tar.zst: 7 responses are in, the rest is lost"))
		case "b.tar.zst":
			return rows(5), nil
		}
		return schemas.ImportFileResult{}, failure.Validation("import: c.parquet: column id: got no such column: want text")
	}
	env := f.environment()
	env.ExecuteWorkflow(workflows.ImportHistory, schemas.ImportInput{})
	var said *temporal.ApplicationError
	require.ErrorAs(t, env.GetWorkflowError(), &said)
	const a, c = "import a.tar.zst: 7 responses are in, the rest is lost", "import: c.parquet: column id: got no such column: want text"
	require.Equal(t, a+"\n"+c, said.Message())
	require.Equal(t, string(schemas.FailureIntegrity), said.Type())
	require.Contains(t, details(t, env), "**"+a+"**\n\n**"+c+"**")
	var got schemas.ImportResult
	require.NoError(t, said.Details(&got))
	require.Equal(t, schemas.ImportResult{Group: "main", Archives: 3, Rows: 12, Bytes: 120_000, Counts: schemas.CollectCounts{Planned: 12}, Refused: []string{a, c}}, got)
}

// A run with a long history goes on as a new one, at the window it had reached.
func TestImportGoesOnAsNew(t *testing.T) {
	t.Parallel()
	f := &files{plan: schemas.ImportPlan{Group: "main", Archives: []string{"a.parquet", "b.parquet", "c.parquet"}}}
	f.windows = func(in schemas.ImportArchiveInput) (schemas.ImportFileResult, error) {
		if in.Path == "b.parquet" && in.From == nil {
			part := rows(100)
			part.Next = &schemas.ImportCursor{SHA256: "b", Row: 100}
			return part, nil
		}
		return rows(300), nil
	}
	env := f.environment()
	env.SetContinueAsNewSuggested(true)
	env.ExecuteWorkflow(workflows.ImportHistory, schemas.ImportInput{Directory: "/d"})
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, env.GetWorkflowError(), &next)
	require.Len(t, f.asked, 2)
	var in schemas.ImportInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	// What the next run is given.
	resumed := &files{plan: f.plan, windows: f.windows}
	env = resumed.environment()
	require.Equal(t, "b.parquet", in.Resume.File)
	env.ExecuteWorkflow(workflows.ImportHistory, in)
	require.NoError(t, env.GetWorkflowError())
	var got schemas.ImportResult
	require.NoError(t, env.GetWorkflowResult(&got))
	require.Equal(t, schemas.ImportResult{Group: "main", Archives: 3, Rows: 900, Bytes: 9_000_000, Counts: schemas.CollectCounts{Planned: 900}}, got)
	require.Len(t, resumed.asked, 2)
	require.EqualValues(t, 100, resumed.asked[0].From.Row)
}
