package calibrate

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

// steps are 8,000 forecasts whose rate is a step, 0.2 below 0.5 and 0.7 from there, of
// four days in their order.
func steps() (HorizonEvents, []int) {
	u := lcg(16000, 3)
	var events HorizonEvents
	fold := make([]int, 8000)
	for i := range fold {
		p := math.Floor(u[i]*18+1) / 20
		rate := 0.2
		if p >= 0.5 {
			rate = 0.7
		}
		events.Forecast, events.Outcome = append(events.Forecast, p), append(events.Outcome, u[8000+i] < rate)
		events.HorizonMinutes, fold[i] = append(events.HorizonMinutes, 60), i/2000
	}
	return events, fold
}

// scikit-learn 1.9.1, each day from those before it:
//
//	ir=IsotonicRegression(out_of_bounds='clip').fit(p[f<k],y[f<k]); log_loss(y[f==k],ir.predict(p[f==k]))
//	and log_loss(y[2000:],p[2000:]) of the forecasts as they are
func TestChooseTakesTheStepsForSteps(t *testing.T) {
	t.Parallel()
	events, fold := steps()
	fitted, err := Choose(events, fold, Options{PriorEvents: 200, MinEvents: 100, MinIsotonic: 1000})
	if err != nil {
		t.Fatal(err)
	}
	loss := map[Method]float64{}
	for _, trial := range fitted.Choice.Tried {
		loss[trial.Method] = trial.LogLoss
		if trial.Rows != 6000 || trial.Problem != "" {
			t.Errorf("%+v, want 6000 rows judged", trial)
		}
	}
	near(t, "isotonic", loss[IsotonicPooled], 0.5550984015575584, 1e-9)
	near(t, "none", loss[None], 0.603252069104606, 1e-12)
	if fitted.Choice.Method != IsotonicPooled || len(fitted.Isotonic) != 1 || fitted.Isotonic[0].Events != 8000 {
		t.Errorf("%+v, want the pooled isotonic, the simpler of two that are equal with one horizon", fitted.Choice)
	}
	near(t, "log loss", fitted.LogLoss(events), 0.555, 0.01)
	text, err := json.Marshal(fitted)
	if err != nil {
		t.Fatal(err)
	}
	var back Horizons
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back.Choice, fitted.Choice) {
		t.Errorf("read back %+v, %v", back.Choice, err)
	}
}

// Log odds moved by 1 at every horizon, by +1 and -1 at two of them, and not at all.
func TestChooseFindsWhatMoved(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		shift [2]float64
		want  Method
	}{
		{"the base rate alone", [2]float64{1, 1}, PlattPooled},
		{"one horizon up, one down", [2]float64{1, -1}, PlattByHorizon},
	} {
		events, fold := moved(tt.shift)
		fitted, err := Choose(events, fold, Options{PriorEvents: 20, MinEvents: 100, MinIsotonic: 300})
		if err != nil || fitted.Choice.Method != tt.want {
			t.Errorf("%s: %+v, %v, want %s", tt.name, fitted.Choice, err, tt.want)
		}
	}
}

// moved are 6,000 events of six days at 60 and 5 minutes whose log odds are the
// forecast's plus a shift.
func moved(shift [2]float64) (HorizonEvents, []int) {
	u := lcg(12000, 21)
	var events HorizonEvents
	fold := make([]int, 6000)
	for i := range fold {
		at := i % 2
		p := 0.02 + 0.96*u[i]
		events.Forecast = append(events.Forecast, p)
		events.Outcome = append(events.Outcome, u[6000+i] < sigmoid(logit(p)+shift[at]))
		events.HorizonMinutes, fold[i] = append(events.HorizonMinutes, []int{60, 5}[at]), i/1000
	}
	return events, fold
}

func TestChooseOnOneDayHasNoChoice(t *testing.T) {
	t.Parallel()
	events, _ := moved([2]float64{1, -1})
	fitted, err := Choose(events, make([]int, 6000), Options{PriorEvents: 20, MinEvents: 100})
	if err != nil || fitted.Choice.Method != PlattByHorizon || len(fitted.Grid) != 2 {
		t.Fatalf("%+v, %v", fitted, err)
	}
	for _, trial := range fitted.Choice.Tried {
		if trial.Rows != 0 || trial.LogLoss != 0 || trial.Problem == "" {
			t.Errorf("judged on one day: %+v", trial)
		}
	}
}

// A method that has too few events of an earlier day is not judged, and says so.
func TestChooseNamesWhatItCouldNotJudge(t *testing.T) {
	t.Parallel()
	events, fold := moved([2]float64{1, 1})
	fitted, err := Choose(events, fold, Options{PriorEvents: 20, MinEvents: 100, MinIsotonic: 2000})
	if err != nil || fitted.Choice.Method != PlattPooled {
		t.Fatalf("%+v, %v", fitted, err)
	}
	last := fitted.Choice.Tried[len(Methods())-1]
	if last.Method != IsotonicByHorizon || !strings.Contains(last.Problem, "1000 forecasts, at least 2000") {
		t.Errorf("%+v", last)
	}
}

func TestChooseRefuses(t *testing.T) {
	t.Parallel()
	one := HorizonEvents{[]int{60}, []float64{0.5}, []bool{true}}
	nan := HorizonEvents{[]int{60}, []float64{math.NaN()}, []bool{true}}
	for _, c := range []struct {
		events HorizonEvents
		fold   []int
		want   string
	}{
		{one, nil, "0 folds for 1 forecasts"},
		{HorizonEvents{}, nil, "no events"},
		{nan, []int{0}, "row 0: forecast NaN"},
	} {
		if _, err := Choose(c.events, c.fold, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	if _, err := Fit("guess", one, Options{}); err == nil || !strings.Contains(err.Error(), `method "guess"`) {
		t.Errorf("unknown method: %v", err)
	}
	if _, err := Fit(IsotonicPooled, one, Options{MinIsotonic: 2}); err == nil || !strings.Contains(err.Error(), "at least 2") {
		t.Errorf("too few events: %v", err)
	}
}
