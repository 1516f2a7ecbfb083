package learn

import (
	"math"
	"testing"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
)

// Expected by hand: with a half-life of two days, days that are 4, 1 and 0 days old
// weigh 1/4, 1/sqrt(2) and 1, over their mean (0.25 + 0.70711 + 1) / 3 = 0.65237.
func TestWeightsOfAges(t *testing.T) {
	t.Parallel()
	days := []rail.Day{"2024-10-25", "2024-10-28", "2024-10-29"} // the clocks change between the first two
	data := Data{}.on(days).aged(2)
	for i, want := range []float64{0.38322, 1.08391, 1.53287} {
		if got := float64(data.weight[days[i]]); math.Abs(got-want) > 1e-4 {
			t.Errorf("%s: weight %.5f, want %.5f", days[i], got, want)
		}
	}
	if alike := (Data{}).on(days).aged(0); alike.weight != nil {
		t.Errorf("without a half-life: %v", alike.weight)
	}
}

// The railway turns over on the last of eight days: what was late is not any more.
// Only who counts the newest day most believes it.
func TestTheNewestDaysCountMost(t *testing.T) {
	t.Parallel()
	table := synthetic(8, 400)
	for i := range table.Rows {
		if row := &table.Rows[i]; row.EventDay == "2024-10-08" {
			row.DelayMinutes = 10 - row.DelayMinutes
		}
	}
	onTime := func(halfLife float64) float64 {
		s := quick
		s.HalfLifeDays = halfLife
		data := Data{source: Whole(table)}.on(days(table))
		fitted, err := bucketTrees(trainer(t), s).Fit(t.Context(), Task{Name: "all", Train: data, Rounds: s.Rounds})
		if err != nil {
			t.Fatal(err)
		}
		asked := dataset.New("test", table.Names, []string{"min", "min"})
		for i := range 100 {
			asked.Append(dataset.Row{Horizon: 5}, []float32{float32(i+1) / 50, 0})
		}
		out := make([]float64, 100)
		if err := fitted.OnTime(out, asked); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, p := range out {
			sum += p / 100
		}
		return sum
	}
	// Seven days say 0.1 and one 0.9: 0.2 in all. By a quarter of a day's half-life the
	// newest has 15/16 of the weight: 0.85.
	alike, aged := onTime(0), onTime(0.25)
	if math.Abs(alike-0.2) > 0.05 || math.Abs(aged-0.85) > 0.07 {
		t.Errorf("P(on time) of what was late until the last day: %.2f with all days alike, %.2f with the newest first", alike, aged)
	}
}

func days(table *dataset.Table) []rail.Day {
	var all []rail.Day
	for _, row := range table.Rows {
		if len(all) == 0 || all[len(all)-1] != row.EventDay {
			all = append(all, row.EventDay)
		}
	}
	return all
}
