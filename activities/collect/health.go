package collect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

const (
	// HealthReach is how far back polls are looked at for the health of a station.
	HealthReach = 18 * time.Hour
	maxWorst    = 10
	// errorBytes bounds the error of a station in a result.
	errorBytes = 160
)

// health says how the group's collection goes after a window.
func (a *Activities) health(ctx context.Context, in schemas.CollectWindowInput, stations []rail.Station) (schemas.GroupHealth, error) {
	now := in.Window.To
	if !a.Past {
		now = maxTime(now, a.Clock.Now())
	}
	all, err := a.Store.StationHealth(ctx, schema.HealthQuery{Source: a.Name, Group: in.Group, Now: now, Reach: HealthReach, Forgets: a.forgets()})
	if err != nil {
		return schemas.GroupHealth{}, fmt.Errorf("health of %s: %w", in.Group, err)
	}
	wanted := make(map[int64]bool, len(stations))
	for _, station := range stations {
		wanted[station.EVA] = true
	}
	all = slices.DeleteFunc(all, func(h schema.StationHealth) bool { return !wanted[h.EVA] })
	sum := sumHealth(all, now)
	sum.Stations = len(stations)
	return sum, nil
}

// sumHealth takes the stations that were ever asked.
func sumHealth(all []schema.StationHealth, now time.Time) schemas.GroupHealth {
	var sum schemas.GroupHealth
	slices.SortFunc(all, func(x, y schema.StationHealth) int {
		return cmp.Or(x.LastOK.Compare(y.LastOK), cmp.Compare(x.EVA, y.EVA))
	})
	for _, h := range all {
		if silence := int64(now.Sub(h.LastOK) / time.Second); !h.LastOK.IsZero() && silence > sum.SilenceSeconds {
			sum.SilenceSeconds, sum.SilentEVA = silence, h.EVA
		}
		if h.Failures > 0 {
			sum.Failing++
		}
		if !h.GapSince.IsZero() {
			sum.Gaps++
			if sum.OldestGap.IsZero() || h.GapSince.Before(sum.OldestGap) {
				sum.OldestGap = h.GapSince
			}
		}
		if (h.Failures > 0 || !h.GapSince.IsZero()) && len(sum.Worst) < maxWorst {
			h.Error = strings.ToValidUTF8(h.Error[:min(len(h.Error), errorBytes)], "")
			sum.Worst = append(sum.Worst, schemas.StationHealth(h))
		}
	}
	return sum
}
