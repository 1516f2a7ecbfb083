package serving

import (
	"context"
	"fmt"
	"sync"

	"puenktlich/schemas"
)

// Alerts tells people that something is wrong, and when it is over.
type Alerts interface {
	RaiseAlert(ctx context.Context, alert schemas.Alert) error
}

// alertRefused is the name of alerts about packages that must not be served.
const alertRefused = "package-refused"

// refusal is what was told last, so that an alias looked at every few seconds is
// not told about every few seconds.
type refusal struct {
	mu     sync.Mutex
	digest string // of the package that was told about; empty for none
}

// refuse counts, logs and tells. It answers the error for the caller.
func (c *Champion) refuse(ctx context.Context, ref schemas.PackageRef, cause error) error {
	c.o.Metrics.loads.WithLabelValues("refused").Inc()
	c.o.Logger.Error("package refused; the champion stays", "model", ref.Model, "version", ref.Version, "digest", ref.Digest, "error", cause)
	c.refusal.mu.Lock()
	defer c.refusal.mu.Unlock()
	if c.o.Alerts != nil && c.refusal.digest != ref.Digest && c.tell(ctx, c.refused(ref, cause)) {
		c.refusal.digest = ref.Digest
	}
	return &RefusedError{Package: ref, Cause: cause}
}

func (c *Champion) refused(ref schemas.PackageRef, cause error) schemas.Alert {
	still := "nothing is served"
	if present := c.current.Load(); present != nil {
		still = fmt.Sprintf("%s@%d goes on answering", present.Ref.Model, present.Ref.Version)
	}
	return schemas.Alert{Name: alertRefused, Subject: c.subject(), Severity: schemas.AlertCritical, Since: c.o.Clock.Now(),
		Summary: fmt.Sprintf("%s refuses the package %s@%d: %v; %s. Find out who changed it, roll back, or package it again", c.o.Instance, ref.Model, ref.Version, cause, still),
		Details: map[string]string{"digest": ref.Digest, "prefix": ref.Prefix}}
}

// accepted ends what was told of a refusal: a package that holds is served.
func (c *Champion) accepted(ctx context.Context) {
	c.refusal.mu.Lock()
	defer c.refusal.mu.Unlock()
	if c.refusal.digest == "" {
		return
	}
	over := schemas.Alert{Name: alertRefused, Subject: c.subject(), Severity: schemas.AlertInfo, Since: c.o.Clock.Now(), Resolved: true,
		Summary: c.o.Instance + " serves a package that holds again"}
	if c.tell(ctx, over) {
		c.refusal.digest = ""
	}
}

func (c *Champion) subject() string { return c.o.Model + " on " + c.o.Instance }

// tell answers whether it was heard; one that was not is told again with the
// next refusal.
func (c *Champion) tell(ctx context.Context, alert schemas.Alert) bool {
	if err := c.o.Alerts.RaiseAlert(ctx, alert); err != nil {
		c.o.Logger.Warn("alert not raised", "alert", alert.Name, "subject", alert.Subject, "error", err)
		return false
	}
	return true
}
