package release

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"puenktlich/activities/failure"
	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/modelpkg"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Sizes of what a package carries of the test data.
const (
	goldenRows = 64
	sampleRows = 2000
)

// BuildPackage writes, signs, loads and stores the package of a trained and
// evaluated model. A repeated run claims the same version and builds the same
// manifest.
func (a *Activities) BuildPackage(ctx context.Context, in schemas.PackageInput) (schemas.PackageRef, error) {
	var ref schemas.PackageRef
	version, err := a.Registry.NextVersion(ctx, in.Trained.Model, in.Trained.RunID)
	if err != nil {
		return ref, fmt.Errorf("claim a version of %s: %w", in.Trained.Model, err)
	}
	contents, err := a.contents(ctx, in)
	if err != nil {
		return ref, err
	}
	contents.Version = version
	dir, err := os.MkdirTemp(a.Dir, "build-")
	if err != nil {
		return ref, fmt.Errorf("build package: %w", err)
	}
	defer os.RemoveAll(dir)
	dir = filepath.Join(dir, "package")
	digest, err := modelpkg.Build(dir, contents)
	if err != nil {
		return ref, failure.Validation("build package %s@%d: %v", in.Trained.Model, version, err)
	}
	if err := modelpkg.Sign(dir, a.Key); err != nil {
		return ref, fmt.Errorf("sign package %s@%d: %w", in.Trained.Model, version, err)
	}
	for _, check := range modelpkg.Test(dir, a.Trusted...) {
		if check.Err != nil {
			return ref, failure.Integrity(check.Err, "test package %s@%d: %s", in.Trained.Model, version, check.Name)
		}
	}
	ref = schemas.PackageRef{Model: in.Trained.Model, Version: version, Digest: digest,
		Prefix: fmt.Sprintf("models/%s/%d", in.Trained.Model, version), Created: contents.Created}
	if _, err := modelpkg.Upload(ctx, a.Objects, dir, ref.Prefix); err != nil {
		return ref, fmt.Errorf("store package %s@%d: %w", in.Trained.Model, version, err)
	}
	return ref, a.register(ctx, ref, in)
}

// contents gathers what a package is made of.
func (a *Activities) contents(ctx context.Context, in schemas.PackageInput) (modelpkg.Contents, error) {
	c := modelpkg.Contents{Name: in.Trained.Model, Trained: in.Trained, Provenance: a.Provenance, CodeVersion: a.CodeVersion}
	var learned learn.Learned
	if err := a.read(ctx, in.Trained.Artefact, &learned); err != nil {
		return c, err
	}
	if err := a.read(ctx, in.Evaluate.Report, &c.Report); err != nil {
		return c, err
	}
	var manifest schemas.DatasetManifest
	if err := a.read(ctx, in.Trained.Dataset.Manifest, &manifest); err != nil {
		return c, err
	}
	if len(manifest.Sources) > 0 {
		c.Provenance = manifest.Sources
	}
	c.Created = manifest.AsOf // the domain time of what it knows, the same in a repeated run
	c.Artefact, c.References, c.Environment = learned.Artefact, learned.References, learned.Environment
	var err error
	if c.Baselines, err = json.Marshal(learned.Baselines); err != nil {
		return c, fmt.Errorf("write baselines: %w", err)
	}
	table, _, err := dataset.Load(ctx, a.Objects, in.Trained.Dataset, c.Report.TestDays)
	if dataset.Unfit(err) {
		return c, failure.Validation("sample of the test days: %v", err)
	}
	if err != nil {
		return c, fmt.Errorf("sample of the test days: %w", err)
	}
	if c.Golden, err = golden(learned.Artefact, table); err != nil {
		return c, err
	}
	c.Sample, err = every(table, sampleRows).Encode()
	return c, err
}

func (a *Activities) read(ctx context.Context, ref schemas.ObjectRef, into any) error {
	body, err := a.Objects.GetContent(ctx, ref)
	if err != nil {
		return fmt.Errorf("read %s: %w", ref.Key, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return failure.Integrity(err, "read %s", ref.Key)
	}
	return nil
}

// golden are rows of the test days with the outputs of this very program.
func golden(artefact forecast.Artefact, table *dataset.Table) ([]modelpkg.GoldenRow, error) {
	model, err := forecast.Load(artefact)
	if err != nil {
		return nil, failure.Integrity(err, "golden rows")
	}
	chosen := every(table, goldenRows)
	var rows []modelpkg.GoldenRow
	for i, row := range chosen.Rows {
		g, err := modelpkg.Golden(model, chosen.Vector(i), float64(row.Horizon))
		if err != nil {
			return nil, fmt.Errorf("golden row %d: %w", i, err)
		}
		rows = append(rows, g)
	}
	return rows, nil
}

// every takes at most n rows, evenly spread.
func every(table *dataset.Table, n int) *dataset.Table {
	out := dataset.New(table.Version, table.Names, table.Units)
	step := max(1, len(table.Rows)/n)
	for i := 0; i < len(table.Rows) && len(out.Rows) < n; i += step {
		out.Append(table.Rows[i], table.Vector(i))
	}
	return out
}

// register records the version in the registry and its journal.
func (a *Activities) register(ctx context.Context, ref schemas.PackageRef, in schemas.PackageInput) error {
	if err := a.Registry.Register(ctx, ref); err != nil {
		return fmt.Errorf("register %s@%d: %w", ref.Model, ref.Version, err)
	}
	event := schema.RegistryEvent{EventID: "registered/" + ref.Digest, Model: ref.Model, Version: uint32(ref.Version), Digest: ref.Digest,
		Event: "registered", Actor: "lifecycle", Reason: "run " + in.Trained.RunID, HappenedAt: a.Clock.Now(),
		Details: evidence("", map[string]any{"package": ref.Prefix, "run": in.Trained.RunID, "dataset": in.Trained.Dataset.ID, "report": in.Evaluate.Report, "gate": in.Evaluate.Gate})}
	return a.save(ctx, event)
}
