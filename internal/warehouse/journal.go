package warehouse

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	schema "puenktlich/schemas/clickhouse"
)

var alertTable = table[schema.Alert]{name: "alerts", columns: []column[schema.Alert]{
	field("alert_id", func(r *schema.Alert) *string { return &r.AlertID }),
	field("name", func(r *schema.Alert) *string { return &r.Name }),
	field("severity", func(r *schema.Alert) *string { return &r.Severity }),
	text("state", func(r *schema.Alert) *schema.AlertState { return &r.State }),
	field("subject", func(r *schema.Alert) *string { return &r.Subject }),
	field("summary", func(r *schema.Alert) *string { return &r.Summary }),
	field("details", func(r *schema.Alert) *string { return &r.Details }),
	field("workflow_id", func(r *schema.Alert) *string { return &r.WorkflowID }),
	instant("raised_at", func(r *schema.Alert) *time.Time { return &r.RaisedAt }),
	moment("resolved_at", func(r *schema.Alert) *time.Time { return &r.ResolvedAt }),
	field("version", func(r *schema.Alert) *uint64 { return &r.Version }),
	field("told", func(r *schema.Alert) *string { return &r.Told }),
}}

var registryTable = table[schema.RegistryEvent]{name: "registry_events", columns: []column[schema.RegistryEvent]{
	field("event_id", func(r *schema.RegistryEvent) *string { return &r.EventID }),
	field("model", func(r *schema.RegistryEvent) *string { return &r.Model }),
	field("version", func(r *schema.RegistryEvent) *uint32 { return &r.Version }),
	field("digest", func(r *schema.RegistryEvent) *string { return &r.Digest }),
	field("event", func(r *schema.RegistryEvent) *string { return &r.Event }),
	field("alias", func(r *schema.RegistryEvent) *string { return &r.Alias }),
	field("mode", func(r *schema.RegistryEvent) *string { return &r.Mode }),
	field("previous_version", func(r *schema.RegistryEvent) *uint32 { return &r.PreviousVersion }),
	field("actor", func(r *schema.RegistryEvent) *string { return &r.Actor }),
	field("reason", func(r *schema.RegistryEvent) *string { return &r.Reason }),
	field("workflow_id", func(r *schema.RegistryEvent) *string { return &r.WorkflowID }),
	field("details", func(r *schema.RegistryEvent) *string { return &r.Details }),
	instant("happened_at", func(r *schema.RegistryEvent) *time.Time { return &r.HappenedAt }),
}}

var auditTable = table[schema.Audit]{name: "audit", columns: []column[schema.Audit]{
	field("audit_id", func(r *schema.Audit) *string { return &r.AuditID }),
	instant("happened_at", func(r *schema.Audit) *time.Time { return &r.HappenedAt }),
	field("actor", func(r *schema.Audit) *string { return &r.Actor }),
	flag("authenticated", func(r *schema.Audit) *bool { return &r.Authenticated }),
	field("role", func(r *schema.Audit) *string { return &r.Role }),
	field("action", func(r *schema.Audit) *string { return &r.Action }),
	field("object", func(r *schema.Audit) *string { return &r.Object }),
	field("outcome", func(r *schema.Audit) *string { return &r.Outcome }),
	field("reason", func(r *schema.Audit) *string { return &r.Reason }),
	field("details", func(r *schema.Audit) *string { return &r.Details }),
	field("remote", func(r *schema.Audit) *string { return &r.Remote }),
}}

// SaveAlert writes the state of an alert; a higher Version supersedes, and of
// the same one the last that was written.
func (db *DB) SaveAlert(ctx context.Context, alert schema.Alert) error {
	said := sha256.Sum256([]byte(alert.Summary + "\x00" + alert.Details + "\x00" + alert.WorkflowID))
	token := fmt.Sprintf("alert/%s/%d/%x", alert.AlertID, alert.Version, said[:8])
	return insert(ctx, db, alertTable, token, []schema.Alert{alert})
}

// SaveRegistryEvent writes an event once under its id. One that does not say who, why,
// on what evidence (a JSON object) and when is refused: nobody could explain it later.
func (db *DB) SaveRegistryEvent(ctx context.Context, event schema.RegistryEvent) error {
	var evidence map[string]json.RawMessage
	_ = json.Unmarshal([]byte(event.Details), &evidence) // nil: said below
	for _, said := range []struct {
		name  string
		there bool
	}{{"actor", event.Actor != ""}, {"reason", event.Reason != ""}, {"time", !event.HappenedAt.IsZero()},
		{"evidence, a JSON object in its details", len(evidence) > 0}} {
		if !said.there {
			return fmt.Errorf("registry event %s of %s@%d (%s): it has no %s", event.EventID, event.Model, event.Version, event.Event, said.name)
		}
	}
	return insert(ctx, db, registryTable, "registry/"+event.EventID, []schema.RegistryEvent{event})
}

// SaveAudit writes an act once under its id.
func (db *DB) SaveAudit(ctx context.Context, act schema.Audit) error {
	return insert(ctx, db, auditTable, "audit/"+act.AuditID, []schema.Audit{act})
}

// Alerts reads the alerts in the given state, newest first, at most limit; an
// empty state means all.
func (db *DB) Alerts(ctx context.Context, state schema.AlertState, limit int) ([]schema.Alert, error) {
	return collect(ctx, db, alertTable, statement{
		sql: "SELECT " + alertTable.selectList("") + " FROM alerts FINAL" +
			" WHERE {state:String} = '' OR state = {state:String}" +
			" ORDER BY raised_at DESC, alert_id LIMIT {limit:UInt64}",
		args: []any{driver.Named("state", string(state)), driver.Named("limit", uint64(limit))},
	})
}

// FiringAlerts reads the alerts of a name and subject that are not over; of all names
// where none is given.
func (db *DB) FiringAlerts(ctx context.Context, name, subject string) ([]schema.Alert, error) {
	return collect(ctx, db, alertTable, statement{
		sql: "SELECT " + alertTable.selectList("") + " FROM alerts FINAL" +
			" WHERE ({name:String} = '' OR name = {name:String}) AND subject = {subject:String} AND state = 'firing' ORDER BY raised_at, alert_id",
		args: []any{driver.Named("name", name), driver.Named("subject", subject)},
	})
}

// AlertsRaisedAt reads the alerts of a name and subject that began at a moment, over
// or not.
func (db *DB) AlertsRaisedAt(ctx context.Context, name, subject string, at time.Time) ([]schema.Alert, error) {
	return collect(ctx, db, alertTable, statement{
		sql: "SELECT " + alertTable.selectList("") + " FROM alerts FINAL WHERE name = {name:String} AND subject = {subject:String}" +
			" AND raised_at = " + milliseconds("at") + " ORDER BY alert_id",
		args: []any{named("name", name), named("subject", subject), named("at", at.UnixMilli())},
	})
}

// UntoldAlerts reads the alerts whose present state was not sent, oldest first,
// at most limit.
func (db *DB) UntoldAlerts(ctx context.Context, limit int) ([]schema.Alert, error) {
	return collect(ctx, db, alertTable, statement{
		sql: "SELECT " + alertTable.selectList("") + " FROM alerts FINAL" +
			" WHERE told != if(state = 'resolved', 'resolved', severity) ORDER BY raised_at, alert_id LIMIT {limit:UInt64}",
		args: []any{driver.Named("limit", uint64(limit))},
	})
}

// RegistryEvents reads what happened to a model up to asOf (zero = all),
// oldest first.
func (db *DB) RegistryEvents(ctx context.Context, model string, asOf time.Time) ([]schema.RegistryEvent, error) {
	var w where
	w.and("model = {model:String}", "model", model)
	w.until("happened_at", "as_of", asOf)
	return collect(ctx, db, registryTable, statement{
		sql: "SELECT " + registryTable.selectList("") + " FROM registry_events FINAL WHERE " + w.String() +
			" ORDER BY happened_at, event_id",
		args: w.args,
	})
}

// Audit reads the newest acts on an object, at most limit; an empty object
// means all.
func (db *DB) Audit(ctx context.Context, object string, limit int) ([]schema.Audit, error) {
	return collect(ctx, db, auditTable, statement{
		sql: "SELECT " + auditTable.selectList("") + " FROM audit FINAL" +
			" WHERE {object:String} = '' OR object = {object:String}" +
			" ORDER BY happened_at DESC, audit_id LIMIT {limit:UInt64}",
		args: []any{driver.Named("object", object), driver.Named("limit", uint64(limit))},
	})
}
