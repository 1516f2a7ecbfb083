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

	"puenktlich/internal/champion"
	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/objstore"
	"puenktlich/internal/policy"
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
	report, _, err := score(model(t), servingtest.Baselines(), rows, nil)
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
	if !strings.Contains(report.Interval, "station and three hours") || report.TestDayCount != 1 || h.Verdict != schemas.VerdictNotEnoughDays {
		t.Errorf("interval %q, verdict %q on %d days", report.Interval, h.Verdict, report.TestDayCount)
	}
	if len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "1 test days are not enough days") {
		t.Errorf("notes %q", report.Notes)
	}
}

// The same four events. numpy 2.4.6 for the CRPS, in its energy form with the mass of a
// bucket at its upper edge (the open one at 44) and each delay at that of its bucket:
//
//	(pm*abs(edges-d)).sum()-.5*(pm[:,None]*pm[None,:]*abs(edges[:,None]-edges[None,:])).sum()
//
// and scikit-learn 1.9.1 for mean_pinball_loss and mean_absolute_error of the quantiles.
func TestDistributionByHand(t *testing.T) {
	t.Parallel()
	rows := table()
	add(rows, 0, 0, false)
	add(rows, 0, 8, false)
	add(rows, 9, 9, false)
	add(rows, 9, 2, false)
	report, _, err := score(model(t), servingtest.Baselines(), rows, nil)
	must(t, err)
	d := report.Horizons[0].Detail
	for name, pair := range map[string]struct {
		got  *float64
		want float64
	}{
		"crps":           {d.CRPS.Value, 4.6810566286146225},
		"crps railway":   {d.CRPSDB.Value, 4}, // 0, 9, 0 and 7 minutes
		"median error":   {d.MAE.Value, 6.25}, // 2, 2, 14 and 14 forecast
		"railway error":  {d.MAEDB.Value, 3.75},
		"quantile 0.1":   {d.Quantiles[0].Loss.Value, 0.525},
		"quantile 0.5":   {d.Quantiles[1].Loss.Value, 3.125},
		"quantile 0.9":   {d.Quantiles[2].Loss.Value, 3.175},
		"width":          {d.Width80.Value, 37}, // -1 to 29 and 0 to 44
		"coverage":       {d.Coverage80.Value, 1},
		"sharpness":      {d.Sharpness.Value, 0.19661193324148185},
		"brier":          {d.Brier.Value, 0.3033880},
		"log loss":       {d.LogLoss.Value, 0.8132617},
		"skill rate":     {d.Skill.Rate.Value, 0.0291584},
		"skill railway":  {d.Skill.DBForecast.Value, 0.3932239},
		"mean forecast":  {&d.MeanForecast, 0.5},
		"overall brier":  {&report.Overall.Brier, 0.3033880},
		"auc":            {d.AUC.Value, 0.5},
		"ece":            {d.ECE.Value, 0.2310586}, // 0.5 of each side against 0.2689 and 0.7311
		"first bin":      {&d.Reliability[0].MeanForecast, 0.2689414},
		"first bin late": {&d.Reliability[0].Rate, 0.5},
	} {
		if pair.got == nil || !near(*pair.got, pair.want) {
			t.Errorf("%s: %v, want %v", name, pair.got, pair.want)
		}
	}
	if d.Rows != 4 || len(d.Reliability) != 2 || report.Overall.Events != 4 || report.Overall.Minutes != 0 {
		t.Errorf("%+v, overall %+v", d, report.Overall)
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
	report, _, err := score(model(t), servingtest.Baselines(), rows, nil)
	must(t, err)
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}
	if h := report.Horizons[0]; h.Baselines.DBForecast.Brier != 0 || h.Skill != 0 || h.BestBaseline != "db_forecast" || h.AUC != nil {
		t.Errorf("%+v", h)
	}
	if policy.Gate(report, schemas.ModelCost{}, schemas.DefaultGate()).Passed {
		t.Error("a model worse than the railway's forecast passes")
	}
	if len(report.Notes) != 2 || !strings.Contains(report.Notes[0], "none of 3 forecasts met a late event") {
		t.Errorf("notes %q do not say that one class alone was seen", report.Notes)
	}
}

func TestNothingToScore(t *testing.T) {
	t.Parallel()
	rows := table()
	add(rows, 0, 0, true)
	if _, _, err := score(model(t), servingtest.Baselines(), rows, nil); err == nil || !strings.Contains(err.Error(), "no event that ran") {
		t.Errorf("error %v", err)
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

	runs := &notebook{}
	a := &Activities{Objects: objects, Champions: crown{err: champion.ErrNone}, Store: runs, Clock: noon, NotFound: objstore.ErrNotFound}
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
	if result.Days != 1 || result.Comparison != nil || result.Horizons[0].Detail != nil || report.Horizons[0].Detail == nil || !(result.Cost.RowMicroseconds > 0) || result.Cost.SizeBytes != in.Trained.Artefact.SizeBytes {
		t.Errorf("short form %+v", result)
	}
	if got := runs.metrics["test_brier_h60"]; !near(got, 0.2263684) || runs.metrics["test_events"] != 180 || !near(runs.metrics["test_skill_h60"], result.Horizons[0].Skill) {
		t.Errorf("run's metrics %v", runs.metrics)
	}
	for _, name := range []string{"test_brier", "test_log_loss_h60", "test_auc_h60", "test_ece_h60", "test_crps_minutes_h60", "test_skill_db_forecast_calibrated_h60", "test_cancelled_brier_h60"} {
		if _, found := runs.metrics[name]; !found {
			t.Errorf("the run has no metric %s: %v", name, runs.metrics)
		}
	}
	if body, err := json.Marshal(result); err != nil || len(body) > 8<<10 {
		t.Errorf("a result of %d bytes, %v", len(body), err)
	}
	strict := schemas.DefaultGate()
	strict.MinEvents = 181
	in.Gate = &strict
	refused, err := a.EvaluateModel(t.Context(), in)
	must(t, err)
	if refused.Gate.Passed || refused.Report != result.Report {
		t.Errorf("%+v, want a gate of the input's own and the same report", refused.Gate)
	}
	in.Days = schemas.DayRange{From: "2024-11-01", To: "2024-11-02"}
	_, err = a.EvaluateModel(t.Context(), in)
	expect(t, err, schemas.FailureNothingToDo)
	in.Trained.Days = schemas.DayRange{From: "2024-10-01", To: "2024-11-02"}
	_, err = a.EvaluateModel(t.Context(), in)
	expect(t, err, schemas.FailureInvalidInput)
	in.Trained.Days = schemas.DayRange{}
	in.Trained.Artefact = put("learned/", []byte("no json"), nil)
	_, err = a.EvaluateModel(t.Context(), in)
	expect(t, err, schemas.FailureIntegrity)
	in.Trained.Artefact.Key = "runs/gone"
	_, err = a.EvaluateModel(t.Context(), in)
	expect(t, err, schemas.FailureNotFound)
}

func expect(t *testing.T, err error, kind schemas.FailureType) {
	t.Helper()
	application := (*temporal.ApplicationError)(nil)
	if !errors.As(err, &application) || application.Type() != string(kind) {
		t.Errorf("error %v, want %s", err, kind)
	}
}
