package servingtest

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/drift"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Contents are a whole package of the tiny model, the same at each call.
func Contents(version int) (modelpkg.Contents, error) { return ContentsOf(version, Artefact()) }

// ContentsOf are those of another model.
func ContentsOf(version int, artefact forecast.Artefact) (modelpkg.Contents, error) {
	c := modelpkg.Contents{
		Name: schemas.DefaultModel, Version: version, Created: time.Date(2024, 10, 29, 3, 0, 0, 0, time.UTC), Artefact: artefact,
		Provenance: []schemas.Provenance{{Source: "a test", Licence: "none"}}, CodeVersion: "test",
		Trained: schemas.TrainedModel{RunID: "run-1", Model: schemas.DefaultModel},
	}
	model, err := forecast.Load(c.Artefact)
	if err != nil {
		return c, err
	}
	golden, err := modelpkg.Golden(model, Unknown(), 30)
	if err != nil {
		return c, err
	}
	c.Golden = []modelpkg.GoldenRow{golden}
	reference, err := drift.NewReference(feature.Names()[0], []float64{1, 2, 3}, 2)
	if err != nil {
		return c, err
	}
	c.References = []drift.Reference{reference}
	if c.Baselines, err = json.Marshal(Baselines()); err != nil {
		return c, err
	}
	c.Sample, err = Sample().Encode()
	return c, err
}

// Unknown is a vector of which nothing is known.
func Unknown() []float32 {
	vector := make([]float32, feature.Width())
	for i := range vector {
		vector[i] = float32(math.NaN())
	}
	return vector
}

// Sample is four events at 60 and 30 minutes: with a forecast of no delay one
// that is on time and one that is late, with one of 9 minutes one that is late,
// and one that is cancelled.
func Sample() *dataset.Table {
	var units []string
	for _, f := range feature.Catalogue() {
		units = append(units, string(f.Unit))
	}
	table := dataset.New(feature.Version(), feature.Names(), units)
	announced := slices.Index(feature.Names(), "forecast_delay")
	planned := time.Date(2024, 10, 28, 12, 0, 0, 0, time.UTC)
	for _, horizon := range []int{60, 30} {
		for i, e := range []struct {
			announced, delay int
			cancelled        bool
		}{{0, 0, false}, {0, 7, false}, {9, 12, false}, {9, 0, true}} {
			vector := Unknown()
			vector[announced] = float32(e.announced)
			table.Append(dataset.Row{Stop: rail.StopID(fmt.Sprintf("trip%d-2410281200-1", i)), Kind: rail.Departure, Trip: fmt.Sprintf("trip%d", i), EVA: 8000105,
				ServiceDay: "2024-10-28", EventDay: "2024-10-28", Planned: planned, Horizon: horizon, Category: "RE", Class: rail.Regional,
				DBDelay: e.announced, DelayMinutes: e.delay, Cancelled: e.cancelled, Evidence: rail.ChangeObserved}, vector)
		}
	}
	return table
}
