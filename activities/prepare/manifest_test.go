package prepare

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	columns "puenktlich/schemas/dataset"
)

// manifestOf reads a sealed data set's manifest.
func (h *house) manifestOf(t *testing.T, ref schemas.DatasetRef) (m schemas.DatasetManifest) {
	t.Helper()
	body, err := h.Objects.GetContent(t.Context(), ref.Manifest)
	must(t, err)
	must(t, json.Unmarshal(body, &m))
	return m
}

func TestManifestSaysWhatWasSelected(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.CodeVersion, h.Lag = "v1.2.3", 90*time.Second
	h.settleTwoDays(t, 1)
	ref := h.prepared(t).DatasetRef
	m := h.manifestOf(t, ref)
	days := schemas.DayRange{From: string(tuesday), To: string(wednesday.Add(1))}
	if m.ID != ref.ID || m.State != schemas.DatasetValid || m.CodeVersion != "v1.2.3" || m.FeatureVersion != feature.Version() || m.Rows != ref.Rows ||
		m.Events != ref.Events || m.Late != ref.Late || len(m.Parts) != 2 || len(m.Checks) < 15 || m.Sources[0].Licence != "none" || !m.AsOf.Equal(settledBy) {
		t.Errorf("%+v", m)
	}
	if q := m.Query; q.Days != days || q.Source != "test" || q.LagSeconds != 90 || len(q.Horizons) != 5 || !q.AsOf.Equal(settledBy) || q.Selection == "" {
		t.Errorf("query %+v", m.Query)
	}
	// The query prepares it again.
	plan, err := h.PlanDataset(t.Context(), m.Query.PrepareInput)
	must(t, err)
	if again, err := h.prepare(t.Context(), h.Objects); err != nil || again.DatasetRef != ref || len(plan.Days) != 2 {
		t.Errorf("%+v, %v", again, err)
	}
	table, _, err := dataset.Load(t.Context(), h.Objects, ref, days)
	must(t, err)
	for n, f := range feature.Catalogue() {
		want := columns.About{Unit: string(f.Unit), Source: string(f.Source), KnownAt: string(f.KnownAt), Meaning: f.Meaning}
		if table.Names[n] != f.Name || table.Abouts[n] != want {
			t.Errorf("column %s says %+v", table.Names[n], table.Abouts[n])
		}
	}
	checks, err := ValidateDataset(t.Context(), h.Objects, m)
	must(t, err)
	if schemas.Stops(checks) || checks[0].Name != "content" {
		t.Errorf("validated again:\n%s", schemas.CheckTable(checks))
	}
}

// sealedWith prepares Tuesday, has its rows changed, and seals.
func (h *house) sealedWith(t *testing.T, change func(*dataset.Table)) schemas.SealedDataset {
	t.Helper()
	truths, err := h.truths(t.Context(), tuesday, settledBy)
	must(t, err)
	plan := schemas.PreparePlan{Days: []string{string(tuesday)}, Horizons: rail.Horizons(), AsOf: settledBy, FeatureVersion: feature.Version()}
	table, planned, err := h.vectorise(t.Context(), tuesday, plan.Horizons, truths)
	must(t, err)
	change(table)
	part, err := h.store(t.Context(), tuesday, table, columns.Surroundings{Planned: planned, Settled: len(truths)})
	must(t, err)
	sealed, err := h.SealDataset(t.Context(), schemas.PrepareManifestInput{Plan: plan, Parts: []schemas.DatasetPart{part}})
	must(t, err)
	return sealed
}

// What fails a check is kept, marked, readable for whoever looks into it, and
// read by no training.
func TestAnInvalidDataSetIsKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.settleTwoDays(t, 1)
	sealed := h.sealedWith(t, func(table *dataset.Table) {
		table.Vector(3)[slices.Index(table.Names, "forecast_delay")] = float32(math.Inf(1))
		table.Rows = append(table.Rows, table.Rows[0])
		table.Features = append(table.Features, table.Vector(0)...)
	})
	m := h.manifestOf(t, sealed.DatasetRef)
	if sealed.State != schemas.DatasetInvalid || m.State != schemas.DatasetInvalid || m.ID != sealed.ID {
		t.Fatalf("%+v", sealed)
	}
	failed := schemas.CheckTable(sealed.Checks)
	for _, want := range []string{"| infinite ", "| forecast_delay ", "| duplicates "} {
		if !strings.Contains(failed, want) || !strings.Contains(schemas.CheckTable(m.Checks), want) {
			t.Errorf("the table lacks %q:\n%s", want, failed)
		}
	}
	for _, load := range []func() error{
		func() error {
			_, _, err := dataset.Load(t.Context(), h.Objects, sealed.DatasetRef, schemas.DayRange{})
			return err
		},
		func() error {
			_, _, err := dataset.LoadTraining(t.Context(), h.Objects, sealed.DatasetRef, m.Query.Days)
			return err
		},
	} {
		if err := load(); !dataset.Unfit(err) || !strings.Contains(err.Error(), "the data set is invalid") || !strings.Contains(err.Error(), sealed.Manifest.Key) {
			t.Errorf("loaded: %v", err)
		}
	}
	again, err := ValidateDataset(t.Context(), h.Objects, m)
	if err != nil || !schemas.Stops(again) || !again[0].Passed {
		t.Errorf("validated again: %v\n%s", err, schemas.CheckTable(again))
	}
}

// A part that was altered in the store is named with key and both hashes.
func TestAnAlteredPart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.settleTwoDays(t, 1)
	ref := h.prepared(t).DatasetRef
	m := h.manifestOf(t, ref)
	part := m.Parts[1]
	body, err := h.Objects.GetContent(t.Context(), part.Object)
	must(t, err)
	objects := h.Objects.(*objstore.Store)
	must(t, objects.Put(t.Context(), part.Object.Key, body[:len(body)/2]))
	_, _, err = dataset.Load(t.Context(), objects, ref, schemas.DayRange{})
	for _, want := range []string{"part 2024-10-30 of data set " + ref.ID, part.Object.Key, "sha256 is", "want " + part.Object.SHA256} {
		if err == nil || !dataset.Unfit(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	if _, _, err := dataset.Load(t.Context(), objects, ref, schemas.DayRange{From: string(tuesday), To: string(wednesday)}); err != nil {
		t.Errorf("the other day: %v", err)
	}
	checks, err := ValidateDataset(t.Context(), objects, m)
	if err != nil || checks[0].Passed || checks[0].Findings[0].Day != string(wednesday) {
		t.Errorf("validated: %v\n%s", err, schemas.CheckTable(checks))
	}
	must(t, objects.Delete(t.Context(), part.Profile.Key))
	_, err = h.SealDataset(t.Context(), schemas.PrepareManifestInput{Parts: m.Parts,
		Plan: schemas.PreparePlan{Days: []string{string(tuesday), string(wednesday)}, Horizons: m.Horizons, AsOf: m.AsOf, FeatureVersion: m.FeatureVersion}})
	if failureType(err) != schemas.FailureIntegrity || !strings.Contains(err.Error(), "profile of 2024-10-30") || !strings.Contains(err.Error(), part.Profile.Key) {
		t.Errorf("sealed without a profile: %v", err)
	}
}

func TestEmptyDataSet(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	part, err := h.PreparePart(t.Context(), schemas.PreparePartInput{Day: string(tuesday), Horizons: rail.Horizons(), AsOf: on("12:00")})
	must(t, err)
	if part != (schemas.DatasetPart{Day: string(tuesday)}) {
		t.Errorf("a day without truth: %+v", part)
	}
	plan := schemas.PreparePlan{Days: []string{string(tuesday)}, Horizons: rail.Horizons(), AsOf: on("12:00"), FeatureVersion: "f0-other"}
	sealed, err := h.SealDataset(t.Context(), schemas.PrepareManifestInput{Plan: plan, Parts: []schemas.DatasetPart{part}})
	must(t, err)
	var names []string
	for _, c := range sealed.Checks {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, " "); got != "planned_version events empty_days" || sealed.State != schemas.DatasetInvalid {
		t.Errorf("failed: %s", got)
	}
	if _, err := h.SealDataset(t.Context(), schemas.PrepareManifestInput{}); failureType(err) != schemas.FailureInvalidInput {
		t.Errorf("without a day: %v", err)
	}
}

func TestPlanDatasetRefuses(t *testing.T) {
	t.Parallel()
	days := span{first: "2024-10-27", last: "2024-10-29"}
	tests := map[string]struct {
		store span
		in    schemas.PrepareInput
		kind  schemas.FailureType
		want  string
	}{
		"nothing settled":        {span{}, schemas.PrepareInput{}, schemas.FailureNothingToDo, "no truth of the test is settled yet: run SettleTruth first"},
		"days before all truth":  {days, schemas.PrepareInput{Days: schemas.DayRange{From: "2024-10-01", To: "2024-10-27"}}, schemas.FailureNothingToDo, "no day of 2024-10-01/2024-10-27 has truth of the test: settled are 2024-10-27 to 2024-10-29"},
		"days after all truth":   {days, schemas.PrepareInput{Days: schemas.DayRange{From: "2024-10-30", To: "2024-10-31"}}, schemas.FailureNothingToDo, "no day of 2024-10-30/2024-10-31"},
		"an empty range":         {days, schemas.PrepareInput{Days: schemas.DayRange{From: "2024-10-28", To: "2024-10-28"}}, schemas.FailureInvalidInput, "to must be after from"},
		"no horizon":             {days, schemas.PrepareInput{Horizons: []int{0}}, schemas.FailureInvalidInput, "horizons: 0 minutes: want 1 to 1440"},
		"a horizon twice":        {days, schemas.PrepareInput{Horizons: []int{60, 5, 60}}, schemas.FailureInvalidInput, "horizons: 60 minutes stands twice"},
		"more than can be asked": {days, schemas.PrepareInput{Horizons: make([]int, 25)}, schemas.FailureInvalidInput, "horizons: 25 of them: want at most 24"},
	}
	for name, test := range tests {
		a := &Activities{Store: test.store, Name: "test", Clock: fixedClock(on("12:00"))}
		if _, err := a.PlanDataset(t.Context(), test.in); failureType(err) != test.kind || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a := &Activities{Store: days, Name: "test", Clock: fixedClock(on("12:00"))}
	plan, err := a.PlanDataset(t.Context(), schemas.PrepareInput{Horizons: []int{5, 60}})
	must(t, err)
	if len(plan.Days) != 3 || plan.Horizons[0] != 60 {
		t.Errorf("%+v", plan)
	}
}
