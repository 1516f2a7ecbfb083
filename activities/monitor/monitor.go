// Package monitor holds the activities of the nightly watch: forecasts scored
// on truth, features held against training, and the verdict of the policy.
package monitor

import (
	"context"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/policy"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// Store is what monitoring reads and writes.
type Store interface {
	Measurements
	SaveVerdict(ctx context.Context, verdict schema.Verdict) error
	FindVerdicts(ctx context.Context, q schema.VerdictQuery) ([]schema.Verdict, error)
	Drift(ctx context.Context, q schema.MonitorQuery) ([]schema.Drift, error)
	// PredictionsWithTruth visits what a page draws.
	PredictionsWithTruth(ctx context.Context, q schema.PredictionQuery, visit func(schema.Prediction, schema.Outcome) error) error
}

// Champions loads the package in use.
type Champions interface {
	Champion(ctx context.Context, model string) (*modelpkg.Package, schemas.PackageRef, error)
}

// Objects keeps policies, evidence, reports and data sets.
type Objects interface {
	dataset.Objects
	Put(ctx context.Context, key string, body []byte) error
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
}

// Registry knows which package is champion, and since when.
type Registry interface {
	Aliases(ctx context.Context, model string) (schemas.Aliases, string, error)
}

// Promoter asks the workflow of a model for a switch.
type Promoter interface {
	Rollback(ctx context.Context, updateID, model string, request schemas.RollbackRequest) (schemas.SwitchResult, error)
	// Running says whether a workflow is under way.
	Running(ctx context.Context, workflowID string) (bool, error)
}

// Alerts are told once, and again when they worsen or end.
type Alerts interface {
	RaiseAlerts(ctx context.Context, subject string, all []schemas.Alert) error
}

// Activities are the steps of monitoring. All fields but Lag are required.
type Activities struct {
	Store     Store
	Champions Champions
	Registry  Registry
	Promoter  Promoter
	Objects   Objects
	Alerts    Alerts
	Clock     Clock
	Name      string // of the source
	// Policy is the configured one.
	Policy policy.Book
	// Lag is the measured time from a poll until serving has applied it. Defaults
	// to 0.
	Lag time.Duration

	apart daysOf
}
