package schemas

import "time"

// MonitorInput asks for the verdict on one day of a model's predictions.
type MonitorInput struct {
	Model string    `json:"model,omitempty"`
	Day   string    `json:"day,omitempty"` // defaults to the newest settled day
	AsOf  time.Time `json:"as_of,omitzero"`
	// Light measures the running day, without judging it: scores of what has
	// settled, estimates of what has not, counts of features by hour.
	Light bool `json:"light,omitempty"`
	// DryRun decides without starting anything.
	DryRun bool `json:"dry_run,omitempty"`
	// Policy is a few limits in place of the configured policy; a zero one leaves
	// that in force. Every rule of it acts after one night and costs nothing.
	Policy Policy `json:"policy,omitzero"`
	// PolicyFile is the text of a policy file in place of the configured one.
	PolicyFile string `json:"policy_file,omitempty"`
	// Retrain is what a lifecycle that the verdict starts is given, beside the
	// model, the moment and the reason: days, candidates, rollout.
	Retrain *LifecycleInput `json:"retrain,omitempty"`
}

// Policy is the rule of a night. Zero fields take DefaultPolicy's values.
type Policy struct {
	MinEvents    int     `json:"min_events"`     // below it: nothing, "not enough events"
	MaxBrierLoss float64 `json:"max_brier_loss"` // today's Brier over the evaluation's, retrain above
	MinSkill     float64 `json:"min_skill"`      // against the railway's calibrated forecast, retrain below
	MaxPSI       float64 `json:"max_psi"`        // per feature, and above the feature's own limit; alert
	AlertDrifted float64 `json:"alert_drifted"`  // share of drifted features, alert above: of many, some always look strange
	MaxDrifted   float64 `json:"max_drifted"`    // share of drifted features, retrain above
}

// DefaultPolicy is what an empty policy means.
func DefaultPolicy() Policy {
	return Policy{MinEvents: 200, MaxBrierLoss: 1.25, MinSkill: -0.05, MaxPSI: 0.25, AlertDrifted: 0.1, MaxDrifted: 0.3}
}

// VerdictKind is what a night leads to.
type VerdictKind string

// The verdicts.
const (
	VerdictNothing     VerdictKind = "nothing"
	VerdictAlert       VerdictKind = "alert"
	VerdictRecalibrate VerdictKind = "recalibrate" // the same trees, a new calibration
	VerdictRetrain     VerdictKind = "retrain"
	VerdictSearch      VerdictKind = "search"   // retrain, with new hyper-parameters
	VerdictHandover    VerdictKind = "handover" // evidence for data science: learning does not mend it
	VerdictRollback    VerdictKind = "rollback" // the champion before
)

// VerdictKinds lists them; where several are due, the last is taken.
func VerdictKinds() []VerdictKind {
	return []VerdictKind{VerdictNothing, VerdictAlert, VerdictRecalibrate, VerdictRetrain, VerdictSearch, VerdictHandover, VerdictRollback}
}

// FeatureDrift is one feature's distance from its training reference.
type FeatureDrift struct {
	Feature string  `json:"feature"`
	PSI     float64 `json:"psi"`
	// Limit is the PSI that days of training reached among themselves, with a
	// margin; below it a day is an ordinary one.
	Limit       float64 `json:"limit"`
	KS          float64 `json:"ks"`
	JS          float64 `json:"js"`
	MissingNow  float64 `json:"missing_now"`
	MissingThen float64 `json:"missing_then"`
	// Importance is the feature's share in the gain of the model's splits.
	Importance float64 `json:"importance"`
	// P is the probability of an ordinary day as far away, adjusted for the number
	// of features looked at.
	P float64 `json:"p"`
	// Drifted says that the day is no ordinary one, and by an amount that matters.
	Drifted bool `json:"drifted,omitempty"`
}

// Signals are the numbers a verdict is made from; the verdict is a pure
// function of them and the policy.
type Signals struct {
	Model         string         `json:"model"`
	Version       int            `json:"version"`
	Digest        string         `json:"digest"`
	Day           string         `json:"day"`
	AsOf          time.Time      `json:"as_of"`
	Source        string         `json:"source"` // panel, or batch where the panel has none of this version
	Events        int            `json:"events"` // event-horizon rows scored on truth
	Predictions   int            `json:"predictions"`
	Brier         *float64       `json:"brier"`
	BrierBaseline *float64       `json:"brier_db_forecast_calibrated"` // the railway's forecast, calibrated
	BrierExpected *float64       `json:"brier_expected"`               // of the evaluation, same horizons
	Skill         *float64       `json:"skill"`                        // against BrierBaseline
	ECE           *float64       `json:"ece"`
	LateRate      *float64       `json:"late_rate"`
	MeanForecast  *float64       `json:"mean_forecast"` // mean P(late), of the same forecasts
	Drift         []FeatureDrift `json:"drift"`
	Horizons      []int          `json:"horizons"`
	// Signals are what a policy looks at, every name once, in the order of
	// SignalNames; details stand in ClickHouse.
	Signals []Signal `json:"signals"`
	// Fault says why nothing could be measured: the package is gone or broken.
	Fault string `json:"fault,omitempty"`
	// ChampionSince and PreviousVersion are of the registry; 0 where there was no
	// champion before.
	ChampionSince   time.Time `json:"champion_since,omitzero"`
	PreviousVersion int       `json:"previous_version,omitempty"`
}

// Signal is the signal of a name; nil where the night has none.
func (s Signals) Signal(name SignalName) *Signal {
	for i := range s.Signals {
		if s.Signals[i].Name == name {
			return &s.Signals[i]
		}
	}
	return nil
}

// Verdict is a night's decision and its reasons.
type Verdict struct {
	Kind VerdictKind `json:"kind"`
	// Rule led to it; empty for nothing.
	Rule     string        `json:"rule,omitempty"`
	Severity AlertSeverity `json:"severity,omitempty"` // the worst of the rules that fire
	Reasons  []string      `json:"reasons"`
	// Rules are how each rule of the policy stands.
	Rules  []RuleState `json:"rules,omitempty"`
	Policy PolicyRef   `json:"policy,omitzero"`
	// Nights are the verdicts before it whose signals it looked at, oldest first.
	Nights []string `json:"nights,omitempty"`
	// Taken are the verdicts before it whose actions it counted.
	Taken []string `json:"taken,omitempty"`
	// Lifecycle is what the policy gives to a retraining or a search.
	Lifecycle *LifecycleInput `json:"lifecycle,omitempty"`
	// Change is the first day of the changed world, as the rule that led to a
	// retraining or a search saw it.
	Change string `json:"change,omitempty"`
	// Follows is the rule whose retraining is followed up.
	Follows string `json:"follows,omitempty"`
}

// RuleFollowUp stands for the follow_up of a policy's rules among those of a verdict.
const RuleFollowUp = "follow-up"

// PolicyRef names a policy.
type PolicyRef struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	SHA256  string `json:"sha256"` // of its canonical form
}

// RuleStand is how a rule stands.
type RuleStand string

// The stands.
const (
	RuleFires   RuleStand = "fires"
	RuleQuiet   RuleStand = "quiet"
	RuleUnknown RuleStand = "unknown" // tonight could not be measured
)

// RuleState is one rule of one night.
type RuleState struct {
	Rule     string        `json:"rule"`
	State    RuleStand     `json:"state"`
	Then     VerdictKind   `json:"then"`
	Severity AlertSeverity `json:"severity,omitempty"`
	// Since is AsOf of the night on which it began to hold; zero while it does not.
	Since time.Time `json:"since,omitzero"`
	// Change is the first day that the rule counts: the world is another one since
	// then. Empty while it does not hold.
	Change string `json:"change,omitempty"`
	// Follows is the rule whose retraining is followed up.
	Follows string `json:"follows,omitempty"`
	Reason  string `json:"reason"` // each number it looked at
	Why     string `json:"why,omitempty"`
	Holds   bool   `json:"holds,omitempty"` // forbids changes of the model
}

// Act is what became of a verdict.
type Act string

// The acts. A verdict that asks for nothing has none.
const (
	ActStarted Act = "started"
	ActJoined  Act = "joined" // one that was under way
	ActFailed  Act = "failed"
)

// MonitorResult is stored as it is.
type MonitorResult struct {
	Signals Signals `json:"signals"`
	Verdict Verdict `json:"verdict"`
	// Lifecycle is the workflow that was started or joined.
	Lifecycle string `json:"lifecycle,omitempty"`
	Act       Act    `json:"act,omitempty"`
	// Note says what came of it: the version rolled back to, what failed.
	Note string `json:"note,omitempty"`
	// Evidence and Report are objects of the bucket.
	Evidence string `json:"evidence,omitempty"`
	Report   string `json:"report,omitempty"`
}
