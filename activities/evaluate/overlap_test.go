package evaluate

import (
	"encoding/json"
	"testing"

	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
)

// What was trained on is not tested on: neither its days, nor, in another data
// set, the trips that began on them.
func TestTestDaysAreNotTrainingDays(t *testing.T) {
	t.Parallel()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	put := func(body []byte, err error) schemas.ObjectRef {
		t.Helper()
		must(t, err)
		ref, err := objects.PutContent(t.Context(), "x/", ".bin", body)
		must(t, err)
		return ref
	}
	rows := table()
	add(rows, 0, 0, false)
	add(rows, 9, 9, false)
	for i, day := range []rail.Day{"2024-10-28", "2024-10-29"} {
		rows.Rows[i].EventDay, rows.Rows[i].ServiceDay = "2024-10-29", day
	}
	part := schemas.DatasetPart{Day: "2024-10-29", Object: put(rows.Encode())}
	ref := schemas.DatasetRef{ID: "d1", Manifest: put(json.Marshal(schemas.DatasetManifest{ID: "d1", Parts: []schemas.DatasetPart{part}}))}
	a := &Activities{Objects: objects}
	in := schemas.EvaluateInput{Dataset: ref, Days: schemas.DayRange{From: "2024-10-29", To: "2024-10-30"},
		Trained: schemas.TrainedModel{Days: schemas.DayRange{From: "2024-10-20", To: "2024-10-29"}, Dataset: ref}}
	for trained, want := range map[string]int{"d1": 2, "d0": 1} {
		in.Trained.Dataset.ID = trained
		got, err := a.testDays(t.Context(), in)
		must(t, err)
		if len(got.Rows) != want {
			t.Errorf("trained on %s: %d rows, want %d", trained, len(got.Rows), want)
		}
	}
	in.Trained.Days.To = "2024-10-30"
	_, err = a.testDays(t.Context(), in)
	expect(t, err, schemas.FailureValidation)
	in.Trained.Days.To = "2024-10-29"
	must(t, objects.Put(t.Context(), part.Object.Key, []byte("PAR1 cut")))
	_, err = a.testDays(t.Context(), in)
	expect(t, err, schemas.FailureValidation)
}
