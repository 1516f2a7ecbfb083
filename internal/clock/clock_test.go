package clock_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/clock"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestReplayRunsAtSpeedAndStopsAtTheEnd(t *testing.T) {
	t.Parallel()
	wall := at("2026-01-01T00:00:00Z")
	c, err := clock.Replay(func() time.Time { return wall }, at("2024-11-01T10:00:00Z"), at("2024-11-01T12:00:00Z"), 60)
	require.NoError(t, err)
	wall = wall.Add(time.Minute)
	require.Equal(t, at("2024-11-01T11:00:00Z"), c.Now())
	require.False(t, c.Ended())
	wall = wall.Add(time.Hour)
	require.Equal(t, at("2024-11-01T12:00:00Z"), c.Now())
	require.True(t, c.Ended())
}

func TestResumeGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	wall := at("2026-01-01T00:00:00Z")
	now := func() time.Time { return wall }
	c, err := clock.Replay(now, at("2024-11-01T10:00:00Z"), at("2024-11-01T12:00:00Z"), 1)
	require.NoError(t, err)
	wall = wall.Add(10 * time.Minute)
	path := filepath.Join(t.TempDir(), "clock.json")
	require.NoError(t, c.Save(path))
	wall = wall.Add(24 * time.Hour)
	resumed, found, err := clock.Resume(now, path, 1)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, at("2024-11-01T10:10:00Z"), resumed.Now())
}

func TestImpossibleClocksAreRefused(t *testing.T) {
	t.Parallel()
	_, err := clock.Replay(time.Now, at("2024-11-02T00:00:00Z"), at("2024-11-01T00:00:00Z"), 1)
	require.ErrorContains(t, err, "after the recording's end")
	_, err = clock.Replay(time.Now, at("2024-11-01T00:00:00Z"), time.Time{}, 0)
	require.ErrorContains(t, err, "clock speed 0")
}

func TestAHeldClockStandsUntilItIsReleased(t *testing.T) {
	t.Parallel()
	wall := at("2026-01-01T00:00:00Z")
	c, err := clock.Replay(func() time.Time { return wall }, at("2024-11-01T10:00:00Z"), at("2024-11-01T12:00:00Z"), 60)
	require.NoError(t, err)
	copied := c
	c.Hold()
	wall = wall.Add(time.Hour)
	require.Equal(t, at("2024-11-01T10:00:00Z"), copied.Now(), "copies tell the same time")
	c.Release()
	wall = wall.Add(time.Second)
	require.Equal(t, at("2024-11-01T10:01:00Z"), copied.Now())
}

func TestReadTellsTheTimeOfTheClockThatStillRuns(t *testing.T) {
	t.Parallel()
	wall := at("2026-01-01T00:00:00Z")
	now := func() time.Time { return wall }
	c, err := clock.Replay(now, at("2024-11-01T10:00:00Z"), at("2024-11-01T12:00:00Z"), 2)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "clock.json")
	require.NoError(t, c.Save(path))
	wall = wall.Add(time.Minute)
	read, found, err := clock.Read(now, path)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, c.Now(), read.Now())
	require.Equal(t, 2.0, read.Speed())
}
