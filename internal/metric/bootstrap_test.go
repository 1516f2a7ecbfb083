package metric

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

// Two blocks of means 0 and 1 give resamples 0, ½, 1 with chances ¼, ½, ¼: the 2.5 % and
// 97.5 % points are 0 and 1, whatever the number of events within.
func TestMeanIntervalOfTwoBlocks(t *testing.T) {
	t.Parallel()
	values, block := make([]float64, 2000), make([]int32, 2000)
	for i := range values {
		block[i] = int32(i % 2)
		values[i] = float64(i % 2)
	}
	got, err := MeanInterval(values, block, 1000, 1)
	want := Interval{Estimate: 0.5, Low: 0, High: 1, Blocks: 2, Level: 0.95, Resamples: 1000}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	single := make([]int32, 2000)
	for i := range single {
		single[i] = int32(i)
	}
	// Without the blocks: 0.5 ± 1.96·0.5/√2000.
	got, _ = MeanInterval(values, single, 4000, 1)
	near(t, "low without blocks", got.Low, 0.5-0.0219, 0.002)
	near(t, "high without blocks", got.High, 0.5+0.0219, 0.002)
}

// numpy 2.4.6 on twelve blocks of 14 to 43 events, a million resamples of its own generator
// (for the AUC of scikit-learn 1.9.1: 20,000):
//
//	blk=(np.arange(300)*np.arange(300)//37)%12; v=lcg(300,7)+blk*0.05
//	bs,bn: sums and sizes by block; idx=rng.integers(0,12,(1000000,12))
//	np.quantile(bs[idx].sum(1)/bn[idx].sum(1),[.025,.975])
func TestIntervalsOfTwelveBlocks(t *testing.T) {
	t.Parallel()
	values, block := twelveBlocks()
	got, err := MeanInterval(values, block, 40000, 99)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mean", got.Estimate, 0.7315299684982747, 1e-12)
	near(t, "low", got.Low, 0.62822, 0.003)
	near(t, "high", got.High, 0.84179, 0.003)

	p, y := manyEvents()
	auc, err := BlockBootstrap(block, 5000, 99, aucOf(p, y))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "auc", auc.Estimate, 0.8880423280423281, 1e-12)
	near(t, "auc low", auc.Low, 0.84637, 0.004)
	near(t, "auc high", auc.High, 0.92056, 0.004)
}

func TestBlockBootstrapDrawsAsMeanInterval(t *testing.T) {
	t.Parallel()
	values, block := twelveBlocks()
	want, _ := MeanInterval(values, block, 500, 3)
	got, err := BlockBootstrap(block, 500, 3, func(rows []int) float64 {
		sum := 0.0
		for _, r := range rows {
			sum += values[r]
		}
		return sum / float64(len(rows))
	})
	if err != nil || got.Blocks != 12 || got.Resamples != 500 {
		t.Fatalf("%+v, %v", got, err)
	}
	near(t, "low", got.Low, want.Low, 1e-12)
	near(t, "high", got.High, want.High, 1e-12)
}

func TestSameSeedSameBits(t *testing.T) {
	t.Parallel()
	values, block := twelveBlocks()
	first, _ := MeanInterval(values, block, 300, 5)
	again, _ := MeanInterval(values, block, 300, 5)
	other, _ := MeanInterval(values, block, 300, 6)
	if !reflect.DeepEqual(first, again) {
		t.Errorf("same seed: %+v and %+v", first, again)
	}
	if first.Low == other.Low && first.High == other.High {
		t.Errorf("seeds 5 and 6 give the same interval %+v", first)
	}
}

// The same day's luck in both losses cancels in the pairs: a is better by 0.01 everywhere.
func TestPairedDifferenceCancelsWhatIsCommon(t *testing.T) {
	t.Parallel()
	b, block := twelveBlocks()
	a := make([]float64, len(b))
	for i := range a {
		a[i] = b[i] - 0.01
	}
	got, err := PairedDifference(a, b, block, 500, 1)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "estimate", got.Estimate, -0.01, 1e-12)
	near(t, "low", got.Low, -0.01, 1e-12)
	near(t, "high", got.High, -0.01, 1e-12)
	if !got.Excludes(0) {
		t.Errorf("%+v does not exclude 0", got)
	}
}

func TestExcludes(t *testing.T) {
	t.Parallel()
	i := Interval{Low: -0.5, High: 0.25}
	for v, want := range map[float64]bool{-0.51: true, -0.5: false, 0: false, 0.25: false, 0.26: true} {
		if i.Excludes(v) != want {
			t.Errorf("[-0.5, 0.25] excludes %v: %v, want %v", v, !want, want)
		}
	}
}

func TestIntervalThatDoesNotExist(t *testing.T) {
	t.Parallel()
	got, err := MeanInterval([]float64{1, 2}, []int32{7, 7}, 100, 1)
	if err != nil || got.Estimate != 1.5 || got.Blocks != 1 || got.Excludes(0) {
		t.Errorf("one block: %+v, %v", got, err)
	}
	text, err := json.Marshal(got)
	if want := `{"estimate":1.5,"low":null,"high":null,"blocks":1,"level":0.95,"resamples":0}`; err != nil || string(text) != want {
		t.Errorf("JSON %s, %v; want %s", text, err, want)
	}
	var back Interval
	if err := json.Unmarshal(text, &back); err != nil || !math.IsNaN(back.Low) || !math.IsNaN(back.High) || back.Estimate != 1.5 {
		t.Errorf("read back %+v, %v", back, err)
	}
	// Each block has one class: only resamples with both of them have an AUC.
	p, y := []float64{0.1, 0.2, 0.8, 0.9}, outcomes(0, 0, 1, 1)
	auc, err := BlockBootstrap([]int32{1, 1, 2, 2}, 1000, 1, aucOf(p, y))
	if err != nil || auc.Low != 1 || auc.Resamples < 420 || auc.Resamples > 580 {
		t.Errorf("one class a block: %+v, %v; want about half of the resamples, all 1", auc, err)
	}
}

func TestBootstrapRefuses(t *testing.T) {
	t.Parallel()
	one := []int32{1}
	for _, c := range []struct {
		run  func() (Interval, error)
		want string
	}{
		{func() (Interval, error) { return MeanInterval([]float64{1, 2}, one, 10, 1) }, "2 values for 1 block ids"},
		{func() (Interval, error) { return MeanInterval(nil, nil, 10, 1) }, "no events"},
		{func() (Interval, error) { return MeanInterval([]float64{1}, one, 0, 1) }, "0 resamples"},
		{func() (Interval, error) { return MeanInterval([]float64{math.NaN()}, one, 10, 1) }, "row 0: value NaN"},
		{func() (Interval, error) { return PairedDifference([]float64{1}, nil, one, 10, 1) }, "1 of a and 0 of b"},
		{func() (Interval, error) { return BlockBootstrap(nil, 10, 1, nil) }, "no events"},
	} {
		if _, err := c.run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func BenchmarkMeanInterval(b *testing.B) {
	values, block := lcg(200_000, 1), make([]int32, 200_000)
	for i := range block {
		block[i] = int32(i / 5000)
	}
	for b.Loop() {
		if _, err := MeanInterval(values, block, 1000, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func twelveBlocks() ([]float64, []int32) {
	values, block := lcg(300, 7), make([]int32, 300)
	for i := range block {
		block[i] = int32(i*i/37) % 12
		values[i] += float64(block[i]) * 0.05
	}
	return values, block
}

func aucOf(p []float64, y []bool) func(rows []int) float64 {
	return func(rows []int) float64 {
		q, z := make([]float64, len(rows)), make([]bool, len(rows))
		for i, r := range rows {
			q[i], z[i] = p[r], y[r]
		}
		return AUC(q, z)
	}
}
