package main

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/dataset"
	"puenktlich/schemas"
)

// datasetCommands looks into the data set of a lifecycle as a data scientist
// does, and at what is exported without the program.
func (s *system) datasetCommands(ref schemas.DatasetRef) {
	var out bytes.Buffer
	d := datasets{s.objects, &out}
	said := func(err error) string {
		s.t.Helper()
		require.NoError(s.t, err, out.String())
		defer out.Reset()
		return out.String()
	}
	ctx, id := s.t.Context(), ref.ID[:6]
	require.Contains(s.t, said(d.list(ctx)), ref.ID[:12]+"  valid  2026-03-")
	shown := said(d.show(ctx, id))
	for _, want := range []string{ref.ID, ref.Manifest.Key, "horizons  120,60,30,15,5 min", "licence", "late_rate", ref.FeatureVersion} {
		require.Contains(s.t, shown, want)
	}
	require.Contains(s.t, said(d.validate(ctx, ref.ID)), "data set "+ref.ID+" holds")
	dir := filepath.Join(s.t.TempDir(), "exported")
	said(d.export(ctx, id, dir))
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	require.NoError(s.t, err)
	require.Contains(s.t, string(manifest), ref.ID)
	parts, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	require.NoError(s.t, err)
	rows := 0
	for _, part := range parts {
		body, err := os.ReadFile(part)
		require.NoError(s.t, err)
		table, err := dataset.Decode(body)
		require.NoError(s.t, err)
		rows += len(table.Rows)
	}
	require.EqualValues(s.t, ref.Rows, rows)
	require.ErrorContains(s.t, d.export(ctx, id, dir), "file exists")
	require.ErrorContains(s.t, d.show(ctx, "ffff00"), "data set ffff00: there is none")
	require.ErrorContains(s.t, d.show(ctx, "nonsense"), `data set "nonsense": want its ID or the first 4 and more`)
}
