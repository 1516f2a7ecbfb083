// Package release holds the activities that make a trained model a product:
// packaging, verification, and the switch of the champion.
package release

import (
	"context"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/registry"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// Objects is the object store as packages and data sets need it.
type Objects interface {
	modelpkg.ObjectStore
	dataset.Objects
}

// Journal keeps what changed in the registry, for audit.
type Journal interface {
	SaveRegistryEvent(ctx context.Context, event schema.RegistryEvent) error
}

// Promoter sends updates to the workflow of a model, starting it where it does
// not run. The same update ID is the same update.
type Promoter interface {
	Promote(ctx context.Context, updateID string, request schemas.PromoteRequest) (schemas.SwitchResult, error)
	Rollback(ctx context.Context, updateID, model string, request schemas.RollbackRequest) (schemas.SwitchResult, error)
	Challenge(ctx context.Context, updateID string, request schemas.ChallengeRequest) (schemas.Aliases, error)
}

// Forecasts are what was forecast and what became of it.
type Forecasts interface {
	PredictionsWithTruth(ctx context.Context, q schema.PredictionQuery, visit func(schema.Prediction, schema.Outcome) error) error
}

// Activities are the steps of a release. All fields are required.
type Activities struct {
	Objects  Objects
	Registry registry.Registry
	Journal  Journal
	Promoter Promoter
	// Forecasts and the name of their source, for comparisons.
	Forecasts Forecasts
	Name      string
	Clock     Clock
	// Rollout of a promotion that names none.
	Rollout schemas.Rollout
	// Key signs; Trusted are the keys of which one must have signed what is
	// promoted, its public half among them.
	Key     *modelpkg.Key
	Trusted []modelpkg.PublicKey
	// Provenance of the data models are trained on, where a data set states none.
	Provenance []schemas.Provenance
	// Dir is where packages are built and cached.
	Dir         string
	CodeVersion string
}
