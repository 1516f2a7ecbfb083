package modelpkg

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"puenktlich/internal/forecast"
	"puenktlich/internal/strictjson"
)

// Tolerance is how far a recomputed probability may lie from a golden one. The
// margins of the trees are equal bit for bit everywhere; the exponentials and
// logarithms after them are assembly of its own on some processors, which may
// round the last bits differently. On one machine the rows are bit-equal.
const Tolerance = 1e-12

// GoldenRow is one input and the forecast it must give. In JSON a NaN of the
// vector is null.
type GoldenRow struct {
	Vector         []float32 // NaN = not known
	HorizonMinutes float64
	Cumulative     []float64 // P(delay <= edge | runs), calibrated
	Cancelled      float64   // P(cancelled)
}

// Golden is the row that a model answers for a vector at a horizon.
func Golden(m *forecast.Model, vector []float32, horizonMinutes float64) (GoldenRow, error) {
	d, err := m.Forecast(vector, horizonMinutes)
	if err != nil {
		return GoldenRow{}, fmt.Errorf("golden row: %w", err)
	}
	return GoldenRow{append([]float32(nil), vector...), horizonMinutes, d.Cumulative, d.Cancelled}, nil
}

type goldenJSON struct {
	HorizonMinutes float64    `json:"horizon_minutes"`
	Vector         []*float32 `json:"vector"`
	Cumulative     []float64  `json:"cumulative"`
	Cancelled      float64    `json:"p_cancelled"`
}

// MarshalJSON writes numbers so that they are read back bit for bit.
func (g GoldenRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(goldenJSON{g.HorizonMinutes, nullable(g.Vector), g.Cumulative, g.Cancelled})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (g *GoldenRow) UnmarshalJSON(data []byte) error {
	var w goldenJSON
	if err := strictjson.Unmarshal(data, &w); err != nil {
		return err
	}
	*g = GoldenRow{make([]float32, len(w.Vector)), w.HorizonMinutes, w.Cumulative, w.Cancelled}
	for i, v := range w.Vector {
		g.Vector[i] = float32(math.NaN())
		if v != nil {
			g.Vector[i] = *v
		}
	}
	return nil
}

// nullable is the vector with nil for NaN.
func nullable(vector []float32) []*float32 {
	out := make([]*float32, len(vector))
	for i, v := range vector {
		if v == v {
			out[i] = &v
		}
	}
	return out
}

// checkGolden recomputes every row and compares within Tolerance.
func checkGolden(m *forecast.Model, rows []GoldenRow) error {
	if len(rows) == 0 {
		return errors.New("there are none, one at least is needed")
	}
	for i, want := range rows {
		got, err := m.Forecast(want.Vector, want.HorizonMinutes)
		if err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		if len(got.Cumulative) != len(want.Cumulative) {
			return fmt.Errorf("row %d: %d cumulative probabilities, the model gives %d", i, len(want.Cumulative), len(got.Cumulative))
		}
		for k, p := range got.Cumulative {
			if !near(p, want.Cumulative[k]) {
				return fmt.Errorf("row %d: P(delay <= %d min) is %v, should be %v", i, got.Edges[k], p, want.Cumulative[k])
			}
		}
		if !near(got.Cancelled, want.Cancelled) {
			return fmt.Errorf("row %d: P(cancelled) is %v, should be %v", i, got.Cancelled, want.Cancelled)
		}
	}
	return nil
}

func near(a, b float64) bool { return math.Abs(a-b) <= Tolerance }
