package release

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Prefixes of the ids of events; the rest is the token of the change.
const (
	switchEvent    = "switch/"
	challengeEvent = "challenge/"
)

// eventOf is what an alias, which is read often, names as the evidence of its entry.
func eventOf(prefix, token string) string { return "registry event " + prefix + token }

// evidence is the JSON object that an event of the registry carries: what the step
// itself saw, and what the request for it brought, as JSON or as text.
func evidence(given string, seen map[string]any) string {
	switch {
	case json.Valid([]byte(given)):
		seen["given"] = json.RawMessage(given)
	case given != "":
		seen["given"] = given
	}
	body, err := json.Marshal(seen)
	if err != nil { // figures that JSON has no form for
		body, _ = json.Marshal(map[string]string{"unreadable": err.Error()})
	}
	return string(body)
}

// entry is an alias's entry as evidence names it.
type entry struct {
	Version int       `json:"version"`
	Digest  string    `json:"digest"`
	Since   time.Time `json:"since"`
	Actor   string    `json:"actor"`
	Reason  string    `json:"reason"`
}

// briefly is nil for no entry.
func briefly(e *schemas.AliasEntry) *entry {
	if e == nil {
		return nil
	}
	return &entry{e.Package.Version, e.Package.Digest, e.Since, e.Actor, e.Reason}
}

// limits on service of a rollout.
func limits(r schemas.Rollout) map[string]any {
	return map[string]any{"max_error_rate": r.MaxErrorRate, "max_p99_ms": r.MaxP99Millis, "min_forecasts": r.MinForecasts}
}

// save writes an event with the workflow that it comes from.
func (a *Activities) save(ctx context.Context, event schema.RegistryEvent) error {
	if activity.IsActivity(ctx) {
		event.WorkflowID = activity.GetInfo(ctx).WorkflowExecution.ID
	}
	if err := a.Journal.SaveRegistryEvent(ctx, event); err != nil {
		return fmt.Errorf("record that %s@%d was %s: %w", event.Model, event.Version, event.Event, err)
	}
	return nil
}
