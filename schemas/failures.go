package schemas

import "errors"

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

// What reading an object by reference can find out, whatever store holds it.
var (
	// ErrObjectMissing: there is no object under this key.
	ErrObjectMissing = errors.New("object not found")
	// ErrObjectCorrupt: the content is not that of its SHA-256.
	ErrObjectCorrupt = errors.New("object is corrupt")
	// ErrObjectTooLarge: the object is larger than the reader takes.
	ErrObjectTooLarge = errors.New("object is too large")
)
