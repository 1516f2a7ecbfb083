package alert

import (
	"fmt"
	"time"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// rank orders what an alert may have come to; 0 is none of them.
func rank(reached string) uint64 {
	switch reached {
	case string(schemas.AlertInfo):
		return 1
	case string(schemas.AlertWarning):
		return 2
	case string(schemas.AlertCritical):
		return 3
	case string(schema.AlertResolved):
		return 4
	}
	return 0
}

// reached is what there is to tell of an alert: its severity, or that it is over.
func reached(row schema.Alert) string {
	if row.State == schema.AlertResolved {
		return string(schema.AlertResolved)
	}
	return row.Severity
}

// versioned gives a state its version. It grows with what the alert has come to
// and with what was told of it, and with nothing else: of two processes that write
// at the same time, the one that knows worse wins, whoever is later.
func versioned(row schema.Alert) schema.Alert {
	row.Version = 10*rank(reached(row)) + rank(row.Told)
	return row
}

// told is the state once it was sent.
func told(row schema.Alert) schema.Alert {
	row.Told = reached(row)
	return versioned(row)
}

// begin is a new alert.
func begin(a schemas.Alert, now time.Time) (schema.Alert, error) {
	text, err := details(a.Details)
	if err != nil {
		return schema.Alert{}, fmt.Errorf("alert %s about %s: details: %w", a.Name, a.Subject, err)
	}
	row := schema.Alert{AlertID: fmt.Sprintf("%s/%s/%d", a.Name, a.Subject, a.Since.UnixMilli()), Name: a.Name, Subject: a.Subject, Severity: string(a.Severity),
		State: schema.AlertFiring, Summary: a.Summary, Details: text, WorkflowID: a.Workflow, RaisedAt: a.Since}
	if a.Resolved {
		row.State, row.ResolvedAt = schema.AlertResolved, now
	}
	return versioned(row), nil
}

// follow is how the alerts of a name and subject go on; only states that differ
// are answered. Severity is the worst an alert has been: one that eases is not
// news until it is over.
func follow(firing []schema.Alert, a schemas.Alert, now time.Time) ([]schema.Alert, error) {
	next, err := begin(a, now)
	if err != nil {
		return nil, err
	}
	if a.Resolved {
		var over []schema.Alert
		for _, row := range firing {
			row.State, row.ResolvedAt = schema.AlertResolved, now
			if a.Summary != "" {
				row.Summary = a.Summary
			}
			over = append(over, versioned(row))
		}
		return over, nil
	}
	if len(firing) == 0 {
		return []schema.Alert{next}, nil
	}
	row := firing[0]
	if rank(next.Severity) > rank(row.Severity) {
		row.Severity = next.Severity
	}
	row.Summary, row.Details = next.Summary, next.Details
	if next.WorkflowID != "" {
		row.WorkflowID = next.WorkflowID
	}
	if row = versioned(row); row == firing[0] {
		return nil, nil
	}
	return []schema.Alert{row}, nil
}
