package prepare

import (
	"os"
	"testing"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

const wednesday = rail.Day("2024-10-30")

func recording(t *testing.T, place, day string) string {
	t.Helper()
	path := "../../../shared/data/recordings/" + place + "/" + day + ".tar.zst"
	if _, err := os.Stat(path); err != nil {
		t.Skip("THE RECORDINGS ARE ABSENT: they are looked for in ../shared/data/recordings beside the project; this test proves nothing here")
	}
	return path
}

// Expected counts are those of another program with another XML library over
// the same archives: Python's ElementTree.
func TestFrankfurtDay(t *testing.T) {
	t.Parallel()
	first, second := recording(t, "frankfurt-hbf", "2024-10-30"), recording(t, "frankfurt-hbf", "2024-10-31")
	h := newHouse(t)
	if c := h.importDay(t, first); c.Quarantined != 0 || c.Failed != 0 {
		t.Errorf("imported %+v", c)
	}
	knownAt := wednesday.End().Add(rail.HistoryDelay)
	t.Run("truth", func(t *testing.T) {
		counts := h.settle(t, string(wednesday), knownAt)
		if want := (schemas.SettleCounts{Planned: 1206, Observed: 1129, Late: 293, Cancelled: 73, NoChange: 4}); counts != want {
			t.Errorf("%+v, want %+v", counts, want)
		}
		if all := h.all(t, wednesday, knownAt); all.Events != 1129 || all.Late != 293 || all.Cancelled != 73 {
			t.Errorf("history %+v", all)
		}
	})
	t.Run("truth again", func(t *testing.T) {
		truths, history := h.stored(t, "ground_truth"), h.stored(t, "feature_daily")
		for _, asOf := range []time.Time{knownAt, knownAt.Add(time.Hour)} {
			if counts := h.settle(t, string(wednesday), asOf); counts.Observed != 1129 || counts.Revised != 0 {
				t.Errorf("%+v", counts)
			}
		}
		if h.stored(t, "ground_truth") != truths || truths != 1206 || h.stored(t, "feature_daily") != history || history == 0 {
			t.Errorf("%d rows of truth and %d of history became %d and %d", truths, history, h.stored(t, "ground_truth"), h.stored(t, "feature_daily"))
		}
	})
	t.Run("parts", func(t *testing.T) { checkParts(t, h, knownAt) })
	t.Run("late corrections", func(t *testing.T) {
		h.importDay(t, second)
		counts := h.settle(t, string(wednesday), knownAt.Add(9*time.Hour))
		if want := (schemas.SettleCounts{Planned: 1206, Observed: 1129, Late: 294, Cancelled: 73, NoChange: 4, Revised: 3}); counts != want {
			t.Errorf("%+v, want %+v", counts, want)
		}
		before, after := 0, 0
		for _, v := range []struct {
			asOf time.Time
			late *int
		}{{knownAt, &before}, {knownAt.Add(9 * time.Hour), &after}} {
			truths, err := h.truths(t.Context(), wednesday, v.asOf)
			must(t, err)
			for _, truth := range truths {
				if truth.Late() && truth.Evidence == rail.ChangeObserved {
					*v.late++
				}
			}
		}
		if before != 293 || after != 294 {
			t.Errorf("%d late as it was settled first, %d now; want 293 and 294", before, after)
		}
	})
	t.Run("what was known", func(t *testing.T) { checkKnowledge(t, h, wednesday) })
}

func checkParts(t *testing.T, h *house, asOf time.Time) {
	in := schemas.PreparePartInput{Day: string(wednesday), Horizons: []int{60, 5}, AsOf: asOf}
	part, err := h.PreparePart(t.Context(), in)
	must(t, err)
	again, err := h.PreparePart(t.Context(), in)
	must(t, err)
	if part != again || len(part.Object.SHA256) != 64 || part.Events != 1129 || part.Late != 293 || part.Object.Rows != 2*1206 {
		t.Errorf("%+v, then %+v", part, again)
	}
	plan := schemas.PreparePlan{Days: []string{string(wednesday)}, Horizons: in.Horizons, AsOf: asOf, FeatureVersion: feature.Version()}
	ref, err := h.SealDataset(t.Context(), schemas.PrepareManifestInput{Plan: plan, Parts: []schemas.DatasetPart{part}})
	must(t, err)
	if ref.State != schemas.DatasetValid || ref.Events != 1129 || ref.Late != 293 || ref.Days != (schemas.DayRange{From: "2024-10-30", To: "2024-10-31"}) || len(ref.ID) != 64 {
		t.Errorf("sealed %+v", ref)
	}
	table, manifest, err := dataset.Load(t.Context(), h.Objects, ref.DatasetRef, schemas.DayRange{})
	must(t, err)
	t.Logf("%s\n%s", manifest.State, schemas.CheckTable(manifest.Checks))
	if len(table.Rows) != 2*1206 || manifest.ID != ref.ID || len(manifest.Sources) < 2 || manifest.Sources[0].Source != "test" || manifest.Sources[1].File != "2024-10-30.tar.zst" || table.Version != feature.Version() {
		t.Errorf("%d rows of data set %s", len(table.Rows), manifest.ID)
	}
}
