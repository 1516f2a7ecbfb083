package serving

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Trial is a package beside the champion: in shadow it forecasts what the
// champion forecasts and answers nobody, as a canary it answers some trips.
type Trial struct {
	*Loaded
	Mode  schemas.Mode
	Share float64
}

// Trial is the challenger, nil for none.
func (c *Champion) Trial() *Trial { return c.trial.Load() }

// Trying is the digest of the challenger and how it is tried; empty for none.
func (c *Champion) Trying() (digest string, mode schemas.Mode) {
	if t := c.Trial(); t != nil {
		return t.Ref.Digest, t.Mode
	}
	return "", ""
}

// try follows the alias challenger. One that cannot be loaded is not tried; the
// champion answers alone.
func (c *Champion) try(ctx context.Context, entry *schemas.ChallengerEntry) error {
	if entry == nil {
		c.trial.Store(nil)
		c.accepted(ctx, &c.refusedChallenger)
		return nil
	}
	present := c.trial.Load()
	if present == nil || present.Ref.Digest != entry.Package.Digest {
		dir, err := c.fetch(ctx, &c.refusedChallenger, entry.Package)
		if err != nil {
			return fmt.Errorf("challenger: %w", err)
		}
		loaded, err := c.open(ctx, &c.refusedChallenger, entry.Package, dir)
		if err != nil {
			c.trial.Store(nil)
			return err
		}
		present = &Trial{Loaded: loaded}
	}
	c.accepted(ctx, &c.refusedChallenger)
	c.trial.Store(&Trial{Loaded: present.Loaded, Mode: entry.Mode, Share: entry.Share})
	return nil
}

// buckets of trips, of which a canary answers its share.
const buckets = 10_000

// Answers says whether the challenger answers for a trip: always the same for
// all stops of one trip, whoever asks.
func (t *Trial) Answers(stop rail.StopID) bool {
	if t == nil || t.Mode != schemas.ModeCanary {
		return false
	}
	trip, _, _ := cutLast(string(stop))
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(t.Ref.Digest + "|" + trip)) // other trips for another package
	return float64(sum.Sum32()%buckets) < t.Share*buckets
}

// cutLast splits at the last hyphen: trip and start, index of the stop.
func cutLast(s string) (before, after string, found bool) {
	at := strings.LastIndexByte(s, '-')
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+1:], true
}

// voice is a package in a role.
type voice struct {
	*Loaded
	role schema.Role
}

// voices are the package that answers for a stop, and the one that forecasts
// beside it, nil for none.
func voices(champion *Loaded, trial *Trial, stop rail.StopID) (answers voice, beside *voice) {
	switch {
	case trial == nil || trial.Ref.Digest == champion.Ref.Digest:
		return voice{champion, schema.RoleChampion}, nil
	case trial.Answers(stop):
		return voice{trial.Loaded, schema.RoleCanary}, &voice{champion, schema.RoleChampion}
	}
	return voice{champion, schema.RoleChampion}, &voice{trial.Loaded, schema.RoleShadow}
}
