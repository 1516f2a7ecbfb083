package prepare

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// A data set names every file of its days and of the days before, whose rates
// are features; not those of later days, and not those of another source.
func TestSourcesOfADataset(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fetched := time.Date(2024, 11, 2, 8, 0, 0, 0, time.UTC)
	for file, s := range map[string]schema.Source{
		"september.parquet": {FirstDay: "2024-09-01", LastDay: "2024-09-30"},
		"october.parquet": {FirstDay: "2024-10-01", LastDay: "2024-10-31", Publisher: "a student", URL: "https://example.org", RetrievedAt: fetched, Terms: "name me",
			Attribution: "DB", PersonalData: true, SizeBytes: 17, ObjectKey: "sources/october.parquet"},
		"november.parquet": {FirstDay: "2024-11-01", LastDay: "2024-11-30"},
		"under-way.csv":    {}, // its days are not known yet
		"elsewhere":        {FirstDay: "2024-10-01", LastDay: "2024-10-31", Source: "another"},
	} {
		s.File, s.SHA256, s.Name, s.Licence, s.ImportedAt = file, "of "+file, "a source", "CC BY 4.0", on("12:00")
		if s.Source == "" {
			s.Source = "test"
		}
		must(t, h.db.InsertSource(t.Context(), "source/"+file, s))
	}
	plan := schemas.PreparePlan{Days: []string{"2024-10-29", "2024-10-30"}, FeatureVersion: feature.Version()}
	ref, err := h.SealDataset(t.Context(), schemas.PrepareManifestInput{Plan: plan, Parts: []schemas.DatasetPart{
		{Day: "2024-10-29"}}}) // a day without truth: the data set is invalid, and kept
	if ref.Manifest.Key == "" {
		t.Fatalf("no manifest: %v", err)
	}
	body, err := h.Objects.GetContent(t.Context(), ref.Manifest)
	must(t, err)
	var manifest schemas.DatasetManifest
	must(t, json.Unmarshal(body, &manifest))
	file := func(name string) schemas.Provenance {
		return schemas.Provenance{Source: "a source", Licence: "CC BY 4.0", File: name, SHA256: "of " + name}
	}
	october := schemas.Provenance{Source: "a source", Publisher: "a student", URL: "https://example.org", RetrievedAt: fetched, Licence: "CC BY 4.0", Terms: "name me",
		Attribution: "DB", PersonalData: true, File: "october.parquet", SHA256: "of october.parquet", SizeBytes: 17, Object: "sources/october.parquet"}
	want := []schemas.Provenance{{Source: "test", Licence: "none"}, file("under-way.csv"), file("september.parquet"), october}
	if !slices.Equal(manifest.Sources, want) {
		t.Errorf("sources\n%+v\nwant\n%+v", manifest.Sources, want)
	}
}

// What was recorded of a file again takes the place of what was.
func TestASourceIsSuperseded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := schema.Source{Source: "test", SHA256: "s", File: "a.parquet", Name: "a", Licence: "unknown", ImportedAt: on("12:00"), Version: 1}
	must(t, h.db.InsertSource(t.Context(), "1", s))
	s.Licence, s.Version = "CC0", 2
	must(t, h.db.InsertSource(t.Context(), "2", s))
	got, err := h.db.Sources(t.Context(), "test", "2024-10-30")
	must(t, err)
	if len(got) != 1 || got[0] != s {
		t.Errorf("%+v, want %+v alone", got, s)
	}
}
