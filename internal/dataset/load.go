package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
	columns "puenktlich/schemas/dataset"
)

// Objects reads content by reference and checks its hash.
type Objects interface {
	GetContent(ctx context.Context, ref schemas.ObjectRef) ([]byte, error)
}

// UnfitError says why a data set cannot be used. Reading it again gives the
// same: it has to be prepared anew.
type UnfitError struct {
	What string // which manifest or part of which data set
	Key  string // object
	Err  error
}

func (e *UnfitError) Error() string { return fmt.Sprintf("%s (%s): %v", e.What, e.Key, e.Err) }

// Unwrap is the cause.
func (e *UnfitError) Unwrap() error { return e.Err }

// ErrNoPart: the data set has no day of the range that was asked for.
var ErrNoPart = errors.New("no part in the range")

// Unfit says that an error is one of the data set itself, not of the store
// that was asked for it.
func Unfit(err error) bool { return errors.As(err, new(*UnfitError)) }

// content reads one object; what is gone or altered is unfit.
func content(ctx context.Context, objects Objects, ref schemas.ObjectRef, what string) ([]byte, error) {
	body, err := objects.GetContent(ctx, ref)
	switch {
	case errors.Is(err, schemas.ErrObjectMissing) || errors.Is(err, schemas.ErrObjectCorrupt):
		return nil, &UnfitError{what, ref.Key, err}
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return body, nil
}

// document reads one JSON object.
func document(ctx context.Context, objects Objects, ref schemas.ObjectRef, what string, into any) error {
	body, err := content(ctx, objects, ref, what)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &UnfitError{what, ref.Key, err}
	}
	return nil
}

// Load reads the parts of a valid data set whose days lie in the range; an
// empty range means all of them. Where the range cannot be read to its end
// because of the data set itself, the error is an UnfitError.
func Load(ctx context.Context, objects Objects, ref schemas.DatasetRef, days schemas.DayRange) (*Table, schemas.DatasetManifest, error) {
	manifest, err := usable(ctx, objects, ref)
	if err != nil {
		return nil, manifest, err
	}
	var parts []*Table
	for _, part := range manifest.Parts {
		if !days.Empty() && (part.Day < days.From || part.Day >= days.To) {
			continue
		}
		table, err := loadPart(ctx, objects, manifest, part)
		if err != nil {
			return nil, manifest, err
		}
		parts = append(parts, table)
	}
	if len(parts) == 0 {
		return nil, manifest, &UnfitError{"data set " + ref.ID, ref.Manifest.Key, fmt.Errorf("%w %s", ErrNoPart, days)}
	}
	table, err := Concat(parts...)
	if err != nil {
		return nil, manifest, &UnfitError{"data set " + ref.ID, ref.Manifest.Key, err}
	}
	if !days.Empty() {
		table = table.Between(rail.Day(days.From), rail.Day(days.To))
	}
	return table, manifest, nil
}

// Asked is the request that gives a valid data set again. It stands in the
// manifest, with the horizons and the moment that were taken.
func Asked(ctx context.Context, objects Objects, ref schemas.DatasetRef) (schemas.PrepareInput, error) {
	manifest, err := usable(ctx, objects, ref)
	return schemas.PrepareInput{Days: ref.Days, Horizons: manifest.Horizons, AsOf: manifest.AsOf}, err
}

// usable reads the manifest of a data set that passed its checks.
func usable(ctx context.Context, objects Objects, ref schemas.DatasetRef) (schemas.DatasetManifest, error) {
	var manifest schemas.DatasetManifest
	what := "manifest of data set " + ref.ID
	if err := document(ctx, objects, ref.Manifest, what, &manifest); err != nil {
		return manifest, err
	}
	if manifest.State == schemas.DatasetInvalid {
		return manifest, &UnfitError{what, ref.Manifest.Key, fmt.Errorf("the data set is invalid:\n%s", schemas.CheckTable(manifest.Checks))}
	}
	if manifest.ID != ref.ID {
		return manifest, &UnfitError{what, ref.Manifest.Key, fmt.Errorf("it is of data set %q", manifest.ID)}
	}
	return manifest, nil
}

// loadPart reads one part and holds it against the manifest.
func loadPart(ctx context.Context, objects Objects, m schemas.DatasetManifest, part schemas.DatasetPart) (*Table, error) {
	what := fmt.Sprintf("part %s of data set %s", part.Day, m.ID)
	body, err := content(ctx, objects, part.Object, what)
	if err != nil {
		return nil, err
	}
	table, err := Decode(body)
	if err != nil {
		return nil, &UnfitError{what, part.Object.Key, err}
	}
	if m.FeatureVersion != "" && table.Version != m.FeatureVersion {
		return nil, &UnfitError{what, part.Object.Key, fmt.Errorf("it was made with features %s, its manifest says %s", table.Version, m.FeatureVersion)}
	}
	if part.Object.Rows != 0 && part.Object.Rows != int64(len(table.Rows)) {
		return nil, &UnfitError{what, part.Object.Key, fmt.Errorf("it has %d rows, its manifest says %d", len(table.Rows), part.Object.Rows)}
	}
	return table, nil
}

// LoadTraining is Load without the trips that go on after the range: they
// belong to the later days, and no trip is both learned from and tested on.
func LoadTraining(ctx context.Context, objects Objects, ref schemas.DatasetRef, days schemas.DayRange) (*Table, schemas.DatasetManifest, error) {
	table, manifest, err := Load(ctx, objects, ref, days)
	if err != nil || days.Empty() {
		return table, manifest, err
	}
	trips, err := goingOn(ctx, objects, manifest, days)
	if err != nil {
		return nil, manifest, err
	}
	return table.withoutTrips(trips), manifest, nil
}

// goingOn are the trips with events in the range and after it.
func goingOn(ctx context.Context, objects Objects, manifest schemas.DatasetManifest, days schemas.DayRange) (map[string]struct{}, error) {
	trips := map[string]struct{}{}
	for _, part := range manifest.Parts {
		if part.Day < days.To || part.Day >= string(rail.Day(days.To).Add(longestTripDays)) {
			continue
		}
		overnight, err := overnight(ctx, objects, manifest, part)
		if err != nil {
			return nil, err
		}
		for _, trip := range overnight {
			trips[trip] = struct{}{}
		}
	}
	return trips, nil
}

// overnight are the trips of a part that began on an earlier day, from its
// profile or else from its rows.
func overnight(ctx context.Context, objects Objects, m schemas.DatasetManifest, part schemas.DatasetPart) ([]string, error) {
	if part.Profile.Key != "" {
		var profile columns.Profile
		err := document(ctx, objects, part.Profile, fmt.Sprintf("profile of part %s of data set %s", part.Day, m.ID), &profile)
		return profile.Overnight, err
	}
	table, err := loadPart(ctx, objects, m, part)
	if err != nil {
		return nil, err
	}
	return table.Profile(rail.Day(part.Day)).Overnight, nil
}
