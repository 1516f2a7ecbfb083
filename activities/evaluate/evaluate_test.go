package evaluate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func table() *dataset.Table {
	return dataset.New(feature.Version(), feature.Names(), make([]string, feature.Width()))
}

// add appends an RE at 60 minutes before: what the railway said, what came.
func add(t *dataset.Table, announced, delay int, cancelled bool) {
	vector := make([]float32, feature.Width())
	for i, name := range feature.Names() {
		if vector[i] = float32(math.NaN()); name == "forecast_delay" {
			vector[i] = float32(announced)
		}
	}
	n := len(t.Rows)
	t.Append(dataset.Row{Stop: rail.StopID(fmt.Sprintf("%d-2410291000-1", n)), Kind: rail.Departure, EVA: 8000105, EventDay: "2024-10-29", ServiceDay: "2024-10-29",
		Planned: time.Date(2024, 10, 29, 9, n%60, 0, 0, time.UTC), Horizon: 60, Category: "RE", DBDelay: announced, DelayMinutes: delay,
		Cancelled: cancelled, Evidence: rail.ChangeObserved}, vector)
}

func model(t *testing.T) *forecast.Model {
	t.Helper()
	m, err := forecast.Load(servingtest.Artefact())
	must(t, err)
	return m
}

func near(got, want float64) bool { return math.Abs(got-want) < 1e-6 }

// The tiny model says P(late) = q = 1/(1+e) = 0.268941 where on time is
// announced, 1-q where nine minutes are. Of each two, one is right.
func TestScoreByHand(t *testing.T) {
	t.Parallel()
	rows := table()
	add(rows, 0, 0, false)
	add(rows, 0, 8, false)
	add(rows, 9, 9, false)
	add(rows, 9, 2, false)
	add(rows, 0, 0, true)
	report, err := score(model(t), servingtest.Baselines(), rows)
	must(t, err)
	if report.TestEvents != 4 || len(report.Horizons) != 1 {
		t.Fatalf("%d events, %d horizons", report.TestEvents, len(report.Horizons))
	}
	h := report.Horizons[0]
	if h.Minutes != 60 || h.Events != 4 || h.LateRate != 0.5 || h.BestBaseline != "rate" || *h.AUC != 0.5 || h.Accuracy != 0.5 {
		t.Errorf("%+v", h)
	}
	for name, pair := range map[string][2]float64{
		"model":            {h.Brier, 0.3033880},             // (q^2 + (1-q)^2) / 2
		"log loss":         {*h.LogLoss, 0.8132617},          // (ln(1+e) - 1 + ln(1+e)) / 2
		"rate":             {h.Baselines.Rate.Brier, 0.3125}, // 0.25 for all
		"by category":      {h.Baselines.RateByCategory.Brier, 0.3125},
		"railway":          {h.Baselines.DBForecast.Brier, 0.5},
		"calibrated":       {h.Baselines.DBForecastCalibrated.Brier, 0.375}, // 0.1 and 0.8
		"skill":            {h.Skill, 0.0291584},                            // 1 - 0.3033880 / 0.3125
		"rate's log loss":  {*h.Baselines.Rate.LogLoss, 0.8369882},          // (ln 4 + ln 4/3) / 2
		"cancelled":        {report.Cancelled.Brier, 0.1924},                // 0.02 for all, one of five
		"cancelled, rate":  {report.Cancelled.RateBrier, 0.16},              // 0.2 for all
		"railway accuracy": {h.Baselines.DBForecast.Accuracy, 0.5},
	} {
		if !near(pair[0], pair[1]) {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	if h.Baselines.DBForecast.LogLoss != nil {
		t.Errorf("the log loss %v of a forecast of 0 or 1 does not exist", *h.Baselines.DBForecast.LogLoss)
	}
	if h.BrierLow > h.Brier || h.BrierHigh < h.Brier || report.Cancelled.Events != 5 || report.Cancelled.Cancelled != 1 {
		t.Errorf("interval %v to %v, %+v", h.BrierLow, h.BrierHigh, report.Cancelled)
	}
	if !strings.Contains(report.Interval, "station and three hours") {
		t.Errorf("interval %q on one day", report.Interval)
	}
}

// A railway that was right about everything leaves no skill to be had, and the
// report is written all the same.
func TestPerfectBaseline(t *testing.T) {
	t.Parallel()
	rows := table()
	for range 3 {
		add(rows, 0, 0, false)
	}
	report, err := score(model(t), servingtest.Baselines(), rows)
	must(t, err)
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}
	if h := report.Horizons[0]; h.Baselines.DBForecast.Brier != 0 || h.Skill != 0 || h.BestBaseline != "db_forecast" || h.AUC != nil {
		t.Errorf("%+v", h)
	}
	if gate(report).Passed {
		t.Error("a model worse than the railway's forecast passes")
	}
}

func TestNothingToScore(t *testing.T) {
	t.Parallel()
	rows := table()
	add(rows, 0, 0, true)
	if _, err := score(model(t), servingtest.Baselines(), rows); err == nil || !strings.Contains(err.Error(), "no event that ran") {
		t.Errorf("error %v", err)
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	horizon := func(minutes int, brier, railway float64) schemas.HorizonScore {
		return schemas.HorizonScore{Minutes: minutes, Events: 500, Score: schemas.Score{Brier: brier}, Baselines: schemas.Baselines{DBForecast: schemas.Score{Brier: railway}}}
	}
	tests := []struct {
		name   string
		report schemas.Report
		passed bool
		reason string
	}{
		{"better everywhere", schemas.Report{TestEvents: 500, Horizons: []schemas.HorizonScore{horizon(60, 0.11, 0.15), horizon(5, 0.07, 0.08)}}, true,
			"holds: 60 min: Brier 0.1100 below the railway's forecast 0.1500 on 500 events"},
		{"worse at one", schemas.Report{TestEvents: 500, Horizons: []schemas.HorizonScore{horizon(60, 0.11, 0.15), horizon(5, 0.09, 0.08)}}, false,
			"FAILS: 5 min: Brier 0.0900 below the railway's forecast 0.0800 on 500 events"},
		{"equal is not better", schemas.Report{TestEvents: 500, Horizons: []schemas.HorizonScore{horizon(60, 0.15, 0.15)}}, false, "FAILS: 60 min"},
		{"no figure", schemas.Report{TestEvents: 500, Horizons: []schemas.HorizonScore{horizon(60, math.NaN(), 0.15)}}, false, "FAILS: 60 min"},
		{"too few events", schemas.Report{TestEvents: 99, Horizons: []schemas.HorizonScore{horizon(60, 0.11, 0.15)}}, false, "FAILS: 99 test events, at least 100"},
		{"just enough", schemas.Report{TestEvents: 100, Horizons: []schemas.HorizonScore{horizon(60, 0.11, 0.15)}}, true, "holds: 100 test events, at least 100"},
		{"no horizon of the grid", schemas.Report{TestEvents: 500}, false, "FAILS: 0 of the horizons [120 60 30 15 5] were scored"},
	}
	for _, test := range tests {
		g := gate(test.report)
		if g.Passed != test.passed || !strings.Contains(strings.Join(g.Reasons, "\n"), test.reason) {
			t.Errorf("%s: passed %v, %q", test.name, g.Passed, g.Reasons)
		}
	}
}

// The whole activity on the object store.
func TestEvaluateModel(t *testing.T) {
	t.Parallel()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	put := func(prefix string, body []byte, err error) schemas.ObjectRef {
		t.Helper()
		must(t, err)
		ref, err := objects.PutContent(t.Context(), prefix, ".bin", body)
		must(t, err)
		return ref
	}
	rows := table()
	for range 60 {
		add(rows, 0, 0, false)
		add(rows, 9, 9, false)
		add(rows, 9, 2, false)
	}
	body, err := rows.Encode()
	part := schemas.DatasetPart{Day: "2024-10-29", Object: put("part/", body, err)}
	body, err = json.Marshal(schemas.DatasetManifest{ID: "d1", Parts: []schemas.DatasetPart{part}})
	in := schemas.EvaluateInput{Dataset: schemas.DatasetRef{ID: "d1", Manifest: put("manifest/", body, err)}, Days: schemas.DayRange{From: "2024-10-29", To: "2024-10-30"}}
	body, err = json.Marshal(learn.Learned{Artefact: servingtest.Artefact(), Baselines: servingtest.Baselines()})
	in.Trained = schemas.TrainedModel{RunID: "run-1", Model: "punctuality", Events: 1000, Artefact: put("learned/", body, err)}

	a := &Activities{Objects: objects}
	result, err := a.EvaluateModel(t.Context(), in)
	must(t, err)
	// Two thirds as sure as right, a third not: (2 q^2 + (1-q)^2) / 3 against 1/3.
	if !near(result.Horizons[0].Brier, 0.2263684) || !near(result.Horizons[0].Baselines.DBForecast.Brier, 1.0/3) || !result.Gate.Passed || result.Events != 180 {
		t.Errorf("%+v", result)
	}
	kept, err := objects.GetContent(t.Context(), result.Report)
	must(t, err)
	var report schemas.Report
	must(t, json.Unmarshal(kept, &report))
	if report.Model != "punctuality" || report.TrainEvents != 1000 || report.TestEvents != 180 || report.Dataset != "d1" || report.Evidence != "change_observed" {
		t.Errorf("%s", kept)
	}
	in.Days = schemas.DayRange{From: "2024-11-01", To: "2024-11-02"}
	_, err = a.EvaluateModel(t.Context(), in)
	expect(t, err, schemas.FailureNothingToDo)
	in.Trained.Artefact = put("learned/", []byte("no json"), nil)
	_, err = a.EvaluateModel(t.Context(), in)
	expect(t, err, schemas.FailureIntegrity)
}

func expect(t *testing.T, err error, kind schemas.FailureType) {
	t.Helper()
	application := (*temporal.ApplicationError)(nil)
	if !errors.As(err, &application) || application.Type() != string(kind) {
		t.Errorf("error %v, want %s", err, kind)
	}
}
