// Package servingtest makes the smallest model that serving accepts, with
// probabilities one computes by hand, for the tests of those who serve.
package servingtest

import (
	"context"
	"fmt"
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
func Artefact() forecast.Artefact { return artefactOf(tiny()) }

func artefactOf(trees []classTree) forecast.Artefact {
	return forecast.Artefact{
		FeatureVersion: feature.Version(), Features: feature.Names(), Edges: rail.BucketEdges(),
		Buckets: modelOf(trees), CancelRate: 0.02, Calibration: calibrate.Horizons{Pooled: calibrate.Platt{Slope: 1}},
	}
}

// tiny is one tree a class, whose left leaf is 1 for punctual classes and 0 for late
// ones, and the right leaf the reverse.
func tiny() []classTree {
	var all []classTree
	for class := range len(rail.BucketEdges()) + 1 {
		left, right := 1.0, 0.0
		if class > rail.OnTimeEdge {
			left, right = 0, 1
		}
		all = append(all, classTree{class, stump("forecast_delay", 6, left, right)})
	}
	return all
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

// Packages answers every Ref with the tiny model, unless one of its maps holds the
// digest.
type Packages struct {
	Offline   bool             // Fetch fails
	Broken    map[string]error // by digest
	Artefacts map[string]forecast.Artefact
}

// Fetch answers the digest as the directory.
func (p *Packages) Fetch(_ context.Context, ref schemas.PackageRef) (string, error) {
	if p.Offline {
		return "", fmt.Errorf("fetch %s: the object store does not answer", ref.Prefix)
	}
	return ref.Digest, nil
}

// Open loads the model of a digest.
func (p *Packages) Open(dir string) (serving.Package, error) {
	if err := p.Broken[dir]; err != nil {
		return serving.Package{}, err
	}
	artefact, special := p.Artefacts[dir]
	if !special {
		artefact = Artefact()
	}
	model, err := forecast.Load(artefact)
	if err != nil {
		return serving.Package{}, err
	}
	version, err := strconv.ParseInt(dir, 16, 64)
	if err != nil {
		return serving.Package{}, err
	}
	return serving.Package{Ref: Ref(int(version)), Model: model, Baselines: Baselines()}, nil
}
