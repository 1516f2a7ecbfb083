package modelpkg_test

import (
	"encoding/json"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"puenktlich/internal/modelpkg"
	"puenktlich/internal/serving/servingtest"
)

// tiny builds and signs the package whose forecasts one computes by hand.
func tiny(t testing.TB) (dir string, key *modelpkg.Key) {
	t.Helper()
	contents, err := servingtest.Contents(3)
	must(t, err)
	dir, key = filepath.Join(t.TempDir(), "package"), newKey(t)
	_, err = modelpkg.Build(dir, contents)
	must(t, err)
	must(t, modelpkg.Sign(dir, key))
	return dir, key
}

// Of the three events that ran, the model gives P(late) 1-c, 1-c and c, and the
// last two were late; of all four it says 0.02 that they are cancelled, one was.
func TestSampleScoresAreThoseComputedByHand(t *testing.T) {
	t.Parallel()
	dir, _ := tiny(t)
	var scores modelpkg.SampleScores
	must(t, json.Unmarshal(read(t, dir, "sample-metrics.json"), &scores))
	const c = servingtest.Confident
	brier := (2*(1-c)*(1-c) + c*c) / 3
	if scores.Rows != 8 || len(scores.Horizons) != 2 || scores.Horizons[0].Minutes != 60 || scores.Horizons[1].Minutes != 30 {
		t.Fatalf("scores %+v", scores)
	}
	for _, h := range scores.Horizons {
		if h.Scores.Events != 3 || math.Abs(h.Scores.Brier-brier) > 1e-6 || math.Abs(h.Scores.LateRate-2.0/3) > 1e-12 {
			t.Errorf("at %d min: %+v, want Brier %v on 3 events", h.Minutes, h.Scores, brier)
		}
	}
	if s := scores.Cancelled; s.Events != 8 || math.Abs(s.Brier-0.2404) > 1e-12 {
		t.Errorf("P(cancelled): %+v, want Brier 0.2404 on 8 rows", s)
	}
}

func TestTestOfAPackageThatHolds(t *testing.T) {
	t.Parallel()
	dir, key := tiny(t)
	said := ""
	for _, check := range modelpkg.Test(dir, key.Public()) {
		must(t, check.Err)
		said += check.Name + ": " + check.Said + "\n"
	}
	for _, want := range []string{"files: 20 files", "signature: holds", "load: punctuality@3 loads, and gives its 1 golden rows", "schema: ", "sample: 8 rows", "60 min: Brier 0.2264 on 3 events"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if checks := modelpkg.Test(dir); !errors.Is(checks[1].Err, modelpkg.ErrUnchecked) || len(checks) != 5 {
		t.Errorf("without a key: %+v", checks)
	}
	card, err := modelpkg.Card(dir)
	must(t, err)
	if string(card) != string(read(t, dir, "CARD.md")) {
		t.Error("another card")
	}
}

// Each case changes a file, makes the manifest agree and signs: only the named
// check finds it.
func TestTestFindsWhatIsSignedButWrong(t *testing.T) {
	t.Parallel()
	replace := func(file, old, replacement string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			body := string(read(t, dir, file))
			if !strings.Contains(body, old) {
				t.Fatalf("%q is not in %s", old, file)
			}
			reseal(t, dir, file, []byte(strings.Replace(body, old, replacement, 1)))
		}
	}
	tests := map[string]struct {
		damage             func(*testing.T, string)
		check, file, wrong string
	}{
		"prettier metrics":   {replace("sample-metrics.json", `"brier": 0.2`, `"brier": 0.1`), "sample", "sample-metrics.json", "Brier recorded as"},
		"fewer rows":         {replace("sample-metrics.json", `"rows": 8`, `"rows": 7`), "sample", "sample-metrics.json", "recorded on 7 rows"},
		"sample is none":     {func(t *testing.T, d string) { reseal(t, d, "sample.parquet", []byte("PAR1 no PAR1")) }, "sample", "sample.parquet", "cannot be read"},
		"column renamed":     {replace("MLmodel", "is_ice", "is_icy"), "schema", "MLmodel", "column is_ice of type float is missing"},
		"output renamed":     {replace("MLmodel", "p_on_time", "p_in_time"), "schema", "MLmodel", "gives other outputs"},
		"golden row changed": {replace("golden.json", `"p_cancelled": 0.02`, `"p_cancelled": 0.03`), "load", "golden.json", "should be 0.03"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, key := tiny(t)
			test.damage(t, dir)
			must(t, modelpkg.Sign(dir, key))
			var failed []string
			for _, check := range modelpkg.Test(dir, key.Public()) {
				if check.Err != nil {
					failed = append(failed, check.Name)
					wantIntegrity(t, check.Err, test.file, test.wrong)
				}
			}
			if len(failed) != 1 || failed[0] != test.check {
				t.Errorf("failed %v, want %s alone", failed, test.check)
			}
		})
	}
}
