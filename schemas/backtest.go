package schemas

import "time"

// WorkflowBacktestPolicy replays nights through the workflows that run in
// production.
const WorkflowBacktestPolicy = "BacktestPolicy"

// BacktestID names the one backtest of a name that may run at a time.
func BacktestID(name string) string { return "backtest/" + name }

// QueryNights answers the nights of a backtest so far, []BacktestNight.
const QueryNights = "nights"

// QueryRollout answers how far a rollout is, a RolloutStatus.
const QueryRollout = "rollout"

// RolloutStatus is how far a rollout is.
type RolloutStatus struct {
	Stage Stage `json:"stage,omitempty"`
	// Through is the moment it judged at last, and Waiting says that it waits
	// for a later one or for a person.
	Through time.Time `json:"through,omitzero"`
	Waiting bool      `json:"waiting"`
}

// BacktestInput asks for nights of a source to be lived through again: truth is
// settled, the day is forecast and judged, and what the verdict starts runs to
// its end, at a moment of domain time that goes on night by night.
type BacktestInput struct {
	// Name of the backtest: a model of each contender is called NAME-CONTENDER.
	Name string `json:"name"`
	// First is the lifecycle of the first model of every contender; its Train
	// and Test are required.
	First LifecycleInput `json:"first"`
	// Nights are the days that are judged, each at three in the morning after it.
	Nights     DayRange    `json:"nights"`
	Contenders []Contender `json:"contenders"`
	// Grading says what is to be compared; nil compares nothing.
	Grading *Grading `json:"grading,omitempty"`
	// Resume is set by a run that goes on as a new one.
	Resume *BacktestResume `json:"resume,omitempty"`
}

// Contender is one way to run a model: what its nights lead to.
type Contender struct {
	Name string `json:"name"`
	// Frozen keeps the first model, whatever the verdicts say.
	Frozen bool `json:"frozen,omitempty"`
	// Policy or PolicyFile, the text of a file, stand in for the configured
	// policy, see MonitorInput.
	Policy     Policy `json:"policy,omitzero"`
	PolicyFile string `json:"policy_file,omitempty"`
	// Retrain is what a lifecycle of a verdict is given, see MonitorInput.
	Retrain *LifecycleInput `json:"retrain,omitempty"`
}

// Grading says how much of a loss the contenders recovered, against an oracle:
// a model trained on days of the changed world that no contender knew.
type Grading struct {
	// Changed is the first day of the changed world; only the grade reads it.
	Changed string `json:"changed"`
	// MinEvents of the changed world with a truth make enough new data; the
	// first day by whose end there are as many is day 0.
	MinEvents int `json:"min_events"`
	// From and To are the graded days counted from day 0, both included.
	From int `json:"from"`
	To   int `json:"to"`
	// OracleDays after the last graded day train the oracle, and OracleTestDays
	// after those test it.
	OracleDays     int `json:"oracle_days"`
	OracleTestDays int `json:"oracle_test_days"`
}

// BacktestResume is how far the runs before this one came.
type BacktestResume struct {
	Next   string          `json:"next"` // night to begin with
	Kept   []ObjectRef     `json:"kept"` // lists of nights
	Nights []BacktestNight `json:"nights"`
	Begun  time.Time       `json:"begun"` // server's time
}

// BacktestNight is one night of one contender.
type BacktestNight struct {
	Contender string `json:"contender"`
	Day       string `json:"day"`
	Version   int    `json:"version"` // that forecast the day
	// Forecasts with a truth: events times horizons.
	Forecasts     int      `json:"forecasts"`
	Brier         *float64 `json:"brier"`
	BrierExpected *float64 `json:"brier_expected,omitempty"`
	BrierBaseline *float64 `json:"brier_db_forecast_calibrated,omitempty"`
	// LateRate is the share late, MeanForecast the mean P(late), of the same forecasts.
	LateRate     *float64 `json:"late_rate,omitempty"`
	MeanForecast *float64 `json:"mean_forecast,omitempty"`
	// Beyond names the signals beyond their limit.
	Beyond []SignalName `json:"beyond,omitempty"`
	// Values and Limits are the night's signals, to four digits.
	Values  map[SignalName]float64 `json:"values,omitempty"`
	Limits  map[SignalName]float64 `json:"limits,omitempty"`
	Verdict VerdictKind            `json:"verdict"`
	// Rules are those that fire; Reason is that of the one that led to the
	// verdict.
	Rules  []string `json:"rules,omitempty"`
	Reason string   `json:"reason,omitempty"`
	// Started is the workflow that the verdict started or joined, Decision what
	// came of it, Trained the version it made.
	Started  string `json:"started,omitempty"`
	Decision string `json:"decision,omitempty"`
	Trained  int    `json:"trained,omitempty"`
	// Rollout is the stage of a rollout under way after the night.
	Rollout Stage `json:"rollout,omitempty"`
	// Champion is the version that serves after the night.
	Champion int `json:"champion"`
	// Seconds of real time the night took, ActionSeconds of them for what the
	// verdict started.
	Seconds       float64 `json:"seconds"`
	ActionSeconds float64 `json:"action_seconds,omitempty"`
}

// CloseNightInput is one activity: wait for what a verdict started and for the
// rollout under way, so that the next night begins after them.
type CloseNightInput struct {
	Model string        `json:"model"`
	AsOf  time.Time     `json:"as_of"`
	Night BacktestNight `json:"night"`
}

// GradedDays is where grading looks, and where the oracle comes from.
type GradedDays struct {
	Enough string   `json:"enough"` // day 0
	Events int      `json:"events"` // of the changed world through its end
	Graded DayRange `json:"graded"`
	Train  DayRange `json:"train"` // of the oracle
	Test   DayRange `json:"test"`
}

// GradeInput is one activity: all forecasts of all contenders on the same
// events, and the report.
type GradeInput struct {
	Input  BacktestInput   `json:"input"`
	Kept   []ObjectRef     `json:"kept"`
	Nights []BacktestNight `json:"nights"`
	Graded *GradedDays     `json:"graded,omitempty"`
	// AsOf hides truth settled later.
	AsOf    time.Time `json:"as_of"`
	Seconds float64   `json:"seconds"` // of the whole backtest
}

// BacktestResult points at the report.
type BacktestResult struct {
	Report ObjectRef `json:"report"` // a BacktestReport
	Nights int       `json:"nights"` // contenders times days
	// Retrained counts the versions trained because of a verdict, by contender
	// in the order of the input.
	Retrained []int  `json:"retrained"`
	Note      string `json:"note,omitempty"`
}

// BacktestReport is everything a backtest found.
type BacktestReport struct {
	Name       string          `json:"name"`
	First      LifecycleInput  `json:"first"`
	Days       DayRange        `json:"days"`
	Contenders []Contender     `json:"contenders"`
	Grading    *Grading        `json:"grading,omitempty"`
	Graded     *GradedDays     `json:"graded,omitempty"`
	Scores     []BacktestDay   `json:"scores"`
	Nights     []BacktestNight `json:"nights"`
	Seconds    float64         `json:"seconds"`
}

// OracleName is the contender that knows the changed world.
const OracleName = "oracle"

// BacktestDay is one day's forecasts of all contenders on the same events and
// horizons.
type BacktestDay struct {
	Day       string  `json:"day"`
	Events    int     `json:"events"`
	Forecasts int     `json:"forecasts"` // of each contender
	LateRate  float64 `json:"late_rate"`
	// Brier by contender, on the forecasts that all of that day's have made.
	Brier map[string]float64 `json:"brier"`
	// Baseline is the railway's forecast as the first contender's package
	// calibrates it.
	Baseline float64 `json:"baseline"`
}
