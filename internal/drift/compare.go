package drift

import (
	"encoding/json"
	"fmt"
	"math"

	"puenktlich/internal/strictjson"
)

// Result says how far the current values are from the reference. Statistics are about
// known values and NaN, null in JSON, where they do not exist: all of them when one side
// knows no value, KS and Wasserstein for categories.
type Result struct {
	Feature          string
	ReferenceEvents  uint64  // known values of the reference
	CurrentEvents    uint64  // known values compared with it
	PSI              float64 // population stability index, smoothed by Smoothing events a bin
	JensenShannon    float64 // divergence to base 2, in [0,1]
	KS               float64 // largest difference of the cumulative distributions, in [0,1]
	ChiSquare        float64 // Pearson's statistic of two samples
	ChiSquareFreedom int     // its degrees of freedom
	ChiSquareP       float64 // probability of one as large without drift
	Wasserstein      float64 // in standard deviations of the reference; NaN when that is 0
	ReferenceMissing float64 // share of missing among all values of the reference
	CurrentMissing   float64 // share of missing among all current values
	Unseen           float64 // share of known current values out of range of the reference, or of a category it never saw
}

// Compare measures the drift of counts made with reference.
func Compare(reference Reference, current Counts) (Result, error) {
	if err := reference.Validate(); err != nil {
		return Result{}, fmt.Errorf("compare for drift: %w", err)
	}
	bins := len(reference.Edges) + 1
	if err := checkBins(reference.Feature, bins, reference.Counts, current); err != nil {
		return Result{}, err
	}
	result := compareCounts(reference.Feature, reference.Counts, current)
	if result.ReferenceEvents == 0 || result.CurrentEvents == 0 {
		return result, nil
	}
	result.KS = kolmogorovSmirnov(reference.Bins, current.Bins)
	if reference.Deviation > 0 {
		result.Wasserstein = wasserstein(reference.Edges, reference.Bins, current.Bins) / reference.Deviation
	}
	result.Unseen = float64(current.Bins[0]+current.Bins[bins-1]) / float64(result.CurrentEvents)
	return result, nil
}

// CompareCategories measures the drift of counts made with reference.
func CompareCategories(reference CategoryReference, current Counts) (Result, error) {
	bins := len(reference.Top) + 2
	if err := checkBins(reference.Feature, bins, reference.Counts, current); err != nil {
		return Result{}, err
	}
	result := compareCounts(reference.Feature, reference.Counts, current)
	result.Unseen = float64(current.Bins[bins-1]) / float64(result.CurrentEvents)
	return result, nil
}

func checkBins(feature string, bins int, reference, current Counts) error {
	if len(reference.Bins) != bins || len(current.Bins) != bins {
		return fmt.Errorf("compare %s for drift: %d bins with the reference's %d where it describes %d, take counts from this reference",
			feature, len(current.Bins), len(reference.Bins), bins)
	}
	return nil
}

// compareCounts fills what needs no order of the bins.
func compareCounts(feature string, reference, current Counts) Result {
	nan := math.NaN()
	result := Result{
		Feature:         feature,
		ReferenceEvents: reference.Known(), CurrentEvents: current.Known(),
		ReferenceMissing: reference.missingShare(), CurrentMissing: current.missingShare(),
		PSI: nan, JensenShannon: nan, KS: nan, ChiSquare: nan, ChiSquareP: nan, Wasserstein: nan, Unseen: nan,
	}
	if result.ReferenceEvents == 0 || result.CurrentEvents == 0 {
		return result
	}
	result.PSI = psi(reference.Bins, current.Bins)
	result.JensenShannon = jensenShannon(reference.Bins, current.Bins)
	result.ChiSquare, result.ChiSquareFreedom, result.ChiSquareP = chiSquare(reference.Bins, current.Bins)
	return result
}

type resultJSON struct {
	Feature          string   `json:"feature"`
	ReferenceEvents  uint64   `json:"reference_events"`
	CurrentEvents    uint64   `json:"current_events"`
	PSI              *float64 `json:"psi"`
	JensenShannon    *float64 `json:"jensen_shannon"`
	KS               *float64 `json:"ks"`
	ChiSquare        *float64 `json:"chi_square"`
	ChiSquareFreedom int      `json:"chi_square_freedom"`
	ChiSquareP       *float64 `json:"chi_square_p"`
	Wasserstein      *float64 `json:"wasserstein"`
	ReferenceMissing *float64 `json:"reference_missing"`
	CurrentMissing   *float64 `json:"current_missing"`
	Unseen           *float64 `json:"unseen"`
}

// MarshalJSON writes NaN as null.
func (r Result) MarshalJSON() ([]byte, error) {
	return json.Marshal(resultJSON{
		r.Feature, r.ReferenceEvents, r.CurrentEvents, orNull(r.PSI), orNull(r.JensenShannon), orNull(r.KS),
		orNull(r.ChiSquare), r.ChiSquareFreedom, orNull(r.ChiSquareP), orNull(r.Wasserstein),
		orNull(r.ReferenceMissing), orNull(r.CurrentMissing), orNull(r.Unseen),
	})
}

// UnmarshalJSON reads null, and a statistic that is not there, as NaN; unknown fields are errors.
func (r *Result) UnmarshalJSON(data []byte) error {
	var w resultJSON
	if err := strictjson.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("read drift result: %w", err)
	}
	*r = Result{
		w.Feature, w.ReferenceEvents, w.CurrentEvents, orNaN(w.PSI), orNaN(w.JensenShannon), orNaN(w.KS),
		orNaN(w.ChiSquare), w.ChiSquareFreedom, orNaN(w.ChiSquareP), orNaN(w.Wasserstein),
		orNaN(w.ReferenceMissing), orNaN(w.CurrentMissing), orNaN(w.Unseen),
	}
	return nil
}

func orNull(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}
