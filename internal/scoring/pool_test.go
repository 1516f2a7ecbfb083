package scoring

import (
	"fmt"
	"math"
	"testing"

	schema "puenktlich/schemas/clickhouse"
)

func dayScore(day int, metric string, value, baseline float64, events uint64) schema.Score {
	return schema.Score{FromDay: fmt.Sprintf("2024-10-%02d", day), UntilDay: fmt.Sprintf("2024-10-%02d", day+1), Metric: metric, Value: value, BaselineValue: baseline, Events: events, Days: 1,
		Lower: math.NaN(), Upper: math.NaN()}
}

func TestPoolWeighsDaysByEvents(t *testing.T) {
	t.Parallel()
	got := Pool([]schema.Score{dayScore(2, "brier", 0.2, 0.3, 300), dayScore(1, "brier", 0.1, 0.1, 100), dayScore(1, "brier", math.NaN(), 0.1, 9),
		dayScore(1, "skill_rate", 0, 0.1, 100), dayScore(2, "skill_rate", 1-0.2/0.3, 0.3, 300)})
	if len(got) != 2 {
		t.Fatalf("%d rows, want brier and skill: %+v", len(got), got)
	}
	brier, skill := got[0], got[1]
	near(t, "Brier", brier.Value, (0.1*100+0.2*300)/400)
	near(t, "baseline", brier.BaselineValue, (0.1*100+0.3*300)/400)
	near(t, "skill", skill.Value, 1-0.175/0.25)
	if brier.Events != 400 || brier.Days != 2 || brier.FromDay != "2024-10-01" || brier.UntilDay != "2024-10-03" || !math.IsNaN(brier.Lower) || brier.Blocks != "" {
		t.Errorf("two days: %+v", brier)
	}
}

// The same on every day has no width; ten days have an interval.
func TestPoolDrawsDaysFromTenOn(t *testing.T) {
	t.Parallel()
	var flat, wide []schema.Score
	for d := 1; d <= 10; d++ {
		flat, wide = append(flat, dayScore(d, "brier", 0.2, 0.3, 100)), append(wide, dayScore(d, "brier", 0.1+0.02*float64(d%2), 0.3, 100))
	}
	one := Pool(flat)[0]
	near(t, "low", one.Lower, 0.2)
	near(t, "high", one.Upper, 0.2)
	two := Pool(wide)[0]
	if two.Blocks != "10 days" || !(two.Lower < 0.11 && two.Upper > 0.11) {
		t.Errorf("%+v", two)
	}
}
