package forecast

import (
	"encoding/json"
	"fmt"
)

// Importance is how much each feature contributed to a model's splits.
type Importance struct {
	Share  map[string]float64 // by feature, of all gain or of all splits; sums to 1
	ByGain bool               // false where the file has no gains: splits are counted
}

// gainFile is the part of XGBoost's JSON model file (doc/model.schema in its
// sources) that tells which splits gained what.
type gainFile struct {
	Learner struct {
		Booster struct {
			Model struct {
				Trees []struct {
					Left    []int32   `json:"left_children"`
					Feature []int32   `json:"split_indices"`
					Gain    []float64 `json:"loss_changes"`
				} `json:"trees"`
			} `json:"model"`
		} `json:"gradient_booster"`
	} `json:"learner"`
}

// Importance sums the gains of the delay model's splits by feature, XGBoost's
// "total_gain".
func (a Artefact) Importance() (Importance, error) {
	var file gainFile
	if err := json.Unmarshal(a.Buckets, &file); err != nil {
		return Importance{}, fmt.Errorf("the model is not made of trees: %w", err)
	}
	gains, splits := map[string]float64{}, map[string]float64{}
	totalGain, totalSplits := 0.0, 0.0
	for _, tree := range file.Learner.Booster.Model.Trees {
		for node, left := range tree.Left {
			if left < 0 || node >= len(tree.Feature) { // a leaf
				continue
			}
			feature := int(tree.Feature[node])
			if feature < 0 || feature >= len(a.Features) {
				return Importance{}, fmt.Errorf("the model splits on feature %d of %d", feature, len(a.Features))
			}
			name := a.Features[feature]
			splits[name]++
			totalSplits++
			if node < len(tree.Gain) {
				gains[name] += tree.Gain[node]
				totalGain += tree.Gain[node]
			}
		}
	}
	if totalSplits == 0 {
		return Importance{}, fmt.Errorf("the model has no split")
	}
	if totalGain > 0 {
		return Importance{Share: shares(gains, totalGain), ByGain: true}, nil
	}
	return Importance{Share: shares(splits, totalSplits)}, nil
}

func shares(sums map[string]float64, total float64) map[string]float64 {
	for name := range sums {
		sums[name] /= total
	}
	return sums
}
