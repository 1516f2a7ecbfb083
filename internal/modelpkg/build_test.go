package modelpkg_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/modelpkg"
	"puenktlich/schemas"
)

func TestBuildListsEveryFileWithItsHash(t *testing.T) {
	t.Parallel()
	dir, digest, _ := signed(t)
	if want := sha(read(t, dir, "manifest.json")); digest != want {
		t.Errorf("digest %s, want the SHA-256 of manifest.json %s", digest, want)
	}
	var m modelpkg.Manifest
	must(t, json.Unmarshal(read(t, dir, "manifest.json"), &m))
	var listed []string
	for _, f := range m.Files {
		body := read(t, dir, f.Path)
		if f.SHA256 != sha(body) || f.SizeBytes != int64(len(body)) {
			t.Errorf("%s: manifest says %d bytes, %s", f.Path, f.SizeBytes, f.SHA256)
		}
		listed = append(listed, f.Path)
	}
	want := strings.Fields(`CARD.md MLmodel baselines.json buckets.json calibration.json cancel.json
		code/puenktlich_model.py conda.yaml drift-reference.json environment.json features.json golden.json
		input_example.json metrics.json provenance.json python_env.yaml references.json requirements.txt
		sample-metrics.json sample.parquet serving_input_example.json`)
	if !slices.Equal(listed, want) {
		t.Errorf("files %v\nwant %v", listed, want)
	}
}

// The way the trees were written down does not matter, nor does the build.
func TestBuildIsDeterministic(t *testing.T) {
	t.Parallel()
	c := contents(t)
	first, err := modelpkg.Build(filepath.Join(t.TempDir(), "a"), c)
	must(t, err)
	var spaced bytes.Buffer
	must(t, json.Indent(&spaced, c.Artefact.Buckets, "", "   "))
	c.Artefact.Buckets = spaced.Bytes()
	second, err := modelpkg.Build(filepath.Join(t.TempDir(), "b"), c)
	must(t, err)
	if first != second {
		t.Errorf("digests %s and %s of the same contents", first, second)
	}
	c.Trained.Seed++
	third, err := modelpkg.Build(filepath.Join(t.TempDir(), "c"), c)
	must(t, err)
	if third == first {
		t.Error("another seed gave the same digest")
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change  func(*modelpkg.Contents)
		message string
	}{
		"name":         {func(c *modelpkg.Contents) { c.Name = "../up" }, `name "../up"`},
		"version":      {func(c *modelpkg.Contents) { c.Version = 0 }, "version 0"},
		"features":     {func(c *modelpkg.Contents) { c.Artefact.FeatureVersion = "f0-1" }, "feature version f0-1"},
		"baselines":    {func(c *modelpkg.Contents) { c.Baselines = nil }, "baselines are not JSON"},
		"golden":       {func(c *modelpkg.Contents) { c.Golden = nil }, "no golden rows"},
		"sample":       {func(c *modelpkg.Contents) { c.Sample = nil }, "no sample"},
		"provenance":   {func(c *modelpkg.Contents) { c.Provenance = nil }, "no provenance"},
		"trees":        {func(c *modelpkg.Contents) { c.Artefact.Buckets = []byte(`{}`) }, "load delay model"},
		"wrong golden": {func(c *modelpkg.Contents) { c.Golden[2].Cumulative[3] += 1e-9 }, "row 2: P(delay <= 5 min)"},
		"wrong cancel": {func(c *modelpkg.Contents) { c.Golden[1].Cancelled += 1e-9 }, "row 1: P(cancelled)"},
		"everything":   {func(c *modelpkg.Contents) { c.Version, c.Sample = -1, nil }, "version -1: versions count from 1\nno sample"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := contents(t)
			test.change(&c)
			_, err := modelpkg.Build(filepath.Join(t.TempDir(), "p"), c)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error %v\nwant one with %q", err, test.message)
			}
		})
	}
}

func TestBuildRefusesADirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "left-over", nil)
	if _, err := modelpkg.Build(dir, contents(t)); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("error %v, want one about the directory", err)
	}
}

func TestGoldenRowKeepsEveryBit(t *testing.T) {
	t.Parallel()
	row := modelpkg.GoldenRow{Vector: []float32{0.1, float32(math.NaN()), -0, 1e-30}, HorizonMinutes: 12.25, Cumulative: []float64{1.0 / 3}, Cancelled: 0.1}
	text, err := json.Marshal(row)
	must(t, err)
	if !strings.Contains(string(text), "[0.1,null,") {
		t.Errorf("NaN is not null in %s", text)
	}
	var back modelpkg.GoldenRow
	must(t, json.Unmarshal(text, &back))
	for i, v := range row.Vector {
		if math.Float32bits(back.Vector[i]) != math.Float32bits(v) {
			t.Errorf("value %d: %v became %v", i, v, back.Vector[i])
		}
	}
	if back.Cumulative[0] != row.Cumulative[0] || back.Cancelled != row.Cancelled || back.HorizonMinutes != row.HorizonMinutes {
		t.Errorf("%+v became %+v", row, back)
	}
}

// The card holds the model beside all four baselines, with events and interval.
func TestCard(t *testing.T) {
	t.Parallel()
	dir, _, _ := signed(t)
	card := string(read(t, dir, "CARD.md"))
	for _, want := range []string{
		"# punctuality@7", "2024-10-29T03:00:00Z", "## Purpose", "## Limits", "## How to verify",
		"| 60 | 4321 | 25.0 % | 0.1111 | 0.1011 to 0.1211 | 0.1875 | 0.1765 | 0.1654 | 0.1389 | +0.200 | db_forecast_calibrated | - | 0.4321 | 0.0100 |",
		"95 %, bootstrap over days", `CC BY 4.0 ("Deutsche Bahn / DB InfraGO"); no personal data`, "90000 events", "Seed 17",
	} {
		if !strings.Contains(card, want) {
			t.Errorf("the card lacks %q:\n%s", want, card)
		}
	}
}

func TestBuildWithoutCancellationModel(t *testing.T) {
	t.Parallel()
	c := contents(t)
	c.Artefact.Cancel, c.Golden = nil, c.Golden[:1]
	c.Golden[0].Cancelled = 0.02 // the rate of the artefact
	c.Report = schemas.Report{}
	dir := filepath.Join(t.TempDir(), "p")
	_, err := modelpkg.Build(dir, c)
	must(t, err)
	if _, err := os.Stat(filepath.Join(dir, "cancel.json")); !os.IsNotExist(err) {
		t.Errorf("cancel.json: %v, want none", err)
	}
	p, err := modelpkg.Load(dir)
	must(t, err)
	d, err := p.Model.Forecast(c.Golden[0].Vector, 60)
	if err != nil || d.Cancelled != 0.02 {
		t.Errorf("P(cancelled) %v %v, want the rate 0.02", d.Cancelled, err)
	}
}

func TestNoFileIsExecutable(t *testing.T) {
	t.Parallel()
	dir, _, _ := signed(t)
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			if info, _ := e.Info(); info.Mode().Perm()&0o133 != 0 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
		}
		return err
	}))
}

// The card says that only the calibration is new, on which days, and what the champion
// and the worst slices said.
func TestCardOfARecalibratedModel(t *testing.T) {
	t.Parallel()
	c := contents(t)
	difference := -0.0123
	c.Trained.Recalibrated = &schemas.Recalibration{From: schemas.PackageRef{Model: "punctuality", Version: 6}, Method: "platt_by_horizon",
		Days: schemas.DayRange{From: "2024-10-20", To: "2024-10-28"}, Events: 812, LogLossBefore: 0.51, LogLossFitted: 0.47}
	c.Report.Worst, c.Report.Notes = []string{"product RB: skill -4.1 %"}, []string{"1 test days are not enough days for a verdict"}
	c.Report.Champion = &schemas.Comparison{Champion: schemas.PackageRef{Model: "punctuality", Version: 6}, Verdict: schemas.VerdictNotEnoughDays,
		Overall: schemas.HorizonComparison{Brier: 0.1, ChampionBrier: 0.1123, Difference: schemas.Estimate{Value: &difference}, Within: schemas.VerdictBetter}}
	dir := filepath.Join(t.TempDir(), "package")
	_, err := modelpkg.Build(dir, c)
	must(t, err)
	card := string(read(t, dir, "CARD.md"))
	for _, want := range []string{
		"Recalibrated: the trees of punctuality@6, byte for byte, with a calibration (platt_by_horizon) fitted on 2024-10-20/2024-10-28 (812 events)",
		"The test days lie after the calibration days and share none with them", "- product RB: skill -4.1 %", "Note: 1 test days are not enough days",
		"Against the champion punctuality@6 on the same events: not enough days. Brier 0.1000 against 0.1123, difference -0.0123 (95 % - to -, better within these days)",
	} {
		if !strings.Contains(card, want) {
			t.Errorf("the card lacks %q:\n%s", want, card)
		}
	}
}

// The card says once what is stated of several files, and names them.
func TestCardNamesTheSources(t *testing.T) {
	t.Parallel()
	c := contents(t)
	public := schemas.Provenance{Source: "public releases", Publisher: "a student", URL: "https://example.org", RetrievedAt: time.Date(2024, 11, 2, 8, 0, 0, 0, time.UTC),
		Licence: "CC BY 4.0", Attribution: "Deutsche Bahn / DB InfraGO", Terms: "name me", PersonalData: true}
	for _, month := range []string{"2024-07", "2024-08", "2024-09", "2024-10"} {
		public.File, public.SHA256 = "data-"+month+".parquet", strings.Repeat("0123456789abcdef", 4)
		c.Provenance = append(c.Provenance, public)
	}
	dir := t.TempDir()
	_, err := modelpkg.Build(dir, c)
	must(t, err)
	card, err := os.ReadFile(filepath.Join(dir, "CARD.md"))
	must(t, err)
	const want = "- recordings of the Timetables API: CC BY 4.0 (\"Deutsche Bahn / DB InfraGO\"); no personal data\n" +
		"- public releases: CC BY 4.0 (\"Deutsche Bahn / DB InfraGO\"); published by a student at https://example.org, retrieved 2024-11-02T08:00:00Z; terms: name me; holds personal data; " +
		"files data-2024-07.parquet (SHA-256 0123456789ab), data-2024-08.parquet (SHA-256 0123456789ab), data-2024-09.parquet (SHA-256 0123456789ab) and 1 more in `provenance.json`\n"
	if !strings.Contains(string(card), want) {
		t.Errorf("the card lacks\n%s\nit says\n%s", want, card)
	}
	var kept []schemas.Provenance
	body, err := os.ReadFile(filepath.Join(dir, "provenance.json"))
	must(t, err)
	must(t, json.Unmarshal(body, &kept))
	if !slices.Equal(kept, c.Provenance) {
		t.Errorf("provenance.json %+v", kept)
	}
}
