package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"puenktlich/api/infer"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/spool"
	"puenktlich/schemas"
)

// grown is a model as large as trained ones: 60 rounds of eight trees of depth 5.
type grown struct{}

func (grown) Fetch(_ context.Context, ref schemas.PackageRef) (string, error) { return ref.Digest, nil }

func (grown) Open(string) (serving.Package, error) {
	a := servingtest.Artefact()
	var model map[string]any
	if err := json.Unmarshal(a.Buckets, &model); err != nil {
		return serving.Package{}, err
	}
	source := rand.New(rand.NewPCG(1, 2))
	var trees []any
	var info []int
	for range 60 {
		for class := range len(a.Edges) + 1 {
			trees, info = append(trees, randomTree(source, 5)), append(info, class)
		}
	}
	model["learner"].(map[string]any)["gradient_booster"].(map[string]any)["model"] = map[string]any{"tree_info": info, "trees": trees}
	var err error
	if a.Buckets, err = json.Marshal(model); err != nil {
		return serving.Package{}, err
	}
	loaded, err := forecast.Load(a)
	return serving.Package{Ref: servingtest.Ref(7), Model: loaded, Baselines: servingtest.Baselines()}, err
}

// randomTree is a perfect one in XGBoost's arrays, in breadth-first order.
func randomTree(source *rand.Rand, depth int) map[string]any {
	inner, all := 1<<depth-1, 1<<(depth+1)-1
	left, right, split := make([]int, all), make([]int, all), make([]int, all)
	condition, weight, kind := make([]float32, all), make([]float32, all), make([]int, all)
	for i := range all {
		weight[i] = 10
		if i < inner {
			left[i], right[i], split[i], condition[i] = 2*i+1, 2*i+2, source.IntN(feature.Width()), float32(source.NormFloat64()*5)
			continue
		}
		left[i], right[i], condition[i] = -1, -1, float32(source.NormFloat64()*0.1)
	}
	return map[string]any{"left_children": left, "right_children": right, "split_indices": split, "split_conditions": condition, "split_type": kind,
		"categories": []int{}, "sum_hessian": weight, "tree_param": map[string]string{"num_nodes": fmt.Sprint(all), "size_leaf_vector": "0"}}
}

// nowhere takes predictions and forgets them: shipping is not measured here.
type nowhere struct{}

func (nowhere) InsertPredictionRows(context.Context, string, []byte, int) error { return nil }

// BenchmarkVectors answers batches with logging to the disk, beside the plain
// evaluation of the same rows. The figure is rows/s; predictions leave the spool
// for nowhere.
func BenchmarkVectors(b *testing.B) {
	quiet := slog.New(slog.DiscardHandler)
	log, err := spool.Open(spool.Options{Dir: filepath.Join(b.TempDir(), "spool"), Store: nowhere{}, ShipEvery: 100 * time.Millisecond, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	shipping, stop := context.WithCancel(b.Context())
	shipped := make(chan struct{})
	go func() { defer close(shipped); _ = log.Run(shipping) }()
	defer func() { stop(); <-shipped; _ = log.Close() }()
	champion := serving.NewChampion(serving.ChampionOptions{Model: schemas.DefaultModel, Packages: grown{}, Dir: b.TempDir(), Logger: quiet})
	if err := champion.Load(b.Context(), servingtest.Ref(7)); err != nil {
		b.Fatal(err)
	}
	loaded, _ := champion.Current()
	forecaster := serving.NewForecaster(serving.Options{Champion: champion, Log: log, DataSource: "test"})
	routes := map[string]http.HandlerFunc{}
	for _, r := range infer.New(infer.Options{Forecaster: forecaster, Champion: champion, Now: func() time.Time { return begin }, Model: schemas.DefaultModel, Logger: quiet}).All() {
		routes[r.Path] = r.Serve
	}
	for _, rows := range []int{100, 10_000} {
		k := randomRows(rows)
		flat, horizons := k.flat()
		report := func(b *testing.B) { b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s") }
		b.Run(fmt.Sprintf("plain/%d", rows), func(b *testing.B) {
			var batch forecast.Batch
			for b.Loop() {
				if err := loaded.Model.Forecasts(&batch, flat, horizons); err != nil {
					b.Fatal(err)
				}
			}
			report(b)
		})
		oip := fmt.Appendf(nil, `{"inputs":[{"name":"features","shape":[%d,%d],"datatype":"FP32","data":[%s]}]}`, rows, feature.Width(), k.rows("[", ",", "]", number32))
		bodies := map[string]struct {
			path, media string
			body        []byte
		}{
			"oip-json": {"/v2/models/{name}/infer", "application/json", oip},
			"mlflow":   {"/invocations", "application/json", fmt.Appendf(nil, `{"instances":[%s]}`, k.rows("[", ",", "]", number32))},
			"arrow":    {"/v1/forecasts/arrow", infer.MediaArrow, k.arrow(b, 1)},
		}
		for _, name := range []string{"oip-json", "mlflow", "arrow"} {
			b.Run(fmt.Sprintf("%s/%d", name, rows), func(b *testing.B) {
				to := bodies[name]
				for b.Loop() {
					answer := respond(routes[to.path], to.path, to.media, to.body)
					if answer.Code != http.StatusOK {
						b.Fatalf("%d %s", answer.Code, answer.Body)
					}
				}
				report(b)
			})
		}
	}
}

func respond(handle http.HandlerFunc, path, media string, body []byte) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	request.SetPathValue("name", schemas.DefaultModel)
	request.Header.Set("Content-Type", media)
	answer := httptest.NewRecorder()
	handle(answer, request)
	return answer
}

// randomRows have a third of their values missing, but their horizon.
func randomRows(n int) known {
	source := rand.New(rand.NewPCG(3, 4))
	var k known
	for range n {
		vector := make([]float32, feature.Width())
		for j, name := range feature.Names() {
			switch {
			case name == "horizon":
				vector[j] = float32(source.IntN(120))
			case source.IntN(3) == 0:
				vector[j] = float32(math.NaN())
			default:
				vector[j] = float32(source.IntN(200)) / 4
			}
		}
		k.vectors = append(k.vectors, vector)
		k.forecasts = append(k.forecasts, serving.Forecast{Statement: &serving.Statement{HorizonMinutes: float64(source.IntN(120))}})
	}
	return k
}

func (k known) flat() (rows []float32, horizons []float64) {
	for i, vector := range k.vectors {
		rows, horizons = append(rows, vector...), append(horizons, k.forecasts[i].HorizonMinutes)
	}
	return rows, horizons
}
