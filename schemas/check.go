package schemas

import (
	"fmt"
	"strings"
)

// Severity of a failed check.
type Severity string

// What a failed check means.
const (
	SeverityStop    Severity = "stop"
	SeverityWarning Severity = "warning"
)

// Check is one named validation of a data set.
type Check struct {
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Passed   bool     `json:"passed"`
	// Detail is what was looked at and against which limit.
	Detail string `json:"detail"`
	// Findings are the first few; Found counts all of them.
	Findings []Finding `json:"findings,omitempty"`
	Found    int       `json:"found,omitempty"`
}

// Finding is one thing a check found: what and where. Empty fields do not
// apply.
type Finding struct {
	Day    string `json:"day,omitempty"`
	Column string `json:"column,omitempty"`
	Value  string `json:"value"`
	Limit  string `json:"limit,omitempty"`
	// Where names a row: stop, kind and horizon.
	Where string `json:"where,omitempty"`
}

// FailedChecks are those that did not pass, the stopping ones first.
func FailedChecks(all []Check) (failed []Check) {
	for _, severity := range []Severity{SeverityStop, SeverityWarning} {
		for _, c := range all {
			if !c.Passed && c.Severity == severity {
				failed = append(failed, c)
			}
		}
	}
	return failed
}

// Stops says whether one of the checks forbids the use of the data set.
func Stops(all []Check) bool {
	for _, c := range all {
		if !c.Passed && c.Severity == SeverityStop {
			return true
		}
	}
	return false
}

// CheckTable shows failed checks as a Markdown table with a row for each
// finding; empty without one.
func CheckTable(checks []Check) string {
	failed := FailedChecks(checks)
	if len(failed) == 0 {
		return ""
	}
	rows := [][]string{{"check", "severity", "day", "column", "value", "limit", "where"}, {"---", "---", "---", "---", "---", "---", "---"}}
	for _, c := range failed {
		findings := c.Findings
		if len(findings) == 0 {
			findings = []Finding{{Value: c.Detail}}
		}
		for _, f := range findings {
			rows = append(rows, []string{c.Name, string(c.Severity), f.Day, f.Column, f.Value, f.Limit, f.Where})
		}
		if more := c.Found - len(findings); more > 0 {
			rows = append(rows, []string{c.Name, string(c.Severity), "", "", fmt.Sprintf("and %d more", more), "", ""})
		}
	}
	return markdown(rows)
}

// markdown pads the cells, so that the table reads well as text too.
func markdown(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			b.WriteString("| " + strings.ReplaceAll(cell, "|", "/") + strings.Repeat(" ", widths[i]-len([]rune(cell))) + " ")
		}
		b.WriteString("|\n")
	}
	return b.String()
}
