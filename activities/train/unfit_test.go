package train

import (
	"encoding/json"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"puenktlich/internal/objstore"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
)

// A data set that failed a check is refused before anything is computed, once,
// with the table of what was found.
func TestAnInvalidDataSetIsRefused(t *testing.T) {
	t.Parallel()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	ref := sealed(t, objects, 12)
	body, err := objects.GetContent(t.Context(), ref.Manifest)
	must(t, err)
	var manifest schemas.DatasetManifest
	must(t, json.Unmarshal(body, &manifest))
	manifest.State = schemas.DatasetInvalid
	manifest.Checks = []schemas.Check{{Name: "ranges", Severity: schemas.SeverityStop, Found: 1,
		Findings: []schemas.Finding{{Day: "2024-10-30", Column: "station_late", Value: "1.5", Limit: "0 to 1"}}}}
	body, err = json.Marshal(manifest)
	must(t, err)
	ref.Manifest, err = objects.PutContent(t.Context(), "manifests/", ".json", body)
	must(t, err)
	runs := &notebook{}
	a := &Activities{Library: openOnce, Objects: objects, Runs: runs, Clock: fixedClock(noon)}
	small := schemas.Candidate{Name: "small", Rounds: 5, MaxDepth: 3, LearningRate: 0.3, Subsample: 1, ColSample: 1}
	oof, err := objects.PutContent(t.Context(), "out-of-fold/", ".json", []byte("{}"))
	must(t, err)
	_, candidate := a.TrainCandidate(t.Context(), schemas.CandidateInput{Dataset: ref, RunID: "run-1", Candidate: small})
	_, refit := a.RefitModel(t.Context(), schemas.RefitInput{Dataset: ref, Best: schemas.CandidateResult{RunID: "run-1", Candidate: small, Rounds: 5, OutOfFold: oof}})
	for step, err := range map[string]error{"candidate": candidate, "refit": refit} {
		application, ok := err.(*temporal.ApplicationError)
		if !ok || application.Type() != string(schemas.FailureValidation) || !application.NonRetryable() ||
			!strings.Contains(err.Error(), ref.Manifest.Key) || !strings.Contains(err.Error(), "| 2024-10-30 | station_late | 1.5   | 0 to 1 |") {
			t.Errorf("%s: %v", step, err)
		}
	}
	if len(runs.states) != 2 || runs.states[1] != "failed" {
		t.Errorf("tracked as %v, want running and then failed", runs.states)
	}
}
