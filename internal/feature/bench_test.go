package feature

import (
	"math/rand/v2"
	"testing"
	"time"

	"puenktlich/internal/rail"
)

// A day of about 1,300 events at the middle station, asked at random moments.
func BenchmarkAtAndVector(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	plans, deliveries := randomDay(rng, 650, time.Minute)
	s := NewState(Options{Lag: 30 * time.Second})
	s.AddPlan(plans)
	for _, d := range deliveries {
		s.AddChanges([]rail.Change{d.change})
	}
	h := NewHistory()
	for i := range plans {
		h.AddEvent(&plans[i], rail.Truth{Planned: plans[i].Planned, Actual: plans[i].Planned})
	}
	moments := randomMoments(rng, plans, 4096)
	vector := make([]float32, Width())
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m := moments[i%len(moments)]
		if k, ok := s.At(m.key, m.cutOff); ok {
			Vector(vector, &k, h)
		}
		i++
	}
}
