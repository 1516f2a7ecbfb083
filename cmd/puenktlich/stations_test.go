package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/rail"
)

// The source is away when an instance starts, comes back with two groups of
// stations, and is away again when the next process starts.
func TestStationsOfASourceThatComesBack(t *testing.T) {
	t.Parallel()
	file, quiet := filepath.Join(t.TempDir(), "api", "stations.json"), slog.New(slog.DiscardHandler)
	away := errors.New("no answer")
	var answer []rail.Station
	look := func(context.Context) ([]rail.Station, error) {
		if answer == nil {
			return nil, away
		}
		return answer, nil
	}
	book, known := newStationBook(t.Context(), file, look, quiet)
	require.False(t, known)
	require.Equal(t, []string{"main"}, book.names())
	require.Empty(t, book.stations())

	var told []string
	listen := func(groups []string) { told = groups }
	require.False(t, book.again(t.Context(), listen))
	require.Nil(t, told)
	for n := range groupSize + 1 {
		answer = append(answer, rail.Station{EVA: int64(8000000 + n), Name: fmt.Sprint("Station ", n)})
	}
	require.True(t, book.again(t.Context(), listen))
	require.Equal(t, []string{"main", "main-2"}, told)
	require.Equal(t, "main-2", book.groupOf(8000000+groupSize))
	require.Equal(t, "main", book.groupOf(1))
	require.Len(t, book.stations(), groupSize+1)
	told = nil
	require.True(t, book.again(t.Context(), listen))
	require.Nil(t, told, "told of groups that did not change")

	answer = nil
	next, known := newStationBook(t.Context(), file, look, quiet)
	require.False(t, known)
	require.Equal(t, []string{"main", "main-2"}, next.names())
	require.Equal(t, "Station 40", next.stations()[groupSize].Name)
}
