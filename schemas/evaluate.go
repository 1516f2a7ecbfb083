package schemas

// EvaluateInput asks for a model's scores on days it has not seen.
type EvaluateInput struct {
	Trained TrainedModel `json:"trained,omitzero"`
	Dataset DatasetRef   `json:"dataset,omitzero"`
	Days    DayRange     `json:"days,omitzero"`
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

// HorizonScore is one row of a report.
type HorizonScore struct {
	Minutes  int     `json:"minutes"`
	Events   int     `json:"events"`
	LateRate float64 `json:"late_rate"`
	Score
	ECE       float64   `json:"ece"` // ten bins of equal mass
	BrierLow  float64   `json:"brier_low"`
	BrierHigh float64   `json:"brier_high"`
	Baselines Baselines `json:"baselines"`
	// Skill is 1 - Brier / the best baseline's Brier; BestBaseline names it.
	Skill        float64 `json:"skill"`
	BestBaseline string  `json:"best_baseline"`
}

// CancelScore is the quality of P(cancelled), beside the rate by category.
type CancelScore struct {
	Events    int     `json:"events"`
	Cancelled int     `json:"cancelled"`
	Brier     float64 `json:"brier"`
	RateBrier float64 `json:"rate_brier"`
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
}

// Gate is the verdict on a report, with the numbers it was made from.
type Gate struct {
	Passed  bool     `json:"passed"`
	Reasons []string `json:"reasons"`
}

// EvaluateResult carries the report's reference and its short form.
type EvaluateResult struct {
	Report   ObjectRef      `json:"report"`
	Events   int            `json:"events"`
	Horizons []HorizonScore `json:"horizons"`
	Gate     Gate           `json:"gate"`
}
