package clickhouse

import "time"

// FeedbackKind is what a consumer says of a forecast.
type FeedbackKind string

// The kinds of feedback.
const (
	FeedbackOutcome FeedbackKind = "outcome" // what really happened
	FeedbackUseful  FeedbackKind = "useful"
	FeedbackUseless FeedbackKind = "useless"
)

// Feedback is what a consumer said of one forecast. It holds nothing of the
// consumer.
type Feedback struct {
	FeedbackID   string // of the request that gave it
	PredictionID string
	Kind         FeedbackKind
	DelayMinutes int32 // of an outcome that ran
	Cancelled    bool  // of an outcome
	Comment      string
	Instance     string    // API instance
	GivenAt      time.Time // domain time
}

// ReliabilityQuery selects forecasts of the panel that the champion of the moment
// made at one horizon.
type ReliabilityQuery struct {
	Model, DataSource string // required
	// From and Until bound the event day, half-open, 2006-01-02.
	From, Until    string
	HorizonMinutes int32
}

// ReliabilityBin is the forecasts that called P(on time) the same tenth: 0 is
// 5 % and less, 8 is from 75 % to below 85 %, 10 is 95 % and more.
type ReliabilityBin struct {
	Tenth        uint8
	Events       uint64 // that ran, with an observed change
	Days         uint32
	First, Last  string  // event days, 2006-01-02
	MeanForecast float64 // P(on time)
	OnTime       uint64
}
