package localstack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	pollEvery   = 50 * time.Millisecond
	pollOneTry  = 5 * time.Second
	pingOkBytes = 64
)

// notReadyError says that something did not answer in time.
type notReadyError struct {
	after time.Duration
	last  error
}

func (e notReadyError) Error() string {
	return fmt.Sprintf("was not ready within %v (%v)", e.after, e.last)
}

func (e notReadyError) Unwrap() error { return e.last }

// poll calls ready until it returns nil. The error is a notReadyError when the
// bound passed, else that of ctx. A nil ready is ready.
func poll(ctx context.Context, bound time.Duration, ready func(context.Context) error) error {
	if ready == nil {
		return nil
	}
	deadline := time.NewTimer(bound)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, min(bound, pollOneTry))
		err := ready(try)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return notReadyError{bound, err}
		case <-tick.C:
		}
	}
}

// answersHTTP is ready when the URL gives any answer; with a body given, only
// when the answer is status 200 with that body.
func answersHTTP(url, body string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("address %s: %w", url, err)
		}
		// A connection of its own: kept ones would outlive the server.
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		got, _ := io.ReadAll(io.LimitReader(resp.Body, pingOkBytes))
		if body != "" && (resp.StatusCode != http.StatusOK || string(got) != body) {
			return fmt.Errorf("%s answered status %d, %q", url, resp.StatusCode, got)
		}
		return nil
	}
}
