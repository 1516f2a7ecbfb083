package schemas

// SignalName names one thing a night's rule may look at. A policy file speaks of
// signals by these names alone.
type SignalName string

// The signals. Each says what its value is; higher is worse but for the two
// that say otherwise.
const (
	SignalBrierRatio     SignalName = "brier_ratio"      // Brier score on truth over the evaluation's, same horizons
	SignalRelativeBrier  SignalName = "relative_brier"   // brier_ratio over the same ratio of the railway's calibrated forecast: weather is in both
	SignalSkill          SignalName = "skill"            // against the railway's calibrated forecast; lower is worse
	SignalECE            SignalName = "ece"              // expected calibration error
	SignalBias           SignalName = "bias"             // |mean P(late) - share late|: the base rate moved
	SignalBiasDrift      SignalName = "bias_drift"       // cumulated sums of the nightly bias over their threshold: it stays on one side
	SignalSliceBiasDrift SignalName = "slice_bias_drift" // the same of the section that is farthest off from all others, in standard errors: part of the railway changed
	SignalEstimateGap    SignalName = "estimate_gap"     // |Brier on truth - Brier estimated before it|, same forecasts
	SignalConceptDrift   SignalName = "concept_drift"    // Page-Hinkley statistic of relative_brier over its threshold
	SignalLabelDrift     SignalName = "label_drift"      // Jensen-Shannon distance of the delays from the reference's
	SignalOutputDrift    SignalName = "output_drift"     // Jensen-Shannon distance of the forecasts from the reference's
	SignalFeatureDrift   SignalName = "feature_drift"    // share of importance that lies on drifted features
	SignalMissing        SignalName = "missing"          // greatest rise of a feature's share of missing values
	SignalNewCategories  SignalName = "new_categories"   // share of rows with a category training did not know
	SignalClassifierAUC  SignalName = "classifier_auc"   // a classifier told apart reference and today
	SignalCoverage       SignalName = "coverage"         // share of station-hours polled without a gap; lower is worse
	SignalFreshness      SignalName = "freshness"        // minutes since the newest observation
	SignalUnknown        SignalName = "unknown"          // share of settled events whose outcome stayed unknown
	SignalSchemaSurprise SignalName = "schema_surprise"  // quarantined parts and unknown attributes per 1,000 responses
	SignalSkew           SignalName = "skew"             // share of served requests that training's path recomputes otherwise
	SignalEvents         SignalName = "events"           // forecasts of the day that have a truth; lower is less known
)

// SignalNames lists them all.
func SignalNames() []SignalName {
	return []SignalName{SignalBrierRatio, SignalRelativeBrier, SignalSkill, SignalECE, SignalBias, SignalBiasDrift, SignalSliceBiasDrift, SignalEstimateGap, SignalConceptDrift, SignalLabelDrift, SignalOutputDrift,
		SignalFeatureDrift, SignalMissing, SignalNewCategories, SignalClassifierAUC, SignalCoverage, SignalFreshness, SignalUnknown, SignalSchemaSurprise,
		SignalSkew, SignalEvents}
}

// Signal is one number of a night.
type Signal struct {
	Name SignalName `json:"name"`
	// Value is nil where it could not be measured; Note then says why.
	Value *float64 `json:"value"`
	// Low and High bound the 95 % interval; nil where none was estimated.
	Low  *float64 `json:"low,omitempty"`
	High *float64 `json:"high,omitempty"`
	// Limit is how far reference days went among themselves; nil where none
	// was learned.
	Limit *float64 `json:"limit,omitempty"`
	// Events is on how many events or rows the value rests.
	Events int `json:"events"`
	// Subject is what part of the railway the value is of; empty: all of it.
	Subject string `json:"subject,omitempty"`
	// Uncertain marks a limit learned from too few weeks to know the seasons.
	Uncertain bool   `json:"uncertain,omitempty"`
	Note      string `json:"note,omitempty"`
}
