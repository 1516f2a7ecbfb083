package schemas

import "time"

// AlertSeverity says how soon somebody must look at an alert.
type AlertSeverity string

// Severities of alerts.
const (
	AlertInfo     AlertSeverity = "info"
	AlertWarning  AlertSeverity = "warning"
	AlertCritical AlertSeverity = "critical"
)

// Alert is one thing that is wrong. Alerts of the same name and subject are one
// alert that goes on, told once and again when it is over.
type Alert struct {
	Name     string        `json:"name"`    // package-refused, drift, coverage ...
	Subject  string        `json:"subject"` // model, station group, instance ... it is about
	Severity AlertSeverity `json:"severity"`
	Summary  string        `json:"summary"` // a sentence: what, how bad, what to do
	Since    time.Time     `json:"since"`   // domain time
	// Resolved says that it is over.
	Resolved bool `json:"resolved,omitempty"`
	// Details are numbers a person asks for next.
	Details map[string]string `json:"details,omitempty"`
	// Workflow is the run that raised it; a link in what is sent.
	Workflow string `json:"workflow,omitempty"`
}
