package access

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Reason is why somebody is not let in.
type Reason int

// The reasons.
const (
	Missing   Reason = iota + 1 // no key where one is needed
	Invalid                     // a key that is unknown, wrong, expired or revoked
	Forbidden                   // a key whose role does not reach
	TooMany                     // more requests than allowed
	NotYet                      // the keys could not be read since the start
)

// Refusal says why somebody is not let in, in a sentence for the caller.
type Refusal struct {
	Reason Reason
	Detail string
	Wanted Role
	// Again is when a request would pass; of TooMany alone.
	Again time.Duration
}

// Error is the sentence.
func (r *Refusal) Error() string { return r.Detail }

var errUnknownYet = &Refusal{Reason: NotYet, Detail: "the API keys could not be read yet; try again in a few seconds"}

// Caller is who asks. The zero value is somebody without a key and a role.
type Caller struct {
	KeyID string // empty without a key
	Name  string // of the key
	Role  Role
	// Expires and the limits of the key.
	Expires   time.Time
	PerSecond float64 // 0: no limit
	Burst     int
	// Remaining requests would pass at once after this one.
	Remaining int
}

// Actor is how the audit names the caller.
func (c Caller) Actor() string {
	if c.KeyID == "" {
		return "unauthenticated API"
	}
	return fmt.Sprintf("%s (key %s)", c.Name, c.KeyID)
}

// GateOptions say who is let in. Ring is required.
type GateOptions struct {
	Ring *Ring
	// Anonymous is the role of callers without a key; empty: none.
	Anonymous Role
	// OpenWhileNoKey lets callers without a key do everything until the first key
	// is made, if they come from this machine and ask for it by a name of its own:
	// a page elsewhere that a browser shows cannot.
	OpenWhileNoKey bool
	// AnonymousPerSecond requests of one address without a key; 0: no limit.
	AnonymousPerSecond float64
	// Now is the time of day. Required.
	Now func() time.Time
}

// Gate judges requests. It is safe for concurrent use.
type Gate struct {
	o         GateOptions
	addresses addresses
}

// NewGate makes a gate.
func NewGate(o GateOptions) *Gate {
	return &Gate{o: o, addresses: addresses{perSecond: o.AnonymousPerSecond, held: map[netip.Addr]*rate.Limiter{}}}
}

// Ask is one request: the secret it carries, if any, and where it comes from.
type Ask struct {
	Secret string
	Remote string // host:port
	Host   string // what the caller called this server
	Wanted Role
}

// Admit lets a caller in or answers a *Refusal. A request that is let in counts
// against the caller's rate.
func (g *Gate) Admit(a Ask) (Caller, error) {
	now := g.o.Now()
	h := g.o.Ring.held.Load()
	if h == nil {
		return Caller{}, errUnknownYet
	}
	if a.Secret == "" {
		return g.anonymous(a, h, now)
	}
	e, refusal := h.judge(a.Secret, a.Wanted, now)
	if refusal != nil {
		return Caller{}, refusal
	}
	return take(Caller{KeyID: e.ID, Name: e.Name, Role: e.Role, Expires: e.Expires}, e.limit, now)
}

// judge answers the key of a secret, if it is valid and its role reaches.
func (h *held) judge(secret string, wanted Role, now time.Time) (*entry, *Refusal) {
	e, found := h.find(secret)
	if !found {
		return nil, &Refusal{Reason: Invalid, Wanted: wanted, Detail: "this API key is not known: check that it was copied whole, pnk_..., or ask for a new one"}
	}
	switch e.State(now) {
	case "revoked":
		return nil, &Refusal{Reason: Invalid, Wanted: wanted, Detail: fmt.Sprintf("the API key %s was revoked at %s: ask for a new one", e.ID, e.Revoked.Format(time.RFC3339))}
	case "expired":
		return nil, &Refusal{Reason: Invalid, Wanted: wanted, Detail: fmt.Sprintf("the API key %s expired at %s: ask for a new one", e.ID, e.Expires.Format(time.RFC3339))}
	}
	if !e.Role.Includes(wanted) {
		return nil, &Refusal{Reason: Forbidden, Wanted: wanted, Detail: fmt.Sprintf("the API key %s has the role %s, this needs %s", e.ID, e.Role, wanted)}
	}
	return e, nil
}

// anonymous judges a request without a key.
func (g *Gate) anonymous(a Ask, h *held, now time.Time) (Caller, error) {
	role := g.o.Anonymous
	address := addressOf(a.Remote)
	if g.o.OpenWhileNoKey && len(h.keys) == 0 && address.IsLoopback() && local(a.Host) {
		role = RoleOperate
	}
	if !role.Includes(a.Wanted) {
		detail := fmt.Sprintf("this needs an API key of the role %s: send it as `Authorization: Bearer pnk_...`", a.Wanted)
		if len(h.keys) == 0 {
			detail += "; `puenktlich keys create` makes the first one"
		}
		return Caller{}, &Refusal{Reason: Missing, Wanted: a.Wanted, Detail: detail}
	}
	return take(Caller{Role: role}, g.addresses.of(address, now), now)
}

// take counts a request; the error is a *Refusal or nil.
func take(c Caller, limit *rate.Limiter, now time.Time) (Caller, error) {
	if limit == nil {
		return c, nil
	}
	c.PerSecond, c.Burst = float64(limit.Limit()), limit.Burst()
	passes := limit.AllowN(now, 1)
	left := limit.TokensAt(now)
	c.Remaining = max(0, int(left))
	if passes {
		return c, nil
	}
	wait := time.Duration((1 - left) / c.PerSecond * float64(time.Second))
	return c, &Refusal{Reason: TooMany, Again: max(wait, time.Millisecond),
		Detail: fmt.Sprintf("more than %v requests a second, %d at once: wait as long as Retry-After says", c.PerSecond, c.Burst)}
}

func addressOf(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// local says that a request names this machine, as a browser that was lured to
// an address of ours under a foreign name does not.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(trimBrackets(host))
	return err == nil && address.IsLoopback()
}

func trimBrackets(host string) string {
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}

// maxAddresses bounds the memory that addresses take; beyond it those that have
// not asked for long enough to be full again are forgotten.
const maxAddresses = 10_000

// addresses are the limits of callers without a key.
type addresses struct {
	perSecond float64
	mu        sync.Mutex
	held      map[netip.Addr]*rate.Limiter
}

// of is the limit of an address, nil for none. IPv6 callers own whole networks,
// so a /64 is one.
func (a *addresses) of(address netip.Addr, now time.Time) *rate.Limiter {
	if a.perSecond <= 0 {
		return nil
	}
	if address.Is6() {
		if network, err := address.WithZone("").Prefix(64); err == nil {
			address = network.Addr()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	limit := a.held[address]
	if limit == nil {
		if len(a.held) >= maxAddresses {
			a.forget(now)
		}
		limit = rate.NewLimiter(rate.Limit(a.perSecond), max(1, int(math.Ceil(2*a.perSecond))))
		a.held[address] = limit
	}
	return limit
}

// forget drops addresses whose limit is full again, which loses nothing; if
// none is, all of them.
func (a *addresses) forget(now time.Time) {
	for address, limit := range a.held {
		if limit.TokensAt(now) >= float64(limit.Burst()) {
			delete(a.held, address)
		}
	}
	if len(a.held) >= maxAddresses {
		clear(a.held)
	}
}
