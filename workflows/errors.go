package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"

	"puenktlich/schemas"
)

// readable makes the innermost reason the workflow's own failure, so that an
// operator reads one sentence and not the path it took.
func readable(err error) error {
	if err == nil || temporal.IsCanceledError(err) {
		return err
	}
	var reason *temporal.ApplicationError
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		var application *temporal.ApplicationError
		if errors.As(cause, &application) {
			reason = application
			cause = application
		}
	}
	if reason == nil {
		return err
	}
	return temporal.NewNonRetryableApplicationError(reason.Message(), reason.Type(), nil)
}

// refuse fails a workflow with a sentence.
func refuse(kind schemas.FailureType, format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), string(kind), nil)
}

// alreadyRunning says that a child's ID is taken by a run that has not ended.
func alreadyRunning(err error) bool {
	return temporal.IsWorkflowExecutionAlreadyStartedError(err)
}
