package scoring

import (
	"math"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/learn"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

const day = "2024-10-30"

// judged is a forecast of a departure at an hour of the day that was so many
// minutes late in the end.
func judged(stop string, hour int, horizon int32, onTime float64, delay int32) *schema.Judged {
	j := &schema.Judged{OwnDelay: float32(math.NaN()), Category: "RE"}
	j.Version, j.Digest, j.Role = 7, "d", schema.RoleChampion
	j.StopID, j.Kind, j.EVA, j.EventDay = stop, string(rail.Departure), 8000105, day
	j.Planned, j.HorizonMinutes, j.POnTime, j.PBaseline = rail.Day(day).Start().Add(time.Duration(hour)*time.Hour), horizon, onTime, 0.5
	j.Outcome = schema.Outcome{Settled: true, DelayMinutes: delay, Evidence: string(rail.ChangeObserved)}
	return j
}

func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12 || math.IsNaN(got) != math.IsNaN(want) {
		t.Errorf("%s %v, want %v", name, got, want)
	}
}

func TestScoresByHand(t *testing.T) {
	t.Parallel()
	b := &learn.Baselines{Rate: 0.25, Events: 10, Category: map[string]float64{"RE|departure": 0.5}}
	tally := NewTally(b)
	for _, j := range []*schema.Judged{
		judged("1", 8, 60, 0.9, 0), judged("1", 8, 5, 0.8, 0), // an event at two horizons
		judged("2", 17, 60, 0.4, 9),
		judged("3", 17, 60, 0.7, 6),
	} {
		tally.Add(j, nil)
	}
	all := tally.Figures(Group{Voice{7, "d", schema.RoleChampion, string(rail.ChangeObserved)}, 0, "", ""})
	if all.Events != 3 || all.Forecasts != 4 {
		t.Errorf("%d events, %d forecasts, want 3 and 4", all.Events, all.Forecasts)
	}
	near(t, "Brier", all.Brier.Estimate, (0.01+0.04+0.16+0.49)/4)
	near(t, "log loss", all.LogLoss.Estimate, -(math.Log(0.9)+math.Log(0.8)+math.Log(0.6)+math.Log(0.3))/4)
	near(t, "expected Brier", all.Expected.Estimate, (0.09+0.16+0.24+0.21)/4)
	near(t, "gap", all.Gap.Estimate, 0.0) // 0.70/4 promised, 0.70/4 paid
	near(t, "AUC", all.AUC.Estimate, 1)
	near(t, "rate", all.BaselineBrier[0], (0.0625+0.0625+0.5625+0.5625)/4)
	near(t, "category", all.BaselineBrier[1], 0.25)
	near(t, "railway without a forecast says on time", all.BaselineBrier[2], 0.5)
	near(t, "calibrated", all.BaselineBrier[3], 0.25)
	near(t, "skill against the rate", all.Skill[0].Estimate, 1-0.175/0.3125)
	if name, brier := all.Best(); name != "rate_by_category" || brier != 0.25 {
		t.Errorf("best %s %v", name, brier)
	}
	if all.Blocks != "2 blocks of a station and three hours, within these 1 days only" {
		t.Errorf("blocks %q", all.Blocks)
	}
	if !math.IsNaN(all.CRPS.Estimate) {
		t.Errorf("CRPS %v of distributions whose edges are not known", all.CRPS.Estimate)
	}
	five := tally.Figures(Group{Voice{7, "d", schema.RoleChampion, string(rail.ChangeObserved)}, 5, "", ""})
	near(t, "Brier at 5 minutes", five.Brier.Estimate, 0.04)
}

func TestEvidenceRolesAndSlicesStayApart(t *testing.T) {
	t.Parallel()
	tally := NewTally(nil)
	unchanged, shadow, odd := judged("1", 8, 60, 0.9, 0), judged("2", 8, 60, 0.9, 0), judged("3", 9, 60, math.NaN(), 0)
	unchanged.Outcome.Evidence, shadow.Role, shadow.Category = string(rail.PolledWithoutChange), schema.RoleShadow, ""
	for _, j := range []*schema.Judged{judged("0", 8, 60, 0.5, 0), unchanged, shadow, odd} {
		tally.Add(j, nil)
	}
	if tally.Refused != 1 {
		t.Errorf("%d refused, want the one that is no number", tally.Refused)
	}
	var seen []string
	for _, g := range tally.Groups() {
		if g.SliceKind == SliceProduct || g.SliceKind == SliceHour {
			seen = append(seen, string(g.Role)+" "+g.Evidence+" "+g.SliceKind+" "+g.Slice)
		}
	}
	want := []string{"champion change_observed hour 08", "champion change_observed product RE", "champion polled_without_change hour 08",
		"champion polled_without_change product RE", "shadow change_observed hour 08", "shadow change_observed product ?"}
	if !slices.Equal(seen, want) {
		t.Errorf("got %q\nwant %q", seen, want)
	}
	labels := Labels{Model: "m", Source: schema.FromPanel, DataSource: "test", From: day, Until: "2024-10-31", ScoredAt: rail.Day(day).End()}
	for _, row := range tally.Rows(labels) {
		if row.Metric == "skill_rate" && (!math.IsNaN(row.Value) || row.Baseline != "rate") {
			t.Errorf("without baselines: %+v", row)
		}
		if row.Metric == "brier" && row.Role == schema.RoleShadow && row.SliceKind == "" && (row.Events != 1 || math.Abs(row.Value-0.01) > 1e-12 || row.Baseline != "db_forecast_calibrated") {
			t.Errorf("shadow: %+v", row)
		}
	}
}

// The edges -1, 0, 2, 5 and certain forecasts: all mass up to 2 minutes, 4 minutes late.
// Wrong between 2 and 5: three minutes.
func TestCRPSNeedsTheEdges(t *testing.T) {
	t.Parallel()
	tally := NewTally(nil)
	j := judged("1", 8, 60, 0.9, 4)
	j.Cumulative = []float64{0, 0, 1, 1}
	tally.Add(j, []int{-1, 0, 2, 5})
	near(t, "CRPS", tally.Figures(tally.Groups()[0]).CRPS.Estimate, 3)
}
