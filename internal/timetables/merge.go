package timetables

import (
	"slices"
	"time"

	"puenktlich/internal/rail"
)

// Merge is what is known of one event once newer has been polled after older:
// attribute by attribute the newer wins, and what it leaves out is unchanged.
// Messages are joined by their id. Merge keeps no part of the messages of older.
func Merge(older, newer rail.Change) rail.Change {
	merged := newer
	merged.Planned = firstTime(newer.Planned, older.Planned)
	merged.Changed = firstTime(newer.Changed, older.Changed)
	merged.CancelTime = firstTime(newer.CancelTime, older.CancelTime)
	merged.Platform = first(newer.Platform, older.Platform)
	merged.Path = first(newer.Path, older.Path)
	merged.Line = first(newer.Line, older.Line)
	merged.Status = older.Status.Then(newer.Status)
	mergeBeside(&merged, older)
	if newer.Train == (rail.Train{}) {
		merged.Train = older.Train
	}
	merged.Messages = mergeMessages(older.Messages, newer.Messages)
	return merged
}

// mergeBeside fills what the store has no columns for.
func mergeBeside(merged *rail.Change, older rail.Change) {
	merged.PlannedPlatform = first(merged.PlannedPlatform, older.PlannedPlatform)
	merged.PlannedPath = first(merged.PlannedPath, older.PlannedPath)
	merged.Wings = first(merged.Wings, older.Wings)
	merged.NextTrip = first(merged.NextTrip, older.NextTrip)
	merged.Hidden = merged.Hidden || older.Hidden
	merged.PlannedEndpoint = first(merged.PlannedEndpoint, older.PlannedEndpoint)
	merged.ChangedEndpoint = first(merged.ChangedEndpoint, older.ChangedEndpoint)
	merged.DistantChange = first(merged.DistantChange, older.DistantChange)
}

func first[T comparable](newer, older T) T {
	var zero T
	if newer != zero {
		return newer
	}
	return older
}

func firstTime(newer, older time.Time) time.Time {
	if newer.IsZero() {
		return older
	}
	return newer
}

// mergeMessages keeps the order in which ids came first.
func mergeMessages(older, newer []rail.Message) []rail.Message {
	merged := slices.Clone(older)
	at := make(map[string]int, len(older))
	for i, m := range older {
		at[m.ID] = i
	}
	for _, m := range newer {
		if i, ok := at[m.ID]; ok && m.ID != "" {
			merged[i] = m
			continue
		}
		at[m.ID] = len(merged)
		merged = append(merged, m)
	}
	return merged
}
