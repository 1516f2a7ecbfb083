package metric

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestScoreAsJSON(t *testing.T) {
	t.Parallel()
	// By hand: forecasts 0 and 1 have no log loss; (0² + 0² + 0.5²)/3; one bin per event.
	s, err := Score([]float64{0, 1, 0.5}, outcomes(0, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"events":3,"late_rate":0.3333333333333333,"mean_forecast":0.5,"brier":0.08333333333333333,` +
		`"log_loss":null,"auc":1,"ece":0.16666666666666666,"accuracy":0.6666666666666666}`
	if string(got) != want {
		t.Errorf("JSON\n got %s\nwant %s", got, want)
	}
	var back Scores
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(back.LogLoss) || back.AUC != 1 || back.Events != 3 || back.Brier != s.Brier || back.ECE != s.ECE {
		t.Errorf("read back %+v, want %+v", back, s)
	}
}

func TestScoreOfNothing(t *testing.T) {
	t.Parallel()
	s, err := Score(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(s)
	want := `{"events":0,"late_rate":null,"mean_forecast":null,"brier":null,"log_loss":null,"auc":null,"ece":null,"accuracy":null}`
	if string(got) != want {
		t.Errorf("JSON %s, want %s", got, want)
	}
}

func TestScoreRefusesWhatIsNoForecast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p    []float64
		y    []bool
		want string
	}{
		{[]float64{0.1, 1.25}, outcomes(0, 1), "row 1: forecast 1.25 "},
		{[]float64{-0.5}, outcomes(0), "row 0: forecast -0.5 "},
		{[]float64{0.1, 0.2, math.NaN()}, outcomes(0, 1, 1), "row 2: forecast NaN "},
		{[]float64{0.1, 0.2}, outcomes(0), "2 forecasts for 1 outcomes"},
	} {
		if _, err := Score(c.p, c.y); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want one with %q", c.p, err, c.want)
		}
	}
}

func TestScoresRefuseUnknownFields(t *testing.T) {
	t.Parallel()
	var s Scores
	if err := json.Unmarshal([]byte(`{"events":1,"brier_score":0.1}`), &s); err == nil || !strings.Contains(err.Error(), "brier_score") {
		t.Errorf("error %v, want one that names brier_score", err)
	}
	var i Interval
	if err := json.Unmarshal([]byte(`{"lo":0.1}`), &i); err == nil || !strings.Contains(err.Error(), `"lo"`) {
		t.Errorf("error %v, want one that names lo", err)
	}
}
