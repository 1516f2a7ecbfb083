package schemas

import "time"

// ServiceReport is how one package did at one API instance since its report
// before, which comes with the lease.
type ServiceReport struct {
	Digest string `json:"digest"`
	// Role in which it forecast: champion, shadow or canary.
	Role      string `json:"role"`
	Forecasts int    `json:"forecasts"` // asked for, failed ones too
	Failed    int    `json:"failed"`
	// Slower counts, for each of LatencyEdges, the forecasts that took longer:
	// features, prediction and reasons together.
	Slower []int `json:"slower"`
}

// LatencyEdges are the times in milliseconds that reports tell apart, and so the
// limits that a rollout can set.
func LatencyEdges() []int { return []int{5, 10, 25, 50, 100, 250, 500, 1000} }

// ServiceInput is one activity: what all instances reported since the last
// judgement, judged by the limits of the rollout.
type ServiceInput struct {
	Model   string          `json:"model"`
	Reports []ServiceReport `json:"reports"`
	// Challenger is tried at present; nil for none.
	Challenger *PackageRef `json:"challenger,omitempty"`
	// Rollout under way: its limits hold for the package it tries or watches.
	Rollout *Rollout `json:"rollout,omitempty"`
}

// ServiceAct is what follows from how packages serve.
type ServiceAct string

// The acts.
const (
	ServiceWait     ServiceAct = "wait"     // too few forecasts to judge: report on
	ServiceFine     ServiceAct = "fine"     // within the limits
	ServiceTell     ServiceAct = "tell"     // beyond them, but no other package would help
	ServiceReject   ServiceAct = "reject"   // the challenger
	ServiceRollback ServiceAct = "rollback" // a champion that is still watched
)

// ServiceVerdict is the judgement and its reason in words.
type ServiceVerdict struct {
	Act    ServiceAct `json:"act"`
	Reason string     `json:"reason"`
	At     time.Time  `json:"at"` // domain time
	// Evidence is what was counted, as JSON.
	Evidence string `json:"evidence,omitempty"`
	// Package that the act is about; empty where there is none.
	Package PackageRef `json:"package,omitzero"`
}
