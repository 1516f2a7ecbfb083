package modelpkg_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"puenktlich/internal/feature"
	"puenktlich/internal/modelpkg"
)

func TestLoadGivesBackWhatWasBuilt(t *testing.T) {
	t.Parallel()
	dir, digest, key := signed(t)
	must(t, modelpkg.Verify(dir, newKey(t).Public(), key.Public())) // one of the keys
	p, err := modelpkg.Load(dir, key.Public())
	must(t, err)
	c := contents(t)
	if p.Digest != digest || p.Manifest.String() != "punctuality@7" || p.Model.FeatureVersion() != feature.Version() {
		t.Errorf("loaded %s, digest %s, features %s", p.Manifest, p.Digest, p.Model.FeatureVersion())
	}
	if !reflect.DeepEqual(p.Report, c.Report) || !reflect.DeepEqual(p.Trained, c.Trained) || !reflect.DeepEqual(p.References, c.References) {
		t.Errorf("loaded %+v\nwant %+v", p, c)
	}
	var baselines map[string]float64
	if err := json.Unmarshal(p.Baselines, &baselines); err != nil || baselines["rate"] != 0.25 {
		t.Errorf("baselines %s: %v", p.Baselines, err)
	}
	// On one machine the loaded model answers bit for bit what was golden.
	for i, g := range c.Golden {
		d, err := p.Model.Forecast(g.Vector, g.HorizonMinutes)
		must(t, err)
		if !reflect.DeepEqual(d.Cumulative, g.Cumulative) || d.Cancelled != g.Cancelled {
			t.Errorf("golden row %d: %v %v, want %v %v", i, d.Cumulative, d.Cancelled, g.Cumulative, g.Cancelled)
		}
	}
}

// Each case damages a signed package and names the file that is refused.
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	replace := func(path, old, replacement string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			body := string(read(t, dir, path))
			if strings.Count(body, old) == 0 {
				t.Fatalf("%q is not in %s", old, path)
			}
			write(t, dir, path, []byte(strings.Replace(body, old, replacement, 1)))
		}
	}
	tests := map[string]struct {
		damage       func(*testing.T, string)
		file, reason string
	}{
		"a changed digit":    {replace("buckets.json", `"num_class":"8"`, `"num_class":"9"`), "buckets.json", "has the SHA-256"},
		"a longer file":      {replace("CARD.md", "## Limits", "## No limits"), "CARD.md", "bytes of the manifest"},
		"a file more":        {func(t *testing.T, d string) { write(t, d, "code/evil.py", nil) }, "code/evil.py", "is not listed"},
		"a file missing":     {func(t *testing.T, d string) { must(t, os.Remove(filepath.Join(d, "golden.json"))) }, "golden.json", "is missing"},
		"no manifest":        {func(t *testing.T, d string) { must(t, os.Remove(filepath.Join(d, "manifest.json"))) }, "manifest.json", "is missing"},
		"no signature":       {func(t *testing.T, d string) { must(t, os.Remove(filepath.Join(d, "signature.json"))) }, "signature.json", "is not signed"},
		"a link":             {link("features.json"), "features.json", "links and devices"},
		"a linked manifest":  {link("manifest.json"), "manifest.json", "links and devices"},
		"a linked directory": {link("code"), "code", "links and devices"},
		"path upwards":       {replace("manifest.json", `"path": "CARD.md"`, `"path": "../CARD.md"`), "../CARD.md", "plain relative path"},
		"path inside":        {replace("manifest.json", `"path": "code/`, `"path": "code/../code/`), "code/../code/puenktlich_model.py", "plain relative path"},
		"absolute path":      {replace("manifest.json", `"path": "CARD.md"`, `"path": "/etc/passwd"`), "/etc/passwd", "plain relative path"},
		"path of Windows":    {replace("manifest.json", `"path": "CARD.md"`, `"path": "C:\\CARD.md"`), `C:\CARD.md`, "plain relative path"},
		"listed twice":       {replace("manifest.json", `"path": "MLmodel"`, `"path": "CARD.md"`), "CARD.md", "listed twice"},
		"lists itself":       {replace("manifest.json", `"path": "CARD.md"`, `"path": "manifest.json"`), "manifest.json", "must not list itself"},
		"endless file":       {replace("manifest.json", `"size_bytes": `, `"size_bytes": 99999999`), "CARD.md", "has a size of"},
		"unknown field":      {replace("manifest.json", `"name"`, `"extra": 1, "name"`), "manifest.json", `unknown field "extra"`},
		"unknown format":     {replace("manifest.json", `"format_version": 1`, `"format_version": 2`), "manifest.json", "has format version 2, this program reads 1"},
		"no hash":            {replace("manifest.json", `"sha256": "`, `"sha256": "x`), "CARD.md", "64 lower case"},
		"two documents": {func(t *testing.T, d string) {
			write(t, d, "manifest.json", append(read(t, d, "manifest.json"), "{}"...))
		}, "manifest.json", "something follows"},
		"version changed":     {replace("manifest.json", `"version": 7`, `"version": 8`), "signature.json", "another package than punctuality@8"},
		"resealed":            {func(t *testing.T, d string) { reseal(t, d, "CARD.md", []byte("perfect")) }, "signature.json", "another package"},
		"signature of others": {func(t *testing.T, d string) { must(t, modelpkg.Sign(d, newKey(t))) }, "signature.json", "none of the 1 trusted keys"},
		"signed text changed": {replace("signature.json", `"payload": "ey`, `"payload": "eY`), "signature.json", "none of the 1 trusted keys"},
		"type changed":        {replace("signature.json", `in-toto+json`, `in-toto+yaml`), "signature.json", "is needed"},
		"no bundle":           {func(t *testing.T, d string) { write(t, d, "signature.json", []byte("x")) }, "signature.json", "is not a Sigstore bundle"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, _, key := signed(t)
			test.damage(t, dir)
			_, err := modelpkg.Load(dir, key.Public())
			wantIntegrity(t, err, test.file, test.reason)
		})
	}
}

// Whoever holds the key can still not make a server serve what is wrong.
func TestLoadRefusesWhatIsSignedButWrong(t *testing.T) {
	t.Parallel()
	edit := func(path, old, replacement string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			body := string(read(t, dir, path))
			if !strings.Contains(body, old) {
				t.Fatalf("%q is not in %s", old, path)
			}
			reseal(t, dir, path, []byte(strings.Replace(body, old, replacement, 1)))
		}
	}
	version := feature.Version()
	tests := map[string]struct {
		damage       func(*testing.T, string)
		file, reason string
	}{
		"golden rows":     {edit("golden.json", `"horizon_minutes": 42.5`, `"horizon_minutes": 43.5`), "golden.json", "row 2: P(delay <= -1 min) is"},
		"calibration":     {edit("calibration.json", "-0.2", "0.2"), "golden.json", "does not hold"},
		"no golden rows":  {func(t *testing.T, d string) { reseal(t, d, "golden.json", []byte("[]")) }, "golden.json", "there are none"},
		"unknown setting": {edit("calibration.json", `"cancel_rate"`, `"sharpen": true, "cancel_rate"`), "calibration.json", `unknown field "sharpen"`},
		"trees":           {func(t *testing.T, d string) { reseal(t, d, "buckets.json", []byte("{}")) }, "buckets.json", "cannot be loaded"},
		"feature name":    {edit("features.json", `"name": "`+feature.Names()[0], `"name": "x`+feature.Names()[0]), "features.json", "names other features"},
		"another version": {edit("features.json", version, "f0-00000000"), "features.json", "f0-00000000, the manifest says " + version},
		"older program": {func(t *testing.T, d string) {
			edit("features.json", version, "f0-00000000")(t, d)
			write(t, d, "manifest.json", []byte(strings.ReplaceAll(string(read(t, d, "manifest.json")), version, "f0-00000000")))
		}, "features.json", "is of feature version f0-00000000, this program computes " + version},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, _, key := signed(t)
			test.damage(t, dir)
			must(t, modelpkg.Sign(dir, key))
			_, err := modelpkg.Load(dir, key.Public())
			wantIntegrity(t, err, test.file, test.reason)
		})
	}
}

func TestVerifyWithoutKeysLooksAtFilesAlone(t *testing.T) {
	t.Parallel()
	dir, _, _ := signed(t)
	must(t, os.Remove(filepath.Join(dir, "signature.json")))
	must(t, modelpkg.Verify(dir))
	write(t, dir, "CARD.md", []byte("x"))
	wantIntegrity(t, modelpkg.Verify(dir), "CARD.md", "bytes")
	wantIntegrity(t, modelpkg.Sign(dir, newKey(t)), "CARD.md", "bytes")
	wantIntegrity(t, modelpkg.Verify(t.TempDir()), "manifest.json", "is missing")
}

// link replaces a path by a link to where its content went.
func link(path string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		moved := filepath.Join(t.TempDir(), "moved")
		must(t, os.Rename(filepath.Join(dir, path), moved))
		must(t, os.Symlink(moved, filepath.Join(dir, path)))
	}
}

func wantIntegrity(t *testing.T, err error, file, reason string) {
	t.Helper()
	var integrity *modelpkg.IntegrityError
	if !errors.As(err, &integrity) {
		t.Fatalf("error %v, want an IntegrityError", err)
	}
	if integrity.File != file || !strings.Contains(integrity.Reason, reason) {
		t.Errorf("refused %q: %q\nwant %q: %q", integrity.File, integrity.Reason, file, reason)
	}
}
