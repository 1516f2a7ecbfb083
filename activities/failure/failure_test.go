package failure_test

import (
	"errors"
	"testing"

	"go.temporal.io/sdk/temporal"

	"puenktlich/activities/failure"
	"puenktlich/schemas"
)

func TestFailures(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk full")
	tests := []struct {
		err     error
		kind    schemas.FailureType
		message string
	}{
		{failure.InvalidInput("days %s: %d", "x", 1), schemas.FailureInvalidInput, "days x: 1"},
		{failure.NothingToDo("nothing"), schemas.FailureNothingToDo, "nothing"},
		{failure.Validation("100 %% late"), schemas.FailureValidation, "100 % late"},
		{failure.Integrity(cause, "run %s", "r1"), schemas.FailureIntegrity, "run r1: disk full"},
		{failure.Conflict(cause, "alias"), schemas.FailureConflict, "alias: disk full"},
		{failure.NotFound(nil, "archive"), schemas.FailureNotFound, "archive"},
	}
	for _, test := range tests {
		application, ok := test.err.(*temporal.ApplicationError)
		if !ok || application.Type() != string(test.kind) || !application.NonRetryable() || application.Message() != test.message {
			t.Errorf("%v (%T), want %s of type %s, never retried", test.err, test.err, test.message, test.kind)
		}
	}
}
