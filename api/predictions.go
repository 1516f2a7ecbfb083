package api

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
	schema "puenktlich/schemas/clickhouse"
)

// predictions is the resource of logged forecasts.
type predictions struct {
	log      Pending
	stored   func(ctx context.Context, id string) (schema.Prediction, bool, error)
	champion Champion
	record   Record // nil: what became of a forecast cannot be asked
	logger   *slog.Logger
}

// logged is one prediction as it was logged.
type logged struct {
	PredictionID   string         `json:"prediction_id"`
	RequestID      string         `json:"request_id"`
	Source         string         `json:"source"` // request, panel or batch
	DataSource     string         `json:"data_source"`
	Model          string         `json:"model"`
	Version        uint32         `json:"version"`
	Digest         string         `json:"digest"`
	Role           string         `json:"role"`
	Instance       string         `json:"instance"`
	EVA            int64          `json:"eva"`
	StopID         string         `json:"stop_id"`
	Event          string         `json:"event"`
	Planned        time.Time      `json:"planned"`
	KnownAt        time.Time      `json:"known_at"`
	HorizonMinutes int32          `json:"horizon_minutes"`
	LastSeq        uint64         `json:"last_seq"`
	Features       []featureValue `json:"features"`
	Cumulative     []float64      `json:"cumulative"`
	POnTime        float64        `json:"p_on_time"`
	PCancelled     float64        `json:"p_cancelled"`
	PBaseline      *float64       `json:"p_baseline"`
	// Shipped says whether it has arrived in the store.
	Shipped bool `json:"shipped"`
	// Reasons are null where the package that made it is not served any more.
	Reasons []serving.Reason `json:"reasons"`
	// Truth is null until the event has settled, or where the store cannot be
	// read; TruthNote then says which.
	Truth     *truth   `json:"truth"`
	TruthNote string   `json:"truth_note,omitempty"`
	Feedback  []remark `json:"feedback"`
}

// truth is what became of the event of a forecast.
type truth struct {
	Cancelled    bool       `json:"cancelled"`
	Actual       *time.Time `json:"actual"` // null where cancelled
	DelayMinutes *int32     `json:"delay_minutes"`
	OnTime       *bool      `json:"on_time"`
	Evidence     string     `json:"evidence"`
}

// featureValue is one value that was used; null = not known. The name is known
// for the package that is served.
type featureValue struct {
	Name  string   `json:"name,omitempty"`
	Value *float64 `json:"value"`
}

func (p *predictions) get(c *gin.Context) error {
	id := c.Param("id")
	if !sane.MatchString(id) {
		return invalid("%q is no id of a prediction: answers carry it as prediction_id", id)
	}
	found, shipped, err := p.find(c, id)
	if err != nil {
		return err
	}
	answer := p.describe(found, shipped)
	answer.Reasons = p.champion.Reasons(found.Digest, found.Features)
	p.follow(c, found, &answer)
	c.JSON(http.StatusOK, answer)
	return nil
}

// find looks on this instance's disk, then in the store.
func (p *predictions) find(c *gin.Context, id string) (row schema.Prediction, shipped bool, err error) {
	row, waits, err := p.log.Find(id)
	switch {
	case err != nil || waits:
		return row, false, err
	case p.stored == nil:
		return row, false, missing(id)
	}
	row, arrived, err := p.stored(c.Request.Context(), id)
	if err != nil {
		_ = c.Error(err)
		return row, false, unavailable("predictions that were stored cannot be read at the moment; forecasts go on")
	}
	if !arrived {
		return row, false, missing(id)
	}
	return row, true, nil
}

// follow adds what became of the event, and what was said of the forecast.
func (p *predictions) follow(c *gin.Context, row schema.Prediction, answer *logged) {
	answer.Feedback = []remark{}
	if p.record == nil {
		answer.TruthNote = "this instance has no store to read the outcome from"
		return
	}
	outcome, err := p.record.TruthOf(c.Request.Context(), row)
	var heard []schema.Feedback
	if err == nil {
		heard, err = p.record.FeedbackOn(c.Request.Context(), row.PredictionID)
	}
	if err != nil {
		p.logger.Warn("outcome of a prediction", "request_id", requestID(c), "error", err)
		answer.TruthNote = "the outcome cannot be read at the moment"
		return
	}
	answer.Feedback = remarks(heard, callerOf(c))
	if !outcome.Settled {
		answer.TruthNote = "the event has not settled, or its outcome stayed unknown: corrections may come up to 90 minutes after it"
		return
	}
	answer.Truth = &truth{Cancelled: outcome.Cancelled, Evidence: outcome.Evidence}
	if !outcome.Cancelled {
		actual, onTime := outcome.Actual.In(rail.Berlin), rail.OnTime(int(outcome.DelayMinutes))
		answer.Truth.Actual, answer.Truth.DelayMinutes, answer.Truth.OnTime = &actual, &outcome.DelayMinutes, &onTime
	}
}

func missing(id string) *Error {
	return &Error{Kind: KindNotFound, Detail: fmt.Sprintf("no prediction %q was logged here; they are kept for 13 months", id)}
}

func (p *predictions) describe(row schema.Prediction, shipped bool) logged {
	l := logged{PredictionID: row.PredictionID, RequestID: row.RequestID, Source: string(row.Source), DataSource: row.DataSource,
		Model: row.Model, Version: row.Version, Digest: row.Digest, Role: string(row.Role), Instance: row.Instance,
		EVA: row.EVA, StopID: row.StopID, Event: row.Kind, Planned: row.Planned.In(rail.Berlin), KnownAt: row.PredictedAt.In(rail.Berlin),
		HorizonMinutes: row.HorizonMinutes, LastSeq: row.LastSeq, Cumulative: row.Cumulative,
		POnTime: row.POnTime, PCancelled: row.PCancelled, PBaseline: number(row.PBaseline), Shipped: shipped}
	names := p.names(row)
	for i, value := range row.Features {
		l.Features = append(l.Features, featureValue{names[i], number(float64(value))})
	}
	return l
}

// names of the features, empty where the package that made them is not served.
func (p *predictions) names(row schema.Prediction) []string {
	loaded, err := p.champion.Current()
	if err == nil && loaded.Ref.Digest == row.Digest && len(loaded.Model.Features()) == len(row.Features) {
		return loaded.Model.Features()
	}
	return make([]string, len(row.Features))
}

// number is nil for NaN, which JSON does not know.
func number(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
