package modelpkg_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/drift"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn/xgb"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rows makes vectors of the catalogue's width, a tenth of the values missing.
func rows(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 3))
	out := make([]float32, n*feature.Width())
	for i := range out {
		out[i] = float32(math.Floor(r.ExpFloat64()*12)) / 2
		if r.IntN(10) == 0 {
			out[i] = float32(math.NaN())
		}
	}
	return out
}

func train(objective xgb.Objective, classes int) ([]byte, error) {
	path, err := xgb.Locate()
	if err != nil {
		return nil, err
	}
	library, err := xgb.Open(path)
	if err != nil {
		return nil, err
	}
	const n = 1200
	data, labels := rows(n, 1), make([]float32, n)
	r := rand.New(rand.NewPCG(5, 3))
	for i := range labels {
		x := data[i*feature.Width()+1]
		if x != x {
			x = 9
		}
		labels[i] = float32(min(int(r.ExpFloat64()*float64(x)/3), max(classes, 2)-1))
	}
	params := xgb.DefaultParams(objective, classes)
	params.Rounds, params.MaxDepth = 6, 4
	result, err := library.Train(context.Background(), xgb.FromSlices(xgb.Batch{Rows: data, Columns: feature.Width(), Labels: labels}, 512), params, xgb.TrainOptions{})
	if err != nil {
		return nil, err
	}
	return result.Model, nil
}

// artefact is trained once by the XGBoost library itself.
var artefact = sync.OnceValues(func() (forecast.Artefact, error) {
	buckets, err := train(xgb.MultiSoftprob, len(rail.BucketEdges())+1)
	if err != nil {
		return forecast.Artefact{}, err
	}
	cancel, err := train(xgb.BinaryLogistic, 1)
	return forecast.Artefact{
		FeatureVersion: feature.Version(), Features: feature.Names(), Edges: rail.BucketEdges(),
		Buckets: buckets, Cancel: cancel, CancelRate: 0.02,
		Calibration: calibrate.Horizons{
			Pooled: calibrate.Platt{Slope: 0.9, Intercept: 0.1},
			Grid: []calibrate.HorizonPlatt{
				{HorizonMinutes: 5, Events: 300, Platt: calibrate.Platt{Slope: 1.1, Intercept: -0.2}},
				{HorizonMinutes: 60, Events: 300, Platt: calibrate.Platt{Slope: 0.8, Intercept: 0.3}},
			},
			// Flat in the middle, and silent about the ends.
			Isotonic: []calibrate.HorizonIsotonic{
				{HorizonMinutes: 5, Events: 300, Isotonic: calibrate.Isotonic{Forecasts: []float64{0.2, 0.5, 0.7, 0.9}, Rates: []float64{0.1, 0.4, 0.4, 0.95}}},
				{HorizonMinutes: 60, Events: 300, Isotonic: calibrate.Isotonic{Forecasts: []float64{0.3, 0.8}, Rates: []float64{0.35, 0.7}}},
			},
		},
		CancelCalibration: &calibrate.Horizons{
			Pooled: calibrate.Identity(),
			Grid: []calibrate.HorizonPlatt{
				{HorizonMinutes: 5, Events: 300, Platt: calibrate.Platt{Slope: 1.3, Intercept: -0.6}},
				{HorizonMinutes: 120, Events: 300, Platt: calibrate.Platt{Slope: 0.7, Intercept: -0.1}},
			},
		},
	}, err
})

// contents is a whole package's worth, the same at each call.
func contents(t testing.TB) modelpkg.Contents {
	t.Helper()
	a, err := artefact()
	must(t, err)
	model, err := forecast.Load(a)
	must(t, err)
	sample, err := servingtest.Sample().Encode()
	must(t, err)
	c := modelpkg.Contents{
		Name: "punctuality", Version: 7, Created: time.Date(2024, 10, 29, 3, 0, 0, 0, time.UTC),
		Artefact: a, Baselines: json.RawMessage(`{"rate":0.25}`), Sample: sample,
		Report:  report(),
		Trained: schemas.TrainedModel{RunID: "run-1", Model: "punctuality", Seed: 17, Rounds: 6, Candidate: schemas.Candidate{Name: "small", MaxDepth: 4}},
		Provenance: []schemas.Provenance{{
			Source: "recordings of the Timetables API", Licence: "CC BY 4.0", Attribution: "Deutsche Bahn / DB InfraGO"}},
		CodeVersion: "v0.1.0", Environment: map[string]string{"xgboost": "1.7.4", "go": "1.26"},
	}
	data := rows(12, 99)
	for i, horizon := range []float64{120, 60, 42.5, 30, 15, 5, 1, 60, 60, 60, 60, 60} {
		g, err := modelpkg.Golden(model, data[i*feature.Width():(i+1)*feature.Width()], horizon)
		must(t, err)
		c.Golden = append(c.Golden, g)
	}
	reference, err := drift.NewReference(feature.Names()[0], []float64{1, 2, 3, math.NaN()}, 4)
	must(t, err)
	c.References = []drift.Reference{reference}
	return c
}

func report() schemas.Report {
	logLoss := 0.4321
	return schemas.Report{
		Model: "punctuality", Interval: "95 %, bootstrap over days", Evidence: "change observed", Dataset: "ds-1",
		TrainDays: schemas.DayRange{From: "2024-10-01", To: "2024-10-28"}, TestDays: schemas.DayRange{From: "2024-10-28", To: "2024-10-29"},
		TrainEvents: 90000, TestEvents: 4100,
		Horizons: []schemas.HorizonScore{{
			Minutes: 60, Events: 4321, LateRate: 0.25, Score: schemas.Score{Brier: 0.1111, LogLoss: &logLoss}, ECE: 0.01,
			BrierLow: 0.1011, BrierHigh: 0.1211, Skill: 0.2, BestBaseline: "db_forecast_calibrated",
			Baselines: schemas.Baselines{
				Rate: schemas.Score{Brier: 0.1875}, RateByCategory: schemas.Score{Brier: 0.1765},
				DBForecast: schemas.Score{Brier: 0.1654}, DBForecastCalibrated: schemas.Score{Brier: 0.1389}},
		}},
	}
}

func newKey(t testing.TB) *modelpkg.Key {
	t.Helper()
	key, err := modelpkg.LoadOrCreateKey(filepath.Join(t.TempDir(), "key.pem"))
	must(t, err)
	return key
}

// signed builds and signs a package.
func signed(t testing.TB) (dir, digest string, key *modelpkg.Key) {
	t.Helper()
	dir, key = filepath.Join(t.TempDir(), "package"), newKey(t)
	digest, err := modelpkg.Build(dir, contents(t))
	must(t, err)
	must(t, modelpkg.Sign(dir, key))
	return dir, digest, key
}

func read(t testing.TB, dir, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(dir, path))
	must(t, err)
	return body
}

func write(t testing.TB, dir, path string, body []byte) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, path), body, 0o644))
}

func sha(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// reseal makes the manifest agree with a file that was changed, as whoever
// changed it would.
func reseal(t testing.TB, dir, path string, body []byte) {
	t.Helper()
	write(t, dir, path, body)
	var m map[string]any
	must(t, json.Unmarshal(read(t, dir, "manifest.json"), &m))
	for _, entry := range m["files"].([]any) {
		if f := entry.(map[string]any); f["path"] == path {
			f["size_bytes"], f["sha256"] = len(body), sha(body)
		}
	}
	body, err := json.Marshal(m)
	must(t, err)
	write(t, dir, "manifest.json", body)
}
