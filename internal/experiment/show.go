package experiment

import (
	"context"
	"slices"
	"strings"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Show reads the records of runs, each named by its id or the beginning of it,
// in the order asked for, one asked for twice once.
func (r Reader) Show(ctx context.Context, ids ...string) ([]Record, error) {
	var runs []schema.Run
	var found []string
	for _, id := range ids {
		run, err := r.resolve(ctx, id)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(found, run.RunID) {
			runs, found = append(runs, run), append(found, run.RunID)
		}
	}
	records := make([]Record, len(runs))
	at := map[string]*Record{}
	for i, run := range runs {
		records[i] = recordOf(run)
		at[run.RunID] = &records[i]
	}
	params, err := r.Store.RunParams(ctx, found...)
	if err != nil {
		return nil, r.failed("read parameters", err)
	}
	for _, p := range params {
		at[p.RunID].Params[p.Name] = p.Value
	}
	metrics, err := r.Store.RunMetrics(ctx, found...)
	if err != nil {
		return nil, r.failed("read metrics", err)
	}
	for _, m := range metrics { // by step, so that the last one stays
		record := at[m.RunID]
		record.Series[m.Name] = append(record.Series[m.Name], Point{m.Step, Number(m.Value)})
		record.Metrics[m.Name] = Number(m.Value)
	}
	for i, run := range runs {
		records[i].Artifacts = r.artifacts(ctx, run)
	}
	return records, nil
}

// artifacts are the recorded ones, and what else lies below the run's key, the
// newest of each folder; by name. A store that does not answer leaves them
// unknown.
func (r Reader) artifacts(ctx context.Context, run schema.Run) []Artifact {
	known := map[string]Artifact{}
	var objects []schemas.ObjectRef
	state := ArtifactUnknown
	if run.ArtifactKey != "" {
		var err error
		if objects, err = r.Objects.ListRefs(ctx, run.ArtifactKey); err == nil {
			state = ArtifactGone // unless it is listed
		}
	}
	for name, key := range run.Artifacts {
		known[name] = Artifact{Name: name, Key: key, State: state}
	}
	for _, object := range objects { // the oldest first
		name, is := nameOf(strings.TrimPrefix(object.Key, run.ArtifactKey))
		if !is {
			continue
		}
		if key, recorded := run.Artifacts[name]; !recorded || key == object.Key {
			known[name] = Artifact{Name: name, Key: object.Key, SizeBytes: object.SizeBytes, State: ArtifactKept}
		}
	}
	all := make([]Artifact, 0, len(known))
	for _, name := range keys(known) {
		all = append(all, known[name])
	}
	return all
}

// nameOf is the folder of a key, as artefacts are named; what lies deeper, such
// as checkpoints, is none.
func nameOf(key string) (name string, is bool) {
	folder, file, found := strings.Cut(key, "/")
	return strings.ReplaceAll(folder, "-", "_"), found && !strings.Contains(file, "/")
}
