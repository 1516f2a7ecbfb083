package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"puenktlich/activities/prepare"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

// The hourly settlement tells the model's workflow that there is more truth; one
// as of a moment does not.
func TestTheHourlySettlementTicks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)
	for _, in := range []schemas.SettleInput{{}, {AsOf: now}} {
		env := quiet()
		env.RegisterActivity(&prepare.Activities{})
		env.OnActivity("PlanSettlement", mock.Anything, mock.Anything).Return(schemas.SettlePlan{Days: []string{"2026-03-05"}, AsOf: now}, nil)
		env.OnActivity("SettleDay", mock.Anything, mock.Anything).Return(schemas.SettleCounts{}, nil)
		ticks := 0
		env.OnSignalExternalWorkflow(mock.Anything, "model/punctuality", "", schemas.SignalTick, schemas.Tick{AsOf: now}).Return(func(string, string, string, string, any) error {
			ticks++
			return nil
		}).Maybe()
		env.ExecuteWorkflow(workflows.SettleTruth, in)
		require.NoError(t, env.GetWorkflowError())
		require.Equal(t, in.AsOf.IsZero(), ticks == 1, "%d ticks", ticks)
	}
}
