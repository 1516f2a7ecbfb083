package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"puenktlich/internal/atomicfile"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Rhythms of looking the stations up.
const (
	stationsEvery = time.Hour
	stationsRetry = 15 * time.Second // while the source is away
	stationsWait  = 10 * time.Second // one look; an instance's start waits no longer
)

// stationBook is the stations as an instance knows them: the source's when it last answered,
// else those it answered to the process before, which lie in file.
type stationBook struct {
	file   string
	look   func(context.Context) ([]rail.Station, error)
	logger *slog.Logger

	mu     sync.RWMutex
	groups map[string][]rail.Station
	group  map[int64]string
}

// newStationBook asks the source once.
func newStationBook(ctx context.Context, file string, look func(context.Context) ([]rail.Station, error), logger *slog.Logger) (book *stationBook, known bool) {
	b := &stationBook{file: file, look: look, logger: logger}
	err := b.refresh(ctx)
	if err == nil {
		return b, true
	}
	kept, readErr := b.kept()
	if readErr != nil && !errors.Is(readErr, fs.ErrNotExist) {
		logger.Warn("stations kept on disk", "error", readErr)
	}
	b.set(kept)
	logger.Warn("the source of the stations does not answer; it is asked again", "error", err, "stations_known", len(kept))
	return b, false
}

// follow asks again until ctx ends, and tells changed groups to listen.
func (b *stationBook) follow(ctx context.Context, known bool, listen func(groups []string)) error {
	for {
		wait := stationsEvery
		if !known {
			wait = stationsRetry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		known = b.again(ctx, listen)
	}
}

// again is one look.
func (b *stationBook) again(ctx context.Context, listen func(groups []string)) bool {
	before := b.names()
	if err := b.refresh(ctx); err != nil {
		b.logger.Debug("stations", "error", err)
		return false
	}
	if after := b.names(); !slices.Equal(before, after) {
		b.logger.Info("station groups", "groups", after)
		listen(after)
	}
	return true
}

func (b *stationBook) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stationsWait)
	defer cancel()
	stations, err := b.look(ctx)
	if err != nil {
		return err
	}
	b.set(stations)
	body, err := json.Marshal(stations)
	if err == nil {
		err = atomicfile.Write(b.file, 0o644, body)
	}
	if err != nil {
		b.logger.Warn("keep the stations", "error", err)
	}
	return nil
}

func (b *stationBook) kept() ([]rail.Station, error) {
	var stations []rail.Station
	body, err := os.ReadFile(b.file)
	if err == nil {
		err = json.Unmarshal(body, &stations)
	}
	return stations, err
}

func (b *stationBook) set(stations []rail.Station) {
	groups, group := stationGroups(stations), map[int64]string{}
	if len(groups) == 0 {
		groups = map[string][]rail.Station{schemas.DefaultGroup: nil}
	}
	for name, members := range groups {
		for _, station := range members {
			group[station.EVA] = name
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.groups, b.group = groups, group
}

// names of the groups, ascending.
func (b *stationBook) names() []string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.Sorted(maps.Keys(b.groups))
}

// groupOf names the group of a station, the first one for one that is not known.
func (b *stationBook) groupOf(eva int64) string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if name, known := b.group[eva]; known {
		return name
	}
	return schemas.DefaultGroup
}

func (b *stationBook) stations() []rail.Station {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var all []rail.Station
	for _, name := range slices.Sorted(maps.Keys(b.groups)) {
		all = append(all, b.groups[name]...)
	}
	return all
}
