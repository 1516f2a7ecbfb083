// Package servingtest makes the smallest model that serving accepts, with
// probabilities one computes by hand, for the tests of those who serve.
package servingtest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
	"puenktlich/schemas"
)

// Confident is e/(1+e), the chance the tiny model gives to its likelier side.
const Confident = 0.7310585786300049

// Artefact is a model of one split: a forecast delay below 6 minutes, or none,
// gives P(on time) = Confident, another one 1 - Confident. All buckets of one
// side are equally likely.
func Artefact() forecast.Artefact {
	return forecast.Artefact{
		FeatureVersion: feature.Version(), Features: feature.Names(), Edges: rail.BucketEdges(),
		Buckets: trees(), CancelRate: 0.02, Calibration: calibrate.Horizons{Pooled: calibrate.Platt{Slope: 1}},
	}
}

// trees is a model file as XGBoost writes it: one tree a class, whose left leaf
// is 1 for punctual classes and 0 for late ones, and the right leaf the reverse.
func trees() json.RawMessage {
	classes := len(rail.BucketEdges()) + 1
	var all []any
	var info []int
	for class := range classes {
		left, right := 1.0, 0.0
		if class > rail.OnTimeEdge {
			left, right = 0, 1
		}
		info = append(info, class)
		all = append(all, tree(left, right))
	}
	body, err := json.Marshal(map[string]any{
		"version": []int{1, 7, 4},
		"learner": map[string]any{
			"attributes":          map[string]string{"missing_value": "-100000"},
			"learner_model_param": map[string]string{"base_score": "5E-1", "num_class": fmt.Sprint(classes), "num_feature": fmt.Sprint(feature.Width()), "num_target": "1"},
			"objective":           map[string]any{"name": "multi:softprob"},
			"gradient_booster":    map[string]any{"name": "gbtree", "model": map[string]any{"tree_info": info, "trees": all}},
		},
	})
	if err != nil {
		panic("servingtest: " + err.Error()) // plain maps are always JSON
	}
	return body
}

func tree(left, right float64) map[string]any {
	split := slices.Index(feature.Names(), "forecast_delay")
	return map[string]any{
		"left_children": []int{1, -1, -1}, "right_children": []int{2, -1, -1},
		"split_indices": []int{split, 0, 0}, "split_conditions": []float64{6, left, right},
		"split_type": []int{0, 0, 0}, "categories": []int{}, "sum_hessian": []float64{100, 75, 25},
		"tree_param": map[string]string{"num_nodes": "3", "size_leaf_vector": "0"},
	}
}

// Baselines know RE and ICE at every horizon: P(late) = 0.1 with a forecast of
// no delay, 0.8 with one of 9 minutes; all else is the rate, 0.25.
func Baselines() learn.Baselines {
	b := learn.Baselines{Rate: 0.25, Events: 1000, Category: map[string]float64{}, Forecast: map[int]map[string]float64{}}
	for _, horizon := range rail.Horizons() {
		b.Forecast[horizon] = map[string]float64{"RE|0": 0.1, "ICE|0": 0.1, "RE|9": 0.8, "ICE|9": 0.8}
	}
	return b
}

// Ref is a package with the tiny model.
func Ref(version int) schemas.PackageRef {
	return schemas.PackageRef{Model: schemas.DefaultModel, Version: version, Digest: fmt.Sprintf("%064x", version), Prefix: fmt.Sprintf("models/punctuality/%d", version)}
}

// Packages answers every Ref with the tiny model, unless Broken holds its
// digest.
type Packages struct {
	Offline bool             // Fetch fails
	Broken  map[string]error // by digest
}

// Fetch answers the digest as the directory.
func (p *Packages) Fetch(_ context.Context, ref schemas.PackageRef) (string, error) {
	if p.Offline {
		return "", fmt.Errorf("fetch %s: the object store does not answer", ref.Prefix)
	}
	return ref.Digest, nil
}

// Open loads the tiny model.
func (p *Packages) Open(dir string) (serving.Package, error) {
	if err := p.Broken[dir]; err != nil {
		return serving.Package{}, err
	}
	model, err := forecast.Load(Artefact())
	if err != nil {
		return serving.Package{}, err
	}
	version, err := strconv.ParseInt(dir, 16, 64)
	if err != nil {
		return serving.Package{}, err
	}
	return serving.Package{Ref: Ref(int(version)), Model: model, Baselines: Baselines()}, nil
}
