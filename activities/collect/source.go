package collect

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/activity"

	"puenktlich/activities/failure"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// maxFileBytes is what S3 takes in one piece.
const maxFileBytes = 5 << 30

// keep stores the file under the hash of its content.
func (f *fileImport) keep(ctx context.Context) error {
	if f.size > maxFileBytes {
		return failure.InvalidInput("import %s: it has %d bytes, and the object store takes %d in one piece: split it", f.name, f.size, int64(maxFileBytes))
	}
	key := "sources/" + f.at.SHA256 + kindOf(f.in.Path)
	ref := schemas.ObjectRef{Key: key, SHA256: f.at.SHA256, SizeBytes: f.size}
	if err := f.a.Raw.KeepFile(ctx, ref, f.in.Path, func() error {
		f.beat(ctx, "kept in the object store; imported", f.at.Row)
		return ctx.Err()
	}); err != nil {
		return fmt.Errorf("keep %s: %w", f.name, err)
	}
	f.at.Object = key
	return nil
}

// provenance is what was stated of the file, and for what was not what its kind
// implies.
func (f *fileImport) provenance() (schemas.Provenance, error) {
	p := f.in.Provenance
	switch kindOf(f.in.Path) {
	case archiveExt:
		p = p.Or(f.a.Provenance)
	case releaseExt:
		p = p.Or(schemas.Provenance{Source: "Deutsche Bahn Timetables API (public release)", Licence: "CC BY 4.0", Attribution: "Deutsche Bahn / DB InfraGO"})
	default:
		if p.Source == "" || p.Licence == "" {
			return p, failure.InvalidInput("import %s: source %q, licence %q: say where a CSV file comes from and under which licence it may be used: {\"provenance\": {\"source\": \"...\", \"licence\": \"...\"}}", f.name, p.Source, p.Licence)
		}
	}
	return p, nil
}

// record writes where the file came from, and how much of it is in.
func (f *fileImport) record(ctx context.Context) error {
	p, err := f.provenance()
	if err != nil {
		return err
	}
	now := f.a.Clock.Now()
	s := schema.Source{Source: f.a.Name, SHA256: f.at.SHA256, File: f.name, SizeBytes: uint64(f.size), ObjectKey: f.at.Object,
		Name: p.Source, Publisher: p.Publisher, URL: p.URL, RetrievedAt: p.RetrievedAt, Licence: p.Licence, Terms: p.Terms,
		Attribution: p.Attribution, PersonalData: p.PersonalData, FirstDay: f.at.FirstDay, LastDay: f.at.LastDay,
		Rows: uint64(f.at.Row), ImportedAt: now, Version: uint64(now.UnixMilli())}
	run := ""
	if activity.IsActivity(ctx) {
		run = activity.GetInfo(ctx).WorkflowExecution.RunID
	}
	token := fmt.Sprintf("source/%s/%s/%s/%d/%d", s.Source, s.SHA256, run, s.Rows, s.Version)
	if err := f.a.Store.InsertSource(ctx, token, s); err != nil {
		return fmt.Errorf("record where %s came from: %w", f.name, err)
	}
	return nil
}
