package transfer

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Values of scipy 1.17.1, stats.multivariate_normal.cdf with abseps=1e-12.
func TestNormal2(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ h, k, r, want float64 }{
		{1, 1, 0.5, 0.7452035868467497},
		{-1, 0.5, -0.4, 0.07197638062022954},
		{0.3, -1.2, 0.9, 0.11505268204885738},
		{2, -2, 0.75, 0.022750131561045522},
		{-2.5, -2.5, 0.85, 0.002628078730595562},
		{0.1, 0.2, -0.9, 0.14621055668574093},
		{0, 0, 0.5, 1.0 / 3}, // 1/4 + asin(r)/(2 pi)
		{math.Inf(1), 0, 0.7, 0.5},
		{math.Inf(-1), 0, 0.7, 0},
	} {
		joint := newCopula(v.r)
		if got := joint.normal2(v.h, v.k); math.Abs(got-v.want) > 1e-9 {
			t.Errorf("normal2(%v, %v, %v) = %.12f, want %.12f", v.h, v.k, v.r, got, v.want)
		}
	}
	for _, p := range [][2]float64{{1, 1}, {-1, 0.5}, {2, -2}, {-3, -2.5}} {
		along := make([]float64, len(grid))
		addNormal2(along, p[0], p[1], 1)
		for g, r := range grid {
			joint := newCopula(r)
			if want := joint.normal2(p[0], p[1]); math.Abs(along[g]-want) > 1e-6 {
				t.Errorf("along the grid at %v, correlation %v: %.9f, want %.9f", p, r, along[g], want)
			}
		}
	}
}

var edges = []int{-1, 0, 2, 5, 9, 14, 29}

// An arrival that is 0 or 1 to 2 minutes late, half and half, and a departure
// that is on the minute: the gap decides.
func TestCaughtByHand(t *testing.T) {
	t.Parallel()
	arrival := Delay{[]int{-1, 0, 2, 5}, []float64{0, 0.5, 1, 1}}
	onTheMinute := Delay{[]int{-1, 0, 2, 5}, []float64{0, 1, 1, 1}}
	for spare, want := range map[int]float64{-1: 0, 0: 0.5, 1: 0.75, 2: 1, 60: 1} {
		for _, r := range []float64{0, 0.5, -0.5} { // one side is certain: nothing hangs together
			if got := Caught(arrival, onTheMinute, spare, r); math.Abs(got-want) > 1e-9 {
				t.Errorf("%d minutes to spare, correlation %v: %v, want %v", spare, r, got, want)
			}
		}
	}
	// Both alike and independent, delays 0, 1, 2 with 1/2, 1/4, 1/4:
	// P(A - D <= 0) = 1/2 + 1/4 x 1/2 + 1/4 x 1/4 = 11/16, since P(D >= 1) = 1/2, P(D >= 2) = 1/4.
	if got := Caught(arrival, arrival, 0, 0); math.Abs(got-11.0/16) > 1e-9 {
		t.Errorf("independent: %v, want 11/16", got)
	}
	if together := Caught(arrival, arrival, 0, 0.8); together <= 11.0/16 {
		t.Errorf("late together: %v, want more than when independent", together)
	}
}

// Of 100 pairs with a fair chance of being above the edge, 80 agree: of a normal
// pair that is 1/4 + asin(r)/(2 pi) = 0.4, so r = sin(0.3 pi).
func TestCorrelationOfATable(t *testing.T) {
	t.Parallel()
	fair := Delay{[]int{0}, []float64{0.5}}
	var pairs []Pair
	for i := range 100 {
		a, d := i%2*5, i%2*5
		if i < 20 {
			d = 5 - a
		}
		pairs = append(pairs, Pair{Arrival: fair, Departure: fair, ArrivalDelay: a, DepartureDelay: d, Day: int32(i / 50), Block: int32(i / 50)})
	}
	got, err := Estimate(pairs)
	if want := math.Sin(0.3 * math.Pi); err != nil || math.Abs(got.Correlation.Estimate-want) > 0.005 {
		t.Errorf("correlation %v, %v, want %v", got.Correlation.Estimate, err, want)
	}
	if _, err := Estimate(nil); err == nil {
		t.Error("no pairs are no error")
	}
}

// Pairs are drawn with a known correlation from forecasts that are right.
func TestEstimateFindsWhatWasPutIn(t *testing.T) {
	t.Parallel()
	for _, r := range []float64{0, 0.4} {
		pairs := drawn(4000, 20, r)
		got, err := Estimate(pairs)
		if err != nil {
			t.Fatal(err)
		}
		c := got.Correlation
		if got.Days != 20 || got.Pairs != 4000 || math.Abs(c.Estimate-r) > 0.06 || c.Low > r || c.High < r {
			t.Errorf("put in %v, found %+v", r, got)
		}
		if better := got.Brier < got.BrierIndependent && got.Difference.High < 0; better != (r > 0) {
			t.Errorf("put in %v: Brier %v beside %v of independence, difference %+v", r, got.Brier, got.BrierIndependent, got.Difference)
		}
	}
}

// drawn are pairs whose delays come from the very distributions that are forecast.
func drawn(n, days int, correlation float64) []Pair {
	random := rand.New(rand.NewPCG(10, 2))
	forecasts := []Delay{{edges, []float64{0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.97}}, {edges, []float64{0.02, 0.1, 0.25, 0.45, 0.65, 0.8, 0.95}}}
	var pairs []Pair
	for i := range n {
		a, d := forecasts[random.IntN(2)], forecasts[random.IntN(2)]
		x := random.NormFloat64()
		y := correlation*x + math.Sqrt(1-correlation*correlation)*random.NormFloat64()
		day := int32(i % days)
		pairs = append(pairs, Pair{Arrival: a, Departure: d, ArrivalDelay: delayAt(a, x), DepartureDelay: delayAt(d, y), Day: day, Block: day})
	}
	return pairs
}

// delayAt is the minute at which a uniform spread over each bucket reaches the
// share of the normal value.
func delayAt(d Delay, z float64) int {
	share := 0.5 * math.Erfc(-z/math.Sqrt2)
	low, first := 0.0, d.Edges[0]-1
	for i, edge := range append(append([]int{}, d.Edges...), d.Edges[len(d.Edges)-1]+15) {
		high := 1.0
		if i < len(d.Cumulative) {
			high = d.Cumulative[i]
		}
		if share <= high {
			return first + int(math.Ceil((share-low)/(high-low)*float64(edge-first)))
		}
		low, first = high, edge
	}
	return first
}

func BenchmarkCaught(b *testing.B) {
	d := Delay{edges, []float64{0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.97}}
	for b.Loop() {
		Caught(d, d, 5, 0.4)
	}
}

func BenchmarkEstimate(b *testing.B) {
	pairs := drawn(6000, 20, 0.3)
	for b.Loop() {
		if _, err := Estimate(pairs); err != nil {
			b.Fatal(err)
		}
	}
}
