package schemas

import "time"

// RecalibrateInput asks for a new version with the trees of an existing one and a
// new calibration.
type RecalibrateInput struct {
	Model string `json:"model,omitempty"`
	// Package defaults to the present champion.
	Package PackageRef `json:"package,omitzero"`
	// Days to calibrate on and Test days after them. They default to the newest
	// settled days that the trees were not trained on: the newest fifth of these
	// (at least one, at most seven) for the test, at most 14 before it to calibrate.
	Days   DayRange  `json:"days,omitzero"`
	Test   DayRange  `json:"test,omitzero"`
	AsOf   time.Time `json:"as_of,omitzero"`
	Reason string    `json:"reason,omitempty"`
	// Actor defaults to "unauthenticated UI".
	Actor string `json:"actor,omitempty"`
	// KeepChampion evaluates and packages without promoting.
	KeepChampion bool `json:"keep_champion,omitempty"`
	// Gate replaces the limits the worker was configured with.
	Gate *GatePolicy `json:"gate,omitempty"`
}

// RecalibratePlan is a RecalibrateInput with every default filled in.
type RecalibratePlan struct {
	Package PackageRef `json:"package"`
	// Trained are the days of the trees.
	Trained DayRange  `json:"trained"`
	Days    DayRange  `json:"days"`
	Test    DayRange  `json:"test"`
	AsOf    time.Time `json:"as_of"`
}

// RecalibrateStep is one activity: the new calibration.
type RecalibrateStep struct {
	Plan    RecalibratePlan `json:"plan"`
	Dataset DatasetRef      `json:"dataset"`
	RunID   string          `json:"run_id"`
	// Actor and Reason are recorded with the run.
	Actor  string `json:"actor,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Recalibration says how a model came from another by calibration alone.
type Recalibration struct {
	From   PackageRef `json:"from"`
	Days   DayRange   `json:"days"` // calibrated on; the test days lie after them
	Events int        `json:"events"`
	// Method was chosen by the log loss out of fold of the Tried.
	Method string              `json:"method"`
	Tried  []CalibrationMethod `json:"tried"`
	// LogLossBefore is that of the former calibration on the same days, and
	// LogLossFitted that of the new one on the days it was fitted on.
	LogLossBefore float64 `json:"log_loss_before"`
	LogLossFitted float64 `json:"log_loss_fitted"`
	// CancelMethod calibrates P(cancelled); empty where the former calibration
	// stays, for lack of cancellations on these days or of trees that forecast them.
	CancelMethod string `json:"cancel_method,omitempty"`
	// TrainedOn is the data set of the trees.
	TrainedOn DatasetRef `json:"trained_on"`
}

// CalibrationMethod is one way to calibrate, judged on days it was not fitted on.
type CalibrationMethod struct {
	Method  string  `json:"method"`
	LogLoss float64 `json:"log_loss"`
	Rows    int     `json:"rows"`
	Note    string  `json:"note,omitempty"` // why it was not judged
}
