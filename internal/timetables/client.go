package timetables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"puenktlich/internal/rail"
)

const (
	// maxBodyBytes bounds one answer; the largest recorded one has 241 kB.
	maxBodyBytes = 32 << 20
	// maxAttempts bounds the tries of a call the server puts off (429, 503).
	maxAttempts = 4
	// MaxRetryWait is the longest the client waits of itself; a server that asks
	// for more gets its answer handed on as a *StatusError.
	MaxRetryWait   = 60 * time.Second
	requestTimeout = 30 * time.Second
)

// ClientOptions configure a Client.
type ClientOptions struct {
	// BaseURL holds the base path, such as https://host/timetables/v1.
	BaseURL  string
	ClientID string // sent as DB-Client-Id, where not empty
	APIKey   string // sent as DB-Api-Key, where not empty
	// SendAsOf tells the server the domain time of every call; servers of
	// recordings and simulations answer what was known then.
	SendAsOf bool
	// CallsPerMinute spaces calls evenly, first come, first served. 0 = no limit.
	CallsPerMinute int
	// HTTP defaults to a client with a timeout of 30 seconds that follows no
	// redirects.
	HTTP *http.Client
	// Now is the domain time of an answer whose server does not say it and that
	// was not asked as of a moment. Without it that is the call's AsOf.
	Now func() time.Time
}

// Client is the Source behind any server of the API. It is safe for concurrent
// use, and one client's callers share its rate limit.
type Client struct {
	options ClientOptions
	limit   *rate.Limiter

	mu     sync.Mutex
	paused time.Time // wall time until which the server wants no calls
}

var _ Source = (*Client)(nil)

// NewClient makes a client; no call is made yet.
func NewClient(options ClientOptions) (*Client, error) {
	base, err := url.Parse(options.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("base URL %q: want http(s)://host/path", options.BaseURL)
	}
	if options.CallsPerMinute < 0 {
		return nil, fmt.Errorf("calls per minute %d: want 0 (no limit) or more", options.CallsPerMinute)
	}
	options.BaseURL = strings.TrimRight(options.BaseURL, "/")
	if options.HTTP == nil {
		options.HTTP = &http.Client{Timeout: requestTimeout, CheckRedirect: stay}
	}
	limit := rate.NewLimiter(rate.Inf, 1)
	if options.CallsPerMinute > 0 {
		limit = rate.NewLimiter(rate.Every(time.Minute/time.Duration(options.CallsPerMinute)), 1)
	}
	return &Client{options: options, limit: limit}, nil
}

// stay follows no redirect: it would carry the keys to another host.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Get makes a call and answers the document as it came, be it a timetable or
// not. Answers other than 200 are a *StatusError, with Next and PolledAt in the
// response where the server told them. Calls put off by the server (429, 503)
// are tried again, up to four times and as long as it asks for at most
// MaxRetryWait; all callers of the client wait with it.
func (c *Client) Get(ctx context.Context, call Call) (Response, error) {
	header := http.Header{"Accept": {"application/xml"}}
	if c.options.SendAsOf {
		setMoment(header, HeaderAsOf, call.AsOf)
	}
	body, answered, err := c.fetch(ctx, call, call.Path(), header)
	response := Response{
		Call: call, Body: body, Next: moment(answered, HeaderNextPoll),
		PolledAt: c.polledAt(call, answered),
	}
	return response, err
}

// polledAt is never before the moment at which the answer was known.
func (c *Client) polledAt(call Call, answered http.Header) time.Time {
	if told := moment(answered, HeaderPolledAt); !told.IsZero() {
		return told
	}
	if c.options.Now == nil || c.options.SendAsOf && !call.AsOf.IsZero() {
		return call.AsOf
	}
	return c.options.Now().UTC()
}

// Stations lists the stations of a server of ours; the published API has no
// such list and answers 404.
func (c *Client) Stations(ctx context.Context) ([]rail.Station, error) {
	var stations []rail.Station
	return stations, c.document(ctx, "/stations", &stations)
}

// Span asks a server of ours for its range of domain time; see Network.
func (c *Client) Span(ctx context.Context) (from, to time.Time, err error) {
	var span spanDocument
	err = c.document(ctx, "/span", &span)
	return span.From, span.To, err
}

func (c *Client) document(ctx context.Context, path string, into any) error {
	body, _, err := c.fetch(ctx, Call{Kind: CallKind(path[1:])}, path, http.Header{"Accept": {"application/json"}})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("call %s: answer %q: %w", path, excerpt(string(body)), err)
	}
	return nil
}

// fetch tries until the server neither puts off nor breaks off.
func (c *Client) fetch(ctx context.Context, call Call, path string, header http.Header) ([]byte, http.Header, error) {
	for attempt := 1; ; attempt++ {
		if err := c.turn(ctx); err != nil {
			return nil, nil, fmt.Errorf("call %s: waiting for its turn: %w", callName(call), err)
		}
		body, answered, err := c.once(ctx, call, path, header)
		wait, again := backOff(err, attempt)
		if !again {
			return body, answered, err
		}
		c.pause(wait)
	}
}

// backOff answers how long to wait before the next attempt, if there is one.
func backOff(err error, attempt int) (time.Duration, bool) {
	status := (*StatusError)(nil)
	if !errors.As(err, &status) || attempt >= maxAttempts {
		return 0, false
	}
	if status.Status != http.StatusTooManyRequests && status.Status != http.StatusServiceUnavailable {
		return 0, false
	}
	wait := status.RetryAfter
	if wait == 0 {
		wait = time.Second << (attempt - 1)
	}
	return wait, wait <= MaxRetryWait
}

// pause holds back every caller; a shorter pause does not end a longer one.
func (c *Client) pause(wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := time.Now().Add(wait); until.After(c.paused) {
		c.paused = until
	}
}

// turn waits for the end of a pause and then for the rate limit, during which
// another pause may have begun.
func (c *Client) turn(ctx context.Context) error {
	if err := c.sitOut(ctx); err != nil {
		return err
	}
	if err := c.limit.Wait(ctx); err != nil {
		return err
	}
	return c.sitOut(ctx)
}

func (c *Client) sitOut(ctx context.Context) error {
	c.mu.Lock()
	wait := time.Until(c.paused)
	c.mu.Unlock()
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

// once makes one request. The header is never nil with an answer.
func (c *Client) once(ctx context.Context, call Call, path string, header http.Header) ([]byte, http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.options.BaseURL+path, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("call %s: %w", callName(call), err)
	}
	request.Header = header.Clone()
	if c.options.ClientID != "" {
		request.Header.Set(HeaderClientID, c.options.ClientID)
	}
	if c.options.APIKey != "" {
		request.Header.Set(HeaderAPIKey, c.options.APIKey)
	}
	answer, err := c.options.HTTP.Do(request)
	if err != nil {
		return nil, nil, fmt.Errorf("call %s: %w", callName(call), err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBodyBytes+1))
	switch {
	case err != nil:
		return nil, answer.Header, fmt.Errorf("call %s: answer after %d bytes: %w", callName(call), len(body), err)
	case answer.StatusCode != http.StatusOK:
		return nil, answer.Header, &StatusError{
			Call: call, Status: answer.StatusCode,
			RetryAfter: retryAfter(answer.Header), Body: excerpt(string(body)),
		}
	case len(body) > maxBodyBytes:
		return nil, answer.Header, fmt.Errorf("call %s: answer of more than %d bytes", callName(call), maxBodyBytes)
	}
	return body, answer.Header, nil
}
