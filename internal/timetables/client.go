package timetables

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
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
	maxBodyBytes   = 32 << 20
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
	// CallsPerMinute spaces calls evenly, first come, first served: never more in
	// any 60 seconds, jitter included. 0 = no limit.
	CallsPerMinute int
	// Attempts bounds the tries of one call. Defaults to four.
	Attempts int
	// RetryWait is the pause after a first attempt without a usable answer,
	// doubled after each further one, where the server asks for none. Defaults
	// to one second.
	RetryWait time.Duration
	// Jitter draws from [0,1): what waiting and spacing are lengthened by, at most
	// a fifth. Defaults to a random number.
	Jitter func() float64
	// Timeout is how long one answer is waited for. Defaults to 30 seconds.
	Timeout time.Duration
	// HTTP defaults to a client with that timeout that follows no redirects.
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
	paused time.Time    // wall time until which the server wants no calls
	held   time.Time    // the same, too long to wait for: calls end at once
	holder *StatusError // the answer that asked for it
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
	if options.Attempts < 0 {
		return nil, fmt.Errorf("attempts %d: want 0 (four) or more", options.Attempts)
	}
	options.BaseURL = strings.TrimRight(options.BaseURL, "/")
	if options.HTTP == nil {
		options.HTTP = &http.Client{Timeout: cmp.Or(options.Timeout, requestTimeout), CheckRedirect: stay}
	}
	if options.Attempts == 0 {
		options.Attempts = defaultAttempts
	}
	if options.RetryWait == 0 {
		options.RetryWait = time.Second
	}
	if options.Jitter == nil {
		options.Jitter = rand.Float64
	}
	return &Client{options: options, limit: limiter(options.CallsPerMinute)}, nil
}

// limiter spaces calls so that with the jitter of each there are never more than
// perMinute in 60 seconds: their distance is (60 s + jitter)/perMinute.
func limiter(perMinute int) *rate.Limiter {
	if perMinute == 0 {
		return rate.NewLimiter(rate.Inf, 1)
	}
	return rate.NewLimiter(rate.Every((time.Minute+maxSpread(perMinute))/time.Duration(perMinute)), 1)
}

// maxSpread is the longest jitter of one call.
func maxSpread(perMinute int) time.Duration {
	return time.Duration(maxJitter * float64(time.Minute) / float64(perMinute))
}

// stay follows no redirect: it would carry the keys to another host.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Get makes a call and answers the document as it came, be it a timetable or
// not. Answers other than 200 are a *StatusError, with Next and PolledAt in the
// response where the server told them. A call that is put off (429), meets an
// error of the server (5xx) or no server is made again, up to Attempts times
// together, after 1, 2 and 4 seconds or as long as the server asks for at most
// MaxRetryWait; all callers of the client wait with it where the server asked or
// answered 429. Where it asks for more, all calls end with that answer, unasked,
// until the time is over, at most MaxHold. Where the context ends before the call
// was made, the error is ErrNotAsked too.
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
		return nil, answer.Header, fmt.Errorf("call %s: %w", callName(call), errTooLarge)
	}
	return body, answer.Header, nil
}
