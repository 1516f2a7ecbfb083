package schemas

// EvaluateInput asks for a model's scores on days it has not seen.
type EvaluateInput struct {
	Trained TrainedModel `json:"trained,omitzero"`
	Dataset DatasetRef   `json:"dataset,omitzero"`
	Days    DayRange     `json:"days,omitzero"`
	// Champion to compare with on the same events; defaults to the model's
	// present one, and is no error where there is none yet.
	Champion PackageRef `json:"champion,omitzero"`
	// Gate replaces the limits the worker was configured with.
	Gate *GatePolicy `json:"gate,omitempty"`
}

// Score is one forecast's quality on a set of events. A nil figure does not
// exist: the log loss of a forecast that says 0 or 1, the AUC of one class.
type Score struct {
	Brier    float64  `json:"brier"`
	LogLoss  *float64 `json:"log_loss"`
	AUC      *float64 `json:"auc"`
	Accuracy float64  `json:"accuracy"`
}

// Baselines are the forecasts a model has to beat, by DOMAIN's method.
type Baselines struct {
	Rate                 Score `json:"rate"`
	RateByCategory       Score `json:"rate_by_category"`
	DBForecast           Score `json:"db_forecast"`
	DBForecastCalibrated Score `json:"db_forecast_calibrated"`
}

// Baseline names one of them, as in a report.
type Baseline string

// The baselines, and the best of them on the events at hand.
const (
	BaselineRate         Baseline = "rate"
	BaselineCategory     Baseline = "rate_by_category"
	BaselineDB           Baseline = "db_forecast"
	BaselineDBCalibrated Baseline = "db_forecast_calibrated"
	BaselineBest         Baseline = "best"
)

// Brier is the Brier score of one baseline, of the best for BaselineBest.
func (b Baselines) Brier(name Baseline) float64 {
	switch name {
	case BaselineRate:
		return b.Rate.Brier
	case BaselineCategory:
		return b.RateByCategory.Brier
	case BaselineDB:
		return b.DBForecast.Brier
	case BaselineDBCalibrated:
		return b.DBForecastCalibrated.Brier
	}
	_, brier := b.Best()
	return brier
}

// Best is the baseline with the lowest Brier score.
func (b Baselines) Best() (Baseline, float64) {
	best, lowest := BaselineRate, b.Rate.Brier
	for _, name := range []Baseline{BaselineCategory, BaselineDB, BaselineDBCalibrated} {
		if brier := b.Brier(name); brier < lowest {
			best, lowest = name, brier
		}
	}
	return best, lowest
}

// HorizonScore is one row of a report.
type HorizonScore struct {
	Minutes  int     `json:"minutes"` // 0: all horizons together
	Events   int     `json:"events"`
	LateRate float64 `json:"late_rate"`
	Score
	ECE float64 `json:"ece"` // ten bins of equal mass
	// ECEBand is what 95 % of perfectly calibrated forecasts like these stay below.
	ECEBand   float64   `json:"ece_band"`
	BrierLow  float64   `json:"brier_low"`
	BrierHigh float64   `json:"brier_high"`
	Baselines Baselines `json:"baselines"`
	// Skill is 1 - Brier / the best baseline's Brier; BestBaseline names it.
	Skill        float64  `json:"skill"`
	BestBaseline Baseline `json:"best_baseline"`
	// Verdict is what the days allow to be said against the best baseline.
	Verdict EvidenceVerdict `json:"verdict,omitempty"`
	// Detail stands in the stored report only.
	Detail *ScoreDetail `json:"detail,omitempty"`
}

// EvidenceVerdict is what a paired difference allows to be said.
type EvidenceVerdict string

// The verdicts of a comparison of losses on the same events.
const (
	VerdictBetter        EvidenceVerdict = "better"
	VerdictWorse         EvidenceVerdict = "worse"
	VerdictNoDifference  EvidenceVerdict = "no difference"
	VerdictNotEnoughDays EvidenceVerdict = "not enough days"
	VerdictNotComparable EvidenceVerdict = "not comparable"
)

// Estimate is a figure with its 95 % bootstrap interval; nil is a figure, or a
// bound, that does not exist.
type Estimate struct {
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}

// ScoreDetail is everything else about P(late) and the delay distribution on one
// set of events. Minutes are of delay; the open bucket counts as the last edge and
// the gap before it.
type ScoreDetail struct {
	Rows         int                `json:"rows"` // an event counts once a horizon
	MeanForecast float64            `json:"mean_forecast"`
	Brier        Estimate           `json:"brier"`
	LogLoss      Estimate           `json:"log_loss"`
	AUC          Estimate           `json:"auc"`
	ECE          Estimate           `json:"ece"`
	Sharpness    Estimate           `json:"sharpness"` // mean of p(1-p): the Brier score p promises
	Skill        SkillEstimates     `json:"skill"`
	CRPS         Estimate           `json:"crps_minutes"`
	CRPSDB       Estimate           `json:"crps_minutes_db_forecast"`
	MAE          Estimate           `json:"mae_median_minutes"`
	MAEDB        Estimate           `json:"mae_minutes_db_forecast"`
	Quantiles    []QuantileEstimate `json:"quantiles"`
	Width80      Estimate           `json:"interval_80_width_minutes"`
	Coverage80   Estimate           `json:"interval_80_coverage"`
	Reliability  []ReliabilityBin   `json:"reliability"`
}

// SkillEstimates are 1 - Brier / Brier of each baseline.
type SkillEstimates struct {
	Rate                 Estimate `json:"rate"`
	RateByCategory       Estimate `json:"rate_by_category"`
	DBForecast           Estimate `json:"db_forecast"`
	DBForecastCalibrated Estimate `json:"db_forecast_calibrated"`
}

// QuantileEstimate is the pinball loss of one forecast quantile, in minutes.
type QuantileEstimate struct {
	Level float64  `json:"level"`
	Loss  Estimate `json:"loss_minutes"`
}

// ReliabilityBin is one point of a reliability diagram.
type ReliabilityBin struct {
	Events       int     `json:"events"`
	Low          float64 `json:"low"` // smallest forecast in it
	High         float64 `json:"high"`
	MeanForecast float64 `json:"mean_forecast"`
	Rate         float64 `json:"rate"` // share that came true
}

// SliceDimension is what test events are taken apart by.
type SliceDimension string

// The dimensions of slices; docs/evaluation.md defines them.
const (
	SliceProduct    SliceDimension = "product"
	SliceHour       SliceDimension = "hour"
	SliceStation    SliceDimension = "station_class"
	SliceDisruption SliceDimension = "disruption"
)

// SliceScore is one part of the test events, all horizons together.
type SliceScore struct {
	Dimension SliceDimension `json:"dimension"`
	Name      string         `json:"name"`
	Events    int            `json:"events"` // distinct
	// TooFew says that the slice was not scored: every figure below is absent.
	TooFew       bool     `json:"too_few,omitempty"`
	LateRate     *float64 `json:"late_rate,omitempty"`
	Brier        *float64 `json:"brier,omitempty"`
	ECE          *float64 `json:"ece,omitempty"`
	BestBaseline Baseline `json:"best_baseline,omitempty"`
	// Skill is against the best baseline of these very events.
	Skill Estimate `json:"skill,omitzero"`
}

// CancelScore is the quality of P(cancelled) an hour before, beside the rate of
// the test days.
type CancelScore struct {
	Events    int     `json:"events"`
	Cancelled int     `json:"cancelled"`
	Brier     float64 `json:"brier"`
	RateBrier float64 `json:"rate_brier"`
	// Horizons scores it at every horizon.
	Horizons []CancelHorizon `json:"horizons,omitempty"`
}

// CancelHorizon is P(cancelled) at one horizon.
type CancelHorizon struct {
	Minutes      int              `json:"minutes"`
	Events       int              `json:"events"`
	Cancelled    int              `json:"cancelled"`
	MeanForecast float64          `json:"mean_forecast"`
	Brier        Estimate         `json:"brier"`
	LogLoss      Estimate         `json:"log_loss"`
	AUC          Estimate         `json:"auc"`
	ECE          Estimate         `json:"ece"`
	ECEBand      float64          `json:"ece_band"`
	Sharpness    Estimate         `json:"sharpness"`
	SkillRate    Estimate         `json:"skill_rate"` // against the rate of the test days
	Reliability  []ReliabilityBin `json:"reliability"`
}

// Report is the evaluation of one model.
type Report struct {
	Model       string         `json:"model"`
	Digest      string         `json:"digest"`
	TrainDays   DayRange       `json:"train_days"`
	TestDays    DayRange       `json:"test_days"`
	TrainEvents int            `json:"train_events"`
	TestEvents  int            `json:"test_events"`
	Unsettled   int            `json:"test_events_unsettled"`
	Evidence    string         `json:"evidence"`
	Interval    string         `json:"interval"` // how BrierLow and BrierHigh were made
	Horizons    []HorizonScore `json:"horizons"`
	Cancelled   CancelScore    `json:"cancelled"`
	Dataset     string         `json:"dataset"`
	// CalibrationDays are set for a recalibrated model.
	CalibrationDays DayRange      `json:"calibration_days,omitzero"`
	TestDayCount    int           `json:"test_day_count"`
	Overall         *HorizonScore `json:"overall,omitempty"` // all horizons together
	Slices          []SliceScore  `json:"slices,omitempty"`
	// Worst are sentences on the scored slices with the least skill.
	Worst    []string    `json:"worst_slices,omitempty"`
	Champion *Comparison `json:"champion,omitempty"`
	// Transfers is nil where the test days hold no pair of trains to change between.
	Transfers *TransferReport `json:"transfers,omitempty"`
	Notes     []string        `json:"notes,omitempty"` // what limits these figures
}

// TransferReport says how the delays of an arriving and a departing train of one
// station hang together beyond what is forecast of each, and whether knowing it makes
// better forecasts of caught changes than independence does.
type TransferReport struct {
	Pairs int `json:"pairs"` // forecast at one moment, 5 to 30 minutes apart by plan
	Days  int `json:"days"`
	// Correlation is that of a Gaussian copula of the two delays.
	Correlation Estimate `json:"correlation"`
	Interval    string   `json:"interval"` // how bounds were made
	// Brier scores of whether a change is caught with 0, 5 and 10 minutes to spare, of
	// pairs that both ran: each day forecast with the correlation of the others, and by
	// independence. Nil with less than two days.
	Brier            *float64 `json:"brier"`
	BrierIndependent *float64 `json:"brier_independent"`
	Difference       Estimate `json:"difference"` // of the two; negative: the copula is better
	// Used says that forecasts of changes take the correlation; else they take
	// independence, and Note says why.
	Used bool   `json:"used"`
	Note string `json:"note"`
}

// Comparison is a model against the champion on the same events, paired.
type Comparison struct {
	Champion PackageRef `json:"champion"`
	// Note says why there is no comparison, or what limits it.
	Note     string              `json:"note,omitempty"`
	Verdict  EvidenceVerdict     `json:"verdict"`
	Overall  HorizonComparison   `json:"overall"` // all horizons together
	Horizons []HorizonComparison `json:"horizons,omitempty"`
}

// HorizonComparison is the difference in Brier score on the same events, model
// less champion: negative is better.
type HorizonComparison struct {
	Minutes       int      `json:"minutes"` // 0: all horizons together
	Rows          int      `json:"rows"`
	Brier         float64  `json:"brier"`
	ChampionBrier float64  `json:"champion_brier"`
	Difference    Estimate `json:"difference"`
	// Verdict is not enough days below ten; Within is what the interval within
	// these days alone says.
	Verdict EvidenceVerdict `json:"verdict"`
	Within  EvidenceVerdict `json:"within_these_days"`
}

// EvaluateResult carries the report's reference and its short form.
type EvaluateResult struct {
	Report     ObjectRef      `json:"report"`
	Events     int            `json:"events"`
	Days       int            `json:"days,omitempty"`
	Interval   string         `json:"interval,omitempty"`
	Horizons   []HorizonScore `json:"horizons"`
	Worst      []string       `json:"worst_slices,omitempty"`
	Comparison *Comparison    `json:"comparison,omitempty"`
	Notes      []string       `json:"notes,omitempty"`
	Cost       ModelCost      `json:"cost,omitzero"`
	Gate       Gate           `json:"gate"`
}

// ModelCost is what a model weighs and how quick it is here.
type ModelCost struct {
	SizeBytes int64 `json:"size_bytes"` // of what was learned, before packaging
	// RowMicroseconds is the mean time of one forecast on this worker.
	RowMicroseconds float64 `json:"row_microseconds"`
}
