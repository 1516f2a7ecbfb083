package dataset

import (
	"context"
	"encoding/json"
	"fmt"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Objects reads content by reference and checks its hash.
type Objects interface {
	GetContent(ctx context.Context, ref schemas.ObjectRef) ([]byte, error)
}

// Load reads the parts of a sealed data set whose days lie in the range; an
// empty range means all of them.
func Load(ctx context.Context, objects Objects, ref schemas.DatasetRef, days schemas.DayRange) (*Table, schemas.DatasetManifest, error) {
	var manifest schemas.DatasetManifest
	body, err := objects.GetContent(ctx, ref.Manifest)
	if err != nil {
		return nil, manifest, fmt.Errorf("read manifest of data set %s: %w", ref.ID, err)
	}
	if err := json.Unmarshal(body, &manifest); err != nil {
		return nil, manifest, fmt.Errorf("read manifest of data set %s: %w", ref.ID, err)
	}
	var parts []*Table
	for _, part := range manifest.Parts {
		if !days.Empty() && (part.Day < days.From || part.Day >= days.To) {
			continue
		}
		body, err := objects.GetContent(ctx, part.Object)
		if err != nil {
			return nil, manifest, fmt.Errorf("read part %s of data set %s: %w", part.Day, ref.ID, err)
		}
		table, err := Decode(body)
		if err != nil {
			return nil, manifest, fmt.Errorf("part %s of data set %s: %w", part.Day, ref.ID, err)
		}
		parts = append(parts, table)
	}
	if len(parts) == 0 {
		return nil, manifest, fmt.Errorf("data set %s has no part in %s", ref.ID, days)
	}
	table, err := Concat(parts...)
	if err != nil {
		return nil, manifest, err
	}
	if !days.Empty() {
		table = table.Between(rail.Day(days.From), rail.Day(days.To))
	}
	return table, manifest, nil
}
