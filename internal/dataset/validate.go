package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
	columns "puenktlich/schemas/dataset"
)

// Validate reads every part of a data set again, valid or not, and checks it
// anew. What the parts hold is counted from their rows; what the store held of
// a day is taken from the stored profile. The first check says whether the
// parts are there and are what was stored.
func Validate(ctx context.Context, objects Objects, m schemas.DatasetManifest, want Expected) ([]schemas.Check, error) {
	stored := stop("content", "each of %d parts is there, has its hash, can be read and is counted as its profile says", len(m.Parts))
	var parts []schemas.DatasetPart
	var profiles []columns.Profile
	for _, part := range m.Parts {
		profile, err := profileAgain(ctx, objects, m, part)
		switch {
		case Unfit(err):
			found(stored, schemas.Finding{Day: part.Day, Value: err.Error(), Where: part.Object.Key})
		case err != nil:
			return nil, err
		default:
			parts, profiles = append(parts, part), append(profiles, profile)
		}
	}
	return append([]schemas.Check{*stored}, Check(want, parts, profiles)...), nil
}

func profileAgain(ctx context.Context, objects Objects, m schemas.DatasetManifest, part schemas.DatasetPart) (columns.Profile, error) {
	table, err := loadPart(ctx, objects, m, part)
	if err != nil {
		return columns.Profile{}, err
	}
	var before columns.Profile
	if err := document(ctx, objects, part.Profile, fmt.Sprintf("profile of part %s of data set %s", part.Day, m.ID), &before); err != nil {
		return before, err
	}
	again := table.Profile(rail.Day(part.Day))
	again.Surroundings = before.Surroundings
	if !same(before, again) {
		return again, &UnfitError{fmt.Sprintf("profile of part %s of data set %s", part.Day, m.ID), part.Profile.Key, fmt.Errorf("it is not what its rows give")}
	}
	return again, nil
}

// same compares profiles as they are stored.
func same(a, b columns.Profile) bool {
	x, err := json.Marshal(a)
	if err != nil {
		return false
	}
	y, err := json.Marshal(b)
	return err == nil && bytes.Equal(x, y)
}
