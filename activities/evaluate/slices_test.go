package evaluate

import (
	"strings"
	"testing"

	"puenktlich/internal/dataset"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
)

// traffic is 120 RE that are as announced, 120 ICE that are not, and 20 S, at one large
// station; half of the ICE have a reason, the S run while the station is disturbed.
func traffic() *dataset.Table {
	rows := table()
	for i := range 120 {
		put(rows, event{day: "2024-10-29", eva: 1, hour: 4, category: "RE", announced: 9 * (i % 2), delay: 9 * (i % 2)})
		put(rows, event{day: "2024-10-29", eva: 1, hour: 8, category: "ICE", announced: 9 * (i % 2), delay: 9 - 9*(i%2), known: map[string]float32{"reasons": float32(i / 60)}})
	}
	for range 20 {
		put(rows, event{day: "2024-10-29", eva: 2, hour: 23, category: "S", known: map[string]float32{"station_late": 0.5}})
	}
	return rows
}

// The tiny model says 0.268941 or 0.731059: right, its Brier score is 0.0723295, wrong
// 0.5344466. The best baseline of the RE is the railway's forecast, 0; calibrated it
// says 0.1 and 0.8. For the wrong ICE it is the rate, 0.25: 0.3125.
func TestSlicesByHand(t *testing.T) {
	t.Parallel()
	report, _, err := score(model(t), servingtest.Baselines(), traffic(), nil)
	must(t, err)
	got := map[string]schemas.SliceScore{}
	for _, s := range report.Slices {
		got[string(s.Dimension)+" "+s.Name] = s
	}
	for name, want := range map[string]struct {
		events int
		brier  float64 // 0: too few
	}{
		"product RE":   {120, 0.0723295},
		"product ICE":  {120, 0.5344466},
		"product S":    {20, 0},
		"hour 03-06 h": {120, 0.0723295},
		"hour 06-09 h": {120, 0.5344466},
		"hour 21-24 h": {20, 0},
		"hour 09-12 h": {0, 0},
		"disruption a reason or disruption was announced": {60, 0},
		"disruption the station was disturbed":            {20, 0},
		"disruption none was known":                       {180, (120*0.0723295 + 60*0.5344466) / 180},
		"station_class medium, 60 to 300 events a day":    {240, 0.3033880},
		"station_class small, below 60 events a day":      {20, 0},
		"station_class large, 300 or more events a day":   {0, 0},
	} {
		s, found := got[name]
		switch {
		case want.events == 0 && found:
			t.Errorf("%s: %+v, want none", name, s)
		case s.Events != want.events || s.TooFew != (want.brier == 0 && want.events > 0):
			t.Errorf("%s: %+v, want %d events", name, s, want.events)
		case want.brier > 0 && !near(*s.Brier, want.brier):
			t.Errorf("%s: Brier %v, want %v", name, *s.Brier, want.brier)
		case s.TooFew && (s.Brier != nil || s.Skill.Value != nil):
			t.Errorf("%s is scored on too few events: %+v", name, s)
		}
	}
	ice := got["product ICE"]
	if ice.BestBaseline != schemas.BaselineRate || !near(*ice.Skill.Value, 1-0.5344466/0.3125) || *ice.LateRate != 0.5 {
		t.Errorf("ICE %+v", ice)
	}
	if len(report.Worst) == 0 || !strings.HasPrefix(report.Worst[0], "hour 06-09 h: skill -71.0 %") || !strings.HasSuffix(report.Worst[0], "against rate, on 120 events") || !strings.HasPrefix(report.Worst[1], "product ICE") {
		t.Errorf("worst %q", report.Worst)
	}
}

// Without the features that tell of trouble the dimension is left out.
func TestNoDisruptionWithoutItsFeatures(t *testing.T) {
	t.Parallel()
	if disruption(dataset.New("v", []string{"horizon"}, []string{""})) != nil {
		t.Error("a disruption is told from nothing")
	}
}
