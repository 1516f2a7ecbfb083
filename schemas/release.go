package schemas

import "time"

// PackageInput asks for a package of a trained and evaluated model.
type PackageInput struct {
	Trained  TrainedModel   `json:"trained,omitzero"`
	Evaluate EvaluateResult `json:"evaluate,omitzero"`
}

// PackageRef identifies a package: Digest is the SHA-256 of its manifest.
type PackageRef struct {
	Model   string    `json:"model"`
	Version int       `json:"version"`
	Digest  string    `json:"digest"`
	Prefix  string    `json:"prefix"` // of its objects
	Created time.Time `json:"created"`
}

// AliasEntry is what an alias points at, and why.
type AliasEntry struct {
	Package  PackageRef `json:"package"`
	Since    time.Time  `json:"since"`
	Actor    string     `json:"actor"`
	Reason   string     `json:"reason"`
	Evidence string     `json:"evidence,omitempty"`
	// Token is that of the switch which made the entry.
	Token string `json:"token,omitempty"`
}

// Aliases is aliases/<model>.json, written only with conditional puts.
type Aliases struct {
	Model    string      `json:"model"`
	Revision int         `json:"revision"`
	Champion *AliasEntry `json:"champion,omitempty"`
	// Challenger is tried beside the champion; nil for none.
	Challenger *ChallengerEntry `json:"challenger,omitempty"`
	History    []AliasEntry     `json:"history"` // earlier champions, newest first, at most 50
}

// ModelInput starts the long-lived workflow of a model; the state is carried
// over when it continues as new.
type ModelInput struct {
	Model  string  `json:"model,omitempty"`
	Leases []Lease `json:"leases,omitempty"`
	// Challenger and Rollout, the workflow that tries it, of the run before.
	Challenger *ChallengerEntry `json:"challenger,omitempty"`
	Rollout    string           `json:"rollout,omitempty"`
	// Plan of that rollout, and how the packages served since its stage began.
	Plan   *Rollout        `json:"plan,omitempty"`
	Served []ServiceReport `json:"served,omitempty"`
}

// Lease says that an API instance serves a model until it expires.
type Lease struct {
	Instance string    `json:"instance"`
	Digest   string    `json:"digest"`
	Expires  time.Time `json:"expires"` // Temporal's time, not domain time
	// Health is how packages did at this instance since the lease before.
	Health []ServiceReport `json:"health,omitempty"`
}

// Names of the Model workflow's updates, signals and queries.
const (
	UpdatePromote  = "promote"
	UpdateRollback = "rollback"
	SignalLease    = "lease"
	QueryStatus    = "status"
)

// PromoteRequest is the update that makes a package champion.
type PromoteRequest struct {
	Package  PackageRef `json:"package"`
	Actor    string     `json:"actor"`
	Reason   string     `json:"reason"`
	Evidence string     `json:"evidence,omitempty"`
	At       time.Time  `json:"at,omitzero"`
}

// RollbackRequest is the update that brings back an earlier champion.
type RollbackRequest struct {
	// Digest defaults to the champion before the present one.
	Digest   string    `json:"digest,omitempty"`
	Actor    string    `json:"actor"`
	Reason   string    `json:"reason"`
	Evidence string    `json:"evidence,omitempty"`
	At       time.Time `json:"at,omitzero"`
}

// SwitchResult says which instances serve the new champion.
type SwitchResult struct {
	Champion    AliasEntry `json:"champion"`
	Confirmed   []string   `json:"confirmed"`
	Unconfirmed []string   `json:"unconfirmed"`
	Note        string     `json:"note"`
}

// ModelStatus is the answer to the status query.
type ModelStatus struct {
	Model  string      `json:"model"`
	Last   *AliasEntry `json:"last_switch,omitempty"`
	Leases []Lease     `json:"leases"`
	// Challenger and the workflow that tries it.
	Challenger *ChallengerEntry `json:"challenger,omitempty"`
	Rollout    string           `json:"rollout,omitempty"`
}

// SwitchInput is one activity: the conditional write of the alias.
type SwitchInput struct {
	Model    string     `json:"model"`
	Package  PackageRef `json:"package"`
	Rollback bool       `json:"rollback"`
	Digest   string     `json:"digest,omitempty"` // of a rollback
	Actor    string     `json:"actor"`
	Reason   string     `json:"reason"`
	Evidence string     `json:"evidence,omitempty"`
	At       time.Time  `json:"at"`
	// Token makes the write idempotent: the same token is the same switch.
	Token string `json:"token"`
}

// LoadInput asks an API instance to serve a digest.
type LoadInput struct {
	Package PackageRef `json:"package"`
}

// LoadResult confirms it.
type LoadResult struct {
	Instance string `json:"instance"`
	Digest   string `json:"digest"`
}

// FollowResult says what an instance tries beside its champion; empty for nothing.
type FollowResult struct {
	Instance   string `json:"instance"`
	Challenger string `json:"challenger,omitempty"` // digest
	Mode       Mode   `json:"mode,omitempty"`
}

// PromoteInput starts PromoteModel: check a package, then ask Model.
type PromoteInput struct {
	Package PackageRef `json:"package,omitzero"`
	Actor   string     `json:"actor,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	AsOf    time.Time  `json:"as_of,omitzero"`
	// Evidence is what the switch is based on; PromoteModel fills in what its stages
	// judged.
	Evidence string `json:"evidence,omitempty"`
	// Rollout overrides the configured one; all zero promotes at once.
	Rollout *Rollout `json:"rollout,omitempty"`
}
