// Package access says who may do what with the API: keys with a role, a rate and
// an end, kept as hashes in one document of the object store, and the gate that
// judges each request by them.
//
// A secret is 256 random bits, so its SHA-256 is all that has to be kept: there
// is nothing to guess, and no slow hash would add to that.
package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

// Role is what a caller may do.
type Role string

// The roles, each including those before it.
const (
	RoleRead    Role = "read"
	RolePredict Role = "predict"
	RoleOperate Role = "operate"
)

// rank is 0 for what is no role.
func (r Role) rank() int {
	switch r {
	case RoleRead:
		return 1
	case RolePredict:
		return 2
	case RoleOperate:
		return 3
	}
	return 0
}

// Includes says whether the holder of r may do what wanted asks for. Everyone
// may do what asks for no role.
func (r Role) Includes(wanted Role) bool { return r.rank() >= wanted.rank() }

// ParseRole reads a role.
func ParseRole(text string) (Role, error) {
	if r := Role(text); r.rank() > 0 {
		return r, nil
	}
	return "", fmt.Errorf("role %q: want %s, %s or %s", text, RoleRead, RolePredict, RoleOperate)
}

// Key is what is kept of a key. The secret itself is shown once, to whoever
// makes it.
type Key struct {
	ID   string `json:"id"`
	Name string `json:"name"` // stands in the audit
	Role Role   `json:"role"`
	// Hash is the SHA-256 of the whole secret, hexadecimal.
	Hash string `json:"sha256"`
	// PerSecond requests are allowed on average, Burst at once, by each API
	// instance. 0 per second is no limit.
	PerSecond float64   `json:"per_second"`
	Burst     int       `json:"burst"`
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by,omitempty"`
	Expires   time.Time `json:"expires,omitzero"` // zero: never
	Revoked   time.Time `json:"revoked,omitzero"` // zero: not
	RevokedBy string    `json:"revoked_by,omitempty"`
}

// State is what has become of a key by a moment.
func (k Key) State(now time.Time) string {
	switch {
	case !k.Revoked.IsZero() && !k.Revoked.After(now):
		return "revoked"
	case !k.Expires.IsZero() && !k.Expires.After(now):
		return "expired"
	}
	return "valid"
}

// Wanted describes a key to be made.
type Wanted struct {
	Name      string
	Role      Role
	PerSecond float64
	Burst     int // 0: one second's worth, at least 1
	Expires   time.Time
	CreatedBy string
}

// A secret names its key, so that it is found without comparing with all:
// pnk_<id>_<random>.
const (
	prefix      = "pnk_"
	idBytes     = 6
	secretBytes = 32
)

// secretLength in characters, so that nothing else is ever hashed.
var secretLength = len(prefix) + 2*idBytes + 1 + base64.RawURLEncoding.EncodedLen(secretBytes)

var names = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,63}$`)

// check says everything that is wrong with what is wanted.
func (w Wanted) check(now time.Time) error {
	var errs []error
	if !names.MatchString(w.Name) {
		errs = append(errs, fmt.Errorf("name %q: want 1 to 64 letters, digits, spaces and . _ @ -, beginning with a letter or digit", w.Name))
	}
	if _, err := ParseRole(string(w.Role)); err != nil {
		errs = append(errs, err)
	}
	if !(w.PerSecond >= 0) || math.IsInf(w.PerSecond, 1) {
		errs = append(errs, fmt.Errorf("rate %v: want requests a second, 0 for no limit", w.PerSecond))
	}
	if w.Burst < 0 {
		errs = append(errs, fmt.Errorf("burst %d: want 0 or more requests at once", w.Burst))
	}
	if !w.Expires.IsZero() && !w.Expires.After(now) {
		errs = append(errs, fmt.Errorf("expires %s: that is over", w.Expires.Format(time.RFC3339)))
	}
	return errors.Join(errs...)
}

// Mint makes a key and its secret.
func Mint(w Wanted, now time.Time) (k Key, secret string, err error) {
	if err := w.check(now); err != nil {
		return Key{}, "", err
	}
	random := make([]byte, idBytes+secretBytes)
	if _, err := rand.Read(random); err != nil {
		return Key{}, "", fmt.Errorf("make key: %w", err)
	}
	if w.Burst == 0 {
		w.Burst = max(1, int(math.Ceil(w.PerSecond)))
	}
	id := hex.EncodeToString(random[:idBytes])
	secret = prefix + id + "_" + base64.RawURLEncoding.EncodeToString(random[idBytes:])
	sum := sha256.Sum256([]byte(secret))
	return Key{ID: id, Name: w.Name, Role: w.Role, Hash: hex.EncodeToString(sum[:]), PerSecond: w.PerSecond, Burst: w.Burst,
		Created: now.UTC().Truncate(time.Second), CreatedBy: w.CreatedBy, Expires: w.Expires}, secret, nil
}

// idOf is the key that a secret names; false where it is no secret of ours.
func idOf(secret string) (id string, ok bool) {
	if len(secret) != secretLength || !strings.HasPrefix(secret, prefix) || secret[len(prefix)+2*idBytes] != '_' {
		return "", false
	}
	return secret[len(prefix) : len(prefix)+2*idBytes], true
}
