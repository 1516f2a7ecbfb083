// Package alert keeps what is wrong: an alert of a name and a subject is told
// once, again only when it worsens and when it is over, and nothing of it is lost
// while the store or the webhook is away.
package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Store keeps the states of alerts.
type Store interface {
	// FiringAlerts are those of a name and subject that are not over; of all names
	// where none is given.
	FiringAlerts(ctx context.Context, name, subject string) ([]schema.Alert, error)
	// AlertsRaisedAt are those of a name and subject that began at a moment, over or not.
	AlertsRaisedAt(ctx context.Context, name, subject string, at time.Time) ([]schema.Alert, error)
	UntoldAlerts(ctx context.Context, limit int) ([]schema.Alert, error)
	SaveAlert(ctx context.Context, alert schema.Alert) error
}

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// Options of a Center. Store and Clock are required.
type Options struct {
	Store Store
	Clock Clock
	// Webhook gets each alert as a POST of a Message; empty sends nothing.
	Webhook string
	// UI and Namespace of Temporal, for the link to a run; an empty UI gives none.
	UI, Namespace string
	Logger        *slog.Logger // defaults to slog.Default
	Metrics       *Metrics     // defaults to metrics nobody reads
}

// Center raises alerts for one process. It is safe for concurrent use.
type Center struct {
	o    Options
	mu   sync.Mutex
	held []held // raised while the store was away, oldest first
}

// held is an alert the store does not have yet.
type held struct {
	alert schemas.Alert
	told  bool
}

// New makes a Center.
func New(o Options) *Center {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	return &Center{o: o}
}

// heldAtMost bounds what is kept in memory while the store is away.
const heldAtMost = 1000

// RaiseAlert notes an alert, or with Resolved that it is over. What is not new
// changes nothing. A webhook that cannot be reached is no error: Run tells it
// later. Without a store the alert is kept in this process and sent at once; the
// error then says that it was neither stored nor sent.
func (c *Center) RaiseAlert(ctx context.Context, a schemas.Alert) error {
	if err := check(a); err != nil {
		return err
	}
	if a.Since.IsZero() {
		a.Since = c.o.Clock.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.storeHeld(ctx); err != nil { // what came before is noted before
		return c.hold(ctx, a, err)
	}
	changed, err := c.note(ctx, a)
	if err != nil {
		return c.hold(ctx, a, err)
	}
	for _, row := range changed {
		if err := c.deliver(ctx, row, attempts); err != nil {
			c.o.Logger.Warn("alert not told yet: the next tick tries again", "alert", row.AlertID, "error", err)
		}
	}
	return nil
}

// RaiseAlerts is RaiseAlert for what is known of one subject at a moment: what is over
// and was not firing costs nothing.
func (c *Center) RaiseAlerts(ctx context.Context, subject string, all []schemas.Alert) error {
	firing, err := c.o.Store.FiringAlerts(ctx, "", subject)
	known := err == nil // else each is noted for itself, and held where the store stays away
	for _, a := range all {
		if a.Subject != subject {
			return fmt.Errorf("alert %s about %s: it is raised among those about %s", a.Name, a.Subject, subject)
		}
		if known && a.Resolved && !c.open(firing, a) {
			continue
		}
		if err := c.RaiseAlert(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// open says whether an alert of the name fires, in the store or in memory.
func (c *Center) open(firing []schema.Alert, a schemas.Alert) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(firing, func(f schema.Alert) bool { return f.Name == a.Name }) ||
		slices.ContainsFunc(c.held, func(h held) bool { return h.alert.Name == a.Name && h.alert.Subject == a.Subject })
}

// check refuses what nobody could act on.
func check(a schemas.Alert) error {
	switch {
	case a.Name == "" || a.Subject == "":
		return fmt.Errorf("alert %q about %q: name and subject are required: they say which alert goes on", a.Name, a.Subject)
	case !a.Resolved && rank(string(a.Severity)) == 0:
		return fmt.Errorf("alert %s about %s: severity %q: want info, warning or critical", a.Name, a.Subject, a.Severity)
	case !a.Resolved && a.Summary == "":
		return fmt.Errorf("alert %s about %s: summary is required: it says what is wrong and what to do", a.Name, a.Subject)
	}
	return nil
}

// note stores what an alert changes and answers the states that are new.
func (c *Center) note(ctx context.Context, a schemas.Alert) ([]schema.Alert, error) {
	firing, err := c.o.Store.FiringAlerts(ctx, a.Name, a.Subject)
	if err != nil {
		return nil, fmt.Errorf("alert %s about %s: %w", a.Name, a.Subject, err)
	}
	changed, err := follow(firing, a, c.o.Clock.Now())
	if err != nil {
		return nil, err
	}
	if len(firing) == 0 && !a.Resolved {
		// Domain time may stand still: what began at the same moment and is over is another.
		past, err := c.o.Store.AlertsRaisedAt(ctx, a.Name, a.Subject, a.Since)
		if err != nil {
			return nil, fmt.Errorf("alert %s about %s: %w", a.Name, a.Subject, err)
		}
		if len(past) > 0 {
			changed[0].AlertID += fmt.Sprintf("/%d", len(past)+1)
		}
	}
	for _, row := range changed {
		if err := c.o.Store.SaveAlert(ctx, row); err != nil {
			return nil, fmt.Errorf("alert %s: %w", row.AlertID, err)
		}
	}
	return changed, nil
}

// hold keeps an alert that the store did not take and tells it directly.
func (c *Center) hold(ctx context.Context, a schemas.Alert, why error) error {
	for _, h := range slices.Backward(c.held) {
		if h.alert.Name != a.Name || h.alert.Subject != a.Subject {
			continue
		}
		if h.alert.Resolved == a.Resolved && rank(string(h.alert.Severity)) >= rank(string(a.Severity)) && h.told {
			return nil
		}
		break // what it has come to since is another state
	}
	row, err := begin(a, c.o.Clock.Now())
	if err != nil {
		return err
	}
	sent := c.o.Webhook != "" && c.send(ctx, row) == nil
	if len(c.held) < heldAtMost {
		c.held = append(c.held, held{alert: a, told: sent})
	}
	if !sent {
		return fmt.Errorf("kept in memory alone, and not sent: %w", why)
	}
	c.o.Logger.Warn("alert sent, and kept in memory until the store takes it", "alert", row.AlertID, "error", why)
	return nil
}

// Flush stores what was held and tells what the webhook has not heard.
func (c *Center) Flush(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.storeHeld(ctx); err != nil {
		return err
	}
	untold, err := c.o.Store.UntoldAlerts(ctx, flushAtMost)
	if err != nil {
		return fmt.Errorf("alerts that were not told: %w", err)
	}
	c.o.Metrics.untold.Set(float64(len(untold)))
	var problems []error
	for _, row := range untold {
		err := c.deliver(ctx, row, 1)
		if problems = append(problems, err); errors.Is(err, errAway) {
			break // one that is refused does not keep the others from being told
		}
	}
	return errors.Join(problems...)
}

// storeHeld stores what was held, oldest first. The caller holds mu.
func (c *Center) storeHeld(ctx context.Context) error {
	for len(c.held) > 0 {
		changed, err := c.note(ctx, c.held[0].alert)
		if err != nil {
			return err
		}
		for _, row := range changed {
			if !c.held[0].told {
				continue // among the untold
			}
			if err := c.mark(ctx, row); err != nil {
				return err
			}
		}
		c.held = c.held[1:]
	}
	return nil
}

// flushAtMost bounds how many alerts one tick tells.
const flushAtMost = 100

// mark stores that the present state was told.
func (c *Center) mark(ctx context.Context, row schema.Alert) error {
	row = told(row)
	if err := c.o.Store.SaveAlert(ctx, row); err != nil {
		return fmt.Errorf("alert %s: %w", row.AlertID, err)
	}
	return nil
}

// details as JSON.
func details(of map[string]string) (string, error) {
	if of == nil {
		of = map[string]string{}
	}
	body, err := json.Marshal(of)
	return string(body), err
}
