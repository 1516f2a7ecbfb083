package serving

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// health counts how packages do, for the reports that come with an instance's
// lease.
type health struct {
	mu   sync.Mutex
	held map[healthKey]*schemas.ServiceReport
}

type healthKey struct {
	digest string
	role   schema.Role
}

// latencyEdges are made once: every forecast is counted by them.
var latencyEdges = schemas.LatencyEdges()

func (h *health) note(v voice, took time.Duration, failed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.of(healthKey{v.Ref.Digest, v.role})
	r.Forecasts++
	if failed {
		r.Failed++
	}
	for i, edge := range latencyEdges {
		if took <= time.Duration(edge)*time.Millisecond {
			return
		}
		r.Slower[i]++
	}
}

// of makes a report where there is none. The caller holds mu.
func (h *health) of(key healthKey) *schemas.ServiceReport {
	if h.held == nil {
		h.held = map[healthKey]*schemas.ServiceReport{}
	}
	r := h.held[key]
	if r == nil {
		r = &schemas.ServiceReport{Digest: key.digest, Role: string(key.role), Slower: make([]int, len(latencyEdges))}
		h.held[key] = r
	}
	return r
}

// TakeHealth answers how each package did since it was last taken, and begins
// anew.
func (f *Forecaster) TakeHealth() []schemas.ServiceReport {
	f.health.mu.Lock()
	defer f.health.mu.Unlock()
	var all []schemas.ServiceReport
	for _, r := range f.health.held {
		all = append(all, *r)
	}
	f.health.held = nil
	slices.SortFunc(all, func(a, b schemas.ServiceReport) int {
		return cmp.Or(cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Role, b.Role))
	})
	return all
}

// ReturnHealth takes reports back that reached nobody.
func (f *Forecaster) ReturnHealth(all []schemas.ServiceReport) {
	f.health.mu.Lock()
	defer f.health.mu.Unlock()
	for _, back := range all {
		r := f.health.of(healthKey{back.Digest, schema.Role(back.Role)})
		r.Forecasts, r.Failed = r.Forecasts+back.Forecasts, r.Failed+back.Failed
		for i := range back.Slower {
			r.Slower[i] += back.Slower[i]
		}
	}
}
