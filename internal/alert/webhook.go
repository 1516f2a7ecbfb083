package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// Message is the body of a webhook's request. Text is the whole in one line,
// which chat systems show.
type Message struct {
	ID       string          `json:"id"` // of the alert; with State and Severity it names the message
	Name     string          `json:"name"`
	Subject  string          `json:"subject"`
	State    string          `json:"state"` // firing or resolved
	Severity string          `json:"severity"`
	Summary  string          `json:"summary"`
	Since    time.Time       `json:"since"`           // domain time
	Until    *time.Time      `json:"until,omitempty"` // once resolved
	Details  json.RawMessage `json:"details"`
	Workflow string          `json:"workflow,omitempty"`
	Link     string          `json:"link,omitempty"` // to the run in the Temporal UI
	Text     string          `json:"text"`
}

// Rhythm of telling.
const (
	attempts    = 3                      // where an alert is raised
	firstPause  = 200 * time.Millisecond // before the second of them; doubles
	sendTimeout = 5 * time.Second
	tickEvery   = 30 * time.Second
	tickAtMost  = 10 * time.Minute // the pause doubles up to it while nothing gets through
)

// errAway says that the webhook may take the same message later.
var errAway = errors.New("webhook cannot be reached")

// Run tells what was not told until ctx ends, with growing pauses while the
// webhook or the store is away.
func (c *Center) Run(ctx context.Context) error {
	pause := tickEvery
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		pause = tickEvery
		if err := c.Flush(ctx); err != nil && ctx.Err() == nil {
			c.o.Logger.Warn("alerts wait to be told", "error", err)
			pause = min(2*pause, tickAtMost)
		}
		timer.Reset(pause)
	}
}

// deliver sends a state that was not told, and stores that it was. Without a
// webhook nobody is told; what is over then needs no telling later.
func (c *Center) deliver(ctx context.Context, row schema.Alert, attempts int) error {
	if row.Told == reached(row) {
		return nil
	}
	if c.o.Webhook == "" {
		if row.State == schema.AlertResolved {
			return c.mark(ctx, row)
		}
		return nil
	}
	err := c.send(ctx, row)
	for pause, again := firstPause, 1; errors.Is(err, errAway) && again < attempts; pause, again = 2*pause, again+1 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		err = c.send(ctx, row)
	}
	if err != nil {
		return err
	}
	return c.mark(ctx, row)
}

// send makes one request.
func (c *Center) send(ctx context.Context, row schema.Alert) (err error) {
	defer func() {
		if err != nil {
			c.o.Metrics.failures.Inc()
			return
		}
		c.o.Metrics.sent.Inc()
	}()
	body, err := json.Marshal(c.message(row))
	if err != nil {
		return fmt.Errorf("alert %s: %w", row.AlertID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.o.Webhook, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", row.AlertID+"/"+reached(row))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", errAway, withoutAddress(err))
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16))
	switch code := response.StatusCode; {
	case code < 300:
		return nil
	case code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooManyRequests:
		return fmt.Errorf("%w: it answers %s", errAway, response.Status)
	default:
		return fmt.Errorf("webhook refuses alert %s: it answers %s", row.AlertID, response.Status)
	}
}

// withoutAddress drops the address of a failed request: a webhook's is often a
// secret.
func withoutAddress(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

func (c *Center) message(row schema.Alert) Message {
	m := Message{ID: row.AlertID, Name: row.Name, Subject: row.Subject, State: string(row.State), Severity: row.Severity, Summary: row.Summary,
		Since: row.RaisedAt, Details: json.RawMessage(row.Details), Workflow: row.WorkflowID, Link: c.link(row.WorkflowID)}
	head := strings.ToUpper(row.Severity)
	if row.State == schema.AlertResolved {
		until := row.ResolvedAt
		m.Until, head = &until, "RESOLVED"
	}
	m.Text = fmt.Sprintf("%s %s (%s): %s Since %s.", head, row.Name, row.Subject, row.Summary, row.RaisedAt.UTC().Format("2006-01-02 15:04 MST"))
	if m.Link != "" {
		m.Text += " " + m.Link
	}
	return m
}

// link is a run in the Temporal UI.
func (c *Center) link(workflow string) string {
	if workflow == "" || c.o.UI == "" {
		return ""
	}
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s", strings.TrimSuffix(c.o.UI, "/"), url.PathEscape(c.o.Namespace), url.PathEscape(workflow))
}
