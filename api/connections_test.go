package api

import (
	"math"
	"net/url"
	"strings"
	"testing"

	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
)

// changing is a house with an arrival at 10:40 that is forecast to be on time, beside
// its departures at 10:45 and 11:05.
func changing(t *testing.T) *house {
	t.Helper()
	h := build(t)
	h.plan(t, 1, 30, 0)
	h.plan(t, 2, 50, 9)
	h.plan(t, 3, -30, 9)
	h.arrive(t, 9, 25, 0)
	if err := h.champion.Load(t.Context(), servingtest.Ref(7)); err != nil {
		t.Fatal(err)
	}
	h.follow(t)
	return h
}

// The tiny model spreads its two chances evenly over its buckets. With 5 minutes
// between and as many to change, none is spare: P(A <= D). Its buckets are -1, 0,
// 1-2, 3-5 with s = Confident/4 each, and 6-9, 10-14, 15-29, beyond with q = (1-Confident)/4
// each. Both sides have the same distribution, so P(A <= D) = (1 + P(A = D)) / 2, and
// P(A = D) = s²(1 + 1 + 1/2 + 1/3) + q²(1/4 + 1/5 + 1/15 + 1/15).
func TestAConnectionByHand(t *testing.T) {
	t.Parallel()
	h := changing(t)
	a := h.get(t, "/v1/connections?station=8000105&from=RE+4609&to=RE+4601&transfer=5,0")
	var got connection
	a.into(t, &got)
	s, q := servingtest.Confident/4, (1-servingtest.Confident)/4
	equal := s*s*(1+1+1.0/2+1.0/3) + q*q*(1.0/4+1.0/5+2.0/15)
	runs := 0.98 * 0.98
	if got.GapMinutes != 5 || math.Abs(got.PBothRun-runs) > 1e-9 || len(got.Changes) != 2 {
		t.Fatalf("%s", a.raw)
	}
	five := got.Changes[1]
	if five.TransferMinutes != 5 || math.Abs(five.PCaught-runs*(1+equal)/2) > 1e-6 || five.PIndependent != five.PCaught || five.Low != nil {
		t.Errorf("caught with nothing to spare: %+v, want %v", five, runs*(1+equal)/2)
	}
	if got.Changes[0].PCaught <= five.PCaught {
		t.Errorf("a shorter change is caught less often: %+v", got.Changes)
	}
	if got.Dependence.Correlation != 0 || !strings.Contains(got.Dependence.Note, "independence is assumed") {
		t.Errorf("dependence %+v", got.Dependence)
	}
	for _, f := range []serving.Forecast{got.Arrival, got.Departure} {
		if _, waits, err := h.log.Find(f.PredictionID); !waits || err != nil || f.RequestID != got.RequestID {
			t.Errorf("the forecast of the %s was given and is not in the log under the request: %v", f.Event, err)
		}
	}
	d := read(t)
	for _, problem := range d.check(d.Components.Schemas["Connection"], a.body, "") {
		t.Errorf("shape: %s", problem)
	}
}

func TestTheCorrelationOfThePackageIsUsed(t *testing.T) {
	t.Parallel()
	h := changing(t)
	var plain connection
	h.get(t, "/v1/connections?station=8000105&from=RE+4609&to=RE+4601&transfer=3").into(t, &plain)
	value, low, high := 0.4, 0.3, 0.5
	report := &schemas.TransferReport{Pairs: 900, Days: 12, Used: true, Note: "better", Correlation: schemas.Estimate{Value: &value, Low: &low, High: &high}}
	result := serving.Result{RequestID: "r", Package: &serving.Loaded{Package: serving.Package{Ref: servingtest.Ref(7), Report: schemas.Report{Transfers: report}}},
		Forecasts: []serving.Forecast{plain.Arrival, plain.Departure}}
	got := connect(plain.Clock, result, []int{3})
	c := got.Changes[0]
	if c.PIndependent != plain.Changes[0].PCaught || !(c.PCaught > c.PIndependent) || !(*c.Low < c.PCaught && c.PCaught < *c.High) {
		t.Errorf("%+v beside %+v", c, plain.Changes[0])
	}
	if got.Dependence.Correlation != 0.4 || got.Dependence.Note != "a Gaussian copula of 900 pairs of 12 days: better" {
		t.Errorf("dependence %+v", got.Dependence)
	}
	report.Used, report.Note = false, "independence is assumed: no better"
	if got := connect(plain.Clock, result, []int{3}); got.Dependence.Correlation != 0 || got.Changes[0].PCaught != c.PIndependent || got.Dependence.Evaluation == nil {
		t.Errorf("not used: %+v", got)
	}
	report.Used = true
	result.Forecasts[1].EVA++
	if got := connect(plain.Clock, result, []int{3}); got.Dependence.Correlation != 0 || !strings.Contains(got.Dependence.Note, "within one station") {
		t.Errorf("two stations: %+v", got.Dependence)
	}
}

func TestWrongConnections(t *testing.T) {
	t.Parallel()
	h := changing(t)
	arrival := url.QueryEscape(string(departure(9, 25).Stop))
	tests := []struct {
		query  string
		status int
		detail string
	}{
		{"", 400, "from is missing"},
		{"from=" + arrival, 400, "to is missing"},
		{"from=" + arrival + "&to=RE+4601", 400, "name the event by stop_id"},
		{"station=8000105&from=" + arrival + "&to=RE+4601&transfer=soon", 400, `transfer="soon": want whole minutes`},
		{"station=8000105&from=" + arrival + "&to=RE+4601&transfer=-1", 400, "want whole minutes from 0 to 120"},
		{"station=8000105&from=" + arrival + "&to=RE+4601&transfer=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21", 400, "transfer has 21 times"},
		{"station=8000105&from=RE+4608&to=RE+4601", 404, `no arrival of a train "RE 4608"`},
		{"station=8000105&from=RE+4609&to=RE+54", 409, "is the name of 3 departures"},
		{"station=8000105&from=RE+4609&to=RE+4603", 400, "RE 4603 (54), departure at 09:45 leaves before RE 4609 (54), arrival at 10:40 comes"},
		{"station=8000105&from=RE+4609&to=RE+4601&at=2024-10-29T11:00", 400, "lies in the future"},
		{"station=8000105&from=RE+4609&to=RE+4601&via=Mainz", 400, "unknown query parameter"},
	}
	for _, test := range tests {
		a := h.get(t, "/v1/connections?"+test.query)
		if detail, _ := a.body["detail"].(string); a.status != test.status || !strings.Contains(detail, test.detail) {
			t.Errorf("%s: %d %s\nwant %d with %q", test.query, a.status, a.raw, test.status, test.detail)
		}
	}
}
