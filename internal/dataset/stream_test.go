package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// counting counts how often each object is read.
type counting struct {
	shelf
	reads map[string]int
}

func (c counting) GetContent(ctx context.Context, ref schemas.ObjectRef) ([]byte, error) {
	c.reads[ref.Key]++
	return c.shelf.GetContent(ctx, ref)
}

// readAll joins what a reading gives.
func readAll(t *testing.T, s *dataset.Stream) *dataset.Table {
	t.Helper()
	all, next := dataset.New(s.Version(), s.Names(), nil), s.Batches()
	for {
		batch, err := next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all.Rows, all.Features = append(all.Rows, batch.Rows...), append(all.Features, batch.Features...)
	}
}

// A stream gives the rows that loading gives, each time, whether it keeps none,
// some or all of them.
func TestStreamGivesWhatLoadGives(t *testing.T) {
	t.Parallel()
	objects, ref := sealed(t)
	for _, days := range []schemas.DayRange{{}, {From: "2024-10-01", To: "2024-10-02"}, {From: "2024-10-02", To: "2024-10-04"}} {
		want, _, err := dataset.Load(t.Context(), objects, ref, days)
		require.NoError(t, err)
		for _, keep := range []int64{0, 500, 1 << 20} {
			stream, err := dataset.Open(t.Context(), objects, ref, days, keep)
			require.NoError(t, err)
			require.Equal(t, want.Version, stream.Version())
			require.Equal(t, want.Names, stream.Names())
			for range 3 {
				got := readAll(t, stream)
				require.Equal(t, want.Rows, got.Rows)
				require.Equal(t, want.Features, got.Features)
			}
		}
	}
}

// A large part comes in several batches.
func TestStreamKeepsABoundedPart(t *testing.T) {
	t.Parallel()
	table := dataset.New("f1-test", []string{"delay"}, []string{"min"})
	const rows = 150_000
	for i := range rows {
		table.Append(dataset.Row{Stop: rail.StopID(fmt.Sprint(i)), Kind: rail.Arrival, EventDay: "2024-10-01"}, []float32{float32(i)})
	}
	body, err := table.Encode()
	require.NoError(t, err)
	objects := counting{shelf{"big": body}, map[string]int{}}
	objects.shelf["manifest"] = fmt.Appendf(nil, `{"id":"d1","parts":[{"day":"2024-10-01","object":{"key":"big"}}]}`)
	ref := schemas.DatasetRef{ID: "d1", Manifest: schemas.ObjectRef{Key: "manifest"}}
	for keep, want := range map[int64]int{0: 1 + 3, 1 << 30: 1 + 1} {
		objects.reads = map[string]int{}
		stream, err := dataset.Open(t.Context(), objects, ref, schemas.DayRange{}, keep)
		require.NoError(t, err)
		for range 3 {
			next, seen, largest := stream.Batches(), 0, 0
			for batch, err := next(); err != io.EOF; batch, err = next() {
				require.NoError(t, err)
				require.Equal(t, float32(seen), batch.Features[0])
				seen, largest = seen+len(batch.Rows), max(largest, len(batch.Rows))
			}
			require.Equal(t, rows, seen)
			require.LessOrEqual(t, largest, 16*1024)
		}
		require.Equal(t, want, objects.reads["big"], "kept %d bytes: once to know the columns, then once, or once a reading", keep)
	}
}

func TestBadPartsAreTold(t *testing.T) {
	t.Parallel()
	objects, ref := sealed(t)
	whole := objects["part-2"]
	for want, body := range map[string][]byte{
		"part 2024-10-02 of data set d1 (part-2): read parquet":                            []byte("no parquet"),
		"part 2024-10-02 of data set d1 (part-2): feature version f9-other beside f1-test": other(t),
	} {
		objects["part-2"] = body
		stream, err := dataset.Open(t.Context(), objects, ref, schemas.DayRange{}, 0)
		require.NoError(t, err)
		next := stream.Batches()
		_, err = next()
		require.NoError(t, err)
		_, err = next()
		require.ErrorContains(t, err, want)
		require.True(t, dataset.Unfit(err))
	}
	objects["part-2"] = whole
	delete(objects, "part-3")
	stream, err := dataset.Open(t.Context(), objects, ref, schemas.DayRange{}, 0)
	require.NoError(t, err)
	next := stream.Batches()
	for range 2 {
		_, err = next()
		require.NoError(t, err)
	}
	_, err = next()
	require.ErrorContains(t, err, "no such object: part-3")
	require.False(t, dataset.Unfit(err), "trying again may help")
	_, err = dataset.Open(t.Context(), objects, ref, schemas.DayRange{From: "2024-11-01", To: "2024-11-02"}, 0)
	require.EqualError(t, err, "data set d1 (manifest): no part in the range 2024-11-01/2024-11-02")
}

// other is a part of another feature version.
func other(t *testing.T) []byte {
	t.Helper()
	table := dataset.New("f9-other", []string{"delay"}, []string{"min"})
	table.Append(dataset.Row{Stop: "1-2410291000-1", Kind: rail.Arrival, EventDay: "2024-10-02"}, []float32{1})
	body, err := table.Encode()
	require.NoError(t, err)
	return body
}
