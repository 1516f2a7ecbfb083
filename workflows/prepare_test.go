package workflows_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"puenktlich/activities/prepare"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

// preparing runs PrepareDataset over three days up to what sealing says, and
// answers its card.
func preparing(t *testing.T, sealed schemas.SealedDataset) (*testsuite.TestWorkflowEnvironment, string) {
	t.Helper()
	env := quiet()
	env.RegisterActivity(&prepare.Activities{})
	plan := schemas.PreparePlan{Days: manyDays(3), Horizons: []int{60}}
	env.OnActivity("PlanDataset", mock.Anything, mock.Anything).Return(plan, nil)
	env.OnActivity("PreparePart", mock.Anything, mock.Anything).Return(schemas.DatasetPart{Events: 1}, nil).Times(3)
	env.OnActivity("SealDataset", mock.Anything, mock.Anything).Return(sealed, nil)
	env.ExecuteWorkflow(workflows.PrepareDataset, schemas.PrepareInput{})
	value, err := env.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(t, value.Get(&metadata))
	return env, metadata.GetCurrentDetails()
}

func TestAnInvalidDataSetStopsTheRunWithItsTable(t *testing.T) {
	t.Parallel()
	sealed := schemas.SealedDataset{State: schemas.DatasetInvalid,
		DatasetRef: schemas.DatasetRef{ID: "0123456789abcdef", Manifest: schemas.ObjectRef{Key: "datasets/0123456789abcdef/manifest/77.json"}},
		Checks: []schemas.Check{
			{Name: "constant", Severity: schemas.SeverityWarning, Found: 1, Findings: []schemas.Finding{{Column: "is_ice", Value: "0 in every row"}}},
			{Name: "ranges", Severity: schemas.SeverityStop, Found: 9, Findings: []schemas.Finding{{Day: "2024-10-30", Column: "station_late", Value: "1.5", Limit: "0 to 1", Where: "7-2410300900-2/arrival at 60 min"}}},
		}}
	env, card := preparing(t, sealed)
	var failure *temporal.ApplicationError
	require.True(t, errors.As(env.GetWorkflowError(), &failure))
	require.Equal(t, string(schemas.FailureValidation), failure.Type())
	require.True(t, failure.NonRetryable())
	for _, text := range []string{failure.Message(), card} {
		for _, want := range []string{"0123456789ab", "datasets/0123456789abcdef/manifest/77.json",
			"| ranges   | stop     | 2024-10-30 | station_late | 1.5            | 0 to 1 | 7-2410300900-2/arrival at 60 min |",
			"and 8 more", "| constant | warning  |            | is_ice       | 0 in every row |"} {
			require.Contains(t, text, want)
		}
	}
}

func TestWarningsStandOnTheCardOfAValidDataSet(t *testing.T) {
	t.Parallel()
	ref := schemas.DatasetRef{ID: "0123456789abcdef", Rows: 900, Events: 300, Late: 75}
	env, card := preparing(t, schemas.SealedDataset{State: schemas.DatasetValid, DatasetRef: ref,
		Checks: []schemas.Check{{Name: "empty_days", Severity: schemas.SeverityWarning, Found: 1, Findings: []schemas.Finding{{Day: "2024-10-30", Value: "0 rows"}}}}})
	require.NoError(t, env.GetWorkflowError())
	var result schemas.DatasetRef
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, ref, result)
	require.Contains(t, card, "| 900 | 300 | 75 (25.0 %) |")
	require.Contains(t, card, "May be used; warnings:\n\n| check      | severity | day        |")
	_, card = preparing(t, schemas.SealedDataset{State: schemas.DatasetValid, DatasetRef: ref})
	require.Contains(t, card, "Every check holds.")
}
