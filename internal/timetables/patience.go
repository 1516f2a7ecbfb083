package timetables

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	defaultAttempts = 4
	// MaxRetryWait is the longest the client waits of itself; a server that asks
	// for more gets its answer handed on as a *StatusError.
	MaxRetryWait = 60 * time.Second
	// MaxHold is the longest a client makes no calls since a server asked for it;
	// then one more is tried.
	MaxHold = 15 * time.Minute
	// maxJitter is the share by which waiting and spacing are lengthened at most.
	maxJitter = 0.2
)

// ErrNotAsked says that a call was not made: its context ended while it waited for
// its turn. It says nothing about the server.
var ErrNotAsked = errors.New("not asked")

// fetch tries until the server answers, or nothing is gained by trying again.
func (c *Client) fetch(ctx context.Context, call Call, path string, header http.Header) ([]byte, http.Header, error) {
	if err := c.admit(ctx, call); err != nil {
		return nil, nil, err
	}
	for attempt := 1; ; attempt++ {
		body, answered, err := c.once(ctx, call, path, header)
		wait, again := c.backOff(ctx, err, attempt)
		if !again {
			return body, answered, err
		}
		late := c.wait(ctx, err, wait)
		if late == nil {
			late = c.admit(ctx, call)
		}
		if late != nil {
			return nil, answered, fmt.Errorf("%w; not tried again: %w", err, late)
		}
	}
}

// backOff answers how long to wait before the next attempt, if there is one.
func (c *Client) backOff(ctx context.Context, err error, attempt int) (time.Duration, bool) {
	if err == nil || ctx.Err() != nil {
		return 0, false
	}
	wait := c.options.RetryWait << (attempt - 1)
	if status := (*StatusError)(nil); errors.As(err, &status) {
		if !status.Temporary() {
			return 0, false
		}
		if status.RetryAfter > MaxRetryWait {
			c.holdBack(status)
			return 0, false
		}
		wait = max(wait, status.RetryAfter)
	} else if !c.connectionLost(err, attempt) {
		return 0, false
	}
	return min(wait+c.spread(wait), MaxRetryWait), attempt < c.options.Attempts
}

// errTooLarge is an answer that is not read to its end, however often it is asked for.
var errTooLarge = fmt.Errorf("answer of more than %d bytes", maxBodyBytes)

// connectionLost says that the server was not reached, or broke off, and may be
// there again. A server that keeps a caller waiting until the timeout is asked
// again once where the question is about a past moment; about the present one
// the next poll asks anyway.
func (c *Client) connectionLost(err error, attempt int) bool {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return c.options.SendAsOf && attempt == 1
	}
	return !errors.Is(err, errTooLarge)
}

// spread lengthens a wait at random, so that callers do not come back together.
func (c *Client) spread(wait time.Duration) time.Duration {
	return time.Duration(c.options.Jitter() * maxJitter * float64(wait))
}

// wait holds back every caller where the server spoke to all of them (429, or
// any answer that asks to wait), else this one.
func (c *Client) wait(ctx context.Context, err error, wait time.Duration) error {
	status := (*StatusError)(nil)
	if errors.As(err, &status) && (status.Status == http.StatusTooManyRequests || status.RetryAfter > 0) {
		c.pause(wait)
		return nil // the next turn sits it out
	}
	return sleep(ctx, wait)
}

// pause holds back every caller; a shorter pause does not end a longer one.
func (c *Client) pause(wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := time.Now().Add(wait); until.After(c.paused) {
		c.paused = until
	}
}

// holdBack ends all calls at once for a time the client will not wait out.
func (c *Client) holdBack(status *StatusError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := time.Now().Add(min(status.RetryAfter, MaxHold)); until.After(c.held) {
		c.held, c.holder = until, status
	}
}

// hold answers the error of a call that is not to be made now.
func (c *Client) hold(call Call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := time.Until(c.held)
	if left <= 0 {
		return nil
	}
	return &StatusError{Call: call, Status: c.holder.Status, RetryAfter: left.Round(time.Second),
		Body: excerpt(fmt.Sprintf("not asked: %s was told to wait", callName(c.holder.Call)))}
}

// admit waits for the call's turn, unless no calls are to be made.
func (c *Client) admit(ctx context.Context, call Call) error {
	if err := c.hold(call); err != nil {
		return err
	}
	if err := c.turn(ctx); err != nil {
		return fmt.Errorf("call %s: %w: waiting for its turn: %w", callName(call), ErrNotAsked, err)
	}
	return c.hold(call) // another caller may have been told meanwhile
}

// turn waits for the end of a pause, then for the rate limit and its jitter,
// during which another pause may have begun.
func (c *Client) turn(ctx context.Context) error {
	if err := c.sitOut(ctx); err != nil {
		return err
	}
	if err := c.limit.Wait(ctx); err != nil {
		return err
	}
	if perMinute := c.options.CallsPerMinute; perMinute > 0 {
		jitter := time.Duration(c.options.Jitter() * float64(maxSpread(perMinute)))
		if err := sleep(ctx, jitter); err != nil {
			return err
		}
	}
	return c.sitOut(ctx)
}

func (c *Client) sitOut(ctx context.Context) error {
	c.mu.Lock()
	wait := time.Until(c.paused)
	c.mu.Unlock()
	return sleep(ctx, wait)
}

func sleep(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
