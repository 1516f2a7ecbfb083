package dataset_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
)

func sample() *dataset.Table {
	t := dataset.New("f1-test", []string{"delay", "age"}, []string{"min", "min"})
	row := dataset.Row{Stop: "-12-2410290548-3", Kind: rail.Arrival, Trip: "-12-2410290548", EVA: 8000105,
		ServiceDay: "2024-10-29", EventDay: "2024-10-29", Planned: time.Unix(1730187660, 0).UTC(), Horizon: 60,
		Category: "ICE", Class: rail.LongDistance, DBDelay: 3, DelayMinutes: 7, Evidence: rail.ChangeObserved}
	t.Append(row, []float32{3, float32(math.NaN())})
	row.Horizon, row.Cancelled = 30, true
	t.Append(row, []float32{-1, 2.5})
	return t
}

func TestPartRoundTripsWithMissingValues(t *testing.T) {
	t.Parallel()
	want := sample()
	body, err := want.Encode()
	require.NoError(t, err)
	got, err := dataset.Decode(body)
	require.NoError(t, err)
	require.Equal(t, want.Rows, got.Rows)
	require.Equal(t, want.Names, got.Names)
	require.Equal(t, want.Units, got.Units)
	require.Equal(t, "f1-test", got.Version)
	require.True(t, math.IsNaN(float64(got.Features[1])), "missing stays missing")
	require.Equal(t, []float32{-1, 2.5}, got.Vector(1))
}

func TestSameRowsGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	a, err := sample().Encode()
	require.NoError(t, err)
	b, err := sample().Encode()
	require.NoError(t, err)
	require.True(t, bytes.Equal(a, b))
}

func TestRanLeavesOutCancelledEvents(t *testing.T) {
	t.Parallel()
	ran := sample().Ran()
	require.Len(t, ran.Rows, 1)
	require.True(t, ran.Rows[0].Late(), "7 minutes is late")
	require.Equal(t, 1, sample().Events(), "one event at two horizons")
}

func TestBadPartNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := dataset.Decode([]byte("no parquet"))
	require.ErrorContains(t, err, "read parquet")
	table := sample()
	table.Features[0] = float32(math.Inf(1))
	require.ErrorContains(t, table.CheckFinite(), "feature delay of -12-2410290548-3/arrival at 60 min is +Inf")
}
