package serving

import (
	"time"

	"puenktlich/internal/rail"
)

// Forecast is the answer for one event, as it goes over the wire. Times carry
// the German offset.
type Forecast struct {
	PredictionID string `json:"prediction_id"`
	RequestID    string `json:"request_id"`
	// DataAgeSeconds is the age of the newest observation; null while there is none.
	DataAgeSeconds *float64 `json:"data_age_seconds"`
	*Statement
	Reasons []Reason `json:"reasons,omitempty"`

	opinion *opinion // keeps what is written of it; nil for none
}

// Statement is what a package says of an event. All answers of a second share it:
// read only.
type Statement struct {
	StopID   rail.StopID    `json:"stop_id"`
	Event    rail.EventKind `json:"event"`
	EVA      int64          `json:"eva"`
	Train    string         `json:"train"` // category and number, ICE 592
	Category string         `json:"category"`
	Line     string         `json:"line,omitempty"`
	// Direction is where a departing train goes, or where an arriving one
	// comes from; empty where the timetable names no other station.
	Direction string    `json:"direction,omitempty"`
	Platform  string    `json:"platform,omitempty"`
	Planned   time.Time `json:"planned"`
	Railway   Railway   `json:"railway"`

	POnTime    float64    `json:"p_on_time"` // P(delay <= 5 min | runs)
	PCancelled float64    `json:"p_cancelled"`
	Cumulative []Edge     `json:"cumulative"`
	Quantiles  []Quantile `json:"quantiles"`
	Median     Quantile   `json:"median"`
	Baseline   *Baseline  `json:"baseline"` // null where the package has none

	HorizonMinutes float64   `json:"horizon_minutes"`
	KnownAt        time.Time `json:"known_at"` // the cut-off: nothing later was used
	Model          string    `json:"model"`
	Version        int       `json:"version"`
	Digest         string    `json:"digest"`
	// Role of the package that answered: champion, or canary for its share of trips.
	Role string `json:"role"`
}

// Railway is what the railway itself said by the cut-off.
type Railway struct {
	// Time is its present forecast; null where it gave none.
	Time         *time.Time `json:"time"`
	DelayMinutes *int       `json:"delay_minutes"`
	Cancelled    bool       `json:"cancelled"`
	Platform     string     `json:"platform,omitempty"` // where it differs from the plan
}

// Edge is P(delay <= EdgeMinutes | runs).
type Edge struct {
	EdgeMinutes int     `json:"edge_minutes"`
	P           float64 `json:"p"`
}

// Quantile is the least edge that the delay stays at or below with at least
// the probability Level; null where only the open bucket beyond AboveMinutes
// reaches it.
type Quantile struct {
	Level         float64 `json:"level"`
	AtMostMinutes *int    `json:"at_most_minutes"`
	AboveMinutes  *int    `json:"above_minutes,omitempty"`
}

// Baseline is the railway's own forecast read as a probability: how often
// events of this category with that forecast delay were on time, at the
// nearest horizon of the grid.
type Baseline struct {
	Name                   string  `json:"name"`
	POnTime                float64 `json:"p_on_time"`
	HorizonMinutes         int     `json:"horizon_minutes"`
	DBForecastDelayMinutes int     `json:"db_forecast_delay_minutes"` // 0 where it gave none
}

// Towards says where a reason pulls a forecast.
type Towards string

// The two ways.
const (
	TowardsLate   Towards = "late"
	TowardsOnTime Towards = "on_time"
)

// Reason is one of the strongest contributions to a forecast.
type Reason struct {
	Feature      string   `json:"feature"`
	Text         string   `json:"text"`
	Value        *float64 `json:"value"` // null = not known, which is a reason too
	Unit         string   `json:"unit"`
	Towards      Towards  `json:"towards"`
	Contribution float64  `json:"contribution"` // log odds of being late
}

// Timing is where the time of an answer went.
type Timing struct {
	Features, Predict, Log time.Duration
}
