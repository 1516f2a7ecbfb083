package metric

import (
	"math"
	"strings"
	"testing"
)

// The twelve events of the hand-sized example; scikit-learn 1.9.1 gives its scores:
//
//	p=[0.1,0.4,0.35,0.8,0.35,0.9,0.05,0.6,0.35,0.6,0.2,0.97]; y=[0,0,1,1,0,1,0,1,1,0,0,1]
//	brier_score_loss(y,p); log_loss(y,p); roc_auc_score(y,p); accuracy_score(y,np.array(p)>=.5)
var (
	smallForecasts = []float64{0.1, 0.4, 0.35, 0.8, 0.35, 0.9, 0.05, 0.6, 0.35, 0.6, 0.2, 0.97}
	smallOutcomes  = outcomes(0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1)
)

func TestScoresOfTwelveEvents(t *testing.T) {
	t.Parallel()
	logLoss, ok := LogLoss(smallForecasts, smallOutcomes)
	if !ok {
		t.Error("log loss of forecasts inside (0,1) does not exist")
	}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"brier", Brier(smallForecasts, smallOutcomes), 0.14590833333333333},
		{"log loss", logLoss, 0.43392748169268985},
		{"auc", AUC(smallForecasts, smallOutcomes), 0.8472222222222222},
		{"accuracy", Accuracy(smallForecasts, smallOutcomes), 0.75},
		{"late rate", LateRate(smallOutcomes), 0.5},
	} {
		near(t, c.name, c.got, c.want, 1e-14)
	}
}

// brier_score_loss and roc_auc_score of scikit-learn 1.9.1 on 2,000 events with many ties:
//
//	u=lcg(4000,1); p=np.floor(u[:2000]*200)/200; y=(u[2000:]<p**2).astype(int)
func TestScoresOfManyEvents(t *testing.T) {
	t.Parallel()
	p, y := manyEvents()
	near(t, "brier", Brier(p, y), 0.1712099375, 1e-12)
	near(t, "auc", AUC(p, y), 0.8700085751774441, 1e-12)
	near(t, "late rate", LateRate(y), 0.3205, 1e-15)
}

func TestLogLossNeedsForecastsInsideTheUnitInterval(t *testing.T) {
	t.Parallel()
	for name, p := range map[string][]float64{
		"right 0": {0.3, 0}, "wrong 1": {0.3, 1}, "NaN": {0.3, math.NaN()}, "none": {},
	} {
		got, ok := LogLoss(p, make([]bool, len(p)))
		if ok || !math.IsNaN(got) {
			t.Errorf("%s: log loss %v, %v; want NaN, false", name, got, ok)
		}
	}
}

func TestScoresThatDoNotExist(t *testing.T) {
	t.Parallel()
	for name, got := range map[string]float64{
		"brier of nothing":     Brier(nil, nil),
		"accuracy of nothing":  Accuracy(nil, nil),
		"late rate of nothing": LateRate(nil),
		"ece of nothing":       ECE(nil, nil, 10),
		"ece without bins":     ECE(smallForecasts, smallOutcomes, 0),
		"auc of one class":     AUC([]float64{0.1, 0.9}, outcomes(1, 1)),
		"auc of NaN":           AUC([]float64{0.1, math.NaN()}, outcomes(0, 1)),
		"skill against 0":      Skill(0, 0),
		"crps of nothing":      CRPS(nil, nil, 3),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s: %v, want NaN", name, got)
		}
	}
}

func TestThresholdIsLate(t *testing.T) {
	t.Parallel()
	near(t, "accuracy", Accuracy([]float64{0.5, 0.5, 0.49}, outcomes(1, 0, 0)), 2.0/3, 1e-15)
}

// The Brier scores of two baselines at 60 minutes: 1 - 0.1310/0.1569.
func TestSkill(t *testing.T) {
	t.Parallel()
	near(t, "skill", Skill(0.1310, 0.1569), 0.1650732, 1e-6)
	near(t, "no better", Skill(0.2, 0.2), 0, 0)
}

func TestDifferentLengthsPanic(t *testing.T) {
	t.Parallel()
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "2 forecasts for 1 outcomes") {
			t.Errorf("panic %q does not name the lengths", text)
		}
	}()
	Brier([]float64{0.1, 0.2}, []bool{true})
}

func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v within %v", name, got, want, tolerance)
	}
}

func outcomes(values ...int) []bool {
	y := make([]bool, len(values))
	for i, v := range values {
		y[i] = v == 1
	}
	return y
}

func manyEvents() ([]float64, []bool) {
	u := lcg(4000, 1)
	p, y := make([]float64, 2000), make([]bool, 2000)
	for i := range p {
		p[i] = math.Floor(u[i]*200) / 200
		y[i] = u[2000+i] < p[i]*p[i]
	}
	return p, y
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
