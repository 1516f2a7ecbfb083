package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// predictions is the resource of logged forecasts.
type predictions struct {
	log      Pending
	stored   func(ctx context.Context, id string) (schema.Prediction, bool, error)
	champion Champion
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
	found, waits, err := p.log.Find(id)
	if err != nil {
		return err
	}
	if waits {
		c.JSON(http.StatusOK, p.describe(found, false))
		return nil
	}
	if p.stored == nil {
		return missing(id)
	}
	found, arrived, err := p.stored(c.Request.Context(), id)
	if err != nil {
		_ = c.Error(err)
		return unavailable("predictions that were stored cannot be read at the moment; forecasts go on")
	}
	if !arrived {
		return missing(id)
	}
	c.JSON(http.StatusOK, p.describe(found, true))
	return nil
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
