package xgb

import (
	"encoding/json"
	"strings"
	"testing"
	"unsafe"
)

// The library takes unknown names in silence, so its own configuration must
// show every setting with our value.
func TestEverySettingReachesTheLibrary(t *testing.T) {
	t.Parallel()
	path, err := Locate()
	if err != nil {
		t.Fatal(err)
	}
	library, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	params := Params{
		Objective: MultiSoftprob, Classes: 5, Rounds: 1, MaxDepth: 3, MaxBin: 77, Threads: 1, LearningRate: 0.25,
		MinChildWeight: 3.5, Subsample: 0.75, ColsampleByTree: 0.625, Lambda: 2.5, Gamma: 0.125, Seed: 99, SegmentRounds: 10,
	}
	config := libraryConfig(t, library, params)
	names := map[string]string{"eta": "learning_rate", "lambda": "reg_lambda", "gamma": "min_split_loss"}
	for _, s := range params.settings() {
		if s.name == "eval_metric" || s.name == "verbosity" {
			continue // kept elsewhere; the losses reported and the silence show them
		}
		name := s.name
		if _, ok := config[name]; !ok {
			name = names[name]
		}
		if got := strings.ToLower(config[name]); got != s.value && got != asExponent[s.value] {
			t.Errorf("%s: the library has %q, want %q", s.name, got, s.value)
		}
	}
}

// asExponent is how later versions write the numbers of the test.
var asExponent = map[string]string{
	"0.25": "2.5e-1", "3.5": "3.5e0", "0.75": "7.5e-1", "0.625": "6.25e-1", "2.5": "2.5e0", "0.125": "1.25e-1",
}

// libraryConfig trains one round and gives every text value of the library's
// configuration by its name.
func libraryConfig(t *testing.T, library *Library, params Params) map[string]string {
	t.Helper()
	labels := []float32{0, 1, 2, 3, 4, 0, 1, 2}
	data := Batch{Rows: []float32{1, 2, 3, 4, 5, 6, 7, 8}, Columns: 1, Labels: labels}
	config := map[string]string{}
	err := onThread(func() error {
		run := &training{l: library, params: params}
		defer run.free()
		if err := run.prepare(t.Context(), FromSlices(data, 3)); err != nil {
			return err
		}
		if err := run.segment(t.Context()); err != nil {
			return err
		}
		var n uint64
		var text unsafe.Pointer
		if err := library.check("save configuration", library.c.boosterSaveState(run.booster, &n, &text)); err != nil {
			return err
		}
		var tree any
		if err := json.Unmarshal(copyBytes(text, n), &tree); err != nil {
			return err
		}
		flatten(config, "", tree)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func flatten(into map[string]string, name string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			flatten(into, key, inner)
		}
	case []any:
		for _, inner := range value {
			flatten(into, name, inner)
		}
	case string:
		if _, ok := into[name]; !ok || value != "" {
			into[name] = value
		}
	}
}
