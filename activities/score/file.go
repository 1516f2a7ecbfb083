package score

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/activity"

	"puenktlich/activities/failure"
	"puenktlich/internal/forecast"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/internal/vectors"
	"puenktlich/internal/vectors/columnar"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Objects are where files lie and results go.
type Objects interface {
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	GetFile(ctx context.Context, ref schemas.ObjectRef, path string) (schemas.ObjectRef, error)
	PutIfAbsent(ctx context.Context, key string, body []byte) error
	ListRefs(ctx context.Context, prefix string) ([]schemas.ObjectRef, error)
}

const (
	// chunkRows are forecast at once.
	chunkRows = 4096
	// insertRows go to the store at once.
	insertRows = 10_000
	// keepFiles is how many files stay on this machine.
	keepFiles = 3
)

// ScoreRows forecasts the rows of one part of a file, writes them beside it and
// to the store. Whatever a run before has done is found and left as it is.
func (a *Activities) ScoreRows(ctx context.Context, in schemas.ScorePartInput) (schemas.ScorePartResult, error) {
	plan := in.Plan
	loaded, err := a.Champions.Package(ctx, plan.Package)
	if err != nil {
		return schemas.ScorePartResult{}, fmt.Errorf("score: %w", err)
	}
	layout := vectors.NewLayout(loaded.Model.Features())
	file, _, err := a.file(ctx, *plan.Input, layout)
	if err != nil {
		return schemas.ScorePartResult{}, err
	}
	p := part{a: a, in: in, loaded: loaded, table: layout.Table(0), first: int64(in.Part) * plan.PartRows}
	if err := file.Range(ctx, p.first, min(p.first+plan.PartRows, plan.Input.Rows), p.take); err != nil {
		return schemas.ScorePartResult{}, unfit(plan.Input.Key, err)
	}
	if err := p.insert(ctx); err != nil {
		return schemas.ScorePartResult{}, err
	}
	return schemas.ScorePartResult{Predictions: p.made.Rows()}, p.write(ctx)
}

// part is one part while it is forecast.
type part struct {
	a      *Activities
	in     schemas.ScorePartInput
	loaded *modelpkg.Package
	table  *vectors.Table
	chunk  forecast.Batch
	made   forecast.Batch
	rows   []schema.Prediction
	first  int64 // row of the file
}

// take forecasts rows [lo, hi) of a record.
func (p *part) take(record columnar.Record, columns *columnar.Columns, lo, hi int) error {
	for from := lo; from < hi; from += chunkRows {
		row := p.first + int64(p.made.Rows())
		if err := columns.Fill(p.table, record, from, min(from+chunkRows, hi)); err != nil {
			return fmt.Errorf("from row %d on: %w", row, err)
		}
		if err := p.loaded.Model.Forecasts(&p.chunk, p.table.Vectors, p.table.Horizons); err != nil {
			return fmt.Errorf("from row %d on: %w", row, err)
		}
		for i := range p.chunk.Rows() {
			width := len(p.table.Vectors) / p.table.Rows()
			p.rows = append(p.rows, p.row(row+int64(i), p.chunk.At(i), p.table.Vectors[i*width:(i+1)*width], p.table.Horizons[i]))
		}
		p.made.Append(&p.chunk)
	}
	return nil
}

// row is a forecast as it is stored: no event is behind it, and what it would be
// planned for is what its horizon says.
func (p *part) row(row int64, d forecast.Distribution, vector []float32, horizonMinutes float64) schema.Prediction {
	plan := p.in.Plan
	planned := plan.AsOf.Add(time.Duration(horizonMinutes * float64(time.Minute))).Truncate(time.Second)
	sum := sha256.Sum256(fmt.Appendf(nil, "file|%s|%s|%d", plan.Package.Digest, plan.Input.SHA256, row))
	return schema.Prediction{RequestID: fmt.Sprintf("score-%.12s-%.12s", plan.Input.SHA256, plan.Package.Digest), PredictionID: uuid.Must(uuid.FromBytes(sum[:16])).String(),
		Source: schema.FromBatch, DataSource: p.a.Name, Model: plan.Package.Model, Version: uint32(plan.Package.Version), Digest: plan.Package.Digest,
		Role: schema.RoleChampion, Instance: "batch", EventDay: string(rail.DayOf(planned)), Planned: planned, PredictedAt: plan.AsOf,
		HorizonMinutes: int32(math.Floor(horizonMinutes)), Features: slices.Clone(vector), Cumulative: slices.Clone(d.Cumulative),
		POnTime: d.OnTime(), PCancelled: d.Cancelled, PBaseline: math.NaN()}
}

// insert brings the rows to the store, each batch under a token of its own.
func (p *part) insert(ctx context.Context) error {
	for from := 0; from < len(p.rows); from += insertRows {
		beat(ctx, from)
		to := min(from+insertRows, len(p.rows))
		token := fmt.Sprintf("file/%s/%s/%d-%d", p.in.Plan.Package.Digest, p.in.Plan.Input.SHA256, p.first+int64(from), p.first+int64(to))
		if err := p.a.Store.InsertPredictions(ctx, token, p.rows[from:to]); err != nil {
			return fmt.Errorf("store forecasts of %s: %w", p.in.Plan.Input.Key, err)
		}
	}
	return nil
}

// write puts the result where there is none. One that is there has the same
// bytes, or was made by another program.
func (p *part) write(ctx context.Context) error {
	plan := p.in.Plan
	body, err := columnar.EncodeParquet(&p.made, p.first, map[string]string{"model": plan.Package.Model, "version": fmt.Sprint(plan.Package.Version),
		"digest": plan.Package.Digest, "input": plan.Input.Key, "input_sha256": plan.Input.SHA256})
	if err != nil {
		return err
	}
	return once(ctx, p.a.Objects, plan.PartKey(p.in.Part), body)
}

// once writes an object once; a second time it must be the same.
func once(ctx context.Context, objects Objects, key string, body []byte) error {
	wrote := objects.PutIfAbsent(ctx, key, body)
	if wrote == nil {
		return nil
	}
	there, _, err := objects.Get(ctx, key)
	switch {
	case errors.Is(err, schemas.ErrObjectMissing):
		return fmt.Errorf("score: %w", wrote)
	case err != nil:
		return fmt.Errorf("score: %w", err)
	case string(there) != string(body):
		return failure.Conflict(wrote, "%s holds other forecasts of the same rows; remove it to write these", key)
	}
	return nil
}

// FinishScore lists the parts of a file, all of which must be there.
func (a *Activities) FinishScore(ctx context.Context, plan schemas.ScorePlan) (schemas.ObjectRef, error) {
	found, err := a.Objects.ListRefs(ctx, plan.Prefix())
	if err != nil {
		return schemas.ObjectRef{}, fmt.Errorf("score: %w", err)
	}
	manifest := schemas.ScoreManifest{Plan: plan}
	for n := range plan.Parts() {
		key := plan.PartKey(n)
		at := slices.IndexFunc(found, func(r schemas.ObjectRef) bool { return r.Key == key })
		if at < 0 {
			return schemas.ObjectRef{}, failure.NotFound(nil, "part %s is not there", key)
		}
		body, _, err := a.Objects.Get(ctx, key)
		if err != nil {
			return schemas.ObjectRef{}, fmt.Errorf("score: %w", err)
		}
		beat(ctx, n)
		manifest.Parts = append(manifest.Parts, reference(key, body, min(plan.PartRows, plan.Input.Rows-int64(n)*plan.PartRows)))
	}
	body, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return schemas.ObjectRef{}, fmt.Errorf("write manifest: %w", err)
	}
	key := plan.Prefix() + "manifest.json"
	return reference(key, body, plan.Input.Rows), once(ctx, a.Objects, key, body)
}

func reference(key string, body []byte, rows int64) schemas.ObjectRef {
	return schemas.ObjectRef{Key: key, SHA256: fmt.Sprintf("%x", sha256.Sum256(body)), SizeBytes: int64(len(body)), Rows: rows}
}

// file is an object on this machine's disk, brought there if need be; without a
// digest it is the present one.
func (a *Activities) file(ctx context.Context, ref schemas.ObjectRef, layout *vectors.Layout) (*columnar.File, schemas.ObjectRef, error) {
	path := filepath.Join(a.Dir, ref.SHA256)
	if _, err := os.Stat(path); ref.SHA256 == "" || err != nil {
		if err := os.MkdirAll(a.Dir, 0o755); err != nil {
			return nil, ref, fmt.Errorf("fetch %s: %w", ref.Key, err)
		}
		arriving := filepath.Join(a.Dir, "."+uuid.NewString())
		rows := ref.Rows
		ref, err = a.Objects.GetFile(ctx, ref, arriving)
		switch {
		case errors.Is(err, schemas.ErrObjectMissing):
			return nil, ref, failure.NotFound(err, "file to score")
		case errors.Is(err, schemas.ErrObjectCorrupt):
			return nil, ref, failure.Integrity(err, "file to score")
		case err != nil:
			return nil, ref, fmt.Errorf("fetch file to score: %w", err)
		}
		ref.Rows = rows
		a.makeRoom()
		path = filepath.Join(a.Dir, ref.SHA256)
		if err := os.Rename(arriving, path); err != nil {
			return nil, ref, fmt.Errorf("fetch %s: %w", ref.Key, err)
		}
	}
	file, err := columnar.OpenFile(path, layout)
	if err != nil {
		return nil, ref, fmt.Errorf("open %s: %w", ref.Key, err)
	}
	return file, ref, nil
}

// makeRoom removes the files that arrived first. One that is being read stays
// readable.
func (a *Activities) makeRoom() {
	entries, err := os.ReadDir(a.Dir)
	if err != nil {
		return
	}
	var files []os.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && !strings.HasPrefix(entry.Name(), ".") {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(x, y os.FileInfo) int { return x.ModTime().Compare(y.ModTime()) })
	for _, old := range files[:max(0, len(files)-keepFiles+1)] {
		_ = os.Remove(filepath.Join(a.Dir, old.Name()))
	}
}

// unfit says that a file cannot be forecast, which no retry mends.
func unfit(key string, err error) error {
	var wrong *vectors.Error
	var value *forecast.RowError
	if errors.As(err, &wrong) || errors.As(err, &value) {
		return failure.Validation("score %s: %v", key, err)
	}
	return fmt.Errorf("score %s: %w", key, err)
}

func beat(ctx context.Context, at int) {
	if activity.IsActivity(ctx) {
		activity.RecordHeartbeat(ctx, at)
	}
}
