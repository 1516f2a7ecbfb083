package drift

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// scipy 1.17.1 on these counts, values at the upper edges:
//
//	ref=np.array([0,40,30,20,10,0]); cur=np.array([2,10,20,30,30,8]); pos=np.array([-.5,1,2,4,8,8])
//	p,q=((c+.5)/(c+.5).sum() for c in (ref,cur)); ((q-p)*np.log(q/p)).sum()
//	jensenshannon(ref,cur,2)**2; np.abs(np.cumsum(ref/100)-np.cumsum(cur/100)).max()
//	chi2_contingency([ref,cur],correction=False); wasserstein_distance(pos,pos,ref,cur)
func TestStatisticsOfSixBins(t *testing.T) {
	t.Parallel()
	reference := Reference{
		Feature: "delay", Edges: []float64{-0.5, 1, 2, 4, 8}, Deviation: 2,
		Counts: Counts{Bins: []uint64{0, 40, 30, 20, 10, 0}, Missing: 25},
	}
	got, err := Compare(reference, Counts{Bins: []uint64{2, 10, 20, 30, 30, 8}, Missing: 300})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "psi", got.PSI, 0.9286936753802546, 1e-13)
	near(t, "jensen-shannon", got.JensenShannon, 0.17178705415899853, 1e-14)
	near(t, "ks", got.KS, 0.38, 1e-14)
	near(t, "chi-square", got.ChiSquare, 42, 1e-12)
	near(t, "chi-square p", got.ChiSquareP, 5.890407202157469e-08, 1e-17)
	near(t, "wasserstein", got.Wasserstein, 2.19/2, 1e-14)
	near(t, "missing in the reference", got.ReferenceMissing, 0.2, 0)
	near(t, "missing now", got.CurrentMissing, 0.75, 0)
	near(t, "unseen", got.Unseen, 0.1, 1e-15)
	if got.ChiSquareFreedom != 5 || got.ReferenceEvents != 100 || got.CurrentEvents != 100 || got.Feature != "delay" {
		t.Errorf("%+v", got)
	}
}

// chi2_contingency([[500000,300000,200000],[2510,1460,1030]],correction=False) of scipy 1.17.1.
func TestChiSquareOfUnequalSides(t *testing.T) {
	t.Parallel()
	statistic, freedom, p := chiSquare([]uint64{500000, 300000, 0, 200000}, []uint64{2510, 1460, 0, 1030})
	near(t, "statistic", statistic, 1.9966896475389353, 1e-10)
	near(t, "p", p, 0.36848885067910825, 1e-11)
	if freedom != 2 {
		t.Errorf("%d degrees of freedom, want 2: the bin empty on both sides does not count", freedom)
	}
}

// Upper 5 % points of chi-square with 1, 10 and 100 degrees of freedom, NIST/SEMATECH
// e-Handbook of Statistical Methods, table 1.3.6.7.4: 3.841, 18.307, 124.342.
func TestChiSquareProbabilityAgainstTable(t *testing.T) {
	t.Parallel()
	for freedom, critical := range map[int]float64{1: 3.841, 10: 18.307, 100: 124.342} {
		// n in each bin on both sides, but d values moved from the second to the first on one:
		// two bins of d²/2n each.
		n := 1e6
		d := math.Sqrt(critical * n)
		reference, current := make([]uint64, freedom+1), make([]uint64, freedom+1)
		for i := range reference {
			reference[i], current[i] = uint64(n), uint64(n)
		}
		current[0] += uint64(math.Round(d))
		current[1] -= uint64(math.Round(d))
		_, _, p := chiSquare(reference, current)
		near(t, "p", p, 0.05, 2e-4)
	}
}

// scipy 1.17.1 on the raw whole numbers, whose bins are one per value, so nothing is lost:
//
//	i=np.floor(lcg(5000,3)**2*8); j=np.floor(lcg(4000,4)*8)
//	ks_2samp(i,j).statistic; wasserstein_distance(i,j)/i.std()
//	chi2_contingency, jensenshannon and the smoothed sum on np.bincount of both
func TestWholeNumbersAsTheRawValues(t *testing.T) {
	t.Parallel()
	reference, current := wholeNumbers()
	if len(reference.Edges) != 9 {
		t.Fatalf("edges %v, want one below 0 and one at each of 0 to 7", reference.Edges)
	}
	got, err := Compare(reference, current)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "ks", got.KS, 0.23955, 1e-14)
	near(t, "wasserstein", got.Wasserstein, 0.5240659518884534, 1e-13)
	near(t, "chi-square", got.ChiSquare, 716.9369073123923, 1e-9)
	near(t, "chi-square p / 1e-150", got.ChiSquareP*1e150, 1.5371303531213134, 1e-6)
	near(t, "jensen-shannon", got.JensenShannon, 0.061303879705390155, 1e-14)
	near(t, "psi", got.PSI, 0.35025363965588063, 1e-13)
	near(t, "unseen", got.Unseen, 0, 0)
}

// scipy 1.17.1 on the raw values; counts see them to within a bin:
//
//	a=lcg(20000,3)**2*10; b=lcg(10000,4)*10; a.std()
//	ks_2samp(a,b).statistic; wasserstein_distance(a,b)/a.std()
func TestContinuousValuesNearTheRawValues(t *testing.T) {
	t.Parallel()
	a, b := lcg(20000, 3), lcg(10000, 4)
	for i := range a {
		a[i] = a[i] * a[i] * 10
	}
	for i := range b {
		b[i] *= 10
	}
	reference, err := NewReference("delay", a, 256)
	if err != nil {
		t.Fatal(err)
	}
	current := reference.NewCounts()
	if err := reference.Add(&current, b); err != nil {
		t.Fatal(err)
	}
	got, err := Compare(reference, current)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "deviation", reference.Deviation, 2.989300836510398, 1e-12)
	near(t, "ks", got.KS, 0.2489, 1.0/256)
	near(t, "wasserstein", got.Wasserstein, 0.5556221348011151, 0.005)
}

func TestNoDriftIsNothing(t *testing.T) {
	t.Parallel()
	reference, _ := wholeNumbers()
	got, err := Compare(reference, reference.Counts)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]float64{
		"psi": got.PSI, "js": got.JensenShannon, "ks": got.KS, "w": got.Wasserstein, "chi-square": got.ChiSquare,
	} {
		near(t, name, v, 0, 1e-15)
	}
	near(t, "p", got.ChiSquareP, 1, 0)
}

func TestNothingInCommonIsAll(t *testing.T) {
	t.Parallel()
	near(t, "js", jensenShannon([]uint64{7, 0}, []uint64{0, 3}), 1, 0)
	near(t, "ks", kolmogorovSmirnov([]uint64{7, 0}, []uint64{0, 3}), 1, 0)
}

func TestMergedCountsAreTheCountsOfAll(t *testing.T) {
	t.Parallel()
	values := append(lcg(1000, 8), math.NaN(), 3, -3, math.Inf(1))
	reference, err := NewReference("x", lcg(500, 9), 16)
	if err != nil {
		t.Fatal(err)
	}
	all, merged := reference.NewCounts(), reference.NewCounts()
	if err := reference.Add(&all, values); err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(values, 97) {
		counts := reference.NewCounts()
		if err := reference.Add(&counts, part); err != nil {
			t.Fatal(err)
		}
		if err := merged.Merge(counts); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(all, merged) || all.Known() != 1003 || all.Missing != 1 {
		t.Errorf("merged %v, all at once %v", merged, all)
	}
}

func TestResultAsJSON(t *testing.T) {
	t.Parallel()
	reference, err := NewReference("x", []float64{1, 1, math.NaN(), 1}, 4)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Compare(reference, reference.NewCounts())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got)
	want := `{"feature":"x","reference_events":3,"current_events":0,"psi":null,"jensen_shannon":null,"ks":null,` +
		`"chi_square":null,"chi_square_freedom":0,"chi_square_p":null,"wasserstein":null,"reference_missing":0.25,"current_missing":null,"unseen":null}`
	if err != nil || string(text) != want {
		t.Errorf("JSON %s, %v; want %s", text, err, want)
	}
	var back Result
	if err := json.Unmarshal(text, &back); err != nil || !math.IsNaN(back.PSI) || back.ReferenceMissing != 0.25 {
		t.Errorf("read back %+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"PSIs":1}`), &back); err == nil || !strings.Contains(err.Error(), "PSIs") {
		t.Errorf("error %v, want one that names PSIs", err)
	}
}

func wholeNumbers() (Reference, Counts) {
	i, j := lcg(5000, 3), lcg(4000, 4)
	for k := range i {
		i[k] = math.Floor(i[k] * i[k] * 8)
	}
	for k := range j {
		j[k] = math.Floor(j[k] * 8)
	}
	reference, err := NewReference("whole", i, 1000)
	if err != nil {
		panic(err)
	}
	current := reference.NewCounts()
	if err := reference.Add(&current, j); err != nil {
		panic(err)
	}
	return reference, current
}

func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v within %v", name, got, want, tolerance)
	}
}

// lcg returns n numbers in [0,1) that any language can repeat:
// x = (1103515245*x + 12345) mod 2**31, each divided by 2**31.
func lcg(n int, seed uint64) []float64 {
	values := make([]float64, n)
	for i := range values {
		seed = (1103515245*seed + 12345) % (1 << 31)
		values[i] = float64(seed) / (1 << 31)
	}
	return values
}

// The process of NIST/SEMATECH e-Handbook 6.3.2.3 (mean 325, k 0.3175) and its table.
func TestCUSUM(t *testing.T) {
	t.Parallel()
	x := []float64{324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600, 324.625, 325.150, 328.325, 327.250, 327.825, 328.500, 326.675, 327.775, 326.875, 328.350}
	for i := range x {
		x[i] -= 325
	}
	c := CUSUM{Allowance: 0.3175}
	for n, want := range map[int][2]float64{1: {0, 0}, 2: {0, 0.01}, 4: {0, 0.33}, 5: {0.03, 0}, 8: {0, 0.72}, 13: {3.01, 0}, 15: {7.45, 0}, 17: {11.99, 0}, 20: {19.04, 0}} {
		above, below := c.Statistics(append(x[:n:n], math.NaN()))
		if math.Abs(above-want[0]) > 0.0051 || math.Abs(below-want[1]) > 0.0051 {
			t.Errorf("after %d: %.4f above, %.4f below, want %v", n, above, below, want)
		}
	}
}

// By hand: 0.1 counts as 0.06.
func TestBoundedCUSUM(t *testing.T) {
	t.Parallel()
	c := CUSUM{Allowance: 0.03, Most: 0.06}
	for n, want := range [][2]float64{{0, 0}, {0.03, 0}, {0.06, 0}, {0.07, 0}, {0.01, 0}, {0, 0.03}, {0, 0.04}} {
		above, below := c.Statistics([]float64{0.1, 0.1, 0.04, -0.03, -1, -0.04}[:n])
		if math.Abs(above-want[0]) > 1e-9 || math.Abs(below-want[1]) > 1e-9 {
			t.Errorf("after %d: %v above, %v below, want %v", n, above, below, want)
		}
	}
}
