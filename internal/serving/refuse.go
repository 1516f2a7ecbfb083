package serving

import (
	"context"
	"fmt"
	"sync"
	"time"

	"puenktlich/schemas"
)

// Alerts tells people that something is wrong, and when it is over.
type Alerts interface {
	RaiseAlert(ctx context.Context, alert schemas.Alert) error
}

// alertRefused is the name of alerts about packages that must not be served.
const alertRefused = "package-refused"

// tellWithin bounds how long a package waits for its alert to be heard.
const tellWithin = 5 * time.Second

// refusal is what was told of one place in the registry, so that an alias looked
// at every few seconds is not told about every few seconds.
type refusal struct {
	place string // champion or challenger
	mu    sync.Mutex
	// digest of the refused package that was told about, empty for none.
	digest string
	// over: that nothing is refused was told. An earlier process may have said
	// otherwise, so it is told once.
	over bool
}

// refuse counts, logs and tells. It answers the error for the caller.
func (c *Champion) refuse(ctx context.Context, told *refusal, ref schemas.PackageRef, cause error) error {
	c.o.Metrics.loads.WithLabelValues("refused").Inc()
	c.o.Logger.Error("package refused; the champion stays", "model", ref.Model, "version", ref.Version, "digest", ref.Digest, "error", cause)
	told.mu.Lock()
	defer told.mu.Unlock()
	told.over = false // even where it was not heard: it may be kept to be told later
	if c.o.Alerts != nil && told.digest != ref.Digest && c.tell(ctx, c.refused(told, ref, cause)) {
		told.digest = ref.Digest
	}
	return &RefusedError{Package: ref, Cause: cause}
}

func (c *Champion) refused(told *refusal, ref schemas.PackageRef, cause error) schemas.Alert {
	still := "nothing is served"
	if present := c.current.Load(); present != nil {
		still = fmt.Sprintf("%s@%d goes on answering", present.Ref.Model, present.Ref.Version)
	}
	return schemas.Alert{Name: alertRefused, Subject: c.subject(told), Severity: schemas.AlertCritical, Since: c.o.Clock.Now(),
		Summary: fmt.Sprintf("%s refuses the package %s@%d: %v; %s. Find out who changed it; then roll back or package it again", c.o.Instance, ref.Model, ref.Version, cause, still),
		Details: map[string]string{"digest": ref.Digest, "prefix": ref.Prefix}}
}

// accepted ends what was told of a refusal.
func (c *Champion) accepted(ctx context.Context, told *refusal) {
	told.mu.Lock()
	defer told.mu.Unlock()
	if c.o.Alerts == nil || told.over {
		return
	}
	over := schemas.Alert{Name: alertRefused, Subject: c.subject(told), Severity: schemas.AlertInfo, Since: c.o.Clock.Now(), Resolved: true,
		Summary: "no package is refused any more"}
	if c.tell(ctx, over) {
		told.digest, told.over = "", true
	}
}

func (c *Champion) subject(told *refusal) string {
	return fmt.Sprintf("%s of %s on %s", told.place, c.o.Model, c.o.Instance)
}

// tell answers whether it was heard; what was not is told again next time.
func (c *Champion) tell(ctx context.Context, alert schemas.Alert) bool {
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	if err := c.o.Alerts.RaiseAlert(ctx, alert); err != nil {
		c.o.Logger.Warn("alert not raised", "alert", alert.Name, "subject", alert.Subject, "error", err)
		return false
	}
	return true
}
