package metric

import (
	"math"
	"slices"
	"testing"
)

// The figures of the 2,000 events of manyEvents in the twelve blocks (i*i//37)%12, from
// numpy 2.4.6 and scikit-learn 1.9.1, 20,000 resamples of their own generator:
//
//	rows=[np.flatnonzero(blk==b) for b in range(12)]
//	r=np.concatenate([rows[b] for b in rng.integers(0,12,12)]); roc_auc_score(y[r],p[r]) ...
//	np.quantile(aucs,[.025,.975])
func TestIntervalsOfManyEvents(t *testing.T) {
	t.Parallel()
	p, y := manyEvents()
	block := blocksOfMany(len(p))
	losses := make([]float64, len(p))
	for i := range p {
		losses[i] = (p[i] - indicator(y[i])) * (p[i] - indicator(y[i]))
	}
	ranked, sums := NewRanked(p, y, block, 12), BlockSums(losses, block, 12)
	ones := BlockSums(slices.Repeat([]float64{1}, len(p)), block, 12)
	got := Draws{Resamples: 5000, Seed: 3}.Intervals(12, 3, func(values []float64, weight []int32) {
		values[0] = Weighted(sums, weight) / Weighted(ones, weight)
		values[1], values[2] = ranked.Scores(weight, 10)
	})
	for i, c := range []struct {
		name                string
		estimate, low, high float64
	}{
		{"brier", 0.1712099375, 0.16337, 0.17932},
		{"auc", 0.8700085751774441, 0.85529, 0.88428},
		{"ece", 0.1762925, 0.16347, 0.18978},
	} {
		near(t, c.name, got[i].Estimate, c.estimate, 1e-12)
		near(t, c.name+" low", got[i].Low, c.low, 0.0012)
		near(t, c.name+" high", got[i].High, c.high, 0.0012)
		if got[i].Resamples != 5000 || got[i].Blocks != 12 {
			t.Errorf("%s: %+v", c.name, got[i])
		}
	}
}

// scikit-learn 1.9.1, weights of the twelve blocks w=[0,1,2,0,3,1,1,0,2,1,0,1]:
//
//	roc_auc_score(y,p,sample_weight=w[blk]); ece(np.repeat(p,w[blk]),np.repeat(y,w[blk]),10)
func TestRankedCountsABlockAsOftenAsItsWeight(t *testing.T) {
	t.Parallel()
	p, y := manyEvents()
	ranked := NewRanked(p, y, blocksOfMany(len(p)), 12)
	if ranked.few == nil {
		t.Fatal("twelve blocks are few")
	}
	for range 2 { // by pairs of blocks, then by a pass over the events
		auc, ece := ranked.Scores([]int32{0, 1, 2, 0, 3, 1, 1, 0, 2, 1, 0, 1}, 10)
		near(t, "auc", auc, 0.8642666822257231, 1e-12)
		near(t, "ece", ece, 0.16679933665008292, 1e-12)
		ranked.few = nil
	}
}

// More different forecasts than are told apart: neighbours are joined, never parted.
func TestRankedOfManyForecasts(t *testing.T) {
	t.Parallel()
	u := lcg(40000, 9)
	p, y, block := u[:20000], make([]bool, 20000), make([]int32, 20000)
	for i := range y {
		y[i], block[i] = u[20000+i] < p[i], int32(i%7)
	}
	ranked := NewRanked(p, y, block, 7)
	if len(ranked.groups) > maxGroups || len(ranked.entries) > maxGroups*7 {
		t.Errorf("%d groups with %d entries", len(ranked.groups), len(ranked.entries))
	}
	auc, ece := ranked.Scores([]int32{1, 1, 1, 1, 1, 1, 1}, 10)
	near(t, "auc", auc, AUC(p, y), 1.0/maxGroups)
	near(t, "ece", ece, ECE(p, y, 10), 1e-3)
}

func TestIntervalsThatDoNotExist(t *testing.T) {
	t.Parallel()
	// Each block has one class: a resample of one alone has no AUC.
	ranked := NewRanked([]float64{0.1, 0.2, 0.8, 0.9}, outcomes(0, 0, 1, 1), []int32{0, 0, 1, 1}, 2)
	both := func(values []float64, weight []int32) { values[0], values[1] = ranked.Scores(weight, 10) }
	got := Draws{Resamples: 1000, Seed: 1}.Intervals(2, 2, both)
	if got[0].Estimate != 1 || got[0].Low != 1 || got[0].Resamples < 420 || got[0].Resamples > 580 || got[1].Resamples != 1000 {
		t.Errorf("%+v", got)
	}
	one := Draws{Resamples: 10, Seed: 1}.Intervals(1, 1, func(values []float64, _ []int32) { values[0] = 5 })
	if one[0].Estimate != 5 || !math.IsNaN(one[0].Low) || one[0].Excludes(0) {
		t.Errorf("one block: %+v", one[0])
	}
	empty, _ := NewRanked(nil, nil, nil, 0).Scores(nil, 10)
	if !math.IsNaN(empty) {
		t.Errorf("auc of nothing %v", empty)
	}
}

func TestDense(t *testing.T) {
	t.Parallel()
	dense, n := Dense([]int32{7, 7, -3, 9, -3})
	if want := []int32{1, 1, 0, 2, 0}; n != 3 || !slices.Equal(dense, want) {
		t.Errorf("%v of %d, want %v of 3", dense, n, want)
	}
}

// numpy 2.4.6, 100,000 draws of outcomes from the forecasts (20,000 for the 50,000
// events, which are those of manyEvents 25 times):
//
//	Y=(rng.random((1000,len(p)))<p); e=np.abs((Y-p)@onehot(bins)).sum(1)/len(p); np.quantile(e,.95)
func TestCalibratedECE(t *testing.T) {
	t.Parallel()
	p, _ := manyEvents()
	near(t, "2000 events", CalibratedECE(p, 10, 4000, 1), 0.0320225, 0.0005)
	near(t, "200 events", CalibratedECE(p[:200], 10, 4000, 1), 0.104375, 0.0015)
	near(t, "50000 events", CalibratedECE(slices.Repeat(p, 25), 10, 4000, 1), 0.0063925, 0.0001)
	if CalibratedECE(p, 10, 100, 1) != CalibratedECE(p, 10, 100, 1) || !math.IsNaN(CalibratedECE(nil, 10, 100, 1)) {
		t.Error("the same seed gives another number, or nothing a number")
	}
}

// numpy 2.4.6: (p*(1-p)).mean() of two forecasts and of manyEvents.
func TestSharpness(t *testing.T) {
	t.Parallel()
	near(t, "by hand", Sharpness([]float64{0.5, 0.9}), 0.17, 1e-15)
	p, _ := manyEvents()
	near(t, "many", Sharpness(p), 0.1677575625, 1e-14)
}

// A million events of 30 days, and the same in 7,200 blocks of station and hours: 1000
// resamples of means, AUC and ECE.
func BenchmarkIntervalsOfAMillion(b *testing.B) {
	const n = 1_000_000
	u := lcg(n, 1)
	for name, blocks := range map[string]int{"days": 30, "station-hours": 7200} {
		y, block := make([]bool, n), make([]int32, n)
		for i := range y {
			y[i], block[i] = u[n-1-i] < u[i], int32(i%blocks)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ranked, sums := NewRanked(u, y, block, blocks), BlockSums(u, block, blocks)
				Draws{Resamples: 1000, Seed: 1}.Intervals(blocks, 3, func(values []float64, weight []int32) {
					values[0] = Weighted(sums, weight)
					values[1], values[2] = ranked.Scores(weight, 10)
				})
			}
		})
	}
}

func BenchmarkCalibratedECEOfAMillion(b *testing.B) {
	u := lcg(1_000_000, 1)
	for b.Loop() {
		CalibratedECE(u, 10, 1000, 1)
	}
}

func blocksOfMany(n int) []int32 {
	block := make([]int32, n)
	for i := range block {
		block[i] = int32(i*i/37) % 12
	}
	return block
}
