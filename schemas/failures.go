package schemas

// FailureType is the type string of an activity's or workflow's error, on which
// workflows branch and operators search.
type FailureType string

// Failures that no retry can mend.
const (
	FailureInvalidInput   FailureType = "InvalidInput"
	FailureNothingToDo    FailureType = "NothingToDo"
	FailureAlreadyRunning FailureType = "AlreadyRunning"
	FailureValidation     FailureType = "Validation"
	FailureIntegrity      FailureType = "Integrity" // hash, signature or golden rows do not hold
	FailureConflict       FailureType = "Conflict"  // a conditional write lost
	FailureNotFound       FailureType = "NotFound"
)
