package dataset_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// store is a shelf on which the data set can be written again after a change.
type store struct {
	shelf
	manifest schemas.DatasetManifest
}

func (s store) ref(t *testing.T) schemas.DatasetRef {
	t.Helper()
	body, err := json.Marshal(s.manifest)
	require.NoError(t, err)
	s.shelf["manifest"] = body
	return schemas.DatasetRef{ID: "d1", Manifest: schemas.ObjectRef{Key: "manifest"}}
}

// put writes a table and its profile as the part of a day.
func (s store) put(t *testing.T, day rail.Day, table *dataset.Table) schemas.DatasetPart {
	t.Helper()
	body, err := table.Encode()
	require.NoError(t, err)
	profile, err := json.Marshal(table.Profile(day))
	require.NoError(t, err)
	part := schemas.DatasetPart{Day: string(day), Object: schemas.ObjectRef{Key: "part " + string(day), Rows: int64(len(table.Rows))},
		Profile: schemas.ObjectRef{Key: "profile " + string(day)}}
	s.shelf[part.Object.Key], s.shelf[part.Profile.Key] = body, profile
	return part
}

func kept(t *testing.T) *store {
	t.Helper()
	s := &store{shelf: shelf{}, manifest: schemas.DatasetManifest{ID: "d1", State: schemas.DatasetValid, FeatureVersion: "f1-test"}}
	g := newGood()
	for n, day := range g.want.Days {
		s.manifest.Parts = append(s.manifest.Parts, s.put(t, rail.Day(day), g.tables[n]))
	}
	return s
}

// What is wrong with a data set is said with thing, key and value, and is told
// from a store that does not answer.
func TestUnfitDataSets(t *testing.T) {
	t.Parallel()
	const part = "part 2024-10-29 of data set d1 (part 2024-10-29): "
	tests := map[string]struct {
		spoil func(t *testing.T, s *store)
		want  string
	}{
		"one that failed a check": {func(_ *testing.T, s *store) {
			s.manifest.State = schemas.DatasetInvalid
			s.manifest.Checks = []schemas.Check{{Name: "ranges", Severity: schemas.SeverityStop, Found: 1, Findings: []schemas.Finding{{Day: "2024-10-29", Column: "delay", Value: "1e+09"}}}}
		}, "manifest of data set d1 (manifest): the data set is invalid:\n| check  | severity | day        | column | value | limit | where |\n| ---    | ---      | ---        | ---    | ---   | ---   | ---   |\n| ranges | stop     | 2024-10-29 | delay  | 1e+09 |       |       |\n"},
		"another one's manifest": {func(_ *testing.T, s *store) { s.manifest.ID = "d2" }, `manifest of data set d1 (manifest): it is of data set "d2"`},
		"a truncated part": {func(_ *testing.T, s *store) {
			s.shelf["part 2024-10-29"] = s.shelf["part 2024-10-29"][:1000]
		}, part + "read parquet: "},
		"a part with its middle gone": {func(_ *testing.T, s *store) {
			body := slices.Clone(s.shelf["part 2024-10-29"])
			clear(body[200 : len(body)/2])
			s.shelf["part 2024-10-29"] = body
		}, part + "read parquet"},
		"a part of other features": {func(t *testing.T, s *store) {
			table := goodDay("2024-10-29", 1)
			table.Version = "f0-old"
			s.put(t, "2024-10-29", table)
		}, part + "it was made with features f0-old, its manifest says f1-test"},
		"a part with rows gone": {func(t *testing.T, s *store) {
			s.put(t, "2024-10-29", goodDay("2024-10-29", 1).AtHorizon(60))
		}, part + "it has 300 rows, its manifest says 600"},
		"a part that is gone": {func(_ *testing.T, s *store) { s.shelf["part 2024-10-29"] = nil },
			part + "read part 2024-10-29: object not found"},
		"a part whose hash differs": {func(_ *testing.T, s *store) { s.shelf["part 2024-10-29"] = []byte("corrupt") },
			part + "read part 2024-10-29: object is corrupt: sha256 is aa, want bb"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := kept(t)
			test.spoil(t, s)
			_, _, err := dataset.Load(t.Context(), failing{s.shelf}, s.ref(t), schemas.DayRange{})
			require.ErrorContains(t, err, test.want)
			require.True(t, dataset.Unfit(err))
		})
	}
	s := kept(t)
	_, _, err := dataset.Load(t.Context(), away{}, s.ref(t), schemas.DayRange{})
	require.ErrorContains(t, err, "read manifest of data set d1: no answer")
	require.False(t, dataset.Unfit(err), "a store that does not answer is asked again")
}

// failing answers as the object store does.
type failing struct{ shelf }

func (f failing) GetContent(ctx context.Context, ref schemas.ObjectRef) ([]byte, error) {
	body, err := f.shelf.GetContent(ctx, ref)
	switch {
	case body == nil:
		return nil, fmt.Errorf("read %s: %w", ref.Key, schemas.ErrObjectMissing)
	case string(body) == "corrupt":
		return nil, fmt.Errorf("read %s: %w: sha256 is aa, want bb", ref.Key, schemas.ErrObjectCorrupt)
	}
	return body, err
}

type away struct{}

func (away) GetContent(context.Context, schemas.ObjectRef) ([]byte, error) {
	return nil, errors.New("no answer")
}

// sameBits holds for NaN too.
func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }

// A trip over midnight is in training or in the test, never in both, and all
// other rows of the days are where their planned time puts them.
func TestNoTripIsSplit(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]bool{"with profiles": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := kept(t)
			night := func(stop string, day rail.Day, minutes time.Duration) dataset.Row {
				return dataset.Row{Stop: rail.StopID(stop), Kind: rail.Arrival, Trip: "9-2410282200", EVA: 1, ServiceDay: "2024-10-28", EventDay: day, Horizon: 60,
					Planned: rail.Day("2024-10-29").Start().Add(minutes * time.Minute), Category: "NJ", Class: rail.LongDistance, Evidence: rail.ChangeObserved}
			}
			before, after := goodDay("2024-10-28", 0), goodDay("2024-10-29", 1)
			before.Append(night("9-2410282200-1", "2024-10-28", -10), []float32{1, 0, 0})
			after.Append(night("9-2410282200-2", "2024-10-29", 10), []float32{1, 0, 0})
			s.manifest.Parts[0], s.manifest.Parts[1] = s.put(t, "2024-10-28", before), s.put(t, "2024-10-29", after)
			if forget {
				for i := range s.manifest.Parts {
					s.manifest.Parts[i].Profile = schemas.ObjectRef{}
				}
			}
			train, _, err := dataset.LoadTraining(t.Context(), s.shelf, s.ref(t), schemas.DayRange{From: "2024-10-28", To: "2024-10-29"})
			require.NoError(t, err)
			for _, keep := range []int64{0, dataset.KeepBytes} {
				stream, err := dataset.OpenTraining(t.Context(), s.shelf, s.ref(t), schemas.DayRange{From: "2024-10-28", To: "2024-10-29"}, keep)
				require.NoError(t, err)
				for range 2 { // the second reading takes what was kept
					streamed := readAll(t, stream)
					require.Equal(t, train.Rows, streamed.Rows)
					require.True(t, slices.EqualFunc(train.Features, streamed.Features, sameBits))
				}
			}
			test, _, err := dataset.Load(t.Context(), s.shelf, s.ref(t), schemas.DayRange{From: "2024-10-29", To: "2024-10-31"})
			require.NoError(t, err)
			require.Len(t, train.Rows, 600, "the night train's evening is left out")
			require.Len(t, test.Rows, 1201, "its morning is tested on")
			trips := map[string]bool{}
			for _, row := range train.Rows {
				trips[row.Trip] = true
			}
			for _, row := range test.Rows {
				require.False(t, trips[row.Trip], row.Trip)
			}
			whole, _, err := dataset.LoadTraining(t.Context(), s.shelf, s.ref(t), schemas.DayRange{From: "2024-10-28", To: "2024-10-30"})
			require.NoError(t, err)
			require.Len(t, whole.Rows, 1202, "inside the training days the trip stays whole")
			require.Len(t, before.WithoutTripsOf(after).Rows, 600)
		})
	}
}

// Reading everything again finds what no stored count can show.
func TestValidate(t *testing.T) {
	t.Parallel()
	want := newGood().want
	s := kept(t)
	s.manifest.Horizons = want.Horizons
	for i := range s.manifest.Parts {
		setSettled(t, s.shelf, s.manifest.Parts[i], 300)
	}
	all, err := dataset.Validate(t.Context(), s.shelf, s.manifest, want)
	require.NoError(t, err)
	require.Empty(t, schemas.FailedChecks(all), schemas.CheckTable(all))
	spoiled := goodDay("2024-10-29", 1)
	spoiled.Rows[0].DelayMinutes = 90
	body, err := spoiled.Encode()
	require.NoError(t, err)
	s.shelf["part 2024-10-29"] = body
	delete(s.shelf, "part 2024-10-30")
	all, err = dataset.Validate(t.Context(), failing{s.shelf}, s.manifest, want)
	require.NoError(t, err)
	require.Equal(t, "content", all[0].Name)
	require.Len(t, all[0].Findings, 2)
	require.Equal(t, schemas.Finding{Day: "2024-10-29", Where: "part 2024-10-29",
		Value: "profile of part 2024-10-29 of data set d1 (profile 2024-10-29): it is not what its rows give"}, all[0].Findings[0])
	require.Contains(t, all[0].Findings[1].Value, "object not found")
	_, err = dataset.Validate(t.Context(), away{}, s.manifest, want)
	require.ErrorContains(t, err, "no answer")
}

// setSettled writes into a stored profile how many events were settled.
func setSettled(t *testing.T, s shelf, part schemas.DatasetPart, events int) {
	t.Helper()
	table, err := dataset.Decode(s[part.Object.Key])
	require.NoError(t, err)
	profile := table.Profile(rail.Day(part.Day))
	profile.Surroundings.Settled = events
	body, err := json.Marshal(profile)
	require.NoError(t, err)
	s[part.Profile.Key] = body
}
