// Package failure constructs activity errors: each constructor fixes the type
// string, on which workflows branch, and whether a retry makes sense.
package failure

import (
	"fmt"

	"go.temporal.io/sdk/temporal"

	"puenktlich/schemas"
)

// InvalidInput says which field of the input is wrong and what to write instead.
func InvalidInput(format string, args ...any) error {
	return final(schemas.FailureInvalidInput, nil, format, args...)
}

// NothingToDo says what is missing before the step makes sense.
func NothingToDo(format string, args ...any) error {
	return final(schemas.FailureNothingToDo, nil, format, args...)
}

// Validation says which checks of the data failed.
func Validation(format string, args ...any) error {
	return final(schemas.FailureValidation, nil, format, args...)
}

// Integrity says which hash, signature or golden row does not hold.
func Integrity(cause error, format string, args ...any) error {
	return final(schemas.FailureIntegrity, cause, format, args...)
}

// Conflict says which conditional write lost against whom.
func Conflict(cause error, format string, args ...any) error {
	return final(schemas.FailureConflict, cause, format, args...)
}

// NotFound says what does not exist.
func NotFound(cause error, format string, args ...any) error {
	return final(schemas.FailureNotFound, cause, format, args...)
}

// After adds to a failure what was done before it, which a workflow reads from
// the details of the error.
func After(done any, err error) error {
	said, ok := err.(*temporal.ApplicationError)
	if !ok {
		return err
	}
	return temporal.NewNonRetryableApplicationError(said.Message(), said.Type(), nil, done)
}

func final(kind schemas.FailureType, cause error, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if cause != nil {
		message += ": " + cause.Error()
	}
	return temporal.NewNonRetryableApplicationError(message, string(kind), nil)
}
