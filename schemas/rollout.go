package schemas

import (
	"cmp"
	"time"
)

// Mode is how a challenger is tried beside the champion.
type Mode string

// The modes.
const (
	ModeShadow Mode = "shadow" // forecasts what the champion forecasts and answers nobody
	ModeCanary Mode = "canary" // answers a share of the trips as well
)

// ChallengerEntry is what the alias challenger points at, and why.
type ChallengerEntry struct {
	AliasEntry
	Mode Mode `json:"mode"`
	// Share of the trips a canary answers, 0 to 1.
	Share float64 `json:"share,omitempty"`
}

// Approval says who lets a challenger become champion.
type Approval string

// The approvals.
const (
	ApprovalAutomatic Approval = "automatic" // the gates alone
	ApprovalRequired  Approval = "required"  // the gates, and then the update approve
)

// Rollout is what lies between a package and being champion. A stage of zero
// days is left out.
type Rollout struct {
	// ShadowDays and CanaryDays are whole service days with settled truth.
	ShadowDays  int     `json:"shadow_days"`
	CanaryDays  int     `json:"canary_days"`
	CanaryShare float64 `json:"canary_share"` // of trips, 0 to 1
	// WatchDays is how long the champion before stays in shadow after a switch;
	// where it is clearly better it comes back by itself.
	WatchDays int `json:"watch_days"`
	// MinEvents is how many events with a truth a judgement needs.
	MinEvents int `json:"min_events"`
	// MaxLoss is the Brier score by which a challenger may be worse at the upper
	// end of the interval.
	MaxLoss float64 `json:"max_loss"`
	// PatienceDays ends a stage that cannot be decided.
	PatienceDays int `json:"patience_days"`
	// MaxErrorRate and MaxP99Millis end a rollout, and take a watched champion back,
	// once MinForecasts were counted: failures by all, and the time that at most
	// 1 % may take longer than, one of LatencyEdges. 0 is no limit; in an input it
	// takes the configured one. They hold as long as the package is tried and watched.
	MaxErrorRate float64  `json:"max_error_rate,omitempty"`
	MaxP99Millis int      `json:"max_p99_ms,omitempty"`
	MinForecasts int      `json:"min_forecasts,omitempty"`
	Approval     Approval `json:"approval"`
	// ApprovalDays is how many days of domain time a required approval is waited
	// for; then the package is rejected. 0 in an input takes the configured number.
	ApprovalDays int `json:"approval_days,omitempty"`
}

// Or fills in the limits that a rollout leaves to the configured one.
func (r Rollout) Or(configured Rollout) Rollout {
	r.MaxErrorRate = cmp.Or(r.MaxErrorRate, configured.MaxErrorRate)
	r.MaxP99Millis = cmp.Or(r.MaxP99Millis, configured.MaxP99Millis)
	r.MinForecasts = cmp.Or(r.MinForecasts, configured.MinForecasts)
	r.ApprovalDays = cmp.Or(r.ApprovalDays, configured.ApprovalDays)
	return r
}

// Immediate says that a package whose checks hold is champion at once.
func (r Rollout) Immediate() bool {
	return r.ShadowDays == 0 && r.CanaryDays == 0 && r.Approval != ApprovalRequired
}

// RolloutPlan is a rollout with every default filled in.
type RolloutPlan struct {
	Rollout  Rollout     `json:"rollout"`
	Package  PackageRef  `json:"package"`
	Champion *PackageRef `json:"champion,omitempty"` // nil before the first
	AsOf     time.Time   `json:"as_of"`
}

// Immediate says that nothing stands between the package and the alias. The
// first package of a name has nobody to be compared with.
func (p RolloutPlan) Immediate() bool { return p.Champion == nil || p.Rollout.Immediate() }

// Ends says that a promotion ends by itself, without waiting for truth or for a
// person.
func (p RolloutPlan) Ends() bool {
	return p.Immediate() && (p.Champion == nil || p.Rollout.WatchDays == 0)
}

// Names of further updates and signals of the Model workflow.
const (
	UpdateChallenge = "challenge" // put a package beside the champion; none takes it away
	UpdateApprove   = "approve"   // let the challenger become champion
	UpdateReject    = "reject"    // end its rollout
	SignalTick      = "tick"      // truth may have settled: judge again
	SignalOpinion   = "opinion"   // what the model's workflow hands to the rollout
)

// ChallengeRequest is the update that sets the alias challenger, or clears it
// where the mode is empty.
type ChallengeRequest struct {
	Package  PackageRef `json:"package"`
	Mode     Mode       `json:"mode,omitempty"`
	Share    float64    `json:"share,omitempty"`
	Actor    string     `json:"actor"`
	Reason   string     `json:"reason"`
	Evidence string     `json:"evidence,omitempty"`
	At       time.Time  `json:"at,omitzero"`
	// Rollout is the workflow that tries the challenger, Plan what it goes through.
	Rollout string   `json:"rollout,omitempty"`
	Plan    *Rollout `json:"plan,omitempty"`
}

// ChallengeInput is one activity: the conditional write of the alias.
type ChallengeInput struct {
	Model string `json:"model"`
	ChallengeRequest
	Token string `json:"token"`
}

// OpinionRequest is a person's approval or rejection.
type OpinionRequest struct {
	// Digest defaults to the challenger's; another one is refused.
	Digest string `json:"digest,omitempty"`
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
}

// Opinion is an OpinionRequest as the rollout gets it.
type Opinion struct {
	Approved bool   `json:"approved"`
	Actor    string `json:"actor"`
	Reason   string `json:"reason"`
	Evidence string `json:"evidence,omitempty"`
	// Champion is who became champion by a rollback that Actor asked for elsewhere; nil
	// for none. It ends the watch of the champion before and is no opinion otherwise.
	Champion *PackageRef `json:"champion,omitempty"`
}

// Tick says up to which moment truth may have settled.
type Tick struct {
	AsOf time.Time `json:"as_of"`
	// Service is how the packages of the rollout did since its stage began, one a
	// package; the model's workflow fills it in.
	Service []ServiceReport `json:"service,omitempty"`
}

// Stage is a step of a rollout.
type Stage string

// The stages, in their order.
const (
	StageShadow   Stage = "shadow"
	StageCanary   Stage = "canary"
	StageApproval Stage = "approval"
	StageWatch    Stage = "watch" // after the switch
)

// JudgeInput is one activity: the paired comparison of two packages on what
// both forecast since the stage began.
type JudgeInput struct {
	Stage     Stage      `json:"stage"`
	Candidate PackageRef `json:"candidate"`
	Reference PackageRef `json:"reference"`
	Since     time.Time  `json:"since"`
	AsOf      time.Time  `json:"as_of"`
	Rollout   Rollout    `json:"rollout"`
	// Service is what all instances counted since the stage began, one a package.
	Service []ServiceReport `json:"service,omitempty"`
}

// Judgement is what a stage knows, and what follows from it.
type Judgement struct {
	Stage  Stage    `json:"stage"`
	Days   DayRange `json:"days,omitzero"` // whole days with settled truth
	Count  int      `json:"days_count"`
	Events int      `json:"events"` // different events with a truth that both forecast
	Pairs  int      `json:"pairs"`  // events times horizons
	// Brier of both on the same events; Difference is candidate - reference with
	// its 95 % interval over blocks, nil where there are too few blocks.
	Brier          float64    `json:"brier"`
	BrierReference float64    `json:"brier_reference"`
	Difference     float64    `json:"difference"`
	Low            *float64   `json:"low"`
	High           *float64   `json:"high"`
	Blocks         string     `json:"blocks"` // what the interval is over
	Next           NextStep   `json:"next"`
	Reasons        []string   `json:"reasons"`
	AsOf           time.Time  `json:"as_of"`
	Candidate      PackageRef `json:"candidate"`
	Reference      PackageRef `json:"reference,omitzero"`
	// Service is how both served since the stage began; empty where no instance
	// reported.
	Service []ServiceReport `json:"service,omitempty"`
}

// NextStep is what follows from a judgement.
type NextStep string

// The next steps.
const (
	NextWait    NextStep = "wait"
	NextAdvance NextStep = "advance"
	NextReject  NextStep = "reject"
)

// PromoteResult says what became of a package.
type PromoteResult struct {
	Package  PackageRef    `json:"package"`
	Outcome  Outcome       `json:"outcome"`
	Reason   string        `json:"reason"`
	Switch   *SwitchResult `json:"switch,omitempty"`
	Judged   []Judgement   `json:"judged"` // the last of each stage
	Champion PackageRef    `json:"champion"`
}

// Outcome of a promotion.
type Outcome string

// The outcomes.
const (
	OutcomePromoted   Outcome = "promoted"
	OutcomeRejected   Outcome = "rejected"
	OutcomeRolledBack Outcome = "rolled back"
)
