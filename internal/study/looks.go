package study

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"puenktlich/internal/atomicfile"
	"puenktlich/internal/rail"
	"puenktlich/internal/strictjson"
)

// Look is one time that held-out days were tested on. The log of them is part of
// the record: a day that was looked at often is no longer a test.
type Look struct {
	At      time.Time  `json:"at"`
	Days    []rail.Day `json:"days"`
	Feature string     `json:"feature_version"`
	Why     string     `json:"why"`
	// Skill by horizon in minutes, in shares.
	Skill map[int]float64 `json:"skill"`
}

// Looks of an answer's held-out days, one a day.
func (a Answer) Looks(at time.Time, why string) []Look {
	var looks []Look
	for _, test := range a.Chained {
		if !test.Held {
			continue
		}
		look := Look{At: at, Days: []rail.Day{rail.Day(test.Name)}, Feature: a.Feature, Why: why, Skill: map[int]float64{}}
		for _, h := range test.Horizons {
			look.Skill[h.Minutes] = h.Skill.Estimate
		}
		looks = append(looks, look)
	}
	return looks
}

// ReadLooks reads the log; a file that is not there is an empty one.
func ReadLooks(path string) ([]Look, error) {
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read log of looks: %w", err)
	}
	var looks []Look
	if err := strictjson.Unmarshal(body, &looks); err != nil {
		return nil, fmt.Errorf("read log of looks %s: %w", path, err)
	}
	return looks, nil
}

// WriteLooks writes the log anew.
func WriteLooks(path string, looks []Look) error {
	body, err := json.MarshalIndent(looks, "", "  ")
	if err != nil {
		return fmt.Errorf("write log of looks: %w", err)
	}
	if err := atomicfile.Write(path, 0o644, append(body, '\n')); err != nil {
		return fmt.Errorf("write log of looks: %w", err)
	}
	return nil
}
