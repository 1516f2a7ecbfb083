package prepare

import (
	"context"
	"fmt"
	"slices"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// sources is where the rows of some days come from, those of the days before
// them, whose rates are features, and those of the day after, in which the last
// corrections are: the source that is collected, then every file that was
// imported under its name.
func (a *Activities) sources(ctx context.Context, days []string) ([]schemas.Provenance, error) {
	all := []schemas.Provenance{a.Provenance}
	if len(days) == 0 {
		return all, nil
	}
	files, err := a.Store.Sources(ctx, a.Name, string(rail.Day(slices.Max(days)).Add(2)))
	if err != nil {
		return nil, fmt.Errorf("sources of the %s: %w", a.Name, err)
	}
	for _, f := range files {
		all = append(all, schemas.Provenance{Source: f.Name, Publisher: f.Publisher, URL: f.URL, RetrievedAt: f.RetrievedAt, Licence: f.Licence,
			Terms: f.Terms, Attribution: f.Attribution, PersonalData: f.PersonalData,
			File: f.File, SHA256: f.SHA256, SizeBytes: int64(f.SizeBytes), Object: f.ObjectKey})
	}
	return all, nil
}
