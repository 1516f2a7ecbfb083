package beat_test

import (
	"context"
	"testing"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"puenktlich/activities/beat"
)

// A step that waits for its own heartbeat ends only where one is sent before the
// first tick, with the details it was given.
func TestTheFirstHeartbeatComesAtOnce(t *testing.T) {
	t.Parallel()
	said := make(chan string, 1)
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var text string
		if err := details.Get(&text); err != nil {
			t.Error(err)
		}
		select {
		case said <- text:
		default: // a later one
		}
	})
	step := func(ctx context.Context) (string, error) {
		defer beat.While(ctx, "scoring")()
		return <-said, nil
	}
	env.RegisterActivity(step)
	result, err := env.ExecuteActivity(step)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	if err := result.Get(&text); err != nil || text != "scoring" {
		t.Errorf("heartbeat %q, %v", text, err)
	}
}

func TestOutsideAnActivityNothingBeats(t *testing.T) {
	t.Parallel()
	asked := false
	beat.Telling(t.Context(), func() []any { asked = true; return nil })()
	if asked {
		t.Error("details were asked for")
	}
}
