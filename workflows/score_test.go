package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"puenktlich/activities/failure"
	"puenktlich/activities/score"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

// scoring is a score pool that counts what is under way.
type scoring struct {
	plan  schemas.ScorePlan
	fails map[int]error // by part, once
	mu    sync.Mutex
	asked []int
}

func (s *scoring) part(_ context.Context, in schemas.ScorePartInput) (schemas.ScorePartResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, in.Part)
	if err := s.fails[in.Part]; err != nil {
		delete(s.fails, in.Part)
		return schemas.ScorePartResult{}, err
	}
	return schemas.ScorePartResult{Events: 2, Predictions: 10}, nil
}

func (s *scoring) environment() *testsuite.TestWorkflowEnvironment {
	env := new(testsuite.WorkflowTestSuite).NewTestWorkflowEnvironment()
	var steps *score.Activities
	env.RegisterActivity(steps)
	env.OnActivity(steps.PlanScore, mock.Anything, mock.Anything).Return(s.plan, nil)
	env.OnActivity(steps.ScoreRows, mock.Anything, mock.Anything).Return(s.part)
	env.OnActivity(steps.ScoreWindow, mock.Anything, mock.Anything).Return(s.part)
	env.OnActivity(steps.FinishScore, mock.Anything, mock.Anything).Return(schemas.ObjectRef{Key: "manifest"}, nil)
	return env
}

// All parts of a file are forecast once, one that a worker lost again.
func TestScoreBatchOfAFile(t *testing.T) {
	t.Parallel()
	s := &scoring{plan: schemas.ScorePlan{Input: &schemas.ObjectRef{Key: "v.parquet", Rows: 101}, PartRows: 2, Package: schemas.PackageRef{Model: "m", Version: 3}}, fails: map[int]error{7: errors.New("the worker was lost")}}
	env := s.environment()
	env.ExecuteWorkflow(workflows.ScoreBatch, schemas.ScoreBatchInput{File: "v.parquet"})
	require.NoError(t, env.GetWorkflowError())
	var got schemas.ScoreBatchResult
	require.NoError(t, env.GetWorkflowResult(&got))
	require.Equal(t, schemas.ScoreBatchResult{Package: s.plan.Package, Events: 102, Predictions: 510, Parts: 51, Input: s.plan.Input, Output: &schemas.ObjectRef{Key: "manifest"}}, got)
	times := map[int]int{}
	for _, part := range s.asked {
		times[part]++
	}
	require.Len(t, times, 51)
	require.Equal(t, 2, times[7])
	require.Len(t, s.asked, 52, "no other part is forecast again")
	require.Contains(t, details(t, env), "### Forecasting v.parquet\nby m@3: 51 of 51 parts, 510 forecasts\n")
}

// A part that no retry mends fails the run with its sentence.
func TestScoreBatchOfADamagedFile(t *testing.T) {
	t.Parallel()
	s := &scoring{plan: schemas.ScorePlan{Input: &schemas.ObjectRef{Key: "v.parquet", Rows: 4}, PartRows: 2}, fails: map[int]error{1: failure.Validation("score v.parquet: row 3, delay: +Inf is infinite")}}
	env := s.environment()
	env.ExecuteWorkflow(workflows.ScoreBatch, schemas.ScoreBatchInput{File: "v.parquet"})
	require.ErrorContains(t, env.GetWorkflowError(), "score v.parquet: row 3, delay: +Inf is infinite")
}

// A day is forecast in its windows; one without any says so.
func TestScoreBatchOfADay(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 10, 29, 12, 0, 0, 0, time.UTC)
	for n, want := range map[int]schemas.ScoreBatchResult{
		0: {Day: "2024-10-29", Note: "no event is planned on 2024-10-29 whose forecast was due by 2024-10-29T12:00:00Z"},
		3: {Day: "2024-10-29", Parts: 3, Events: 6, Predictions: 30},
	} {
		s := &scoring{plan: schemas.ScorePlan{Day: "2024-10-29", AsOf: at, Windows: make([]schemas.Window, n)}}
		env := s.environment()
		env.ExecuteWorkflow(workflows.ScoreBatch, schemas.ScoreBatchInput{})
		require.NoError(t, env.GetWorkflowError())
		var got schemas.ScoreBatchResult
		require.NoError(t, env.GetWorkflowResult(&got))
		require.Equal(t, want, got, fmt.Sprint(n, " windows"))
	}
}
