package forest_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"puenktlich/internal/learn/xgb"
)

// A model of ours starts from one half, where the margin is 0 exactly. Other
// models may start anywhere: there the library's logarithm in float32, which is
// not always rounded correctly, may lie one step beside ours, but rarely.
func TestBaseScoreAgreesWithXGBoost(t *testing.T) {
	t.Parallel()
	params := xgb.DefaultParams(xgb.BinaryLogistic, 1)
	params.Rounds, params.MinChildWeight = 1, 1e6
	model, row := string(train(t, params, 1000)), randomRows(1, 3)
	beside, got := 0, make([]float32, 1)
	for i := 1; i < 1000; i++ {
		other := strings.Replace(model, "5E-1", strconv.FormatFloat(float64(i)/1000, 'E', -1, 32), 1)
		parse(t, []byte(other)).Margin(got, row)
		want := libraryMargins(t, []byte(other), row)
		steps := math.Abs(float64(int64(math.Float32bits(got[0])) - int64(math.Float32bits(want[0]))))
		if steps > 1 || (i == 500 && steps != 0) {
			t.Errorf("base_score %d/1000: margin %v, XGBoost has %v", i, got[0], want[0])
		}
		beside += int(min(steps, 1))
	}
	if beside > 20 {
		t.Errorf("%d of 999 margins lie one step beside XGBoost's, want at most 20", beside)
	}
	t.Logf("%d of 999 margins lie one step beside XGBoost's", beside)
}
